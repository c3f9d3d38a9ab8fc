"""Nets for one photo after another: their filters laid out once as the processor's kernels want them.

For a single small photo, oneDNN spends much of a convolution on bringing the filters into its own layout,
each time anew. A net prepared here keeps them so, with the batch normalisation that follows folded in.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from train.model import ShoeNet

Shape = tuple[int, ...]


class PrepackedConv2d(nn.Module):
    """A convolution and its batch normalisation, (B, C, H, W) to (B, D, h, w), for answering alone."""

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d, seen: Shape) -> None:
        super().__init__()
        assert norm.running_mean is not None and norm.running_var is not None
        self._how = (
            list(convolution.padding),
            list(convolution.stride),
            list(convolution.dilation),
            convolution.groups,
        )
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)  # (D,)
        filters = convolution.weight * scale[:, None, None, None]
        # no buffers: filters that are laid out so can neither be copied nor saved
        self._filters = torch.ops.mkldnn._reorder_convolution_weight(
            filters.contiguous(memory_format=torch.channels_last), *self._how, list(seen)
        )
        self._bias = norm.bias - norm.running_mean * scale

    def forward(self, given: Tensor) -> Tensor:
        """See the class."""
        found: Tensor = torch.ops.mkldnn._convolution_pointwise(
            given, self._filters, self._bias, *self._how, "none", [], ""
        )
        return found


@torch.no_grad()
def prepack(net: ShoeNet) -> None:
    """Replace the convolutions of ``net``, in evaluation mode on the CPU; where torch cannot, nothing changes.

    Answers differ by rounding alone. The net can be neither trained nor saved afterwards.
    """
    if not _can_prepack():
        return
    seen = _shapes(net)
    try:
        made = [
            (module, name, next_name, PrepackedConv2d(child, following, seen[child]))
            for module in net.backbone.modules()
            for (name, child), (next_name, following) in pairwise(module.named_children())
            if isinstance(child, nn.Conv2d) and isinstance(following, nn.BatchNorm2d)
        ]
    except RuntimeError:  # a processor that these operations do not know
        return
    for module, name, next_name, prepacked in made:
        setattr(module, name, prepacked)
        setattr(module, next_name, nn.Identity())


def _can_prepack() -> bool:
    """The two operations are those that torch's compiler itself uses, and no public ones."""
    named = ("_reorder_convolution_weight", "_convolution_pointwise")
    return torch.backends.mkldnn.is_available() and all(
        hasattr(torch.ops.mkldnn, name) for name in named
    )


def _shapes(net: ShoeNet) -> dict[nn.Module, Shape]:
    """What each convolution sees of one photo, (1, C, H, W): the best layout depends on it."""
    found: dict[nn.Module, Shape] = {}
    hooks = [
        module.register_forward_pre_hook(
            lambda module, given: found.update({module: tuple(given[0].shape)})
        )
        for module in net.backbone.modules()
        if isinstance(module, nn.Conv2d)
    ]
    net.backbone(torch.zeros(1, 3, net.size, net.size))
    for hook in hooks:
        hook.remove()
    return found
