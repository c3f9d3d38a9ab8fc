"""`solemap train`: side by side, killed, on Ray: the bytes of one net after another; DVC has nothing left."""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from test_pipeline import ROOT, Checkout

from catalogue.errors import CatalogueError
from solemap.__main__ import cli
from solemap.jobs import LOGS, Job, stale_jobs
from solemap.pool import run_here
from solemap.progress import Progress

BRANDS = ("acme", "luna", "zeta")
PATIENCE_S = 1200  # a busy machine is slow, not wrong
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is missing: pip install -e '.[ray]'"
)


@pytest.fixture(scope="module")
def prepared(module_folder: Path) -> Path:
    """A checkout whose next step is training; its code keeps a checkpoint after each epoch."""
    made = Checkout(module_folder)
    made.params["train"] |= {"epochs": 6}
    made.write_params()
    for brand in BRANDS:
        made.add(brand, range(3), range(5))
    made.write_crawl()
    loop = made.folder / "train" / "loop.py"
    kept, changes = re.subn(r"(?m)^CHECKPOINT_EVERY_S = .*$", "CHECKPOINT_EVERY_S = 0.0", loop.read_text())  # fmt: skip
    assert changes == 1
    loop.write_text(kept)
    done = made.dvc("repro", "base", "overrides", "pack")
    assert done.returncode == 0, done.stdout + done.stderr
    return made.folder


@pytest.fixture(scope="module")
def in_turn(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The hashes of what `dvc repro` trains, one net after another."""
    folder = Copy(prepared, tmp_path_factory.mktemp("in-turn"))
    done = folder.start("dvc", "repro", "train")
    assert done.wait(PATIENCE_S) == 0, folder.told
    nets = folder.nets()
    shutil.rmtree(folder.folder)
    return nets


class Copy:
    """A copy of the prepared checkout, and a command in it."""

    def __init__(self, prepared: Path, folder: Path) -> None:
        self.folder = folder / "project"
        shutil.copytree(prepared, self.folder)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        path = os.pathsep.join((str(self.folder), str(ROOT)))
        with (self.folder / "told").open("ab") as told:
            return subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": path},
                stdout=told,
                stderr=subprocess.STDOUT,
            )

    @property
    def told(self) -> str:
        return (self.folder / "told").read_text("utf-8")

    def nets(self) -> dict[str, str]:
        paths = [
            *(self.folder / "models" / "brands").rglob("*.*"),
            *(self.folder / "metrics").rglob("*.*"),
        ]
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in paths
        }

    def checkpoints(self, folder: Path | None = None) -> list[Path]:
        return list(((folder or self.folder) / "var" / "train").rglob("checkpoint.safetensors"))

    def assert_nothing_is_left(self) -> None:
        assert self.start("dvc", "repro", "train").wait(PATIENCE_S) == 0, self.told
        assert "Running stage" not in self.told


def wait_for(found: Callable[[], object], what: str, limit_s: float = PATIENCE_S) -> object:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.02)
    raise AssertionError(f"no {what} within {limit_s} s")


def training(root: psutil.Process) -> list[psutil.Process]:
    """The processes below ``root`` that fork for nets."""
    found = []
    for process in root.children(recursive=True):
        try:
            if "solemap.fork" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_two_at_a_time_with_a_worker_and_a_net_killed_give_the_bytes_of_one_after_another(
    prepared: Path, in_turn: dict[str, str], tmp_path: Path
) -> None:
    copy = Copy(prepared, tmp_path)
    running = copy.start("solemap", "train", "--jobs", "2")
    wait_for(copy.checkpoints, "checkpoint")
    parents = [one for one in training(psutil.Process(running.pid)) if one.children()]
    assert parents
    parents[0].kill()  # the worker, and with it its net
    if len(parents) > 1:
        parents[1].children()[0].kill()  # the net alone
    assert running.wait(PATIENCE_S) == 0, copy.told
    assert "3 of 3 nets trained" in copy.told and " nets a minute" in copy.told
    assert copy.nets() == in_turn
    copy.assert_nothing_is_left()


@pytest.mark.parametrize("after_s", [0.0, 1.0])
def test_killed_as_a_whole_and_started_again_it_ends_with_the_same_bytes(
    prepared: Path, in_turn: dict[str, str], tmp_path: Path, after_s: float
) -> None:
    copy = Copy(prepared, tmp_path)
    killed = copy.start("solemap", "train", "--jobs", "2")
    wait_for(copy.checkpoints, "checkpoint")
    time.sleep(after_s)
    below = psutil.Process(killed.pid).children(recursive=True)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait(30) == -signal.SIGKILL, "it ended before it could be killed"
    assert psutil.wait_procs(below, timeout=10)[1] == [], "a net trains on without its command"
    assert copy.start("solemap", "train", "--jobs", "2").wait(PATIENCE_S) == 0, copy.told
    assert copy.nets() == in_turn
    copy.assert_nothing_is_left()


def test_a_net_that_fails_is_named_with_its_log_and_the_others_are_kept(
    prepared: Path, in_turn: dict[str, str], tmp_path: Path
) -> None:
    copy = Copy(prepared, tmp_path)
    pixels = copy.folder / "data/pack/luna/pixels.npy"
    pixels.unlink()  # it may be a link into DVC's cache
    pixels.write_bytes(b"\x93NUMPY")
    assert copy.start("dvc", "commit", "--force", "pack@luna").wait(PATIENCE_S) == 0, copy.told
    assert copy.start("solemap", "train", "--jobs", "2").wait(PATIENCE_S) == 1
    assert "luna: exit code 1:" in copy.told and "var/train/logs/luna.log" in copy.told
    assert "2 of 3 nets trained" in copy.told
    assert {path: told for path, told in in_turn.items() if "luna" not in path} == copy.nets()


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a Ray cluster of two machines with a processor each, both on this one."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where its workers keep checkpoints
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")  # the names of its sockets must be short
    made = Cluster()
    try:
        for _ in range(2):
            made.add_node(
                num_cpus=1, object_store_memory=300 * 1024 * 1024, include_dashboard=False
            )
        made.wait_for_nodes()
        yield made.address
    finally:
        made.shutdown()


def ray_workers_with_a_net() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            below = (
                process.children(recursive=True) if process.name().startswith("ray::train@") else []
            )
        except psutil.Error:
            continue
        if len(below) > 1:  # the process that forks, and its net
            found.append(process)
    return found


@needs_ray
def test_two_ray_workers_of_which_one_is_killed_give_the_same_bytes(
    prepared: Path, in_turn: dict[str, str], tmp_path: Path, cluster: str
) -> None:
    copy = Copy(prepared, tmp_path)
    running = copy.start("solemap", "train", "--address", cluster)

    def both() -> list[psutil.Process]:
        found = ray_workers_with_a_net()
        kept = list(tmp_path.glob("solemap-*/*/var/train/*/checkpoint.safetensors"))
        return found if len(found) == 2 and kept else []

    workers = wait_for(both, "two Ray workers that train, and a checkpoint")
    assert isinstance(workers, list)
    below = workers[0].children(recursive=True)
    workers[0].kill()
    assert psutil.wait_procs(below, timeout=10)[1] == [], "a net trains on without its worker"
    assert running.wait(PATIENCE_S) == 0, copy.told
    assert "3 of 3 nets trained" in copy.told
    assert copy.nets() == in_turn
    copy.assert_nothing_is_left()


@needs_ray
@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere"])
def test_no_cluster_at_the_address_is_told_with_what_is_allowed(address: str) -> None:
    from solemap.cluster import run_on_ray

    with pytest.raises(
        CatalogueError, match=rf"--address {address}: no Ray cluster .*ray start --head"
    ):
        next(iter(run_on_ray([], address, None, 0, None)))


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from solemap.cluster import run_on_ray

    monkeypatch.setitem(sys.modules, "ray", None)  # `import ray` now fails
    with pytest.raises(CatalogueError, match=r"Ray is not installed\. Run `pip install .*\[ray\]"):
        next(iter(run_on_ray([], "auto", None, 0, None)))


def test_a_start_outside_the_project_does_not_travel(tmp_path: Path) -> None:
    from solemap.cluster import _own_files

    (tmp_path / "own.safetensors").write_bytes(b"")
    for init in (str(tmp_path / "own.safetensors"), "../own.safetensors", "none.safetensors"):
        with pytest.raises(CatalogueError, match=r"train\.init is .*project's folder alone"):
            _own_files(Job("acme", ("train", "fit", "--init", init), ""))


def test_gpus_without_a_cluster_are_refused() -> None:
    told = CliRunner().invoke(cli, ["train", "--gpus", "0.5"])
    assert told.exit_code == 2 and "--gpus is for --address" in told.output


def test_a_net_that_cannot_even_be_started_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.chdir(tmp_path)
    LOGS.mkdir(parents=True)
    monkeypatch.setattr("solemap.worker.Worker.train", full)
    jobs = [Job(name, ("train", "fit"), "") for name in ("acme", "나이키")]
    ended = [one for some in run_here(jobs, 2, retries=1) for one in some]
    assert sorted((one.job.brand, one.code) for one in ended) == [("acme", 1), ("나이키", 1)]


def test_a_command_that_is_no_python_module_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    told = "Running stage 'train@acme':\n> bash train.sh acme\n"
    monkeypatch.setattr("solemap.jobs.DVC", [sys.executable, "-c", f"print({told!r})"])
    with pytest.raises(CatalogueError, match=r"train@acme is 'bash train\.sh acme'"):
        stale_jobs()


def test_what_dvc_would_not_take_keeps_nothing_else_from_it(tmp_path: Path) -> None:
    """As `dvc commit --force` of each stage, in one go."""
    stage = {"foreach": ["나이키", "luna", "gone"], "do": {"cmd": "true", "outs": ["${item}"]}}
    (tmp_path / "dvc.yaml").write_text(json.dumps({"stages": {"train": stage}}))
    for name in ("나이키", "luna"):
        (tmp_path / name).write_text(name)

    def run(*words: str, told: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-m", *words], cwd=tmp_path, input=told, stdout=subprocess.PIPE, text=True, check=True
        )  # fmt: skip
        return done.stdout

    run("dvc", "init", "--no-scm", "--quiet")
    names = ("train@나이키", "train@gone", "train@nowhere", "train@luna")
    faults = [
        json.loads(line) for line in run("solemap.commit", told="\n".join(names)).splitlines()
    ]
    assert [name for name, _ in faults] == ["train@gone", "train@nowhere"]
    assert "gone" in faults[0][1]
    left = run("dvc", "repro", "--dry")
    assert left.count("Running stage") == 1 and "train@gone" in left
    own = (tmp_path / "dvc.lock").read_text()
    run("dvc", "commit", "--force", "train@나이키", "train@luna")
    assert (tmp_path / "dvc.lock").read_text() == own


def test_progress_counts_pixels_not_nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    jobs = []
    for brand, size in (("large", 800), ("small", 100), ("tiny", 100)):
        (tmp_path / "data" / "pack" / brand).mkdir(parents=True)
        (tmp_path / "data" / "pack" / brand / "pixels.npy").write_bytes(bytes(size))
        jobs.append(Job(brand, ("train",), ""))
    now = iter([0.0, 30.0, 80.0, 80.5, 90.0])
    progress = Progress(jobs, lambda: next(now))
    assert progress.after([]) == "train: 0 of 3 nets after 30 s"
    # four fifths of the pixels in 80 s: a fifth takes 20 s more
    assert progress.after(jobs[:1]) == "train: 1 of 3 nets, 0.8 nets a minute, 20 s left (large)"
    assert progress.after(jobs[1:2]) is None  # half a second later
    assert progress.after(jobs[2:]) == "train: 3 of 3 nets, 2.0 nets a minute, 0 s left (tiny)"
