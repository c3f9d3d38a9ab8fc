"""Journal and merge: torn lines, unfinished pages, replaced and vanished products."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.journal import Journal, complete_items, cut_torn_line, merge


def item(url: str, name: str = "x", site: str = "shop") -> dict[str, Any]:
    return {"site": site, "url": url, "name": name, "color": None, "sku": None, "images": []}


def keep_all(site: str, url: str) -> bool:
    return False


def names(feed: Path) -> list[str]:
    return [json.loads(line)["name"] for line in feed.read_text().splitlines()]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 700))
def test_a_journal_cut_anywhere_loses_at_most_unfinished_pages(
    tmp_path_factory: Any, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder)
    journal.start({"what": 1})
    for n in range(4):
        for part in range(2):
            journal.add_item(f"/p/{n}", part, 2, item(f"/p/{n}", f"{n}.{part}"))
    journal.close(False)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[: max(60, len(whole) - cut)])
    again = Journal(folder)
    again.unfinished()
    again.resume()
    kept = [found["name"] for _, _, found in complete_items(again.path)]
    assert kept == [f"{n}.{part}" for n in range(len(kept) // 2) for part in range(2)]
    for n in range(len(kept) // 2, 4):
        for part in range(2):
            again.add_item(f"/p/{n}", part, 2, item(f"/p/{n}", f"{n}.{part}"))
    feed = folder / "items.jsonl"
    assert merge(feed, again.path, keep_all)[0] == 8
    assert names(feed) == [f"{n}.{part}" for n in range(4) for part in range(2)]
    again.close(True)
    assert not again.path.exists()


def test_a_last_line_without_its_end_is_kept(tmp_path: Path) -> None:
    feed = tmp_path / "items.jsonl"
    feed.write_text('{"a": 1}\n{"b": "운동화"}')
    assert cut_torn_line(feed) == 0
    assert feed.read_text() == '{"a": 1}\n{"b": "운동화"}\n'


def test_merge_replaces_seen_pages_and_drops_only_what_vanished(tmp_path: Path) -> None:
    feed = tmp_path / "items.jsonl"
    old = [
        item("/p/1", "old 1"),
        item("/p/2", "old 2"),
        item("/p/3", "old 3"),
        item("/p/1", "other", "else"),
    ]
    feed.write_text("".join(json.dumps(one) + "\n" for one in old) + '{"torn')
    assert cut_torn_line(feed) == 6
    journal = Journal(tmp_path)
    journal.start({})
    journal.add_item("/p/1", 0, 1, item("/p/1", "new 1"))
    total, vanished = merge(feed, journal.path, lambda site, url: site == "shop" and url == "/p/3")
    assert (total, vanished) == (3, ["/p/3"])
    assert names(feed) == ["other", "new 1", "old 2"]
    once = feed.read_bytes()
    merge(feed, journal.path, keep_all)
    assert feed.read_bytes() == once
    journal.add_item("/p/1", 0, 1, item("/p/1", "newer 1"))
    journal.add_item("/p/4", 0, 1, item("/p/4", "new 4"))
    merge(feed, journal.path, keep_all, lambda site: False)
    assert names(feed) == ["other", "new 1", "old 2", "new 4"], "known ones stay, new ones come"


def test_a_run_of_unchanged_pages_takes_out_what_vanished_and_nothing_else(tmp_path: Path) -> None:
    feed = tmp_path / "items.jsonl"
    feed.write_text("".join(json.dumps(item(f"/p/{n}", f"{n}")) + "\n" for n in range(3)))
    journal = Journal(tmp_path)
    journal.start({})
    journal.add_unchanged("shop", "/page/0", ["/p/0"])
    journal.add_unchanged("shop", "/page/1", ["/p/1"])
    assert merge(feed, journal.path, lambda *_: True) == (2, ["/p/2"])
    assert names(feed) == ["0", "1"]


def test_a_run_without_items_leaves_the_feed_alone(tmp_path: Path) -> None:
    feed = tmp_path / "items.jsonl"
    feed.write_text("anything\n")
    journal = Journal(tmp_path)
    journal.start({})
    journal.add_page("shop", "/", "no product")
    merge(feed, journal.path, lambda *_: True)
    assert feed.read_text() == "anything\n"
