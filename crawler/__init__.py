"""The web to data/crawl/: one spider, pure readers, a feed that survives kill -9."""
