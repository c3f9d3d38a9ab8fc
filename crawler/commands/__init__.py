"""`scrapy crawl` with this project's checks of arguments, closing table and exit codes."""
