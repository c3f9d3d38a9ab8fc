"""The `index` stage: the gallery of known photos, with the names and addresses a person reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from catalogue.manifest import read_manifest, write_json
from catalogue.schema import Photo, Sample
from train.color import BORDER_WIDTH, border_histogram, color_histogram
from train.data import Pack, load_pack
from train.gallery import GalleryPhoto, GalleryProduct, Vectors, save_names, save_vectors
from train.model import ShoeNet, infer, load_net
from train.outline import outline
from train.seed import make_deterministic
from train.twins import SPLITS, WHOLE, file_of
from train.whitening import Whitening, fit_whitening, sampled

BATCH = 256  # photos whose histograms are in memory at a time


def build_index(
    brands: list[str], packs: Path, splits: Path, catalogue: Path, models: Path, neighbours: int
) -> int:
    """Write ``models/gallery`` and return how many photos it holds.

    No test photos, and for validation no val photos: a query must not find itself. Names are those
    of the split; addresses those of the catalogue.
    """
    make_deterministic()
    gallery = models / "gallery"
    (gallery / "index.json").unlink(missing_ok=True)  # written last: the set is whole
    known = [load_pack(packs / brand) for brand in brands]
    for kind, splits_of in SPLITS.items():
        base, _ = load_net(file_of(models / "base", kind))
        save_vectors(file_of(gallery, kind, "vectors"), _vectors(base, known, splits_of))
    photos, products = _names(brands, known, splits, catalogue)
    save_names(gallery, photos, products)
    write_json(gallery / "index.json", {"neighbours": neighbours})
    return len(photos)


def _vectors(base: ShoeNet, packs: Sequence[Pack], splits: Sequence[str]) -> Vectors:
    """Vectors of the packs' photos of ``splits``."""
    shown = [label for pack in packs for label in _shown(pack, splits)]
    labels = tuple(sorted(set(shown)))
    place = {label: index for index, label in enumerate(labels)}
    label_index = torch.tensor([place[label] for label in shown], dtype=torch.int64)
    batches = [
        batch
        for pack in packs
        for batch in pack.pixels[pack.rows(*splits)].split(BATCH)
        if len(batch)
    ]

    def described(how: Callable[[Tensor], Tensor]) -> Tensor:
        """(G, D) in float16; of no picture, too, so that an empty gallery has columns."""
        nothing = torch.zeros(0, 3, 8, 8, dtype=torch.uint8)
        return torch.cat([how(batch).half() for batch in (nothing, *batches)])

    histogram, outlines = described(color_histogram), described(outline)
    chosen = sampled(label_index)
    color_whitening, outline_whitening = (
        fit_whitening(of[chosen].float(), label_index[chosen]) for of in (histogram, outlines)
    )
    embedded = (infer(base, batch)[1].half() for batch in batches)
    return Vectors(
        embedding=torch.cat([torch.zeros(0, base.features).half(), *embedded]),
        color=_whitened(color_whitening, histogram),
        outline=_whitened(outline_whitening, outlines),
        histogram=histogram,
        border=torch.cat([torch.zeros(0, BORDER_WIDTH), *map(border_histogram, batches)]),
        label_index=label_index,
        color_whitening=color_whitening,
        outline_whitening=outline_whitening,
        labels=labels,
    )


def _whitened(whitening: Whitening, features: Tensor) -> Tensor:
    return torch.cat([whitening(part.float()).half() for part in features.split(BATCH)])


def _shown(pack: Pack, splits: Sequence[str]) -> list[str]:
    """The label of each of the pack's photos of ``splits``."""
    return [pack.labels[int(pack.label_index[row])] for row in pack.rows(*splits)]


def _names(
    brands: Sequence[str], packs: Sequence[Pack], splits: Path, catalogue: Path
) -> tuple[list[GalleryPhoto], list[GalleryProduct]]:
    """The photos of the whole gallery in row order, and their products."""
    urls: dict[str, set[str]] = {}
    spellings: dict[str, Counter[str]] = {brand: Counter() for brand in brands}
    for photo in read_manifest(catalogue, Photo):
        key = f"{photo.brand}/{photo.product}"
        urls.setdefault(key, set()).update(source.url for source in photo.sources)
        if photo.brand in spellings:
            spellings[photo.brand][photo.brand_text] += 1

    photos: list[GalleryPhoto] = []
    products: dict[str, GalleryProduct] = {}
    for brand, pack in zip(brands, packs, strict=True):
        brand_name = min(
            spellings[brand], key=lambda text: (-spellings[brand][text], text), default=brand
        )
        samples = {
            (sample.photo_id, f"{sample.brand}/{sample.product}"): sample
            for sample in read_manifest(splits / f"{brand}.jsonl", Sample)
        }
        for row in pack.rows(*SPLITS[WHOLE]).tolist():
            label = pack.labels[int(pack.label_index[row])]
            sample = samples[(pack.photo_id[row], label)]
            photos.append(GalleryPhoto(sample.photo_id, label, sample.path))
            products[label] = GalleryProduct(
                label=label,
                brand=brand,
                product=sample.product,
                product_name=sample.product_name,
                urls=tuple(sorted(urls.get(label, ()))),
                brand_name=brand_name,
            )
    return photos, list(products.values())
