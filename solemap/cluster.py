"""`solemap train --address`: the nets trained on the machines of a Ray cluster, which need not share a disk.

A machine needs this project's libraries in the versions that the command has, nothing else: code, base
and packs go there through Ray, and the nets come back.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from catalogue.errors import CatalogueError
from catalogue.manifest import write_bytes
from solemap import there, worker
from solemap.jobs import Job, own_inputs, shared_inputs
from solemap.pool import QUIET_S, Ended

SAME = ("torch", "torchvision", "pytorch-metric-learning", "numpy", "safetensors")
NET_BYTES = 1_500_000_000  # of memory for one net besides its pack
CONNECT_S = 10.0
GPU_SHARE = 0.25  # of a GPU for one net, where the cluster has one: small nets do not fill it


def run_on_ray(
    jobs: Sequence[Job], address: str, count: int | None, retries: int, gpus: float | None
) -> Iterator[list[Ended]]:
    """Train ``jobs`` in their order on the cluster at ``address``; lists of those that ended since the last.

    ``count`` at a time (None: as many as it has processors), each with one processor and ``gpus`` of a
    GPU. A net whose worker or machine died is tried ``retries`` times more, elsewhere if need be.

    Raises:
        CatalogueError: Ray is not installed, no cluster answers, or it has not what was asked for.
    """
    ray = _connect(address, count)
    try:
        count, gpus, most_memory = _resources(ray, address, count, gpus)
        train_there = ray.remote(there.train_there)
        versions = {name: version(name) for name in SAME}
        shared = ray.put(_shared_files())
        todo, running = deque(jobs), dict[Any, Job]()
        while todo or running:
            while todo and len(running) < count:
                job = todo.popleft()
                own = {str(path): path.read_bytes() for path in _own_files(job)}
                told = [str(path) for path in job.outputs]
                task = train_there.options(
                    num_cpus=1,
                    num_gpus=gpus,
                    memory=min(NET_BYTES + 2 * job.size, most_memory),
                    max_retries=retries,
                    name=f"train@{job.brand}",
                )
                running[task.remote(versions, shared, own, job.words, told, retries)] = job
            ready, _ = ray.wait(list(running), num_returns=1, timeout=QUIET_S)
            yield [_fetch(ray, running.pop(one), one) for one in ready]
    finally:
        ray.shutdown()


def _connect(address: str, count: int | None) -> Any:
    try:
        import ray
    except ImportError as error:
        raise CatalogueError(
            "--address: Ray is not installed. Run `pip install -c constraints.txt -e '.[ray]'`, "
            "or leave the option out: the nets then train in processes of this machine."
        ) from error
    for module in (there, worker):  # sent as they are: no machine needs a solemap of this version
        ray.cloudpickle.register_pickle_by_value(module)
    own = {"num_cpus": count or os.cpu_count(), "include_dashboard": False}
    try:
        _answers(address)
        ray.init(
            address, log_to_driver=False, logging_level=logging.ERROR, **(own if address == "local" else {})
        )  # fmt: skip
    except (OSError, RuntimeError, ValueError) as error:
        raise CatalogueError(
            f"--address {address}: no Ray cluster answers ({str(error)[:200]}). Allowed: HOST:PORT, "
            "ray://HOST:10001, auto (the one that runs on this machine), local (a new one here). "
            "`ray start --head` starts one."
        ) from error
    return ray


def _answers(address: str) -> None:
    """Raise OSError or ValueError at once where nothing listens: Ray itself tries for nine minutes."""
    if address not in ("auto", "local"):
        parts = urlsplit(address if "://" in address else f"//{address}")
        if not parts.hostname or not parts.port:
            raise ValueError("it has no host and port")
        socket.create_connection((parts.hostname, parts.port), timeout=CONNECT_S).close()


def _resources(
    ray: Any, address: str, count: int | None, gpus: float | None
) -> tuple[int, float, int]:
    """Nets at a time, the share of a GPU for each, and the most memory that a machine has."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    cpus, has_gpus = (sum(one.get(kind, 0) for one in machines) for kind in ("CPU", "GPU"))
    if cpus < 1:
        raise CatalogueError(
            f"--address {address}: its {len(machines)} machine(s) offer {cpus:g} processors; one net "
            "takes one. Start them with `ray start --num-cpus N`."
        )
    if gpus is None:
        gpus = GPU_SHARE if has_gpus else 0.0
    if gpus > has_gpus:
        raise CatalogueError(
            f"--gpus {gpus:g}: the cluster at {address} has {has_gpus:g} GPUs. Leave the option out, "
            "or start its machines with `ray start --num-gpus N`."
        )
    return count or int(cpus), gpus, int(max(one.get("memory", 0) for one in machines))


def _shared_files() -> there.Files:
    """Code and base, which every net needs."""
    here = Path(__file__).parent
    sent = {str(path): path for path in [*shared_inputs(), *sorted(Path("catalogue").glob("*.py"))]}
    sent |= {f"solemap/{name}": here / name for name in ("__init__.py", "fork.py")}
    project = f"{os.uname().nodename}:{Path.cwd()}".encode()  # two projects never share a folder
    return {"project": project, **{name: path.read_bytes() for name, path in sent.items()}}


def _own_files(job: Job) -> list[Path]:
    """Pack, overrides and, where it starts from a file (``train.init``), that file."""
    starts = [Path(word) for word in job.words if word.endswith(".safetensors")]
    for path in starts:
        if path.is_absolute() or ".." in path.parts or not path.is_file():
            raise CatalogueError(
                f"params.yaml: train.init is {path}; a cluster's machines get files of the project's "
                "folder alone. Copy it there and name it by its path from there."
            )
    return [*own_inputs(job.brand), *starts]


def _fetch(ray: Any, job: Job, task: Any) -> Ended:
    """Put a finished job's log and files where its stage would have left them."""
    try:
        code, log, files = ray.get(task)
    except ray.exceptions.RayError as error:  # its worker or machine died at each try
        write_bytes(job.log, f"{error}\n{type(error).__name__}, see above".encode())
        return Ended(job, 1)
    write_bytes(job.log, log)
    if code == 0:
        for path in job.outputs:
            if str(path) not in files:  # too thin to train now
                path.unlink(missing_ok=True)
        for path in job.outputs:
            if str(path) in files:
                write_bytes(path, files[str(path)])
    return Ended(job, code)
