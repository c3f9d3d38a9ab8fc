"""How long one photo takes, in wall time by turns: gate mode, all nets, ten brands and a thousand, cold starts."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state

from bench.identify.simulated import asked_brands, net_of, photo, pictures, simulate
from identify import Identifier
from identify.asking import evidence_for
from identify.photo import Prepared
from train.data import normalise
from train.evidence import ask, look
from train.fusion import RULES
from train.model import ShoeNet, infer

FEW, MANY = 10, 1000
ROUNDS = 12  # of each way, by turns; each round asks `QUERIES` pictures
START_ROUNDS = 3
Ways = dict[str, Callable[[], Any]]


def speed(scratch: Path, sizes: tuple[int, ...] = (64, 96, 112)) -> dict[str, Any]:
    """All figures; ``scratch`` gets up to 10 GB, taken away again."""
    found: dict[str, Any] = {"all_nets": {}, "one_photo": {}}
    for size in sizes:
        simulate(scratch / "few", FEW, size)
        found["all_nets"][f"{size} px"] = all_nets(scratch / "few")
        found["one_photo"][f"{size} px"] = one_photo(scratch / "few")
        shutil.rmtree(scratch / "few")
    simulate(scratch / "few", FEW, sizes[0])
    simulate(scratch / "many", MANY, sizes[0])
    found["many_brands"] = many_brands(scratch / "few", scratch / "many")
    found["start"] = {
        f"{brands} brands": starts(scratch / name, scratch)
        for brands, name in ((FEW, "few"), (MANY, "many"))
    }
    return found


def one_photo(models: Path) -> dict[str, Any]:
    """The model part of an answer in gate mode beside one ResNet forward pass; nets in memory.

    The pass as torch makes it and as it is made for answers, with filters laid out before.
    """
    identifier = Identifier.load(models)
    identifier.warm()
    queries = [picture[None] for picture in pictures()]
    turn = iter(range(10**9))

    def query() -> Tensor:
        picture: Tensor = queries[next(turn) % len(queries)]
        return picture

    own, plain = identifier.system.base, net_of(models / "base/weights.safetensors")
    ways: Ways = {
        "resnet_forward": lambda: infer(plain, query()),
        "resnet_forward_prepacked": lambda: infer(own, query()),
        "gate_mode": lambda: _answer(identifier, query()),
    }
    found = by_turns(ways, ROUNDS * len(queries))
    return {
        **found,
        "ratio": ratio(found, "gate_mode", "resnet_forward"),
        "ratio_to_prepacked": ratio(found, "gate_mode", "resnet_forward_prepacked"),
    }


def all_nets(models: Path) -> dict[str, Any]:
    """Ten nets and one photo: one after the other, stacked, and side by side as `ask` does.

    The loops and the stack are of plain nets, `loop_prepacked` and `side_by_side` of those that answer.
    """
    identifier = Identifier.load(models)
    system, pixels = identifier.system, pictures()[:1]
    prepacked = [own.net for own in system.brand_nets.values()]
    nets = [net_of(models / f"brands/{brand}/weights.safetensors") for brand in system.brand_nets]
    known = look(system, pixels, cues=False)
    stacked = _stacked([net.backbone for net in nets])
    picture = normalise(pixels, nets[0].size)
    threads = os.cpu_count() or 1

    def loop(nets: list[ShoeNet], count: int) -> None:
        torch.set_num_threads(count)
        try:
            for net in nets:
                infer(net, pixels)
        finally:
            torch.set_num_threads(1)

    ways: Ways = {
        "loop": lambda: loop(nets, 1),
        f"loop_{threads}_threads_a_net": lambda: loop(nets, threads),
        "loop_prepacked": lambda: loop(prepacked, 1),
        "vmap": lambda: stacked(picture),
        "side_by_side": lambda: ask(system, known, pixels, system.brand_nets),
    }
    found = by_turns(ways, ROUNDS)
    return {**found, "ratio": ratio(found, "side_by_side", "loop")}


def _stacked(backbones: list[torch.nn.Module]) -> Callable[[Tensor], Tensor]:
    """All backbones as one, by weights stacked in front: their convolutions become grouped ones."""
    params, buffers = stack_module_state(backbones)
    shape = backbones[0]
    asked = torch.vmap(lambda p, b, x: functional_call(shape, (p, b), (x,)), in_dims=(0, 0, None))

    @torch.inference_mode()
    def answer(picture: Tensor) -> Tensor:
        found: Tensor = asked(params, buffers, picture)
        return found

    return answer


def many_brands(few: Path, many: Path) -> dict[str, Any]:
    """Gate mode among ten brands and among a thousand, nets in memory, on disk, and never read before."""
    queries = [picture[None] for picture in pictures()]
    warm = {name: Identifier.load(path) for name, path in (("10", few), ("1000", many))}
    turns = {name: iter(range(10**9)) for name in warm}

    def answer(name: str) -> None:
        _answer(warm[name], queries[next(turns[name]) % len(queries)])

    for name in warm:
        for _ in queries:
            answer(name)
    found = by_turns(
        {f"{name}_brands_warm": partial(answer, name) for name in warm}, ROUNDS * len(queries)
    )
    learned: Ways = {
        f"{name}_brands_learned": partial(_learned, own, queries[0]) for name, own in warm.items()
    }
    found |= by_turns(learned, ROUNDS)
    cold = Identifier.load(many, most_bytes=1)
    for state in ("first_read", "read_again"):
        if state == "first_read":
            _forget(many)
        times = [_timed(partial(_answer, cold, query)) for query in queries]
        found[f"1000_brands_{state}"] = told(times)
    nets = [len(_asked(warm["1000"], query)) for query in queries]
    return {
        **found,
        "ratio": ratio(found, "1000_brands_warm", "10_brands_warm"),
        "ratio_of_learned": ratio(found, "1000_brands_learned", "10_brands_learned"),
        "nets_asked": statistics.mean(nets),
        "distinct_weight_files": len(list(many.glob("brands/*/weights.safetensors"))),
    }


def _forget(models: Path) -> None:
    """Put the asked nets' files out of the page cache."""
    for number in asked_brands(MANY):
        with (models / f"brands/brand-{number:04}/weights.safetensors").open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def starts(models: Path, scratch: Path) -> dict[str, Any]:
    """Wall and processor seconds of `solemap identify` with one photo, from nothing to the answer."""
    path = photo(scratch / "photo.jpg")
    command = [sys.executable, "-m", "solemap", "identify", "--json", "--models", str(models), str(path)]  # fmt: skip
    walls, processors = [], []
    for _ in range(START_ROUNDS):
        before, used = time.perf_counter(), _used()
        subprocess.run(command, check=True, capture_output=True)
        walls.append(time.perf_counter() - before)
        processors.append(_used() - used)
    return {
        "wall_s": {"least": round(min(walls), 2), "median": round(statistics.median(walls), 2)},
        "processor_s": round(min(processors), 2),
    }


def _used() -> float:
    found = os.times()
    return found.children_user + found.children_system


def _answer(identifier: Identifier, pixels: Tensor) -> None:
    identifier.answer(Prepared(pixels[0].permute(1, 2, 0).numpy(), None, False))


def _learned(identifier: Identifier, pixels: Tensor) -> None:
    """The model part of `learned`, which compares colours and outlines with the whole gallery."""
    system, fitted = identifier.system, {"color": 7.0, "outline_brand": 30.0, "brand_net": 0.2}
    known = evidence_for(system, pixels, "learned", fitted, {})
    RULES["learned"](known, system, fitted)


def _asked(identifier: Identifier, pixels: Tensor) -> Any:
    return evidence_for(identifier.system, pixels, "gate", {}, {}).brand_logits


Times = list[tuple[float, float]]  # seconds of the wall clock and of all processors


def by_turns(ways: Ways, rounds: int) -> dict[str, Any]:
    """Times of each way in ms, all ways in each round, so that a busy machine slows all alike."""
    times: dict[str, Times] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            taken = _timed(way)
            if number:  # the first warms
                times[name].append(taken)
    return {name: told(taken) for name, taken in times.items()}


def _timed(way: Callable[[], Any]) -> tuple[float, float]:
    started, used = time.perf_counter(), time.process_time()
    way()
    return time.perf_counter() - started, time.process_time() - used


def told(taken: Times) -> dict[str, float]:
    """Quantiles of wall time and the median of processor time, in ms.

    The latter says the same on a busy machine, where the former mostly says how busy it is.
    """
    walls = [wall for wall, _ in taken]
    cuts = statistics.quantiles(walls, n=20, method="inclusive")
    processor = statistics.median(used for _, used in taken)
    found = {"least_ms": min(walls), "p50_ms": cuts[9], "p95_ms": cuts[18], "processor_ms": processor}  # fmt: skip
    return {name: round(seconds * 1e3, 2) for name, seconds in found.items()}


def ratio(found: dict[str, Any], own: str, other: str) -> dict[str, float]:
    """How many times as long ``own`` takes."""
    return {
        measure.removesuffix("_ms"): round(found[own][measure] / found[other][measure], 2)
        for measure in found[own]
    }
