"""`dvc repro` killed with its children, and DVC's files that a kill tears: the next one needs no help."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import draw_shoe, encoded

from bench.dataset.kills import killed
from solemap.dvc import put_aside


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A folder with pictures and catalogue.csv."""
    rows = ["image,brand,product"]
    for shape in range(6):
        for pose in range(5):
            name = f"{shape}-{pose}.png"
            picture = draw_shoe((40 * shape, 90, 160), pose=pose, shape=shape)
            (tmp_path / name).write_bytes(encoded(picture))
            rows.append(f"{name},Acme,Runner {shape}")
    (tmp_path / "catalogue.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return tmp_path


def test_after_three_kills_dvc_repro_ends_with_the_same_bytes(catalogue: Path, tmp_path: Path) -> None:  # fmt: skip
    told = killed(tmp_path, catalogue, 3, 0, ("split",))
    # the last stage may end before its kill, where it took longer in the reference
    assert told["kills"] >= 2 and len(set(told["stages"])) > 1
    assert told["files"] > 30 and told["different"] == []


LOCK = "schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs:\n    - path: y\n      md5: " + "a" * 32 + "\n"  # fmt: skip


@pytest.mark.parametrize(
    ("rwlock", "lock", "torn"),
    [
        ("{}", LOCK, []),
        ("", LOCK, ["rwlock"]),
        ('{"write": {"a', "", ["rwlock", "dvc.lock"]),
        ("{}", LOCK[: LOCK.index("path") + 6], ["dvc.lock"]),
        ("{}", LOCK[:-20], ["dvc.lock"]),
        ("{}", LOCK[:20], ["dvc.lock"]),
    ],
)
def test_what_a_kill_tore_is_put_aside_and_told(tmp_path: Path, rwlock: str, lock: str, torn: list[str]) -> None:  # fmt: skip
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    written = {"rwlock": tmp_path / ".dvc/tmp/rwlock", "dvc.lock": tmp_path / "dvc.lock"}
    written["rwlock"].write_text(rwlock, "utf-8")
    written["dvc.lock"].write_text(lock, "utf-8")
    told = put_aside(tmp_path / "data")
    assert [line.split()[0] for line in told] == torn
    assert [name for name, path in written.items() if not path.exists()] == torn
    assert put_aside(tmp_path) == []


def test_a_file_that_dvc_is_writing_stays(tmp_path: Path) -> None:
    import zc.lockfile

    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    (tmp_path / ".dvc/tmp/rwlock").write_text("", "utf-8")
    running = zc.lockfile.LockFile(str(tmp_path / ".dvc/tmp/rwlock.lock"))
    assert put_aside(tmp_path) == [] and (tmp_path / ".dvc/tmp/rwlock").exists()
    running.close()
    assert len(put_aside(tmp_path)) == 1


def test_outside_a_project_nothing_is_touched(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text("", "utf-8")
    assert put_aside(tmp_path) == [] and (tmp_path / "dvc.lock").exists()
