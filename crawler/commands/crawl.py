"""`scrapy crawl shoes`: arguments checked first, one line per fault, a table and an exit code last.

Exit codes: 0 products were found; 1 none were, or the crawl broke; 2 bad arguments or params.yaml, or
a folder that cannot be written, or no Redis server where one is named; 3 a site gave far less than
before, which is kept; 130 stopped by Ctrl-C (the same command goes on).
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from scrapy.commands.crawl import Command as ScrapyCrawl

from catalogue.errors import CatalogueError
from crawler import browser, contact
from crawler.run import check_folders
from crawler.shared import connect
from crawler.shop import Shop
from crawler.site import Site, host_of
from crawler.site_list import DEMO, read_sites

_QUIET = ("scrapy", "scrapy-playwright", "twisted", "asyncio", "filelock", "PIL")
# logs a traceback where a host is not reached; the report says so of its pages and pictures
_SILENT = "scrapy.downloadermiddlewares.robotstxt"


class Command(ScrapyCrawl):  # type: ignore[misc]  # scrapy is untyped here
    """Scrapy's crawl command with this project's checks round it."""

    def short_desc(self) -> str:
        """The line of `scrapy --help`."""
        return "Crawl shops for shoes: scrapy crawl shoes [-a url=URL | -a site=NAME] [-a brands=...] [-a limit=N] [-a browser=true]"

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Scrapy's own lines are left out unless a log level is asked for."""
        super().process_options(args, opts)
        if args == ["shoes"] and not opts.loglevel:
            logging.getLogger("scrapy.utils.log").addFilter(
                lambda record: record.levelno > logging.INFO
            )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Crawl, then print what was found."""
        if args != ["shoes"]:
            super().run(args, opts)
            return
        shops: list[Shop] = []
        try:
            sites = read_sites(Path(self.settings["SHOES_PARAMS"]), opts.spargs)
            self._check_browser(sites)
            self._check_share()
            check_folders(Path(self.settings["SHOES_DIR"]), Path(self.settings["SHOES_STATE_DIR"]))
            if self.settings["SHOES_REDIS"]:
                connect(self.settings["SHOES_REDIS"], tries=0).close()
            for site in sites:
                if site.url == DEMO:
                    shops.append(Shop())
                    site.url = site.prefix = shops[-1].url
            self._crawl(args, opts, sites)
        except CatalogueError as error:
            self._fail(str(error), 2)
        except KeyboardInterrupt:
            self._fail("stopped before the crawl began", 130)
        finally:
            for shop in shops:
                shop.stop()

    def _check_browser(self, sites: list[Site]) -> None:
        told = [site.name for site in sites if site.browser]
        if told and (missing := browser.why_missing(self.settings)):
            raise CatalogueError(f"{told[0]}: browser is true, and {missing}")

    def _check_share(self) -> None:
        told = self.settings["SHOES_LEAST_SHARE"]
        try:
            is_share = 0 <= float(told) <= 1
        except (TypeError, ValueError):
            is_share = False
        if not is_share:
            raise CatalogueError(f"SHOES_LEAST_SHARE={told!r:.40}: it must be a number, 0 to 1")

    def _crawl(self, args: list[str], opts: argparse.Namespace, sites: list[Site]) -> None:
        settings = self.settings
        settings.set("SHOES_SITES", sites, priority="cmdline")
        hosts = [host_of(site.url) for site in sites]
        settings.set("SHOES_NAMED_HOSTS", hosts, priority="cmdline")
        if told := contact.warning(sites, settings["USER_AGENT"]):
            sys.stderr.write(told + "\n")
        if not opts.loglevel:
            for name in _QUIET:
                logging.getLogger(name).setLevel(logging.ERROR)
            logging.getLogger(_SILENT).setLevel(logging.CRITICAL)
        crawler = self.crawler_process.create_crawler(args[0])
        self.crawler_process.crawl(crawler, **opts.spargs)
        self.crawler_process.start()
        spider = crawler.spider
        if spider is None or getattr(spider, "outcome", None) is None:
            self._fail(
                getattr(spider, "fault", None) or "the crawl broke off; its error is above", 1
            )
            return
        sys.stdout.write(spider.closing_words() + "\n")
        self.exitcode = spider.exit_code()

    def _fail(self, message: str, code: int) -> None:
        sys.stderr.write(f"scrapy crawl shoes: {message}\n")
        self.exitcode = code
