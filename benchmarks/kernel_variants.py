"""What ``triton_kernels.py`` measures: a norm without its mean, and a bottleneck with its norm, each in three variants."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from hwcost.workloads.components_model import UncentredNorm
from hwcost.workloads.modules import EPSILON
from hwcost.workloads.triton_modules import BottleneckNormKernel, UncentredNormKernel

OUTER = 768
"""Width in front of a bottleneck."""


def build(
    operator: str, variant: str, width: int, batch_size: int, seq_len: int, dtype: torch.dtype
) -> tuple[nn.Module, tuple[torch.Tensor]]:
    """Makes one variant of an operator and its input.

    Args:
        operator: ``norm``, h -> h, or ``bottleneck``, 768 -> h.
        variant: ``eager``, ``compile`` or ``triton``.
        width: Width h.
        batch_size: Number of sequences.
        seq_len: Number of tokens in a sequence.
        dtype: Number format.
    """
    plain: dict[str, Callable[[], nn.Module]] = {
        "norm": lambda: UncentredNorm(width),
        "bottleneck": lambda: nn.Sequential(nn.Linear(OUTER, width), nn.LayerNorm(width, eps=EPSILON)),
    }
    kernel: dict[str, Callable[[], nn.Module]] = {
        "norm": lambda: UncentredNormKernel(width),
        "bottleneck": lambda: BottleneckNormKernel(OUTER, width, precision=precision()),
    }
    module = (kernel if variant == "triton" else plain)[operator]()
    if variant == "compile":
        module = torch.compile(module, dynamic=False)
    hidden = torch.randn(batch_size, seq_len, OUTER if operator == "bottleneck" else width)
    return module, (hidden.to(dtype),)


def precision() -> str:
    """Returns the way of multiplying float32 that torch takes too."""
    return "tf32" if torch.backends.cuda.matmul.allow_tf32 else "ieee"
