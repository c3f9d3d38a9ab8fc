"""A pack on disk to tensors: pixels, labels and split of each photo of one brand."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from catalogue.errors import CatalogueError
from catalogue.manifest import read_json

MAX_LABELS = 200_000
_SPLITS = ("train", "val", "test")
# Channel statistics of ImageNet's photos, the convention of every torchvision ResNet.
_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
_STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


@dataclass(frozen=True)
class Pack:
    """Photos ready to train; row i of every field is the same photo.

    ``pixels`` is uint8 (N, 3, S, S) in RGB, ``masks`` uint8 (N, S, S) from 0 background to 255 shoe
    and 255 throughout where the ground is not plain; ``label_index`` int64 (N,) into ``labels``,
    which are ``brand/product``; ``sha256`` identifies pixels, masks and labels together.
    """

    pixels: torch.Tensor
    masks: torch.Tensor
    labels: tuple[str, ...]
    label_index: torch.Tensor
    split: tuple[str, ...]
    photo_id: tuple[str, ...]
    crop: bool  # whether pictures are cut to the shoe's box
    sha256: str
    background: str = "keep"  # neutral: white outside the shoe's mask

    def rows(self, *splits: str) -> torch.Tensor:
        """Row numbers of the photos of ``splits``, int64."""
        return torch.tensor([i for i, s in enumerate(self.split) if s in splits], dtype=torch.int64)


def load_pack(folder: Path) -> Pack:
    """Read ``pixels.npy``, ``masks.npy`` and ``pack.json`` of ``folder``.

    Raises:
        CatalogueError: a file is missing, damaged or the two do not fit together.
    """
    remedy = "Packs are generated: run `dvc repro` again."
    digest = hashlib.sha256()
    try:
        description = json.loads((folder / "pack.json").read_bytes())
        digest.update((folder / "pack.json").read_bytes())
        pixels = np.load(folder / "pixels.npy", allow_pickle=False)
        digest.update(pixels.tobytes())
        masks = np.load(folder / "masks.npy", allow_pickle=False)
        digest.update(masks.tobytes())
        photos = description["photos"]
        labels = tuple(str(label) for label in description["labels"])
        label_index = torch.tensor([int(photo["label"]) for photo in photos], dtype=torch.int64)
        pack = Pack(
            pixels=torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(),  # (N, 3, S, S)
            masks=torch.from_numpy(masks),
            labels=labels,
            label_index=label_index,
            split=tuple(str(photo["split"]) for photo in photos),
            photo_id=tuple(str(photo["photo_id"]) for photo in photos),
            crop=bool(description["crop"]),
            sha256=digest.hexdigest(),
            background=str(description.get("background", "keep")),
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, MemoryError) as error:
        raise CatalogueError(f"{folder}: not a readable pack ({error}). {remedy}") from error
    is_whole = masks.dtype == np.uint8 and pixels.shape == (*masks.shape, 3)
    if pixels.dtype != np.uint8 or len(pixels) != len(photos) or not is_whole:
        raise CatalogueError(
            f"{folder}: {pixels.dtype} pixels of {len(pixels)} photos and {masks.dtype} masks of "
            f"{len(masks)} beside {len(photos)} described ones; they must be uint8 and as many. {remedy}"
        )
    if len(labels) > MAX_LABELS or len(set(labels)) != len(labels):
        raise CatalogueError(
            f"{folder}: {len(labels)} labels; {MAX_LABELS} are allowed, each once. {remedy}"
        )
    if foreign := set(pack.split) - set(_SPLITS):
        raise CatalogueError(
            f"{folder}: a photo is of split {min(foreign)!r}; {', '.join(_SPLITS)} are allowed. {remedy}"
        )
    if len(photos) and not 0 <= int(label_index.min()) <= int(label_index.max()) < len(labels):
        raise CatalogueError(f"{folder}: a label index is outside 0..{len(labels) - 1}. {remedy}")
    return pack


def load_views(folder: Path, pack: Pack) -> tuple[str | None, ...]:
    """What each photo of ``pack`` shows as the shop tells it, from ``views.json`` of the same folder.

    Raises:
        CatalogueError: the file is missing, damaged or another pack's.
    """
    found = read_json(folder / "views.json").get("views")
    if not isinstance(found, list) or len(found) != len(pack.photo_id):
        raise CatalogueError(
            f"{folder / 'views.json'}: not the views of {len(pack.photo_id)} photos. "
            "Packs are generated: run `dvc repro` again."
        )
    return tuple(None if view is None else str(view) for view in found)


def select(pack: Pack, rows: torch.Tensor) -> Pack:
    """The pack of ``rows`` alone; labels stay all, so that indices keep their meaning."""
    chosen = rows.tolist()
    return Pack(
        pixels=pack.pixels[rows],
        masks=pack.masks[rows],
        labels=pack.labels,
        label_index=pack.label_index[rows],
        split=tuple(pack.split[i] for i in chosen),
        photo_id=tuple(pack.photo_id[i] for i in chosen),
        crop=pack.crop,
        sha256=pack.sha256,
        background=pack.background,
    )


def standardised(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures of 0..1, float (B, 3, S, S), as the nets take them: channels last."""
    mean, std = _MEAN.to(pictures.device), _STD.to(pictures.device)
    return ((pictures - mean) / std).contiguous(memory_format=torch.channels_last)


def denormalise(standard: torch.Tensor) -> torch.Tensor:
    """`standardised` undone: pictures of 0..1 again, in the same layout."""
    mean, std = _MEAN.to(standard.device), _STD.to(standard.device)
    return standard * std + mean


def normalise(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """uint8 (B, 3, S, S) to the float input of a net, (B, 3, size, size), each pixel an area's mean."""
    return standardised(shrink(pixels.float() / 255, size))


def shrink(pictures: torch.Tensor, size: int) -> torch.Tensor:
    """Float (B, 3, S, S) to (B, 3, size, size), each pixel an area's mean."""
    if pictures.shape[-1] == size:
        return pictures
    return functional.interpolate(pictures, (size, size), mode="area")
