"""Brand nets are asked the likeliest first, read when asked, and held within bounds."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from conftest import draw_shoe, encoded
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.errors import CatalogueError
from identify import Identifier
from identify.asking import GATED, MOST, WITHOUT_NETS, evidence_for
from train.evidence import BrandNet, Evidence, System, gather
from train.fusion import RULES
from train.gallery import Vectors, load_vectors, save_vectors
from train.gate import load_gate, save_gate
from train.model import load_net, read_description
from train.shelf import Shelf, sha256_of

SHOE = encoded(draw_shoe((200, 40, 40)))
BRANDS, PRODUCTS = 12, 3
WEIGHTS = {"gate": 0.6, "brand_net": 0.5, "max_logit": 0.3, "feature": 2.0, "color": 3.0}


def made(seed: int, sharp: float) -> tuple[System, Evidence]:
    """Twelve brands of three products, the last brand without a net, and what all say of one photo."""
    draw = torch.Generator().manual_seed(seed)
    brands = [f"b{n:02}" for n in range(BRANDS)]
    labels = tuple(f"{brand}/{n}" for brand in brands for n in range(PRODUCTS))
    own = {b: tuple(f"{b}/{n}" for n in range(PRODUCTS)) for b in brands[:-1]}
    products = BRANDS * PRODUCTS
    system = System(
        base=cast(Any, None),
        base_description=cast(Any, SimpleNamespace(labels=labels)),
        brand_nets={b: BrandNet(of, 1.3, cast(Any, None)) for b, of in own.items()},
        gate=cast(Any, SimpleNamespace(brands=tuple(brands))),
        vectors=Vectors(
            *[torch.zeros(0)] * 5,
            torch.zeros(0, dtype=torch.int64),
            *[cast(Any, None)] * 2,
            labels=labels,
        ),
        labels=labels,
    )

    def cosines(width: int) -> torch.Tensor:
        return torch.rand(1, width, generator=draw) * 2 - 1

    return system, Evidence(
        brand_logits={b: torch.randn(1, PRODUCTS, generator=draw) * sharp for b in own},
        brand_similarity={b: cosines(PRODUCTS) for b in own},
        base_logits=torch.randn(1, products, generator=draw),
        embedding=torch.ones(1, 1),
        histogram=torch.ones(1, 1),
        color=torch.ones(1, 1),
        gate=(torch.randn(1, BRANDS, generator=draw) * sharp).softmax(dim=1),
        embedding_similarity=cosines(products),
        color_similarity=cosines(products),
        mean_color_similarity=cosines(products),
        outline=torch.ones(1, 2, 1),
        outline_similarity=cosines(products),
        histogram_similarity=cosines(products),
        border_similarity=cosines(products),
    )


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """(arm, system, everything) -> what is known once the arm has asked, without nets or pictures."""

    def known(arm: str, system: System, whole: Evidence, most: int | None = None) -> Evidence:
        def ask(_: System, known: Evidence, __: Any, brands: Iterable[str], ___: Any) -> Evidence:
            chosen = [*known.brand_logits, *brands]
            return replace(
                known,
                brand_logits={b: whole.brand_logits[b] for b in chosen},
                brand_similarity={b: whole.brand_similarity[b] for b in chosen},
            )

        nothing = replace(whole, brand_logits={}, brand_similarity={})
        monkeypatch.setattr("identify.asking.ask", ask)
        monkeypatch.setattr("identify.asking.look", lambda *_: nothing)
        return evidence_for(system, torch.zeros(0), arm, WEIGHTS, {}, most=most)

    return known


@pytest.mark.parametrize("arm", [arm for arm in RULES if arm != "learned"])
def test_the_answer_is_that_of_all_nets(arm: str, answers: Any) -> None:
    asked = []
    for seed in range(60):
        system, whole = made(seed, sharp=0.5 + seed / 10)
        known = answers(arm, system, whole)
        few, all_ = (RULES[arm](of, system, WEIGHTS)[0] for of in (known, whole))
        assert int(few.argmax()) == int(all_.argmax()) and few.max() == all_.max()
        asked.append(len(known.brand_logits))
    if arm in WITHOUT_NETS:
        assert set(asked) == {0}
    elif arm in GATED:
        assert max(asked) < BRANDS - 1 and sum(asked) / len(asked) < 4
    else:
        assert set(asked) == {BRANDS - 1}


def test_learned_asks_a_few_and_errs_the_less_the_more_it_asks(
    answers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def agreed(most: int) -> int:
        """Of 60 photos whose cues have nothing to do with each other: much worse than real ones."""
        right = 0
        for seed in range(60):
            system, whole = made(seed, sharp=3)
            known = answers("learned", system, whole, most)
            assert 1 <= len(known.brand_logits) <= most
            few, all_ = (RULES["learned"](of, system, WEIGHTS)[0] for of in (known, whole))
            right += int(few.argmax()) == int(all_.argmax())
        return right

    assert 30 <= agreed(1) < agreed(3) < agreed(99) < 60
    unsure = [answers("learned", *made(seed, sharp=0.1)) for seed in range(20)]
    assert max(len(known.brand_logits) for known in unsure) == MOST
    for name in ("max_logit", "feature"):
        monkeypatch.setitem(WEIGHTS, name, 0.0)
    assert agreed(99) == 60  # the gate bounds what is left


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 4))
def test_a_product_scores_at_most_its_brands_share(seed: int, most: int) -> None:
    system, whole = made(seed, sharp=2)
    order = whole.gate[0].argsort(descending=True).tolist()
    asked = [b for b in (system.gate.brands[i] for i in order) if b in whole.brand_logits][:most]
    known = replace(whole, brand_logits={b: whole.brand_logits[b] for b in asked})
    scores = RULES["gate"](known, system, {})[0]
    shares = whole.gate[0][system.brand_index]
    assert bool((scores <= shares + 1e-6).all())


def test_a_single_photo_asks_the_nets_it_needs_and_the_answer_is_the_measured_one(
    trained: Path,
) -> None:
    identifier = Identifier.load(trained / "models")
    system = identifier.system
    pixels = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    whole = gather(system, pixels)
    for arm in RULES:
        known = evidence_for(system, pixels, arm, {}, {})
        assert RULES[arm](known, system, {})[0].max() == RULES[arm](whole, system, {})[0].max()
        assert (arm in WITHOUT_NETS) == (not known.brand_logits)


def test_memory_holds_so_many_nets_and_the_rest_is_read_again(trained: Path) -> None:
    paths = [trained / f"models/brands/{brand}/weights.safetensors" for brand in ("acme", "nike")]
    size = paths[0].stat().st_size
    small, large = Shelf(most_bytes=size + size // 2), Shelf()
    for shelf, held in ((small, 1), (large, 2)):
        nets = [shelf.take(path, read_description(path)) for path in (*paths, *paths)]
        assert held * size * 0.9 < shelf.held_bytes < held * size * 1.1
        assert (nets[1] is nets[3]) == (held == 2) and shelf.is_full == (held == 1)
        assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[2].parameters(), strict=True))  # fmt: skip
    alone = Shelf(most_bytes=1)
    assert alone.take(paths[0], read_description(paths[0])) is alone.take(paths[0], read_description(paths[0]))  # fmt: skip


def test_a_net_is_verified_when_it_is_read(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    shutil.copy(trained / "models/brands/acme/weights.safetensors", path)
    described, sha256, sound = read_description(path), sha256_of(path), path.read_bytes()
    Shelf().take(path, described, sha256)
    flipped = bytearray(sound)
    flipped[-1000] ^= 1  # one weight: no shape tells
    path.write_bytes(flipped)
    with pytest.raises(CatalogueError, match=r"not the file that was evaluated.*dvc repro"):
        Shelf().take(path, described, sha256)
    shutil.copy(trained / "models/brands/nike/weights.safetensors", path)
    with pytest.raises(CatalogueError, match="replaced by another net"):
        Shelf().take(path, described)
    path.write_bytes(sound[: len(sound) // 2])
    with pytest.raises(CatalogueError, match=r"weights\.safetensors: not a model"):
        Shelf().take(path, described)


def test_a_net_replaced_between_its_hash_and_its_reading_is_refused(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(shutil.copy(trained / "models/brands/acme/weights.safetensors", tmp_path))
    described, sha256, content = read_description(path), sha256_of(path), path.read_bytes()

    def replaced(path: Path) -> Any:
        (path.parent / "new").write_bytes(content)  # another file of the same description
        (path.parent / "new").rename(path)
        return load_net(path)

    monkeypatch.setattr("train.shelf.load_net", replaced)
    with pytest.raises(CatalogueError, match="replaced"):
        Shelf().take(path, described, sha256)


def test_a_net_found_damaged_when_it_is_asked_is_named_and_the_rest_answers(
    trained: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(trained / "models", tmp_path / "models")
    chosen = tmp_path / "models/system.json"
    chosen.write_text(json.dumps({**json.loads(chosen.read_text()), "arm": "max_logit"}))
    path = tmp_path / "models/brands/acme/weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        identifier = Identifier.load(tmp_path / "models")
        assert not identifier.left_out  # its header is sound
        answer = identifier.identify(SHOE)
        again = identifier.identify(SHOE)
    assert "not the file that was evaluated" in identifier.left_out["acme"]
    assert caplog.text.count("acme is left out") == 1
    assert answer == again and answer.verdict and answer.candidates[0].brand == "nike"
    assert "acme" in {shoe.brand for shoe in answer.similar}  # its photos are still shown
    assert identifier.explain(SHOE, answer) is not None


def test_nets_that_were_warmed_go_on_answering_when_their_files_go(
    trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained / "models", tmp_path / "models")
    identifier = Identifier.load(tmp_path / "models")
    identifier.warm()
    shutil.rmtree(tmp_path / "models/brands")
    answer = identifier.identify(SHOE)
    assert replace(answer, similar=()) == replace(Identifier.load(trained / "models").identify(SHOE), similar=())  # fmt: skip
    assert not identifier.left_out


@pytest.mark.parametrize("part", ["gate/gate", "gallery/vectors", "base/weights"])
def test_what_was_not_evaluated_does_not_answer(trained: Path, tmp_path: Path, part: str) -> None:
    models = tmp_path / "models"
    shutil.copytree(trained / "models", models)
    path = models / f"{part}.safetensors"
    flipped = bytearray(path.read_bytes())
    flipped[-1] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(
        CatalogueError, match=rf"{part}.*not the file that was evaluated.*dvc repro"
    ):
        Identifier.load(models)


@pytest.mark.parametrize("fault", ["temperature", "brands", "rows", "labels"])
def test_a_gate_or_gallery_that_fits_nothing_is_refused(
    trained: Path, tmp_path: Path, fault: str
) -> None:
    if fault in ("temperature", "brands"):
        gate = load_gate(trained / "models/gate/gate.safetensors")
        changed = {"temperature": float("nan")} if fault == "temperature" else {"brands": ("acme",)}
        save_gate(tmp_path / "gate.safetensors", replace(gate, **changed))
        with pytest.raises(CatalogueError, match="not a readable gate"):
            load_gate(tmp_path / "gate.safetensors")
        return
    vectors = load_vectors(trained / "models/gallery/vectors.safetensors")
    wrong = {"border": vectors.border[1:]} if fault == "rows" else {"labels": vectors.labels[:-1]}
    save_vectors(tmp_path / "vectors.safetensors", replace(vectors, **wrong))
    with pytest.raises(CatalogueError, match="not a readable gallery"):
        load_vectors(tmp_path / "vectors.safetensors")
