"""A models folder of any number of made-up brands: real file formats and sizes, weights that know nothing.

The first `DISTINCT` brands have weight files of their own; those after them have files of the same
length whose weights are a hole of zeros, since 1,000 ResNet-18 are 45 GB. Only the former are asked.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from catalogue.manifest import write_json
from train.color import color_histogram
from train.evidence import SHARED
from train.gallery import GalleryPhoto, GalleryProduct, Vectors, save_names, save_vectors
from train.gate import Gate, save_gate
from train.model import Description, ShoeNet, infer, load_net, save_net
from train.outline import WIDTH
from train.shelf import sha256_of
from train.whitening import COMPONENTS, Whitening, fit_whitening

DISTINCT = 200
PRODUCTS, PHOTOS = 10, 4  # of a brand; of a product
PACKED = 128  # px, pack.size of params.yaml as it comes
SURE = 12.0  # the gate's logit of the right product over all others: a share of 0.94 among 10,000
QUERIES = 20  # pictures whose brands the gate knows; fewer than the embedding has dimensions


def pictures(seed: int = 0) -> Tensor:
    """`QUERIES` blurred random pictures, uint8 (Q, 3, 128, 128)."""
    noise = torch.rand(QUERIES, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    return (functional.interpolate(noise, PACKED, mode="bilinear") * 255).to(torch.uint8)


def asked_brands(brands: int) -> list[int]:
    """The number of each picture's brand, spread over those with weights of their own."""
    distinct = min(brands, DISTINCT)
    return [query * distinct // QUERIES for query in range(QUERIES)]


def simulate(models: Path, brands: int, size: int) -> None:
    """Write ``brands`` brands whose nets see ``size`` px, with all that `Identifier.load` reads."""
    slugs = [f"brand-{number:04}" for number in range(brands)]
    labels = tuple(f"{slug}/{product}" for slug in slugs for product in range(PRODUCTS))
    torch.manual_seed(0)
    net = ShoeNet("resnet18", PRODUCTS, size).eval()
    described = Description("resnet18", PACKED, size, True, labels[:PRODUCTS], "simulated")
    base = models / "base/weights.safetensors"
    save_net(base, net, described)
    hashes = {}
    for number, slug in enumerate(slugs):
        folder = models / "brands" / slug
        write_json(folder / "model.json", {"status": "trained", "temperature": 1.0})
        own = replace(described, labels=labels[number * PRODUCTS : (number + 1) * PRODUCTS])
        path = folder / "weights.safetensors"
        if number < DISTINCT:
            with torch.no_grad():
                for parameter in net.parameters():
                    parameter.mul_(1.0005)
            save_net(path, net, own)
            hashes[slug] = sha256_of(path)
        else:
            _hole(base, path, own)
    _write_gate(models, infer(net_of(base), pictures())[1], slugs, labels)
    _write_gallery(models, labels, net.features)
    hashes |= {name: sha256_of(models / path) for name, path in SHARED.items()}
    chosen = {"arm": "gate", "fitted": {}, "threshold": 0.05, "brands": slugs, "sha256": hashes}
    write_json(models / "system.json", chosen)


def net_of(path: Path) -> ShoeNet:
    """The net in ``path``."""
    return load_net(path)[0]


def photo(path: Path) -> Path:
    """A photo file, as a phone would send it."""
    canvas = Image.new("RGB", (1200, 900), "white")
    seen = Image.fromarray(pictures()[0].permute(1, 2, 0).numpy()).resize((700, 400))
    canvas.paste(seen, (250, 250))
    canvas.save(path, "JPEG", quality=90)
    return path


def _hole(like: Path, path: Path, described: Description) -> None:
    """A weight file with ``like``'s tensors as zeros that take no place on disk."""
    content = like.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = {"solemap": json.dumps(vars(described), sort_keys=True)}
    told = json.dumps(header).encode()
    told += b" " * (-len(told) % 8)
    with path.open("wb") as file:
        file.write(len(told).to_bytes(8, "little") + told)
        file.truncate(8 + len(told) + len(content) - 8 - length)


def _write_gate(models: Path, queries: Tensor, slugs: list[str], labels: tuple[str, ...]) -> None:
    """A gate that is as sure of each picture's brand as trained ones are."""
    draw = torch.Generator().manual_seed(1)
    weight = 0.1 * torch.randn(len(labels), queries.shape[1], generator=draw)
    own = (
        SURE * torch.linalg.pinv(queries.double().T).float()
    )  # (Q, F): own[i] @ queries[j] = SURE (i = j)
    for query, brand in enumerate(asked_brands(len(slugs))):
        weight[brand * PRODUCTS + query % PRODUCTS] = own[query]
    index = torch.arange(len(labels)) // PRODUCTS
    save_gate(models / "gate/gate.safetensors", Gate(weight.half(), torch.zeros(len(labels)), index, tuple(slugs), 1.0))  # fmt: skip


def _write_gallery(models: Path, labels: tuple[str, ...], features: int) -> None:
    rows = len(labels) * PHOTOS
    draw = torch.Generator().manual_seed(2)
    colors = color_histogram(pictures(3))
    index, shown = torch.arange(rows) // PHOTOS, torch.arange(rows) % len(colors)
    noise = 0.01 * torch.rand(min(rows, 1024), colors.shape[1], generator=draw)
    whitening = fit_whitening(colors[shown[: len(noise)]] + noise, index[: len(noise)])
    vectors = Vectors(
        embedding=functional.normalize(torch.randn(rows, features, generator=draw), dim=1),
        color=whitening(colors)[shown],
        outline=functional.normalize(torch.randn(rows, COMPONENTS, generator=draw), dim=1),
        histogram=colors[shown],
        border=functional.normalize(torch.rand(rows, 192, generator=draw), dim=1),
        label_index=index,
        color_whitening=whitening,
        outline_whitening=Whitening(torch.zeros(WIDTH), torch.eye(WIDTH, COMPONENTS)),
        labels=labels,
    )
    save_vectors(models / "gallery/vectors.safetensors", vectors)
    photos = [
        GalleryPhoto(f"{label}-{n}", label, f"{label}-{n}.jpg")
        for label in labels
        for n in range(PHOTOS)
    ]
    products = [
        GalleryProduct(label, brand, product, label, (f"https://shop.example/{label}",))
        for label in labels
        for brand, _, product in [label.partition("/")]
    ]
    save_names(models / "gallery", photos, products)
    write_json(models / "gallery/index.json", {"neighbours": 6})
