"""Each brand's net with one more class, "outside": as many pictures of other brands as of its own.

The obvious way to make nets comparable that never saw each other's brands; it costs the independence of
the nets, since a new brand's pictures belong into every other brand's training.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from bench.rivals.project import TRAINED, Project
from train.data import Pack
from train.seed import generator


def with_outside(project: Project, brand: str) -> Pack:
    """The brand's pack with one more class: other brands' train and val photos, drawn by the seed.

    As many as the brand has itself, or all that there are.
    """
    own, joint = project.packs[brand], project.joint
    foreign = torch.tensor(
        [
            row
            for row in joint.rows(*TRAINED).tolist()
            if not joint.labels[int(joint.label_index[row])].startswith(f"{brand}/")
        ],
        dtype=torch.int64,
    )
    drawn = torch.randperm(len(foreign), generator=generator("outside", brand, project.train.seed))
    rows = foreign[drawn[: len(own.rows(*TRAINED))]].sort().values
    chosen = rows.tolist()
    return dataclasses.replace(
        own,
        pixels=torch.cat([own.pixels, joint.pixels[rows]]),
        masks=torch.cat([own.masks, joint.masks[rows]]),
        labels=(*own.labels, f"{brand}/_outside"),
        label_index=torch.cat([own.label_index, torch.full((len(rows),), len(own.labels))]),
        split=(*own.split, *(joint.split[row] for row in chosen)),
        photo_id=(*own.photo_id, *(joint.photo_id[row] for row in chosen)),
        sha256=f"{own.sha256}+{joint.sha256}",
    )


def own_scores(logits: Tensor) -> Tensor:
    """Probabilities of the brand's own products, (N, C), from logits (N, C + 1)."""
    return logits.softmax(dim=1)[:, :-1]
