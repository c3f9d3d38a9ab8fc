"""The shop that comes with the project, started beside the crawl and gone with it."""

from __future__ import annotations

import subprocess
import sys

from catalogue.errors import CatalogueError

COMMAND = [sys.executable, "-m", "demo", "--port", "0", "--exit-on-eof"]


class Shop:
    """A running shop; it ends when `stop` is called or when our process dies, since its stdin closes."""

    def __init__(self, command: list[str] | None = None) -> None:
        """Start the shop and wait until it is ready; the first time it draws its pictures.

        Raises:
            CatalogueError: it ended before it was ready; its own error stands above on stderr.
        """
        # A session of its own, so that Ctrl-C reaches the crawl alone and the shop answers to the end.
        self._process = subprocess.Popen(
            command or COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        line = self._process.stdout.readline().strip() if self._process.stdout else ""
        if not line.startswith("http://"):
            self.stop()
            raise CatalogueError(
                f"crawl.sites: the shop for `demo:` did not start (exit code {self._process.returncode}, "
                f"it said {line!r:.80}; its error is above). Run `{' '.join((command or COMMAND)[1:3])}` to see it alone."
            )
        self.url = line if line.endswith("/") else line + "/"

    def stop(self) -> None:
        """End the shop, by force if it does not go within five seconds."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait(timeout=5)
        if self._process.stdout is not None:
            self._process.stdout.close()
