"""One run's files: the journal, the feed, the known pictures; opened, merged and closed in order."""

from __future__ import annotations

import fcntl
import hashlib
import tempfile
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from catalogue.errors import CatalogueError
from crawler import journal
from crawler.coverage import fallen_coverage
from crawler.known import KnownPictures
from crawler.unchanged import KnownPages

_OLDEST = timedelta(days=7)  # an unfinished run older than this is merged and not gone on with


def check_folders(folder: Path, state: Path) -> None:
    """Make sure, by trying, that a run can write its files; the folders are there afterwards.

    Raises:
        CatalogueError: it cannot; the message names the setting.
    """
    for setting, place in (
        ("SHOES_DIR", folder),
        ("SHOES_DIR", folder / "images"),
        ("SHOES_STATE_DIR", state),
    ):
        try:
            place.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=place):
                pass
        except OSError as error:
            is_file = isinstance(error, FileExistsError)
            found = "a file, not a folder" if is_file else f"not writable ({error.strerror})"
            raise CatalogueError(
                f"{place}: {found}; {setting} must be a folder in which the crawl can make files. "
                f"Mend that, or name another one: -s {setting}=DIR"
            ) from None


Join = Callable[[dict[str, Any] | None], dict[str, Any]]  # see `crawler.shared.SharedCrawl.join`


def state_of(folder: Path, state: Path) -> Path:
    """The folder of the lock, the journal and the report of the feed in ``folder``."""
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    return state / f"{folder.name}-{name}"


def locked(feed: Path, state: Path) -> IO[bytes]:
    """The lock on ``feed``, held until it is closed; ``state`` is `state_of` its folder.

    Raises:
        CatalogueError: another process holds it.
    """
    state.mkdir(parents=True, exist_ok=True)
    file = (state / "lock").open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise CatalogueError(
            f"{feed}: another crawl is writing it. Wait for it, or give this one a folder: -s SHOES_DIR=DIR"
        ) from None
    return file


class Run:
    """The files of a run over one feed; only one process may have them at a time."""

    def __init__(
        self, folder: Path, state: Path, header: dict[str, Any], join: Join | None = None
    ) -> None:
        """Open everything; go on with an unfinished run of the same ``header``.

        With ``join`` the run is one worker's part in a shared crawl: it gets what ``join`` returned
        to an unfinished run. The journal then lies beside the feed, so that a folder that is carried
        to another machine holds all that the worker found, whatever became of it.

        Raises:
            CatalogueError: another crawl is writing the same feed, or a file cannot be written.
        """
        check_folders(folder, state)
        self.folder = folder
        self.feed = folder / "items.jsonl"
        self.state = state_of(folder, state)
        self._lock = locked(self.feed, self.state)
        journal.cut_torn_line(self.feed)
        places = (self.state, folder) if join is None else (folder, self.state)
        sync_every_s = 1.0 if join is None else 0.0
        self.journal, other = (journal.Journal(place, sync_every_s) for place in places)
        if other.unfinished() is not None:  # alone until now and shared from now on, or the reverse
            journal.merge(self.feed, other.path, _keep_all)
        other.path.unlink(missing_ok=True)
        self.items: dict[str, int] = {}
        self.is_resumed = False
        self.failed: set[bytes] = set()
        self.torn: set[str] = set()  # sites of which a page that leads to products was missed
        self.asked_after: set[str] = set()  # of these, whose known products were asked one by one
        self.aliased: set[str] = set()  # whose products say of themselves that they are elsewhere
        self._open(header, join)
        self.known = KnownPictures(folder, self.feed, self.journal.path)
        # a page that several workers share must bring its items into one of their folders
        self.pages = KnownPages(self.state, folder, self.feed, is_used=join is None)
        self._next_merge, self._is_changed = time.monotonic() + 60.0, False

    def _open(self, header: dict[str, Any], join: Join | None) -> None:
        held = self.journal.unfinished()
        now = datetime.now(UTC)
        is_ours = held is not None and held.get("what") == header and _age(held, now) < _OLDEST
        told = held.get("shared") if held is not None and is_ours else None
        shared = join(told if isinstance(told, dict) else None) if join else None
        if is_ours and shared == told:
            self.items = self.journal.resume()
            self.is_resumed = True
            return
        if held is not None:
            journal.merge(self.feed, self.journal.path, _keep_all)
            KnownPages(self.state, self.folder, self.feed, is_used=False).write(self.journal.path)
        begun = {"what": header, "at": now.isoformat(timespec="seconds")}
        self.journal.start(begun if shared is None else begun | {"shared": shared})

    def miss(self, site: str, url: str, is_product: bool) -> None:
        """A page could not be read: it is tried again by the next run, and what it shows is not gone."""
        self.failed.add(journal.digest(site, url))
        if not is_product:
            self.torn.add(site)

    def ask_after(self, site: str, least: float) -> list[str]:
        """Known products that the run did not see, to be asked for themselves (recorded addresses).

        A listing that never answers would else keep what the shop no longer sells for ever. None where
        less than ``least`` (0..1) of the site's products were seen: then the shop itself is in trouble. None
        either where a page calls another address its own: that one may be no page, and the product alive.
        """
        if site in self.aliased:
            return []
        known = {
            str(one.get("url")) for _, _, one in journal.lines(self.feed) if one.get("site") == site
        }
        unseen = sorted(url for url in known if journal.digest(site, url) not in self.journal.urls)
        seen = len(known) - len(unseen)
        if not seen or seen < least * len(known):
            return []
        self.asked_after.add(site)
        return unseen

    def write_item(self, page: str, part: int, parts: int, record: dict[str, Any]) -> None:
        """An item is complete."""
        self.journal.add_item(page, part, parts, record)
        self._is_changed = True

    def merge_now_and_then(self) -> None:
        """Add new products to the feed once a minute, less often where that takes long.

        Known ones are replaced when the run ends: only then it is clear whether to believe it.
        """
        if not self._is_changed or time.monotonic() < self._next_merge:
            return
        start = time.monotonic()
        journal.merge(self.feed, self.journal.path, _keep_all, lambda site: False)
        took_s = time.monotonic() - start
        self._next_merge, self._is_changed = time.monotonic() + max(60.0, 50 * took_s), False

    def close(
        self, is_finished: bool, whole_sites: Collection[str], least: float
    ) -> tuple[int, list[str], dict[str, str]]:
        """Merge and close; return (items in the feed, vanished addresses, sites not believed).

        Products that a whole site no longer shows are taken out, but not those whose page could
        not be read, and none where a page that leads to products could not, unless each was asked for. A site that gave less than ``least`` (0..1) of the products, or of the pictures
        per product, that the feed has of it is not believed: what the feed has of it stays.
        """
        whole = set(whole_sites) - (self.torn - self.asked_after) if is_finished else set()
        fallen = fallen_coverage(self.feed, self.journal, whole, least)

        def is_vanished(site: str, url: str) -> bool:
            is_believed = site in whole and site not in fallen
            return is_believed and journal.digest(site, url) not in self.failed

        total, vanished = journal.merge(
            self.feed, self.journal.path, is_vanished, lambda site: site not in fallen
        )
        self.pages.write(self.journal.path)
        self.pages.close()
        self.known.close()
        self.journal.close(is_finished)
        self._lock.close()
        return total, vanished, fallen


def _age(header: dict[str, Any], now: datetime) -> timedelta:
    try:
        return now - datetime.fromisoformat(header["at"])
    except (KeyError, TypeError, ValueError):
        return _OLDEST


def _keep_all(site: str, url: str) -> bool:
    return False
