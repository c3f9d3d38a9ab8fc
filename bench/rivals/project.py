"""What the rivals get of a project: its packs as one, its params, and as many image passes as ours take."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from catalogue.brand_list import read_brands
from catalogue.errors import CatalogueError
from catalogue.params import read_params
from train.data import Pack, load_pack
from train.loop import NO_TEACHER, Settings, size_at

TRAINED = ("train", "val")  # what answers has learned from both; test reports


@dataclass(frozen=True)
class Project:
    """Packs of the listed brands, one by one and together, and the sections of params.yaml."""

    folder: Path
    packs: dict[str, Pack]
    joint: Pack
    base: Settings
    train: Settings

    @property
    def budget(self) -> int:
        """Image passes of what answers in this project: base, its refit, and every brand's net.

        Passes of smaller pictures, where the base is progressive, count by their pixels.
        """
        train, both = len(self.joint.rows("train")), len(self.joint.rows(*TRAINED))
        sides = [size_at(self.base, epoch) / self.base.size for epoch in range(self.base.epochs)]
        passes = round(sum(side**2 for side in sides) * train)
        return passes + self.base.refit_epochs * both + self.train.epochs * both

    @property
    def base_passes(self) -> int:
        """Those of them that went into the base."""
        return self.budget - self.train.epochs * len(self.joint.rows(*TRAINED))


def read_project(folder: Path, changed: dict[str, Any]) -> Project:
    """The project in ``folder``; ``changed`` settings, None left out, go over those of its params.

    A teacher of the base is left out: a rival has none, and its passes are in nobody's budget.

    Raises:
        CatalogueError: packs or params cannot be read, or there is nothing to train on.
    """
    params = read_params(folder / "params.yaml")
    packs = {
        brand: load_pack(folder / "data" / "pack" / brand)
        for brand in read_brands(folder / "brands.yaml")
    }
    joint = joined(list(packs.values()))
    if len(joint.labels) < 2 or not len(joint.rows("test")):
        raise CatalogueError(
            f"{folder / 'data' / 'pack'}: {len(joint.labels)} products and {len(joint.rows('test'))} test "
            "photos; at least 2 and 1 are needed. Crawl more, then `dvc repro pack`."
        )
    return Project(
        folder=folder,
        packs=packs,
        joint=joint,
        base=dataclasses.replace(settings_of(params["base"], changed), teacher=NO_TEACHER),
        train=settings_of(params["train"], changed),
    )


def joined(packs: list[Pack]) -> Pack:
    """One pack of all photos; labels stay ``brand/product``, in the packs' order."""
    first, offsets, labels = packs[0], [], list[str]()
    for pack in packs:
        offsets.append(len(labels))
        labels += pack.labels
    digest = hashlib.sha256("".join(pack.sha256 for pack in packs).encode())
    return dataclasses.replace(
        first,
        pixels=torch.cat([pack.pixels for pack in packs]),
        masks=torch.cat([pack.masks for pack in packs]),
        labels=tuple(labels),
        label_index=torch.cat(
            [pack.label_index + offset for pack, offset in zip(packs, offsets, strict=True)]
        ),
        split=tuple(one for pack in packs for one in pack.split),
        photo_id=tuple(one for pack in packs for one in pack.photo_id),
        sha256=digest.hexdigest(),
    )


def settings_of(section: dict[str, Any], changed: dict[str, Any]) -> Settings:
    """A section of params.yaml as Settings; ``changed`` ones, None left out, go over its own."""
    known = {field.name for field in dataclasses.fields(Settings)}
    values = {key.replace("-", "_"): value for key, value in section.items()}
    given = {key: value for key, value in changed.items() if value is not None}
    return Settings(**{key: value for key, value in (values | given).items() if key in known})
