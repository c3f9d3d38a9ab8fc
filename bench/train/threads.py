"""`python -m bench.train.threads N fit ...`: `python -m train fit ...` with N threads, which it never has itself."""

from __future__ import annotations

import sys

import train.fit
from train.__main__ import cli
from train.seed import make_deterministic

if __name__ == "__main__":
    count = int(sys.argv.pop(1))
    train.fit.make_deterministic = lambda: make_deterministic(count)
    cli(prog_name="python -m train")
