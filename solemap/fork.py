"""`python -m solemap.fork`: a process that has imported torch once and forks a child for each net.

Importing torch and the loss takes 2 to 6 s, longer than a small brand trains. A forked child has them
at once, and is otherwise what `python -m MODULE ARGS` is: a process for this net alone.

Reads a JSON line per net from stdin ({"words": [MODULE, ARG, ...], "log": PATH, "environment": {...}}) and
answers each with the child's exit code, negative for a signal. Child and process end with their parent,
also where that was killed: a net that trains on unseen would write beside its next try.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import runpy
import signal
import sys
import traceback
from typing import Any

# The last is what torch itself imports, in a second or two, when the first optimizer is made.
PRELOAD = (
    "torch",
    "pytorch_metric_learning.losses",
    "train.fit",
    "train.overrides",
    "click",
    "torch._dynamo",
)
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Fork for each line of stdin until it ends."""
    parent = int(sys.argv[1])
    end_with_parent(parent)
    for name in PRELOAD:
        with contextlib.suppress(Exception):  # the net's own import raises it again, into its log
            importlib.import_module(name)
    for line in sys.stdin:
        code = run_forked(json.loads(line))
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


def end_with_parent(parent: int) -> None:
    """Let the system kill this process when ``parent`` ends, however that ends (Linux alone)."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def run_forked(job: dict[str, Any]) -> int:
    """Run one module in a child; its exit code, negative for a signal."""
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            end_with_parent(parent)
            code = _run(job["words"], job["log"], job["environment"])
        except BaseException:  # noqa: BLE001 (a child has nobody above it to tell)
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _run(words: list[str], log: str, environment: dict[str, str]) -> int:
    os.environ.update(environment)
    with open(log, "ab", buffering=0) as file, open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = list(words)
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        return 0
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        sys.stderr.write(f"{ended.code}\n")
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    main()
