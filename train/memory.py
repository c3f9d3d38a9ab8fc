"""Freed memory stays with a training process."""

from __future__ import annotations

import ctypes
import sys

# <malloc.h>
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_PAD = 64 << 20  # bytes
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Tell glibc not to hand large freed blocks back to the system; elsewhere nothing changes.

    Each step of training frees what the next one asks for again, and the system zeroes every page
    anew in between, a few percent of the time (`python -m bench.train jobs`).
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, _NEVER)
    mallopt(_M_TOP_PAD, _PAD)
