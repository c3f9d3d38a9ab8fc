"""Shoes on made-up ground, batch by batch: what the detector learns from, and grounds for augmentation.

Cut-outs of packs (pixels and masks) are pasted at any size, place and angle on scenes of textures, tiles,
horizons, things that are no shoe, and pages with bars of text. Whole batches on tensors: making one
must not cost more than learning from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

SHOE = (0.15, 1.1)  # a shoe's longer side, of the frame's
EMPTY_SHARE = 0.15  # of the frames have no shoe
SECOND = slice(0, None, 3)  # frames with another, smaller one behind it
COVERED = slice(1, None, 3)  # frames with something before the shoe, as a trouser leg is
ON_PAGE = slice(2, None, 4)  # frames that are no square photo, or a page with the photo in it
BLURRED = slice(0, None, 2)
VARIANTS = 4  # of each ground
HORIZON_SHARE = 0.6  # have another texture above
LEVEL_SHARE = 0.7  # of the shoes stand nearly level, the others at any angle
THINGS = 3  # at most, that are no shoe, behind the shoes
NOISE = 0.06
OCTAVES = (2, 4, 8, 16, 32, 64)  # cells across of the noise that textures are made of
GOLDEN = (12.9898, 78.233, 43758.5453)  # the usual hash of a tile's number to its shade


@dataclass(frozen=True)
class CutOuts:
    """Shoes without their ground: uint8 (N, 4, S, S), RGB times mask and mask, at three sizes, halved each."""

    sizes: tuple[Tensor, ...]

    @classmethod
    def of(cls, pixels: Tensor, masks: Tensor) -> CutOuts:
        """From uint8 pixels (N, 3, S, S) and masks (N, S, S)."""
        sizes = [_premultiplied(pixels, masks)]
        for _ in range(2):
            sizes.append(functional.avg_pool2d(sizes[-1].float(), 2).round().to(torch.uint8))
        return cls(tuple(sizes))

    def __len__(self) -> int:
        return len(self.sizes[0])


def _premultiplied(pixels: Tensor, masks: Tensor) -> Tensor:
    whole = torch.cat([pixels, masks[:, None]], dim=1)  # (N, 4, S, S)
    for part, mask in zip(whole.split(64), masks.split(64), strict=True):
        part[:, :3] = (part[:, :3] * (mask[:, None].float() / 255)).round().to(torch.uint8)
    return whole


class Draw:
    """Random numbers of one generator for a batch of ``count`` frames."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self.count, self.generator = count, generator

    def some(self, count: int) -> Draw:
        """The same generator for another number of frames."""
        return Draw(count, self.generator)

    def between(self, low: float, high: float, *shape: int) -> Tensor:
        """Uniform, (count, *shape), by default (count, 1, 1, 1)."""
        drawn = torch.rand(
            self.count,
            *(shape or (1, 1, 1)),
            generator=self.generator,
            device=self.generator.device,
        )
        return drawn * (high - low) + low

    def chance(self, share: float) -> Tensor:
        """True for so many frames, (count, 1, 1, 1)."""
        return self.between(0, 1) < share

    def noise(self, cells: int, size: int) -> Tensor:
        """Smooth noise with so many cells across, (count, 1, size, size)."""
        coarse = self.between(0, 1, 1, cells + 1, cells + 1)
        return functional.interpolate(coarse, size, mode="bilinear", align_corners=True)

    def color(self) -> Tensor:
        """Mostly dull, sometimes vivid, (count, 3, 1, 1)."""
        vivid = self.between(0, 1) ** 2
        return (self.between(0, 1) + vivid * self.between(-0.6, 0.6, 3, 1, 1)).clamp(0, 1)

    def places(self, size: int) -> tuple[Tensor, Tensor]:
        """How far across, (1, 1, 1, size), and how far down, (1, 1, size, 1), each pixel is, of 0..1."""
        line = (torch.arange(size, device=self.generator.device) + 0.5) / size
        return line.view(1, 1, 1, size), line.view(1, 1, size, 1)


def compose(
    cut_outs: CutOuts, size: int, count: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """``count`` frames (B, 3, size, size) of 0..1, and how much of each pixel is shoe, (B, 1, size, size)."""
    draw = Draw(count, generator)
    frames, shoe = grounds(draw.some(-(-count // VARIANTS)), size)[:count], torch.zeros(count, 1, size, size)  # fmt: skip
    is_there = ~draw.chance(EMPTY_SHARE)
    scale = SHOE[0] * (SHOE[1] / SHOE[0]) ** draw.between(0, 1)  # even in its logarithm
    few = draw.some(len(frames[SECOND]))
    layer = _shoes(cut_outs, 0.8 * scale[SECOND].flatten(), size, few) * is_there[SECOND]
    frames[SECOND], shoe[SECOND] = _pasted(frames[SECOND], layer, few)
    layer = _shoes(cut_outs, scale.flatten(), size, draw) * is_there
    frames, alpha = _pasted(frames, layer, draw)
    shoe = torch.maximum(shoe * (1 - alpha), alpha)
    color, alpha = _thing(draw.some(len(frames[COVERED])), size)
    frames[COVERED] = frames[COVERED] * (1 - alpha) + color * alpha
    shoe[COVERED] *= 1 - alpha
    page = _on_page(frames[ON_PAGE], shoe[ON_PAGE], draw.some(len(frames[ON_PAGE])))
    frames[ON_PAGE], shoe[ON_PAGE] = page
    return _taken(frames, draw), shoe


def grounds(draw: Draw, size: int) -> Tensor:
    """`VARIANTS` times as many frames without a shoe as are drawn, mirrored or in other colours, which costs little."""
    frames = _scene(draw, size)
    for _ in range(THINGS):
        color, alpha = _thing(draw, size)
        alpha = alpha * draw.chance(0.6)
        frames = frames * (1 - alpha) + color * alpha
    others = [frames.flip(3).roll(1, dims=1), frames.roll(2, dims=1), frames.flip(3)]
    return torch.cat([frames, *others])


def _scene(draw: Draw, size: int) -> Tensor:
    """Ground, in some with another one above a slanted horizon."""
    across, down = draw.places(size)
    slope = draw.between(-0.3, 0.3)
    height = torch.where(draw.chance(HORIZON_SHARE), draw.between(0.1, 0.8), -1.0)
    depth = down - height - slope * (across - 0.5)  # (B, 1, H, W), over 0 on the ground
    lying = draw.chance(0.5)
    near = torch.where(lying, 1 / (0.3 + depth.clamp_min(0)), 1.0)  # tiles shrink far away
    ground = _texture(draw, (across - 0.5) * near + 0.5, torch.where(lying, -near, down), size)
    above = _texture(draw, across, down, size)
    frames = torch.where(depth > 0, ground, above)
    light = 1 + draw.between(-0.5, 0.5) * (across - 0.5) + draw.between(-0.5, 0.5) * (down - 0.5)
    return (frames * light).clamp(0, 1)


def _texture(draw: Draw, across: Tensor, down: Tensor, size: int) -> Tensor:
    """Noise, stripes and tiles, alone or together, in three colours: (B, 3, H, W)."""
    angle = draw.between(0, math.pi) * draw.chance(0.5)
    u = across * angle.cos() + down * angle.sin()
    v = down * angle.cos() - across * angle.sin()
    weight = draw.between(0, 1, len(OCTAVES), 1, 1) ** 3
    noises = torch.cat([draw.noise(cells, size) for cells in OCTAVES], dim=1)  # (B, O, H, W)
    noise = (noises * weight / weight.sum(dim=1, keepdim=True)).sum(dim=1, keepdim=True)
    noise = 0.5 + (noise - 0.5) * draw.between(1, 4)
    many = draw.between(2, 20)
    stripes = 0.5 + draw.between(0.5, 4) * torch.sin(2 * math.pi * (u * many + draw.between(0, 1)))
    tile_u, tile_v = u * many, v * many * draw.between(0.2, 1.5)
    tile_u = tile_u + 0.5 * (tile_v.floor() % 2) * draw.chance(0.5)
    shade = torch.sin(tile_u.floor() * GOLDEN[0] + tile_v.floor() * GOLDEN[1]) * GOLDEN[2]
    joint = torch.minimum(tile_u - tile_u.floor(), tile_v - tile_v.floor()) < draw.between(0, 0.12)
    tiles = torch.where(joint, draw.between(-0.5, 1.5), shade - shade.floor())
    share = draw.between(0, 1, 3, 1, 1) * (draw.between(0, 1, 3, 1, 1) < 0.4)
    share[:, :1] += 0.2
    share = share / share.sum(dim=1, keepdim=True)
    mixed = noise * share[:, :1] + stripes * share[:, 1:2] + tiles * share[:, 2:]
    first, contrast = draw.color(), draw.between(0, 1)
    second = first + (draw.color() - first) * contrast
    third = draw.color() * draw.chance(0.4)
    speck = (noises[:, 3:4] > draw.between(0.7, 1)) & (third.sum(dim=1, keepdim=True) > 0)
    ground = first + (second - first) * mixed.clamp(0, 1)
    return torch.where(speck, third, ground)


def _thing(draw: Draw, size: int) -> tuple[Tensor, Tensor]:
    """Something that is no shoe, in two colours, (B, 3, H, W), and where it is, (B, 1, H, W).

    A blob, a bar or a box, with a straight or wavy outline.
    """
    across, down = draw.places(size)
    u, v = across - draw.between(-0.1, 1.1), down - draw.between(-0.1, 1.1)
    angle = draw.between(0, math.pi)
    radius = 0.04 * 10 ** draw.between(0, 1)
    stretch = 4 ** draw.between(-1, 1)
    x = (u * angle.cos() + v * angle.sin()) / (radius * stretch)
    y = (v * angle.cos() - u * angle.sin()) / radius * stretch
    power = 2.0 ** draw.between(0, 3)  # 1 a rhombus, 2 an ellipse, 8 a box
    away = (x.abs() ** power + y.abs() ** power) ** (1 / power)
    wave = 1 + draw.between(0, 0.3) * torch.sin(torch.atan2(y, x) * draw.between(1, 7).round())
    soft = draw.between(0.5, 3) / size
    alpha = ((wave - away) * radius / soft + 0.5).clamp(0, 1)
    stripes = 0.5 + 2 * torch.sin(
        x * draw.between(0, 12) + y * draw.between(0, 12) + draw.between(0, 6)
    )
    first = draw.color()
    second = first + (draw.color() - first) * draw.between(0, 1)
    color = first + (second - first) * stripes.clamp(0, 1)
    return color * (1 - 0.5 * draw.between(0, 1) * draw.noise(4, size)), alpha


def _shoes(cut_outs: CutOuts, scale: Tensor, size: int, draw: Draw) -> Tensor:
    """A cut-out per frame (B, 4, size, size), RGB times mask and mask; ``scale`` (B,) of the frame's side.

    Each is taken from the smallest of its sizes that is not blown up, so that nothing aliases.
    """
    count = draw.count
    rows = torch.randint(len(cut_outs), (count,), generator=draw.generator)
    level = draw.chance(LEVEL_SHARE)
    angle = torch.where(level, draw.between(-0.35, 0.35), draw.between(-math.pi, math.pi)).flatten()
    mirror = torch.where(draw.chance(0.5), -1.0, 1.0).flatten()
    aspect = draw.between(0.85, 1.15).flatten()
    place = draw.between(-1, 1, 2) * (1 - scale * 0.8).clamp_min(0.25)[:, None]  # (B, 2), of -1..1
    cosine, sine = angle.cos() / scale, angle.sin() / scale
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = cosine * mirror * aspect, sine * mirror * aspect
    theta[:, 1, 0], theta[:, 1, 1] = -sine, cosine
    theta[:, :, 2] = -(theta[:, :, :2] @ place[:, :, None])[:, :, 0]
    smaller = [scale * size <= 1.5 * own.shape[-1] for own in cut_outs.sizes[1:]]
    halvings = torch.stack(smaller).sum(dim=0)  # (B,)
    found = torch.zeros(count, 4, size, size)
    for number, own in enumerate(cut_outs.sizes):
        if (fits := halvings == number).any():
            places = functional.affine_grid(theta[fits], [int(fits.sum()), 4, size, size], False)
            shown = own[rows[fits]].float() / 255
            found[fits] = functional.grid_sample(shown, places, align_corners=False)
    return found


def _pasted(frames: Tensor, layer: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
    """Shoes relit, with a soft shadow below them, and their mask; an edge is hard or soft, wide or narrow."""
    color, mask = layer[:, :3], layer[:, 3:]
    gain = draw.between(0.6, 1.2) * draw.between(0.93, 1.07, 3, 1, 1)
    color = (color / mask.clamp_min(1e-3) * gain + draw.between(-0.05, 0.05)).clamp(0, 1)
    hard = draw.between(0, 1)  # and by so much the mask may shrink or grow
    alpha = (0.5 + (mask - 0.5) * (1 + 2 * hard) + hard * draw.between(-1, 1)).clamp(0, 1)
    low = functional.pad(functional.avg_pool2d(mask, 6), (0, 0, 1, 0))[:, :, :-1]
    shadow = functional.interpolate(low, frames.shape[-1], mode="bilinear")
    frames = frames * (1 - draw.between(0, 0.6) * shadow)
    return frames * (1 - alpha) + color * alpha, alpha


def _on_page(frames: Tensor, shoe: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
    """Frames that are no square photo, padded with the mean colour, or a page with bars of text."""
    size = frames.shape[-1]
    across, down = draw.places(size)
    is_padded, is_low = draw.chance(0.6), draw.chance(0.5)
    first, last = draw.between(0, 0.3, 2, 1, 1), 1 - draw.between(0, 0.3, 2, 1, 1)
    left, right = (
        torch.where(is_padded & is_low, end, of[:, :1]) for end, of in ((0, first), (1, last))
    )
    top, bottom = (
        torch.where(is_padded & ~is_low, end, of[:, 1:]) for end, of in ((0, first), (1, last))
    )
    is_photo = (across >= left) & (across < right) & (down >= top) & (down < bottom)
    paper = torch.where(draw.chance(0.8), draw.between(0.9, 1), draw.between(0, 0.2))
    line = down * draw.between(10, 40)
    words = draw.noise(24, size) > 0.4
    is_text = (
        (line - line.floor() < 0.5) & words & (across < draw.between(0.3, 1)) & draw.chance(0.8)
    )
    page = torch.where(is_text, 1 - paper, paper).expand(-1, 3, -1, -1)
    ground = torch.where(is_padded, frames.mean(dim=(2, 3), keepdim=True), page)
    return torch.where(is_photo, frames, ground), shoe * is_photo


def _taken(frames: Tensor, draw: Draw) -> Tensor:
    """As a camera gives it: a little blur in some, noise in all."""
    sharp = frames[BLURRED]
    soft = functional.avg_pool2d(sharp, 3, 1, 1, count_include_pad=False)
    frames[BLURRED] += (soft - sharp) * draw.between(0, 1)[BLURRED]
    noise = torch.randn(frames.shape, generator=draw.generator) * NOISE * draw.between(0, 1) ** 2
    return (frames + noise).clamp(0, 1)
