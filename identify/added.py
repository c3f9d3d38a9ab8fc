"""Products that were added by pictures alone, without training: ``models/added``, no DVC output.

`solemap gallery add` writes the pictures (canvas files) and one file with what is measured of them.
The measurements belong to a base net: after another base was trained they are made again from the
pictures. A product is *named* by its nearest picture where validation says that such a similarity
is right more often than wrong.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from catalogue.errors import CatalogueError
from catalogue.manifest import from_dict, write_bytes
from dataset.mask import prepare_with_mask
from train.color import color_histogram
from train.data import load_pack
from train.evidence import System
from train.gallery import GalleryPhoto, GalleryProduct, load_vectors
from train.model import infer, load_net
from train.similarity import similarities
from train.twins import WITHOUT_VAL, file_of

log = logging.getLogger(__name__)
FOLDER = "added"
_FILE, _KEY = "added.safetensors", "solemap"
# Of an embedding's cosine in a similarity. Colour alone finds a product's own photos best, on val and test;
# some shape keeps a boot from being like a sandal of its colours.
SHAPE = 0.1
LEAST_VAL_PHOTOS = 20  # fewer say nothing about how often a similarity is right


@dataclass(frozen=True)
class Naming:
    """How sure a nearest picture makes: a logistic function of similarity, fitted on validation."""

    slope: float
    intercept: float
    photos: int  # val photos it was fitted on, those of unknown shoes among them

    @property
    def threshold(self) -> float:
        """The similarity at which the nearest picture is as often right as wrong."""
        return -self.intercept / self.slope

    def confidence(self, similarity: float) -> float:
        """The share of val photos as similar as this to their nearest picture that it names right."""
        return float(torch.sigmoid(torch.tensor(self.slope * similarity + self.intercept)))


@dataclass(frozen=True)
class Added:
    """The added pictures, one row each; ``key`` is that of the base they were measured with."""

    photos: tuple[GalleryPhoto, ...]
    products: tuple[GalleryProduct, ...]  # sorted by label
    embedding: Tensor  # (A, F)
    histogram: Tensor  # (A, D)
    naming: Naming | None  # None where there are too few val photos to say
    key: str


def similarity(embedding: Tensor, color: Tensor, gallery: Tensor, gallery_color: Tensor) -> Tensor:
    """(N, G): the cosines of embeddings and of whitened colours, `SHAPE` of the former.

    The embedding of a base that saw few photos tells shapes, the colours tell colourways.
    """
    return mixed(similarities(embedding, gallery), similarities(color, gallery_color))


def mixed(shape: Tensor, color: Tensor) -> Tensor:
    """One similarity of the cosines of embeddings and of whitened colours."""
    return SHAPE * shape + (1 - SHAPE) * color


def base_key(models: Path, system: System) -> str:
    """What measurements depend on: the base's bytes, how pictures are prepared for it, the whitening."""
    digest = hashlib.sha256((models / "base" / "weights.safetensors").read_bytes())
    digest.update(system.vectors.color_whitening.projection.numpy().tobytes())
    base = system.base_description
    digest.update(f"{base.size} {base.crop} {base.background} {SHAPE}".encode())
    return digest.hexdigest()


def load_added(models: Path, system: System, packs: Path) -> Added | None:
    """What was added, measured anew where the base is another one; None where nothing was.

    Raises:
        CatalogueError: the file is damaged.
    """
    path = models / FOLDER / _FILE
    if not path.exists():
        return None
    found = _read(path)
    if found.key == base_key(models, system) and not _may_be_named(found, packs):
        return found
    with _locked(models):
        return _current(models, system, packs)


def _may_be_named(found: Added, packs: Path) -> bool:
    return found.naming is None and packs.exists()


def _current(models: Path, system: System, packs: Path) -> Added | None:
    """`load_added` of a caller that holds the lock."""
    path = models / FOLDER / _FILE
    if not path.exists():
        return None
    found, key = _read(path), base_key(models, system)
    renewed: Added | None
    if found.key != key:
        log.warning("%s: measured with another base or gallery; measuring its pictures again", path)
        renewed = measured(models, found.photos, found.products, system, packs, key)
    elif _may_be_named(found, packs) and (naming := fit_naming(models, packs)):
        renewed = replace(found, naming=naming)
    else:
        return found
    if renewed is not None and len(renewed.photos) == len(found.photos):
        try:
            save_added(models, renewed)
        except CatalogueError as error:
            log.warning("%s", error)  # a read-only place: measured again the next time
    return renewed


@contextmanager
def _locked(models: Path) -> Iterator[None]:
    """One process at a time reads and writes what was added; a read-only place needs no lock."""
    import fcntl

    with ExitStack() as stack:
        with suppress(OSError):
            (models / FOLDER).mkdir(parents=True, exist_ok=True)
            file = stack.enter_context((models / FOLDER / ".lock").open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def measured(
    models: Path,
    photos: Iterable[GalleryPhoto],
    products: Iterable[GalleryProduct],
    system: System,
    packs: Path,
    key: str,
) -> Added | None:
    """Embed the pictures and fit `Naming` on the val photos in ``packs``; None without a picture.

    Pictures that cannot be read are left out with a notice, and products that have no other.
    """
    base = system.base_description
    squares, kept = [], list[GalleryPhoto]()
    for photo in sorted(photos, key=lambda photo: (photo.label, photo.photo_id)):
        path = models / FOLDER / f"{photo.photo_id}.jpg"
        try:
            with Image.open(path, formats=("JPEG",)) as image:
                image.load()
        except (OSError, SyntaxError, ValueError) as error:
            log.warning(
                "%s: a picture of %s that cannot be read is left out (%s); `solemap gallery add` it again",
                path,
                photo.label,
                error,
            )
            continue
        square = prepare_with_mask(image, base.size, base.crop, base.background).pixels
        squares.append(torch.from_numpy(square))
        kept.append(photo)
    if not kept:
        return None
    pixels = torch.stack(squares).permute(0, 3, 1, 2)  # (A, 3, S, S)
    labels = {photo.label for photo in kept}
    own = [product for product in products if product.label in labels]
    return Added(
        photos=tuple(kept),
        products=tuple(sorted(own, key=lambda product: product.label)),
        embedding=infer(system.base, pixels)[1],
        histogram=color_histogram(pixels),
        naming=fit_naming(models, packs),
        key=key,
    )


def fit_naming(models: Path, packs: Path) -> Naming | None:
    """The logistic fit of "the nearest gallery picture is of the right product" on similarity.

    Of all val photos, also of shoes held out as unknown, which no picture names right; by the base
    and the gallery that have not seen val photos, or each would find itself.
    """
    base, _ = load_net(file_of(models / "base", WITHOUT_VAL))
    vectors = load_vectors(file_of(models / "gallery", WITHOUT_VAL, "vectors"))
    brands = sorted({label.partition("/")[0] for label in vectors.labels})
    pixels: list[Tensor] = []
    truth: list[str] = []
    for brand in (*brands, "_unknown"):
        if not (packs / brand / "pack.json").exists():
            continue
        pack = load_pack(packs / brand)
        rows = pack.rows("val")
        pixels.append(pack.pixels[rows])
        truth += [pack.labels[index] for index in pack.label_index[rows].tolist()]
    if len(truth) < LEAST_VAL_PHOTOS:
        return None
    asked = torch.cat(pixels)
    color = vectors.color_whitening(color_histogram(asked))
    scores = similarity(infer(base, asked)[1], color, vectors.embedding, vectors.color)  # (V, G)
    best = scores.max(dim=1)
    names = [vectors.labels[i] for i in vectors.label_index[best.indices].tolist()]
    is_right = torch.tensor([name == true for name, true in zip(names, truth, strict=True)])
    return _fit_logistic(best.values, is_right)


def _fit_logistic(values: Tensor, is_right: Tensor) -> Naming | None:
    """Newton's method on two parameters; None where similarity does not speak for being right."""
    if bool(is_right.all()) or not bool(is_right.any()):
        return None
    mean, spread = float(values.mean()), max(float(values.std()), 1e-6)
    x = torch.stack([(values.double() - mean) / spread, torch.ones(len(values)).double()], dim=1)
    weight = torch.zeros(2, dtype=torch.float64)
    ridge = 0.01 * torch.eye(2, dtype=torch.float64)  # keeps separable data finite
    for _ in range(50):
        p = (x @ weight).sigmoid()
        gradient = x.T @ (p - is_right.double()) + ridge @ weight
        hessian = (x * (p * (1 - p))[:, None]).T @ x + ridge
        weight = weight - torch.linalg.solve(hessian, gradient)
    slope = float(weight[0]) / spread
    if slope <= 0:
        return None
    return Naming(round(slope, 6), round(float(weight[1]) - slope * mean, 6), len(values))


def save_added(models: Path, added: Added) -> None:
    """Write the measurements atomically; the pictures are there already."""
    description = {
        "photos": [asdict(photo) for photo in added.photos],
        "products": [asdict(product) for product in added.products],
        "naming": None if added.naming is None else asdict(added.naming),
        "key": added.key,
    }
    tensors = {"embedding": added.embedding.contiguous(), "histogram": added.histogram.contiguous()}
    metadata = {_KEY: json.dumps(description, sort_keys=True, ensure_ascii=False)}
    write_bytes(models / FOLDER / _FILE, save(tensors, metadata=metadata))


def add_pictures(
    models: Path,
    product: GalleryProduct,
    canvases: dict[str, bytes],
    system: System,
    packs: Path,
) -> Added:
    """Add pictures (photo_id -> canvas file) of one product, and measure all that is added."""
    with _locked(models):
        before = _current(models, system, packs)
        kept = before.photos if before else ()
        products = {old.label: old for old in (before.products if before else ())}
        urls = products[product.label].urls if product.label in products else ()
        products[product.label] = replace(product, urls=tuple(sorted({*urls, *product.urls})))
        fresh = []
        for photo_id, content in canvases.items():
            path = f"{FOLDER}/{photo_id}.jpg"  # below models, wherever those are
            write_bytes(models / path, content)
            fresh.append(GalleryPhoto(photo_id, product.label, path))
        again = {(photo.label, photo.photo_id) for photo in fresh}
        others = [old for old in kept if (old.label, old.photo_id) not in again]
        key = base_key(models, system)
        added = measured(models, [*others, *fresh], products.values(), system, packs, key)
        assert added is not None  # the fresh pictures were just written
        save_added(models, added)
        return added


def remove_product(models: Path, label: str) -> int:
    """Take an added product out, also one whose pictures cannot be read; how many pictures it had.

    Raises:
        CatalogueError: it was not added, or the file is damaged.
    """
    path = models / FOLDER / _FILE
    with _locked(models):
        before = _read(path) if path.exists() else None
        rows = (
            [row for row, one in enumerate(before.photos) if one.label != label] if before else []
        )
        if before is None or len(rows) == len(before.photos):
            known = ", ".join(one.label for one in before.products) if before else "none"
            raise CatalogueError(f"{label}: not an added product; added are: {known}.")
        left = replace(
            before,
            photos=tuple(before.photos[row] for row in rows),
            products=tuple(one for one in before.products if one.label != label),
            embedding=before.embedding[rows],
            histogram=before.histogram[rows],
        )
        if rows:
            save_added(models, left)
        else:
            path.unlink()
        used = {photo.photo_id for photo in left.photos}
        for photo in before.photos:
            if photo.photo_id not in used:
                (models / FOLDER / f"{photo.photo_id}.jpg").unlink(missing_ok=True)
        return len(before.photos) - len(rows)


def _read(path: Path) -> Added:
    try:
        with safe_open(str(path), framework="pt") as file:
            told = json.loads(file.metadata()[_KEY])
            embedding, histogram = file.get_tensor("embedding"), file.get_tensor("histogram")
        photos = tuple(from_dict(photo, GalleryPhoto) for photo in told["photos"])
        products = tuple(from_dict(product, GalleryProduct) for product in told["products"])
        naming = None if told["naming"] is None else from_dict(told["naming"], Naming)
        if not len(photos) == len(embedding) == len(histogram):
            raise ValueError(f"{len(photos)} pictures, {len(embedding)} measured")
        if {photo.label for photo in photos} != {product.label for product in products}:
            raise ValueError("pictures and products do not belong together")
        return Added(photos, products, embedding, histogram, naming, str(told["key"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CatalogueError(
            f"{path}: not readable ({error}). Delete it, and run `solemap gallery add` again with "
            f"the pictures beside it ({path.parent})."
        ) from error
