"""How well and how fast `scrapy crawl shoes` reads shops, and each reader its saved pages."""
