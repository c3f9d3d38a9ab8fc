"""Pictures that are on disk already, found by address: the second run fetches none of them again.

Holds a digest and an offset per picture; the entry itself is read back when it is asked for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

from crawler.journal import digest, lines


class KnownPictures:
    """Pictures by recorded address, of the feed and of the run that goes on."""

    def __init__(self, folder: Path, feed: Path, run: Path) -> None:
        self._folder = folder
        self._places: dict[bytes, tuple[bool, int, int]] = {}
        # kept open: the feed may be replaced while the run goes on
        self._files: dict[bool, IO[bytes]] = {}
        for is_run, path in ((False, feed), (True, run)):
            if not path.exists():
                continue
            self._files[is_run] = path.open("rb")
            for offset, length, line in lines(path):
                for image in _images(line):
                    if image.get("sha256"):
                        self._places[digest(image["url"])] = (is_run, offset, length)

    def add(self, url: str, offset: int, length: int) -> None:
        """A picture that was just stored, by its line in the run's journal."""
        self._places[digest(url)] = (True, offset, length)

    def find(self, url: str) -> dict[str, Any] | None:
        """The entry of the picture at ``url`` if its file is still there in its full size."""
        place = self._places.get(digest(url))
        if place is None or place[0] not in self._files:
            return None
        file = self._files[place[0]]
        file.seek(place[1])
        try:
            line = json.loads(file.read(place[2]))
        except ValueError:
            return None
        for image in _images(line):
            if image["url"] == url and image.get("sha256") and self._is_there(image):
                return image
        return None

    def _is_there(self, image: dict[str, Any]) -> bool:
        try:
            return (self._folder / str(image["path"])).stat().st_size == int(image["bytes"])
        except OSError:
            return False

    def close(self) -> None:
        """Close the files that are read from."""
        for file in self._files.values():
            file.close()


def _images(line: dict[str, Any]) -> list[dict[str, Any]]:
    return [line["picture"]] if "picture" in line else line.get("images") or []
