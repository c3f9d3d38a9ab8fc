"""Brand probabilities from the base's embedding: a closed-form linear head, refitted in seconds.

Ridge regression from the embedding to one-hot products, summed over a brand's products after a
softmax: products are rounder clusters than brands, and every brand's training photos are used, also
those of brands that came after the base was pinned.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from catalogue.errors import CatalogueError
from catalogue.manifest import write_bytes
from train.calibrate import fit_temperature
from train.data import load_pack, select
from train.model import infer, load_net
from train.seed import make_deterministic
from train.similarity import similarities
from train.twins import SPLITS, WITHOUT_VAL, file_of


@dataclass(frozen=True)
class Gate:
    """``weight`` (P, F), float16, and ``bias`` (P,) give product scores; ``brand_index`` (P,) sums them."""

    weight: Tensor
    bias: Tensor
    brand_index: Tensor
    brands: tuple[str, ...]
    temperature: float

    def product_logits(self, embedding: Tensor) -> Tensor:
        """Product scores (N, P) before the temperature."""
        return similarities(embedding, self.weight) + self.bias

    def brand_probabilities(self, embedding: Tensor) -> Tensor:
        """Brand probabilities (N, B); rows sum to 1."""
        products = (self.product_logits(embedding) / self.temperature).softmax(dim=1)
        summed = torch.zeros(len(embedding), len(self.brands))
        return summed.index_add_(1, self.brand_index, products)


def fit_ridge(
    embedding: Tensor, label_index: Tensor, labels: int, ridge: float
) -> tuple[Tensor, Tensor]:
    """Weight (P, F) and bias (P,) of the ridge regression on one-hot labels, in float64.

    W = (X'X + ridge I)^-1 X'Y with X and Y centred: Hastie et al. 2009, "The Elements of
    Statistical Learning", eq. 3.44.
    """
    x = embedding.double()
    y = torch.zeros(len(x), labels, dtype=torch.float64)
    y[torch.arange(len(x)), label_index] = 1.0
    x_mean, y_mean = x.mean(dim=0), y.mean(dim=0)
    gram = (x - x_mean).T @ (x - x_mean) + ridge * torch.eye(x.shape[1], dtype=torch.float64)
    weight = torch.linalg.solve(gram, (x - x_mean).T @ (y - y_mean)).T  # (P, F)
    return weight.float(), (y_mean - weight @ x_mean).float()


def build_gates(brands: list[str], packs: Path, models: Path, ridge: float) -> dict[str, Gate]:
    """The `gate` stage: for each kind of net, a gate fitted on its photos of all listed brands.

    The temperature of both is that of the gate without val photos, on val.
    """
    make_deterministic()
    gates: dict[str, Gate] = {}
    for kind, splits in SPLITS.items():
        gate, val_logits, val_index = _fit_gate(kind, splits, brands, packs, models, ridge)
        if kind == WITHOUT_VAL:
            temperature = round(fit_temperature(val_logits, val_index, low=0.005, high=4.0), 6)
        gates[kind] = replace(gate, temperature=temperature)
    return gates


def _fit_gate(
    kind: str, fitted_on: Sequence[str], brands: list[str], packs: Path, models: Path, ridge: float
) -> tuple[Gate, Tensor, Tensor]:
    """A gate of temperature 1, with its logits (N, P) and labels (N,) of the val photos."""
    base, _ = load_net(file_of(models / "base", kind))
    embeddings = [torch.zeros(0, base.features)]
    truth: list[int] = []
    splits: list[str] = []
    labels: list[str] = []
    for brand in brands:
        whole = load_pack(packs / brand)
        pack = select(whole, whole.rows("train", "val"))
        embeddings.append(infer(base, pack.pixels)[1])
        truth += [len(labels) + int(index) for index in pack.label_index]
        splits += pack.split
        labels += pack.labels
    embedding, label_index = torch.cat(embeddings), torch.tensor(truth, dtype=torch.int64)
    fitted = torch.tensor([split in fitted_on for split in splits], dtype=torch.bool)
    val = torch.tensor([split == "val" for split in splits], dtype=torch.bool)
    weight, bias = fit_ridge(embedding[fitted], label_index[fitted], len(labels), ridge)
    brand_index = torch.tensor(
        [brands.index(label.partition("/")[0]) for label in labels], dtype=torch.int64
    )
    untempered = Gate(weight.half(), bias, brand_index, tuple(brands), temperature=1.0)
    return untempered, untempered.product_logits(embedding[val]), label_index[val]


def save_gate(path: Path, gate: Gate) -> None:
    """Write the gate to ``path`` atomically."""
    tensors = {
        "weight": gate.weight.contiguous(),
        "bias": gate.bias,
        "brand_index": gate.brand_index,
    }
    description = json.dumps({"brands": gate.brands, "temperature": gate.temperature})
    write_bytes(path, save(tensors, metadata={"gate": description}))


def load_gate(path: Path) -> Gate:
    """Read what `save_gate` wrote.

    Raises:
        CatalogueError: missing or damaged.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            description = json.loads(file.metadata()["gate"])
            tensors = {name: file.get_tensor(name) for name in ("weight", "bias", "brand_index")}
        tensors["weight"] = tensors["weight"].half()
        gate = Gate(
            brands=tuple(map(str, description["brands"])),
            temperature=float(description["temperature"]),
            **tensors,
        )
        _check(gate)
        return gate
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CatalogueError(
            f"{path}: not a readable gate ({error}). Run `dvc repro gate` to make it again."
        ) from error


def _check(gate: Gate) -> None:
    products = len(gate.weight)
    if gate.weight.ndim != 2 or not gate.bias.shape == gate.brand_index.shape == (products,):
        raise ValueError("weights, offsets and brands are not of as many products")
    if products and not 0 <= gate.brand_index.min() <= gate.brand_index.max() < len(gate.brands):
        raise ValueError(f"a product is of none of its {len(gate.brands)} brands")
    if not (math.isfinite(gate.temperature) and gate.temperature > 0):
        raise ValueError(f"its temperature is {gate.temperature}")
