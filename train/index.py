"""The `index` stage: the gallery of training photos, with the names and addresses a person reads."""

from __future__ import annotations

from pathlib import Path

import torch

from catalogue.manifest import read_manifest, write_json
from catalogue.schema import Photo, Sample
from train.color import border_histogram, color_histogram
from train.data import load_pack
from train.gallery import GalleryPhoto, GalleryProduct, Vectors, save_names, save_vectors
from train.model import infer, load_net
from train.seed import make_deterministic


def build_index(
    brands: list[str], packs: Path, splits: Path, catalogue: Path, models: Path, neighbours: int
) -> int:
    """Write ``models/gallery`` and return how many photos it holds.

    Only training photos: a query of val or test must not find itself. Names are those of the split;
    addresses those of the catalogue.
    """
    make_deterministic()
    base, _ = load_net(models / "base" / "weights.safetensors")
    urls: dict[str, set[str]] = {}
    for photo in read_manifest(catalogue, Photo):
        key = f"{photo.brand}/{photo.product}"
        urls.setdefault(key, set()).update(source.url for source in photo.sources)

    photos: list[GalleryPhoto] = []
    products: dict[str, GalleryProduct] = {}
    embeddings = [torch.zeros(0, base.features)]
    nothing = torch.zeros(0, 3, 8, 8, dtype=torch.uint8)
    colors, borders = [color_histogram(nothing)], [border_histogram(nothing)]
    for brand in brands:
        pack = load_pack(packs / brand)
        rows = pack.rows("train")
        pixels = pack.pixels[rows]
        embeddings.append(infer(base, pixels)[1])
        colors.append(color_histogram(pixels))
        borders.append(border_histogram(pixels))
        samples = {
            (sample.photo_id, f"{sample.brand}/{sample.product}"): sample
            for sample in read_manifest(splits / f"{brand}.jsonl", Sample)
        }
        for row in rows.tolist():
            label = pack.labels[int(pack.label_index[row])]
            sample = samples[(pack.photo_id[row], label)]
            photos.append(GalleryPhoto(sample.photo_id, label, sample.path))
            products[label] = GalleryProduct(
                label=label,
                brand=brand,
                product=sample.product,
                product_name=sample.product_name,
                urls=tuple(sorted(urls.get(label, ()))),
            )
    (models / "gallery" / "index.json").unlink(missing_ok=True)  # written last: the set is whole
    labels = tuple(sorted(products))
    place = {label: index for index, label in enumerate(labels)}
    save_vectors(
        models / "gallery" / "vectors.safetensors",
        Vectors(
            embedding=torch.cat(embeddings),
            color=torch.cat(colors),
            border=torch.cat(borders),
            label_index=torch.tensor([place[photo.label] for photo in photos], dtype=torch.int64),
            labels=labels,
        ),
    )
    save_names(models / "gallery", photos, list(products.values()))
    write_json(models / "gallery" / "index.json", {"neighbours": neighbours})
    return len(photos)
