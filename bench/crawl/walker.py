"""The rival: a plain Scrapy spider that was written for the demo shop, with Scrapy's own FilesPipeline.

It knows the shop's markup and nothing else: it follows listings, their next pages and cards, reads name,
brand, facts and breadcrumb by hand-written selectors and takes the largest address of each picture of
the gallery. It judges nothing, remembers nothing, and stores no failure. Run by `bench.crawl.plain` with
``scrapy runspider``, outside this project's settings.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import scrapy
from scrapy.http import HtmlResponse


class Walker(scrapy.Spider):  # type: ignore[misc]  # scrapy is untyped here
    """Every product that a visitor can click to from the first page."""

    name = "walker"
    custom_settings = {  # noqa: RUF012 - as Scrapy's own documentation writes it
        "ITEM_PIPELINES": {"scrapy.pipelines.files.FilesPipeline": 1},
        "FILES_STORE": "files",
        "FEEDS": {"items.jsonl": {"format": "jsonlines"}},
        "LOG_LEVEL": "ERROR",
        "ROBOTSTXT_OBEY": True,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
        "DOWNLOAD_DELAY": 0,
        "TELNETCONSOLE_ENABLED": False,
    }

    def closed(self, reason: str) -> None:
        """Say how many answers came; one is robots.txt."""
        answers = self.crawler.stats.get_value("downloader/response_count", 0) - 1
        Path("answers.json").write_text(str(answers), "utf-8")

    async def start(self) -> AsyncIterator[Any]:
        """The shop's first page, given as ``-a url=``."""
        yield scrapy.Request(self.url)

    def parse(self, response: HtmlResponse) -> Iterator[Any]:
        """Listings, found from the first page on: their products and their next pages."""
        yield from response.follow_all(
            css='a[href*="/category/"]:not([href*="?"]), a[href*="/brands/"]:not([href*="?"]), a[rel=next]'
        )
        yield from response.follow_all(css=".card a", callback=self.parse_product)

    def parse_product(self, response: HtmlResponse) -> Iterator[Any]:
        """One product page."""
        facts = dict(
            zip(
                response.css(".facts th::text, .facts dt::text").getall(),
                response.css(".facts td::text, .facts dd::text").getall(),
                strict=False,
            )
        )
        yield {
            "url": response.url,
            "name": response.css("h1::text").get(),
            "brand": response.css(".buy .brand a ::text").get() or facts.get("Brand") or facts.get("브랜드"),
            "crumbs": response.css(".breadcrumb li ::text").getall(),
            "facts": facts,
            "file_urls": [response.urljoin(url) for url in map(largest, response.css(".gallery figure")) if url],
        }  # fmt: skip


def largest(figure: Any) -> str | None:
    """The largest address of one picture, in the five manners that the shop's galleries have."""
    found = figure.css("a.zoom::attr(href), img::attr(data-zoom-image)").get()
    if found:
        return str(found)
    sets = figure.css("source::attr(srcset), img::attr(data-srcset), img::attr(srcset)").get()
    alone = figure.css("img::attr(src)").get()
    return str(sets).split(",")[-1].split()[0] if sets else alone and str(alone)
