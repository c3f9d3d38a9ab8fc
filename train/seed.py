"""Every source of randomness of the training stages, set in one place."""

from __future__ import annotations

import hashlib
import os

import torch


def make_deterministic(threads: int = 1) -> None:
    """A fixed number of threads and deterministic kernels: both would change the last bits."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # or cuBLAS refuses
    torch.set_num_threads(threads)
    # torch.use_deterministic_algorithms without its settings for the compiler, whose import takes 1.6 s
    torch.set_deterministic_debug_mode("error")
    # It would fill every new tensor with NaN, a debugging aid that costs memory traffic.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.manual_seed(0)


def derived_seed(*parts: object) -> int:
    """A 63-bit seed from ``parts``, the same in every process and on every machine."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def training_device() -> torch.device:
    """The GPU, unasked, where torch can use one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def generator(*parts: object, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator seeded by ``parts``: an epoch draws the same whether or not it was resumed."""
    return torch.Generator(device).manual_seed(derived_seed(*parts))
