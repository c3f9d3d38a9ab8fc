"""The training loop, read top to bottom: packed pixels in, a trained net and its curve out.

Resumable at any moment with the same final bytes: an epoch's randomness depends on (seed, epoch)
alone, and a checkpoint holds weights, optimizer moments and the curve so far. Checkpoints live in
``var/train/<name>-<fingerprint>/``, where the fingerprint covers data, params, code, torch and
starting weights: a changed input never resumes the wrong run.
"""

from __future__ import annotations

import glob
import hashlib
import json
import logging
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional

from catalogue.errors import CatalogueError
from catalogue.manifest import write_bytes
from train.augment import augment
from train.data import Pack, shrink
from train.model import ShoeNet, infer
from train.seed import generator, training_device

log = logging.getLogger(__name__)
CHECKPOINT_EVERY_S = 10.0
TEMPERATURE = 0.1  # of the contrastive loss, as Khosla et al. 2020 have it
NO_TEACHER = "none"
TEACHER_TEMPERATURE = 2.0  # at which a net's answers are compared with its teacher's
MIN_SIZE = 32  # px
WARMUP_SHARE = 0.1  # of all steps
FINGERPRINT = 16  # hexadecimal digits
PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True)
class Settings:
    """What changes the weights; the keys of ``base:`` and ``train:`` in params.yaml."""

    arch: str
    epochs: int
    batch_size: int
    lr: float  # peak
    weight_decay: float
    label_smoothing: float
    seed: int
    precision: str  # one of PRECISIONS
    size: int  # px, the side of the pictures that the net sees
    refit_epochs: int = 0  # of the base: more epochs at the end, on train and val photos
    metric_loss: float = 0.0  # weight of the supervised contrastive loss
    camera_share: float = 0.0  # see `augment`
    progressive: bool = False  # see `size_at`
    freeze_norm: bool = False  # keep the batch statistics of the starting weights
    teacher: str = NO_TEACHER  # of the base; see train/teacher.py
    teacher_epochs: int = 24  # that the teacher is trained for before it teaches
    teacher_loss: float = 1.0  # weight of what it says, beside the labels

    def __post_init__(self) -> None:
        """A teacher's settings are 0 where there is none: they change nothing, nor what a net tells of itself."""
        if self.teacher == NO_TEACHER:
            object.__setattr__(self, "teacher_epochs", 0)
            object.__setattr__(self, "teacher_loss", 0.0)


def check_size(settings: Settings, pack: Pack, key: str) -> None:
    """Refuse a net that would see more pixels than the pack holds.

    Raises:
        CatalogueError: naming the ``key`` of params.yaml.
    """
    packed = int(pack.pixels.shape[-1])
    if settings.size > packed:
        raise CatalogueError(
            f"params.yaml: {key} is {settings.size} px but pack.size is {packed}: pictures "
            "are not blown up. Lower the former, or raise the latter."
        )


def uses_bfloat16(precision: str) -> bool:
    """Whether the forward pass is in bfloat16; ``auto`` asks for a GPU or CPU instructions that speed it up.

    Measured at 64 px: 1.4 times as fast with AMX, a twelfth as fast on a CPU that emulates it.
    """
    if precision == "auto":
        if training_device().type == "cuda":
            return True
        able = torch.cpu.get_capabilities()
        return bool(able.get("amx_bf16") or able.get("avx512_bf16"))
    return precision == "bf16"


def fingerprint(pack: Pack, settings: Settings, start_sha256: str) -> str:
    """Identity of a run: its data, params, starting weights, code, and what computes it."""
    digest = hashlib.sha256()
    told = (training_device().type, uses_bfloat16(settings.precision), torch.get_num_threads())
    versions = [torch.__version__, version("pytorch-metric-learning")]
    if settings.teacher != NO_TEACHER:
        versions.append(version("timm"))
    for part in (pack.sha256, json.dumps(asdict(settings)), start_sha256, str(told), *versions):
        digest.update(part.encode() + b"\0")
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:FINGERPRINT]


def run(
    net: ShoeNet,
    pack: Pack,
    settings: Settings,
    work: Path,
    splits: Sequence[str] = ("train",),
    teacher: ShoeNet | None = None,
) -> list[dict[str, float]]:
    """Train ``net`` in place on the pack's photos of ``splits`` and return the curve, a row an epoch.

    A ``teacher`` of the same products, whose weights stay, is asked about the same pictures: they are augmented
    at its size, and made smaller for ``net``, which weakens their noise.

    The last epoch's weights are kept: nothing is chosen by looking at val, which only draws the
    curve, in the precision of training until the last epoch; 0 where val is trained on.
    ``work`` holds the checkpoint while the run lasts; remove it once the result is safe.
    Photos lie on the device where it trains, and are augmented there.

    Raises:
        CatalogueError: the loss or the net is no finite number any more.
    """
    from pytorch_metric_learning.losses import SupConLoss  # 2 s to import

    device = training_device()
    net.to(device)
    if teacher is not None:
        teacher.to(device).eval().requires_grad_(False)
    pixels, masks = pack.pixels.to(device), pack.masks.to(device)
    label_index = pack.label_index.to(device)
    train_rows, val_rows = pack.rows(*splits), pack.rows(*{"val"} - set(splits))
    optimizer = _optimizer(net, settings)
    is_bfloat16 = uses_bfloat16(settings.precision)
    curve = _resume(work, net, optimizer)
    if curve:
        log.info("resumed at epoch %d of %d", len(curve), settings.epochs)
    # never one photo alone, which has no batch statistics
    batches = max(1, min(math.ceil(len(train_rows) / settings.batch_size), len(train_rows) // 2))
    total_steps = batches * settings.epochs
    naming = nn.CrossEntropyLoss(label_smoothing=settings.label_smoothing)
    contrast = SupConLoss(temperature=TEMPERATURE)
    saved_at = started_at = time.monotonic()
    first_epoch = len(curve)
    work_of = [size_at(settings, one) ** 2 for one in range(settings.epochs)]

    for epoch in range(first_epoch, settings.epochs):
        net.train()
        if settings.freeze_norm:
            for module in net.modules():
                if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                    module.eval()
        order = train_rows[
            torch.randperm(len(train_rows), generator=generator(settings.seed, epoch, "order"))
        ]
        randomness = generator(settings.seed, epoch, device=device)
        size = size_at(settings, epoch)
        loss_sum = torch.zeros((), device=device)
        for step, rows in enumerate(_nearly_equal(order, batches), start=epoch * batches):
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * schedule(step, total_steps)
            own = rows.to(device)
            seen = teacher.size if teacher is not None else size
            pictures = augment(pixels[own], masks[own], seen, randomness, settings.camera_share)
            small = shrink(pictures, size)
            with torch.autocast(device.type, torch.bfloat16, enabled=is_bfloat16):
                features = net.backbone(small)  # (B, F)
                logits = net.head(features)  # (B, C)
                teacher_logits = teacher(pictures) if teacher is not None else None  # (B, C)
            loss = naming(logits.float(), label_index[own])
            if settings.metric_loss:
                loss = loss + settings.metric_loss * contrast(features.float(), label_index[own])
            if teacher_logits is not None:
                away = distillation(logits.float(), teacher_logits.float())
                loss = loss + settings.teacher_loss * away
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach() * len(rows)
        net.eval()
        _check_finite(loss_sum, epoch, settings)
        is_last = epoch + 1 == settings.epochs
        with torch.autocast(device.type, torch.bfloat16, enabled=is_bfloat16 and not is_last):
            val_top1 = accuracy(net, pack, val_rows) if len(val_rows) else 0.0
        curve.append(
            {
                "epoch": epoch + 1,
                "train_loss": round(float(loss_sum) / len(train_rows), 6),
                "val_top1": round(val_top1, 6),
            }
        )
        if time.monotonic() - saved_at > CHECKPOINT_EVERY_S and not is_last:
            _save_checkpoint(work, net, optimizer, curve)
            saved_at = time.monotonic()
            done = epoch + 1 - first_epoch
            took_s = saved_at - started_at
            rate = done * len(train_rows) / took_s
            left_s = took_s * sum(work_of[epoch + 1 :]) / sum(work_of[first_epoch : epoch + 1])
            measured = f"  val top-1 {val_top1:.2f}" if len(val_rows) else ""
            log.info(
                "epoch %d/%d  loss %.3f%s  %.0f pictures/s  %.0f s left",
                epoch + 1, settings.epochs, curve[-1]["train_loss"], measured, rate, left_s,
            )  # fmt: skip
    with torch.no_grad():
        net.prototypes.copy_(_class_means(net, pack, train_rows))
    for value in net.state_dict().values():
        _check_finite(value, settings.epochs - 1, settings)
    net.cpu()
    return curve


def _optimizer(net: ShoeNet, settings: Settings) -> torch.optim.AdamW:
    """Weight decay for filters and the head, none for norms and biases."""
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.lr, fused=True)


def distillation(logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """How far a net's logits (B, C) are from its teacher's (B, C): their divergence, times T^2.

    Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network"; the factor keeps the size
    of the gradients (section 2).
    """
    own = (logits / TEACHER_TEMPERATURE).log_softmax(dim=1)
    meant = (teacher_logits / TEACHER_TEMPERATURE).log_softmax(dim=1)
    divergence = functional.kl_div(own, meant, reduction="batchmean", log_target=True)
    return divergence * TEACHER_TEMPERATURE**2


def _check_finite(values: Tensor, epoch: int, settings: Settings) -> None:
    if not values.isfinite().all():
        raise CatalogueError(
            f"in epoch {epoch + 1} of {settings.epochs} the net went astray: its loss or its weights are no finite numbers "
            f"any more. Lower its lr, which is {settings.lr:g}, in params.yaml (base, train, or the brand's train-overrides)."
        )


def _class_means(net: ShoeNet, pack: Pack, rows: Tensor) -> Tensor:
    """The mean embedding of each class's photos in ``rows``, (C, F), zero for a class without any."""
    _, embedding = infer(net, pack.pixels[rows])
    sums = torch.zeros(len(pack.labels), net.features)
    return functional.normalize(sums.index_add_(0, pack.label_index[rows], embedding), dim=1)


def size_at(settings: Settings, epoch: int) -> int:
    """px, the side of the training pictures: where ``progressive``, half at first and whole for the last third.

    Progressive resizing, Howard 2018; the last epoch is always of whole pictures.
    """
    share = epoch / settings.epochs
    if not settings.progressive or share >= 2 / 3 or epoch == settings.epochs - 1:
        return settings.size
    part = 1 / 2 if share < 1 / 3 else 3 / 4
    return max(MIN_SIZE, round(settings.size * part / 8) * 8)


def schedule(step: int, total_steps: int) -> float:
    """Share of the peak learning rate: linear warm-up, then a half cosine to zero.

    >>> schedule(0, 100), schedule(9, 100), round(schedule(99, 100), 4)
    (0.1, 1.0, 0.0003)
    """
    warmup = max(1, round(total_steps * WARMUP_SHARE))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total_steps - warmup)))


def accuracy(net: ShoeNet, pack: Pack, rows: Tensor) -> float:
    """Share of the photos in ``rows`` whose highest logit is their label."""
    logits, _ = infer(net, pack.pixels[rows])
    return float((logits.argmax(dim=1) == pack.label_index[rows]).float().mean())


def _nearly_equal(order: Tensor, batches: int) -> Iterator[Tensor]:
    """Batches that differ by at most one photo: a last batch of one would spoil the batch statistics."""
    yield from torch.tensor_split(order, batches)


def remove_others(checkpoint: Path) -> None:
    """Remove what other data, params or code left beside ``checkpoint``, NAME-FINGERPRINT: it can never go on."""
    name = checkpoint.name.rpartition("-")[0]
    for other in checkpoint.parent.glob(f"{glob.escape(name)}-{'[0-9a-f]' * FINGERPRINT}"):
        if other != checkpoint:
            shutil.rmtree(other, ignore_errors=True)


def _save_checkpoint(
    work: Path, net: ShoeNet, optimizer: torch.optim.Optimizer, curve: list[dict[str, float]]
) -> None:
    tensors = {f"net.{name}": value for name, value in net.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in moments.items()}
    metadata = {"curve": json.dumps(curve)}
    packed = {name: value.contiguous() for name, value in tensors.items()}
    write_bytes(work / "checkpoint.safetensors", save(packed, metadata=metadata))


def _resume(work: Path, net: ShoeNet, optimizer: torch.optim.Optimizer) -> list[dict[str, float]]:
    from safetensors import safe_open

    path = work / "checkpoint.safetensors"
    if not path.exists():
        return []
    try:
        with safe_open(str(path), framework="pt") as file:
            curve: list[dict[str, float]] = json.loads((file.metadata() or {})["curve"])
        tensors = load_file(path)
        if {name: value.shape for name, value in net.state_dict().items()} != {
            name.removeprefix("net."): value.shape
            for name, value in tensors.items()
            if name.startswith("net.")
        }:
            raise ValueError("its tensors are another net's")
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        log.warning("%s: damaged (%s); this net starts again from its first epoch", path, error)
        shutil.rmtree(work, ignore_errors=True)
        return []
    net.load_state_dict(
        {
            name.removeprefix("net."): value
            for name, value in tensors.items()
            if name.startswith("net.")
        }
    )
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, moment = name.split(".")
            parameter = parameters[int(index)]
            if value.shape == parameter.shape:
                # The fused step walks memory: moments must lie as their channels-last parameter does.
                value = torch.empty_like(parameter).copy_(value)
            state.setdefault(int(index), {})[moment] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return curve
