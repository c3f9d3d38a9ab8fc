"""The `dvc` command of this project's environment: DVC itself, after what a killed run left torn is put aside.

DVC writes dvc.lock and .dvc/tmp/rwlock in place. A kill -9, a full disk or a power cut in that moment
leaves half a file or an empty one, and every later `dvc repro` stops at it until a person deletes it
(DVC 3.67; of kills while DVC itself works, about one in twenty). Nothing of ours runs before that
point, so it is done here. What dvc.lock listed comes back from DVC's run cache without a rerun.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zc.lockfile
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


def main() -> None:
    """Put aside what is torn, then be DVC."""
    for told in put_aside(Path.cwd()):
        sys.stderr.write(f"NOTICE: {told}\n")
    runpy.run_module("dvc", run_name="__main__", alter_sys=True)


def put_aside(folder: Path) -> list[str]:
    """What was put aside in the DVC project that ``folder`` is in; files that DVC is using stay."""
    root = next((one for one in (folder, *folder.parents) if (one / ".dvc").is_dir()), None)
    temporary = root / ".dvc" / "tmp" if root is not None else None
    if root is None or temporary is None or not temporary.is_dir():
        return []
    told = []
    # DVC writes each of the two under the lock named here, so what is torn now stays torn.
    for path, lock, is_whole in (
        (temporary / "rwlock", temporary / "rwlock.lock", _is_json),
        (root / "dvc.lock", temporary / "lock", _is_lock_file),
    ):
        with _held(lock) as is_ours:
            if is_ours and path.is_file() and not is_whole(path.read_bytes()):
                torn = temporary / f"{path.name}.torn"
                path.replace(torn)
                told.append(f"{path.name} was left half-written by a killed run; it is {torn} now.")
    return told


@contextmanager
def _held(lock: Path) -> Iterator[bool]:
    """Whether the lock is ours for the block; False where a running DVC has it."""
    try:
        held = zc.lockfile.LockFile(str(lock))
    except zc.lockfile.LockError:
        yield False
        return
    try:
        yield True
    finally:
        held.close()


def _is_json(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except ValueError:
        return False


def _is_lock_file(content: bytes) -> bool:
    """Whether DVC would read it; a cut between two entries only makes it run a stage again."""
    try:
        value = YAML(typ="safe", pure=True).load(content)
    except (YAMLError, UnicodeDecodeError):
        return False
    stages = value.get("stages", {}) if isinstance(value, dict) and "schema" in value else None
    return isinstance(stages, dict) and all(map(_is_stage, stages.values()))


def _is_stage(stage: Any) -> bool:
    if not isinstance(stage, dict) or not isinstance(stage.get("cmd"), str):
        return False
    params = stage.get("params", {})
    if not isinstance(params, dict) or not all(isinstance(one, dict) for one in params.values()):
        return False
    parts = (stage.get(part, []) for part in ("deps", "outs"))
    return all(isinstance(part, list) and all(map(_is_entry, part)) for part in parts)


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict) or None in (entry.get("path"), *entry.values()):
        return False
    return len(str(entry.get("md5", "0" * 32))) >= 32


if __name__ == "__main__":
    main()
