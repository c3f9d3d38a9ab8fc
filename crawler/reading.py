"""What an answered page gives: items, links for the queue, and a counted reason where it gives none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from scrapy.http import Response, TextResponse

from catalogue.brands import brand_slug
from crawler import conduct, journal, links, shop_lists, sitemaps
from crawler.absolute import absolute
from crawler.asking import MAX_DEPTH, ROBOTS, Asked, Asking
from crawler.browser import FLAG
from crawler.hollow import Hollows
from crawler.items import Claim, Page, PictureClaim, ShoeItem
from crawler.journal import digest
from crawler.judge import refusal
from crawler.listing import Entry, to_records
from crawler.manners import is_challenge
from crawler.pictures import picture_key
from crawler.readers import read_product
from crawler.run import Run
from crawler.site import Site
from crawler.traps import shape
from crawler.unchanged import code_hash, validators

_TEMPORARY = (408, 429, 500, 502, 503, 504, 520, 522, 524)


class Reading:
    """Reads pages for one run; every page ends in the journal, as items or with its reason."""

    def __init__(
        self, asking: Asking, run: Run, agent: str, browser_missing: str | None = None
    ) -> None:
        self._asking, self._run, self._agent = asking, run, agent
        self.hollows = Hollows(asking, run, browser_missing)
        self._report, self._manners = asking.report, asking.manners
        self._loose: dict[
            bytes, bytes
        ] = {}  # loose pictures and the product that showed each first

    def read(self, response: Response, asked: Asked) -> Iterator[ShoeItem]:
        """The items of an answer, whatever it is."""
        site = asked.site
        refusing = self._manners[site.name].answered(response, asked.is_extra)
        if refusing and not site.refusing:
            site.refusing = refusing
            self._report.note(site.name, f"the shop refuses ({refusing}); it is left alone")
            self._asking.frontiers[site.name].tell_refusing(refusing)
        if response.status == 200 and not refusing:
            self._asking.came_from(asked, response.url)
        if response.status == 304 and self._run.pages.is_known(site.name, asked.url):
            self._take_unchanged(asked)
        elif asked.kind == ROBOTS:
            self._read_robots(response, site)
        elif response.status != 200:
            self._note_status(response.status, asked, bool(refusing))
        elif asked.kind != links.SITEMAP and _is_html(response):
            yield from self._read_html(response, asked)
        else:
            self._read_sitemap(response, asked)

    def _take_unchanged(self, asked: Asked) -> None:
        """The page is as it was: its items stay in the feed, its links are followed."""
        site = asked.site
        items, found = self._run.pages.found(site.name, asked.url)
        for item in items:
            self._run.journal.saw(item)
            self._report.brand(site.name, brand_slug(item["brand_text"]))
            self._report.unchanged_product(site.name)
        self._asking.frontiers[site.name].take(asked.url, len(items), site.limit)
        fresh = [
            (url, kind, depth)
            for url, kind, depth in found
            if self._asking.add(site.name, site.resolve(url), kind, depth, shape(asked.url))
        ]
        self._run.journal.add_links(site.name, fresh)
        urls = list(dict.fromkeys(item["url"] for item in items))
        if urls != [asked.url]:
            self._run.aliased.add(site.name)
        self._run.journal.add_unchanged(site.name, asked.url, urls)
        addresses = [site.resolve(url) for url, _, _ in found]
        self._manners[site.name].saw(site.resolve(asked.url), True, asked.parent, addresses)

    def _read_robots(self, response: Response, site: Site) -> None:
        if response.status == 200:
            for url in sitemaps.sitemaps_of_robots(response.body):
                self._asking.add(site.name, absolute(response.url, url.strip()), links.SITEMAP, 0)

    def _note_status(self, status: int, asked: Asked, is_refusing: bool) -> None:
        reason = f"http {status}"
        if not asked.is_extra:
            self._report.refuse(asked.site.name, reason)
        if status in _TEMPORARY:
            self._run.miss(asked.site.name, asked.url, asked.is_product)
        elif not is_refusing:
            self._run.journal.add_page(asked.site.name, asked.url, reason)

    def _refuse(self, asked: Asked, reason: str) -> None:
        """Count a page that gave nothing; it is not read again by this run."""
        self._report.refuse(asked.site.name, reason)
        self._run.journal.add_page(asked.site.name, asked.url, reason)

    def _read_sitemap(self, response: Response, asked: Asked) -> None:
        site = asked.site
        if (listed := shop_lists.read(response.body, response.url)) is not None:
            found, urls = "urls", listed[0]
            self._add_lists([listed[1]] if listed[1] else [], site)
        else:
            found, urls = sitemaps.of_sitemap(response.body)
        if found == "none":
            if not asked.is_extra:
                self._report.refuse(site.name, "not a page")
            self._run.journal.add_page(site.name, asked.url, "not a page")
            return
        entries, depth = [], asked.depth + 1
        for url in urls:
            if found == "index":
                address, kind = absolute(response.url, url.strip()), links.SITEMAP
            else:
                address, kind = links.canonical(url, response.url) or "", links.kind_of(url)
                kind = links.PRODUCT if kind == links.OTHER else kind
            if address and depth <= MAX_DEPTH:
                entries.append((address, kind, depth, ""))
        self._run.journal.add_links(site.name, self._asking.add_all(site.name, entries))
        self._run.journal.add_page(site.name, asked.url, "sitemap")

    def _read_html(self, response: TextResponse, asked: Asked) -> Iterator[ShoeItem]:
        site = asked.site
        page = links.page_of(response.url, response.text)
        in_page = conduct.of_page(page, self._agent)
        directives = conduct.of_headers(response.headers, self._agent) | in_page
        # a page that was asked for in a colour is known by it
        known_by = links.colored if links.color_of(asked.url) else links.canonical
        final = known_by(response.url) or response.url
        if not self.hollows.is_again(asked) and self._is_known(asked, site.record(final)):
            self._refuse(asked, "duplicate address")
            return
        self._add_lists(shop_lists.promised(response.body, response.url), site)
        shown = list(links.of_page(page))
        claim, crumbs, is_told = read_product(page)
        fresh = []
        if "nofollow" not in directives:
            fresh += self._follow(shown, asked, final)
            fresh += self._follow(_variant_pages(claim), asked, final)
        reason = "noindex" if "noindex" in directives else refusal(page, claim, crumbs, is_told)
        is_product = reason is None or reason.startswith("not a shoe")
        if FLAG not in response.flags and not is_challenge(response):
            if is_product:
                self.hollows.saw_product(site.name)
            elif reason == "no product" and self.hollows.keep_back(asked, page):
                return
        addresses = [address for address, _ in shown]
        self._manners[site.name].saw(final, is_product, asked.parent, addresses)
        records = [] if reason or claim is None else to_records(claim, crumbs, page)
        if len(records) == 1:
            fresh += self._see_colors(page, records[0][0], asked, final)
        found = self._items(asked, page, final, reason, records, conduct.barring(directives))
        urls = []
        for item in found:
            urls.append(item.record["url"])
            yield item
        self._remember(response, asked, list(dict.fromkeys(urls)), fresh)

    def _remember(
        self, response: Response, asked: Asked, urls: list[str], fresh: list[tuple[str, int, int]]
    ) -> None:
        """Note what lets a later run ask for a page of items on condition."""
        told = validators(response.headers.get("ETag"), response.headers.get("Last-Modified"))
        if urls and told and asked.site.limit is None:
            head = {"site": asked.site.name, "page": asked.url, "code": code_hash()}
            self._run.journal.add_answer({**head, **told, "urls": urls, "links": fresh})

    def _add_lists(self, urls: Iterable[str], site: Site) -> None:
        entries = [(url, links.SITEMAP, 0, "") for url in urls]
        self._run.journal.add_links(site.name, self._asking.add_all(site.name, entries))

    def _is_known(self, asked: Asked, final: str) -> bool:
        """Whether the answer came from another address that the run knows."""
        if final == asked.url:
            return False
        frontier = self._asking.frontiers[asked.site.name]
        return not frontier.mark(final, asked.url) and asked.depth > 0

    def _items(
        self,
        asked: Asked,
        page: Page,
        final: str,
        reason: str | None,
        records: list[Entry],
        barred: str | None,
    ) -> Iterator[ShoeItem]:
        site = asked.site
        own = links.canonical_link(page)
        is_colored = links.color_of(asked.url) is not None
        is_told = own is not None and site.owns(own) and reason is None and not is_colored
        url = site.record(own if own and is_told else final)
        if url != site.record(final):
            self._run.aliased.add(site.name)
        if is_colored and reason is None and not self._shows_more(asked, url, records):
            reason = "colourway without pictures of its own"
        if reason is None and not records:
            reason = "variants have pages of their own"
        brands = [brand_slug(fields["brand_text"]) for fields, _ in records]
        for brand in brands:
            self._report.brand(site.name, brand)
        pairs = zip(brands, records, strict=True)
        wanted = [entry for brand, entry in pairs if not site.brands or brand in site.brands]
        if reason is None and not wanted:
            reason = "another brand"
        if reason is None and not self._claim_url(asked, url):
            reason = "duplicate address"
        is_shown = any(pictures for _, pictures in records)
        # one of its colours may have been read before the page itself
        if reason is None and not is_colored and is_shown:
            is_more = self._shows_more(asked, url, records)
            reason = None if is_more else "the same as in a colour of its own"
        if reason is not None:
            self._refuse(asked, reason)
            return
        frontier = self._asking.frontiers[site.name]
        wanted = wanted[: frontier.take(asked.url, len(wanted), site.limit)]
        for part, (fields, shown) in enumerate(wanted):
            self._asking.item_opened(site.name)
            head = {"site": site.name, "url": url}
            record = head | fields | {"fetched_at": datetime.now(UTC).isoformat(timespec="seconds")}
            pictures = [claim for claim in shown if self._is_own(claim, site, url)]
            yield ShoeItem(site.name, asked.url, part, len(wanted), record, pictures, barred)

    def _is_own(self, claim: PictureClaim, site: Site, url: str) -> bool:
        """Whether no other product's description showed a loose picture before, as it does a notice."""
        if not claim.is_loose:
            return True
        product, key = digest(site.name, url), digest(site.name, picture_key(claim.urls[0]))
        return self._loose.setdefault(key, product) == product

    def _see_colors(
        self, page: Page, fields: dict[str, Any], asked: Asked, final: str
    ) -> list[tuple[str, int, int]]:
        """Follow the product's other colours where only a parameter tells them apart."""
        colors = links.color_links(page)
        if not colors:
            return []
        fields["group"] = fields["group"] or fields["name"]
        if links.color_of(asked.url):
            fields["color"] = fields["color"] or colors.get(final) or links.color_of(final)
        return self._follow([(url, links.PRODUCT) for url in colors], asked, final)

    def _shows_more(self, asked: Asked, url: str, records: list[Entry]) -> bool:
        """Whether the first pictures of a page are new to its product, in whatever colour."""
        site = asked.site
        firsts = {
            journal.shown_key(site.name, url, site.record(pictures[0].urls[0]))
            for _, pictures in records
            if pictures
        }
        frontier = self._asking.frontiers[site.name]
        return frontier.claim(asked.url, firsts, self._run.journal.shown)

    def _claim_url(self, asked: Asked, url: str) -> bool:
        frontier, keys = self._asking.frontiers[asked.site.name], {digest(asked.site.name, url)}
        return frontier.claim(asked.url, keys, self._run.journal.urls)

    def _follow(
        self, shown: list[tuple[str, int]], asked: Asked, final: str
    ) -> list[tuple[str, int, int]]:
        """Queue what a page links to; what of it was new: recorded address, kind, depth."""
        site, depth, entries = asked.site, asked.depth, []
        parent = shape(final)
        for address, kind in shown:
            # the next page of a listing is no deeper than the first
            is_next = kind == links.LISTING and shape(address) == parent and depth
            deeper = depth if is_next else depth + 1
            if deeper <= MAX_DEPTH:
                entries.append((address, kind, deeper, parent))
        fresh = self._asking.add_all(site.name, entries)
        self._run.journal.add_links(site.name, fresh)
        return fresh


def _variant_pages(claim: Claim | None) -> list[tuple[str, int]]:
    """The pages of the product's other colourways."""
    urls = [links.canonical(entry.url) for entry in claim.variants if entry.url] if claim else []
    return [(url, links.PRODUCT) for url in urls if url]


def _is_html(response: Response) -> bool:
    head = response.body[:300].lstrip(b"\xef\xbb\xbf \r\n\t")
    is_list = head.startswith(b"\x1f\x8b") or b"<urlset" in head or b"<sitemapindex" in head
    return isinstance(response, TextResponse) and not is_list
