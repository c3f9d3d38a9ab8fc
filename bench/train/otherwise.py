"""`python -m bench.train.otherwise CHANGE fit ...`: `python -m train fit ...` in a way that it never runs itself.

CHANGE is `threads=N`, or `malloc=plain`: memory is handed back to the system as glibc does it.
"""

from __future__ import annotations

import sys
from functools import partial

import train.fit
import train.memory
from train.__main__ import cli
from train.seed import make_deterministic

if __name__ == "__main__":
    what, _, value = sys.argv.pop(1).partition("=")
    if what == "threads":
        setattr(train.fit, "make_deterministic", partial(make_deterministic, int(value)))  # noqa: B010
    else:
        setattr(train.memory, "keep_freed_memory", lambda: None)  # noqa: B010
    cli(prog_name="python -m train")
