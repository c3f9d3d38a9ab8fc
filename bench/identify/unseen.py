"""What the models never saw: similar shoes of unknown products, refusal of unknown shoes and of no shoes.

Of a trained project's test photos, of things we draw, and of the real photos in ``../shared/data`` where
they are. Figures only.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from bench.identify.gating import Asked
from catalogue.slugs import slug
from demo.dirt import bag, cap, placeholder
from identify import Identifier
from identify.added import SHAPE
from identify.photo import PhotoError
from identify.photo import Prepared as Query
from train.color import color_histogram
from train.data import load_pack
from train.metrics import auroc, fpr_at_95, retrieval

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
COLORS = ((60, 70, 90), (200, 60, 50), (40, 120, 80), (230, 200, 90), (120, 80, 160))
SCENES = 20


def similar(asked: Asked, project: Path) -> dict[str, Any]:
    """Retrieval of unknown test products, the gallery's photos among the candidates, by space."""
    pack = load_pack(project / "data/pack/_unknown")
    rows = pack.rows("test")
    mine = torch.tensor([one.endswith("\0unknown") for one in asked.sources])
    evidence, vectors = asked.evidence, asked.system.vectors
    labels = torch.cat([pack.label_index[rows], vectors.label_index + len(pack.labels)])
    shapes = vectors.embedding.float()
    embedding, color = evidence.embedding[mine], evidence.color[mine]
    spaces: dict[str, tuple[Tensor, Tensor]] = {
        "embedding": (embedding, shapes),
        "joint_classifier_logits": (_logits(asked, embedding), _logits(asked, shapes)),
        "color_histogram": (color_histogram(asked.pixels[mine]), vectors.histogram.float()),
        "color": (color, vectors.color.float()),
        "embedding_and_color": (
            _mixed(embedding, color),
            _mixed(shapes, vectors.color.float()),
        ),
    }
    found = {}
    for name, (own, gallery) in spaces.items():
        told = retrieval(own, pack.label_index[rows], torch.cat([own, gallery]), labels, torch.arange(len(own)))  # fmt: skip
        found[name] = {key: round(value, 4) if isinstance(value, float) else value for key, value in told.items()}  # fmt: skip
    return found


def _mixed(embedding: Tensor, color: Tensor) -> Tensor:
    """Vectors whose cosine is the service's similarity."""
    return torch.cat([embedding * SHAPE**0.5, color * (1 - SHAPE) ** 0.5], dim=1)


def _logits(asked: Asked, embedding: Tensor) -> Tensor:
    """What the joint head makes of embeddings, L2-normalised."""
    with torch.inference_mode():
        return torch.nn.functional.normalize(asked.system.base.head(embedding), dim=1)


def unknown(asked: Asked) -> dict[str, Any]:
    """AUROC and FPR at 95 % TPR of the confidence, known test photos against each kind of others."""
    identifier, brands = asked.identifier, set(asked.system.gate.brands)
    confidence = torch.tensor([_confidence(identifier, square) for square in asked.pixels])
    known = confidence[asked.truth >= 0]
    kinds: dict[str, list[float]] = {"unknown products": [], "unknown brands": []}
    for row in torch.nonzero(asked.truth < 0).squeeze(1).tolist():
        is_brand = asked.labels[row].partition("/")[0] in brands
        kinds["unknown products" if is_brand else "unknown brands"].append(float(confidence[row]))
    kinds["drawn bags and caps"] = [_asked(identifier, _png(one)) for one in _things()]
    kinds["drawn scenes without a shoe"] = [_asked(identifier, _png(one)) for one in _scenes()]
    kinds["real pictures of no shoe (use=0 logos)"] = [
        _asked(identifier, path.read_bytes()) for path, row in shared_rows() if row["kind"] == "placeholder"
    ]  # fmt: skip
    kinds["websearch-noisy"] = [
        _asked(identifier, path.read_bytes()) for path, row in shared_rows() if row["kind"] == "websearch"
    ]  # fmt: skip
    found: dict[str, Any] = {"known_photos": len(known), "threshold": identifier.threshold}
    for kind, values in kinds.items():
        others = torch.tensor(values)
        area, passed = auroc(known, others), fpr_at_95(known, others)
        found[kind] = {
            "photos": len(values),
            "auroc": None if area is None else round(area, 4),
            "fpr_at_95": None if passed is None else round(passed, 4),
            "named": round(float((others >= identifier.threshold).float().mean().nan_to_num()), 4),
        }
    return found


def location(asked: Asked) -> dict[str, Any]:
    """Top-1 of known test photos that were taken outside a studio, beside the others'."""
    outside = {_sha256(path) for path, row in shared_rows() if row["kind"] == "location"}
    is_outside = torch.tensor([one.split("\0")[0] in outside for one in asked.sources])
    scores = asked.scores()
    is_right, is_known = scores.argmax(dim=1) == asked.truth, asked.truth >= 0
    found: dict[str, Any] = {}
    for name, chosen in (("location", is_outside & is_known), ("studio", ~is_outside & is_known)):
        right = is_right[chosen].float()
        top1 = round(float(right.mean()), 4) if len(right) else None
        found[name] = {"photos": len(right), "top1": top1}
    return found


def lines(asked: Asked) -> dict[str, Any]:
    """Photos as image searches give them (street, on foot, for sale), of lines that the project knows in one colour or two.

    A line is named where the answer's product is of it: its colourway is mostly another than those known.
    """
    identifier, known = asked.identifier, asked.system.labels
    counts = Counter[str]()
    for path, row in shared_rows():
        line = line_of(row["brand"], row["product"])
        if row["kind"] != "websearch" or not any(line.fullmatch(one) for one in known):
            continue
        try:
            answer = identifier.identify(path.read_bytes())
        except PhotoError:
            continue
        told = [f"{one.brand}/{one.product}" for one in answer.candidates]
        is_right = [line.fullmatch(one) is not None for one in told]
        is_named = answer.verdict == "known"
        counts["photos"] += 1
        counts["line_top1"] += any(is_right[:1])
        counts["line_top5"] += any(is_right)
        counts["brand"] += any(one.partition("/")[0] == slug(row["brand"]) for one in told[:1])
        counts["named"] += is_named
        counts["named_right"] += is_named and any(is_right[:1])
        for kind in ("similar", "same_shape"):
            shown = [f"{one.brand}/{one.product}" for one in getattr(answer, kind)]
            counts[kind] += any(line.fullmatch(one) for one in shown)
    return dict(counts)


def line_of(brand: str, name: str) -> re.Pattern[str]:
    """Labels of a line: its name alone or with an article number. ZX 2K H02368 is one of ZX 2K, ZX 2K Boost is none."""
    return re.compile(re.escape(f"{slug(brand)}/{slug(name)}") + r"(-[a-z]*\d\w*)?")


def shared_rows() -> Iterator[tuple[Path, dict[str, str]]]:
    """Every picture of the real catalogues, with its row; none where the folder is absent."""
    for catalogue in sorted(SHARED.glob("*/catalogue.csv")):
        with catalogue.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                path = catalogue.parent / row["image"]
                if path.is_file():
                    yield path, row


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _confidence(identifier: Identifier, square: Tensor) -> float:
    answer = identifier.answer(Query(square.permute(1, 2, 0).contiguous().numpy(), None, False))
    return answer.confidence or 0.0


def _asked(identifier: Identifier, content: bytes) -> float:
    """The confidence of a picture's answer: 0 where it is told as no shoe, or cannot be read."""
    try:
        return identifier.identify(content).confidence or 0.0
    except PhotoError:
        return 0.0


def _things() -> Iterator[Image.Image]:
    yield placeholder()
    for number, color in enumerate(COLORS):
        for angle in range(4):
            yield bag(angle, color, COLORS[number - 1])
            yield cap(angle, color, COLORS[number - 1])


def _scenes() -> Iterator[Image.Image]:
    """Grounds of blurred noise in a few grains, as walls, grass and gravel are."""
    for number in range(SCENES):
        draw = np.random.default_rng(number)
        grain = (4, 16, 64, 200)[number % 4]
        cells = draw.integers(0, 256, (grain, grain, 3), np.uint8)
        yield Image.fromarray(cells).resize((800, 800), Image.Resampling.BICUBIC)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
