"""Seeded weights, filled fast: one buffer of normal numbers, tiled into every parameter at a drawn offset."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch

BUFFER = 1_000_003
"""Numbers in the buffer; a prime, so that no row of a weight matrix repeats where the buffer does."""
STD = 0.02
"""Standard deviation of the weights, as BERT's initialisation has it; the scales of layer norms lie around 1."""


def materialize(make: Callable[[], torch.nn.Module], dtype: str, seed: int) -> torch.nn.Module:
    """Builds a module without initialising it, then fills its parameters once.

    Args:
        make: Makes the module; called with torch's default device set to ``meta``.
        dtype: Number format of the parameters.
        seed: Equal seeds give equal weights.

    Returns:
        The module on the CPU, in eval mode, without gradients.
    """
    with torch.device("meta"):
        module = make()
    module = module.to(getattr(torch, dtype)).to_empty(device="cpu").eval().requires_grad_(False)
    fill(module, seed)
    return module


def fill(module: torch.nn.Module, seed: int) -> None:
    """Overwrites all parameters and buffers, in their order, with seeded normal numbers."""
    generator = torch.Generator().manual_seed(seed)
    buffers: dict[torch.dtype, torch.Tensor] = {}
    scales = {id(one) for name, one in module.named_parameters() if name.endswith("weight") and one.ndim == 1}  # of norms
    with torch.no_grad():
        for tensor in [*module.parameters(), *module.buffers()]:
            normal = buffers.setdefault(tensor.dtype, _normal().to(tensor.dtype))
            _tile(tensor.view(-1), normal, int(torch.randint(BUFFER, (1,), generator=generator)))
            if id(tensor) in scales:
                tensor.add_(1)


@lru_cache(maxsize=1)
def _normal() -> Any:
    return torch.randn(BUFFER, generator=torch.Generator().manual_seed(0)) * STD


def _tile(flat: torch.Tensor, normal: torch.Tensor, offset: int) -> None:
    """Copies the buffer, from ``offset`` on and as often as needed, into a flat tensor."""
    head = min(len(flat), BUFFER - offset)
    flat[:head] = normal[offset : offset + head]
    for start in range(head, len(flat), BUFFER):
        stop = min(start + BUFFER, len(flat))
        flat[start:stop] = normal[: stop - start]


def count_parameters(module: torch.nn.Module) -> int:
    """Counts parameters; one that is shared counts once, and a buffer not at all."""
    return sum(math.prod(parameter.shape) for parameter in module.parameters())
