"""How far a training of many nets is, in one line: done, rate and time left, over all brands."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from solemap.jobs import Job

LEAST_S = 1.0  # between two lines


class Progress:
    """Counts nets and their pixels, which is what training time goes with."""

    def __init__(self, jobs: Sequence[Job], clock: Callable[[], float] = time.monotonic) -> None:
        self._sizes = {job.brand: job.size for job in jobs}
        self._left = dict(self._sizes)
        self._clock = clock
        self._began = clock()
        self._told_at = -LEAST_S + self._began

    def after(self, ended: Sequence[Job]) -> str | None:
        """The line after these ended; None where the last line is younger than a second.

        With none ended it says that the others go on.
        """
        for job in ended:
            del self._left[job.brand]
        now = self._clock()
        if self._left and now - self._told_at < LEAST_S:
            return None
        self._told_at = now
        took_s = now - self._began
        done = len(self._sizes) - len(self._left)
        line = f"train: {done} of {len(self._sizes)} nets"
        if not done:
            return f"{line} after {took_s:.0f} s"
        whole, left = sum(self._sizes.values()), sum(self._left.values())
        left_s = took_s / max(1, whole - left) * left
        rate = f"{done / max(took_s, 1e-9) * 60:.1f} nets a minute"
        last = f" ({ended[-1].brand})" if ended else ""
        return f"{line}, {rate}, {left_s:.0f} s left{last}"
