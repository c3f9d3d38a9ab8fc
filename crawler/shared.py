"""One crawl of several workers: its queue, leases and budgets stand in Redis, pictures do not.

Every worker is a `scrapy crawl shoes` with a folder and a journal of its own. A page is leased to one
worker until its items are in that worker's journal; leases of a worker that is not heard of any more
go back to the queue. See `crawler.shared_scripts` for the keys and the steps.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from catalogue.errors import CatalogueError
from crawler import shared_scripts as scripts
from crawler.frontier import Entry, Frontier
from crawler.journal import Journal, digest
from crawler.site import Site

if TYPE_CHECKING:
    from redis import Redis

KEEP_S = 7 * 24 * 3600  # a crawl that nobody goes on with is forgotten, as its journals are
_PART = b"\x1f"
_BATCH = 1000  # addresses in one call
_NO_LIMIT = 1 << 52


class LostCrawl(Exception):
    """Redis does not answer any more, or does not know the crawl any more."""


def connect(url: str, tries: int = 4) -> Redis:
    """A client of the server at ``url``, which answered once.

    Raises:
        CatalogueError: the package is missing, the address is none, or nothing usable answers.
    """
    try:
        import redis
        from redis.backoff import ExponentialBackoff
        from redis.retry import Retry
    except ImportError:
        raise CatalogueError(
            "SHOES_REDIS: the package `redis` is not installed. Run pip install -e '.[redis]'"
        ) from None
    broken = [redis.exceptions.ConnectionError, redis.exceptions.TimeoutError]
    try:
        client = redis.Redis.from_url(
            url,
            socket_timeout=5,
            socket_connect_timeout=5,
            retry=Retry(ExponentialBackoff(cap=2, base=0.2), tries),
            retry_on_error=broken,
        )
        client.ping()
    except ValueError:
        raise CatalogueError(
            f"SHOES_REDIS={_shown(url)}: not an address of a Redis server; it must be like "
            "redis://host:6379/0, redis://:password@host:6379/0 or rediss://…"
        ) from None
    except redis.exceptions.RedisError as error:
        raise CatalogueError(
            f"SHOES_REDIS={_shown(url)}: {_reason(error, url)}. "
            "Check the address and that redis-server runs there"
        ) from None
    return client


def _shown(url: str) -> str:
    """``url`` without user and password."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}" if parts.scheme else "…"
    except ValueError:
        return "…"


def _reason(error: Exception, url: str) -> str:
    """What the client says, in one line and without the password."""
    told = " ".join(str(error).split()) or type(error).__name__
    try:
        secret = urlsplit(url).password
    except ValueError:
        secret = None
    return (told.replace(secret, "***") if secret else told).rstrip(". ")[:200]


class SharedCrawl:
    """This worker's part in a crawl that stands in Redis."""

    def __init__(self, url: str, header: dict[str, Any], lease_s: int) -> None:
        """Connect; workers whose ``header`` (sites, brands, limit) is equal share a crawl.

        Raises:
            CatalogueError: see `connect`.
        """
        self._url = url
        self._client = connect(url)
        told = json.dumps(header, sort_keys=True).encode()
        self._head = f"solemap:1:{{{hashlib.sha256(told).hexdigest()[:16]}}}:"
        self._sites = sorted(header)
        self._lease_s = max(2, lease_s)  # the server counts whole seconds
        self._scripts: dict[str, Callable[..., Any]] = {}
        self.crawl = self.worker = ""
        self.is_member = False  # what this worker's journal holds is known to the others
        self.is_over = False
        self.products = 0  # of all workers; known when the crawl is over
        self.workers = 1
        self.lost: str | None = None
        self.on_lost: Callable[[], None] = lambda: None

    def call(self, script: str, *words: str | bytes | int) -> list[Any] | None:
        """The script's reply, None where the crawl is over.

        Raises:
            LostCrawl: the server does not answer, or forgot the crawl; ``lost`` says what it is.
        """
        from redis.exceptions import RedisError

        if self.is_over:
            return None
        if self.lost:
            raise LostCrawl
        try:
            if script not in self._scripts:
                self._scripts[script] = self._client.register_script(script)
            words = (self.crawl, self.worker, *words)
            reply = cast(list[Any], self._scripts[script]([self._head], words))
        except RedisError as error:
            raise self._lose(_reason(error, self._url)) from None
        if reply[0] == b"over":
            self.is_over, self.products = True, int(reply[1])
            return None
        if reply[0] == b"gone":
            raise self._lose("the server does not know this crawl any more; was it emptied?")
        return reply[1:]

    def _lose(self, reason: str) -> LostCrawl:
        self.lost = f"Redis at {_shown(self._url)}: {reason}"
        self.on_lost()
        return LostCrawl(self.lost)

    # -- membership ------------------------------------------------------------------------------

    def join(self, held: dict[str, Any] | None) -> dict[str, Any]:
        """Take part; ``held`` is what this returned to the unfinished run of the folder, if there is one.

        Leases that this worker held when it was killed go back to the queue. Where the server knows
        nothing of the crawl, ``held`` is gone on with; where that crawl ended meanwhile,
        ``is_over`` says so.
        """
        held = held if held and {"crawl", "worker"} <= held.keys() else None
        self.crawl = str(held["crawl"]) if held else secrets.token_hex(8)
        self.worker = str(held["worker"]) if held else secrets.token_hex(8)
        reply = self._join(bool(held))
        if reply is not None:
            self.crawl, self.is_member = reply[0], reply[1]
        return {"crawl": self.crawl, "worker": self.worker}

    def _join(self, is_held: bool) -> tuple[str, bool] | None:
        from redis.exceptions import RedisError

        words = (self._head, self.crawl, self.worker, int(is_held), KEEP_S)
        try:
            reply = cast(list[Any], self._client.eval(scripts.JOIN, 1, *words))
        except RedisError as error:
            self._lose(_reason(error, self._url))
            raise CatalogueError(str(self.lost)) from None
        if reply[0] == b"over":
            self.is_over, self.products = True, int(reply[1])
            return None
        return reply[0].decode(), reply[1] == 1

    def seed(self, journal: Journal, items: dict[str, int]) -> None:
        """Tell what the own journal holds, where the others do not know it; once in a crawl."""
        if self.is_member:
            return
        for site, count in items.items():
            self.call(scripts.COUNT, f"taken:{site}", count, _NO_LIMIT)
            self.call(scripts.COUNT, "products", count, _NO_LIMIT)
        for kind, keys in (("claims", journal.urls | journal.shown), ("seen", journal.done)):
            for batch in _batches(sorted(keys)):
                self.call(scripts.SEED, kind, *batch)
        self.call(scripts.SEED, "seen")

    def beat(self) -> list[tuple[str, str]]:
        """Say that this worker lives, take back what dead ones held; return pages that were given up.

        A page is given up, as (site, page), when five workers did not come back from it.
        """
        reply = self.call(scripts.BEAT, self._lease_s, KEEP_S, *self._sites)
        if reply is None:
            return []
        self.workers = reply[0]
        return [_page(key) for key in reply[1:]]

    def give_back_lost(self) -> list[tuple[str, str]]:
        """Nothing is under way here: what is leased all the same goes back; return pages given up."""
        return [_page(key) for key in self.call(scripts.LOST) or ()]

    def end_if_done(self) -> bool:
        """Whether the crawl is over: nothing waits and no worker holds anything."""
        self.call(scripts.END, KEEP_S, *self._sites)
        return self.is_over

    def leave(self) -> None:
        """This worker ends; what it holds goes back at once, where Redis still answers."""
        try:
            self.call(scripts.LEAVE)
        except LostCrawl:
            return  # the others take it back when this worker is not heard of any more
        finally:
            self._client.close()


def _batches(entries: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    return (entries[start : start + _BATCH] for start in range(0, len(entries), _BATCH))


def _page(key: bytes) -> tuple[str, str]:
    site, _, page = key.partition(_PART)
    return _text(site), _text(page)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")


class SharedFrontier(Frontier):
    """One site's queue in a `SharedCrawl`; what other workers tell of the site is told to ``site``."""

    def __init__(self, crawl: SharedCrawl, site: Site, note: Callable[[str, str], None]) -> None:
        super().__init__()
        self._crawl, self._site, self._note = crawl, site, note
        self._known: set[bytes] = set()  # seen by somebody, so that it need not be told again

    def add_all(self, entries: Sequence[Entry]) -> list[bool]:
        """Queue what nobody saw before; see `Frontier.add`."""
        told: dict[bytes, tuple[int, list[bytes | int]]] = {}
        for place, (url, kind, depth, parent) in enumerate(entries):
            key = digest(self._site.name, url)
            if key not in self._known and key not in told and "\x1f" not in url + parent:
                entry = _PART.join(map(_bytes, (url, str(kind), str(depth), parent)))
                told[key] = (place, [key, (kind + 1) * 16 + depth, entry])
        fresh = [False] * len(entries)
        for keys in _batches(sorted(told, key=lambda key: told[key][0])):
            words = [word for key in keys for word in told[key][1]]
            reply = self._crawl.call(scripts.ADD, self._site.name, *words)
            for key, is_new in zip(keys, reply or (), strict=False):
                fresh[told[key][0]] = is_new == 1
            self._known.update(keys)
        return fresh

    def mark(self, url: str, page: str) -> bool:
        """Whether no other page than ``page`` was answered by ``url``, and nobody queued it."""
        reply = self._crawl.call(scripts.MARK, digest(self._site.name, url), digest(page))
        return reply is not None and reply[0] == 1

    def pop(self) -> Entry | None:
        """Lease the next address; None where none waits, or the crawl is over or lost."""
        try:
            reply = self._crawl.call(scripts.POP, self._site.name)
        except LostCrawl:
            return None
        if reply is None:
            return None
        home, refusing, entry = reply
        if home:
            self._site.adopt(_text(home))
        if refusing and not self._site.refusing:
            self._site.refusing = _text(refusing)
            self._note(
                self._site.name,
                f"the shop refuses ({self._site.refusing}, told another worker); it is left alone",
            )
        if not entry:
            return None
        url, kind, depth, parent = entry.split(_PART)
        return _text(url), int(kind), int(depth), _text(parent)

    def release(self, page: str, products: int = 0) -> None:
        """End the lease of ``page``; where that cannot be told, another worker reads it again."""
        self._try(scripts.RELEASE, self._key(page), products)

    def clear(self) -> None:
        """Forget what waits, for all workers."""
        self._try(scripts.CLEAR, self._site.name)

    def __len__(self) -> int:
        reply = self._try(scripts.LENGTH, self._site.name)
        return int(reply[0]) if reply else 0

    def claim(self, page: str, keys: Iterable[bytes], held: set[bytes]) -> bool:
        """Take ``keys`` for ``page``; a page that is read again gets what it had claimed before."""
        wanted = set(keys)
        held |= wanted
        reply = self._crawl.call(scripts.CLAIM, digest(page), *wanted) if wanted else None
        return reply is not None and reply[0] > 0

    @property
    def taken(self) -> int:
        """How many products all workers took."""
        reply = self._try(scripts.TELL, f"taken:{self._site.name}", "")
        return int(reply[0] or 0) if reply else 0

    def take(self, page: str, count: int, limit: int | None) -> int:
        """See `Frontier.take`; a page whose lease goes back gives back what it took."""
        if limit is None:
            return count
        reply = self._crawl.call(scripts.TAKE, self._site.name, self._key(page), count, limit)
        return int(reply[0]) if reply else 0

    def may_ask(self, max_pages: int) -> bool:
        """Count a page of all workers together; one that is read again counts again."""
        reply = self._try(scripts.COUNT, f"pages:{self._site.name}", 1, max_pages)
        return reply is None or reply[0] == 1

    def tell_home(self, root: str) -> None:
        """The shop lives at ``root``: other workers know before they are given its pages."""
        self._crawl.call(scripts.TELL, f"homes:{self._site.name}", _bytes(root))

    def tell_refusing(self, reason: str) -> None:
        """The shop refuses: other workers leave it alone, too."""
        self._try(scripts.TELL, f"refusing:{self._site.name}", reason)

    def _key(self, page: str) -> bytes:
        return _bytes(self._site.name) + _PART + _bytes(page)

    def _try(self, script: str, *words: str | bytes | int) -> list[Any] | None:
        """The reply, None where the crawl is over or lost: the run ends, and nothing depends on it."""
        try:
            return self._crawl.call(script, *words)
        except LostCrawl:
            return None
