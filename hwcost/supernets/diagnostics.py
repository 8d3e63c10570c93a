"""Whether a supernet is trained enough, and what it has learnt: fixed nets, chosen before training, and its bottlenecks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.supernets.base import Supernet
from hwcost.supernets.masked_lm import perplexity
from hwcost.supernets.supershaper import SuperShaperSupernet

__all__ = ["bottleneck_diagonals", "choose", "perplexities", "shape_differences"]

BAND = 0.1
"""Relative half-width of the range of parameter counts within which nets are compared by their shape alone."""


def choose(space: SearchSpace, count: int, seed: int) -> tuple[list[Architecture], list[Architecture]]:
    """Chooses nets to compare supernet and separate training by, before either has begun.

    A ranking of nets of all sizes is easy: larger ones are better. Half of the nets are therefore about of one size.

    Args:
        space: The space.
        count: Number of nets in all, even.
        seed: Seed of the draws; equal seeds give equal nets.

    Returns:
        Nets within the band around the median size of random nets, and nets spread over all sizes.

    Raises:
        UsageError: When the count is odd, or the space holds too few such nets.
    """
    if count < 2 or count % 2:
        raise UsageError(f"half of the nets lie within a band of sizes: give an even number of them, got {count}")
    middle = float(np.median([space.params(arch) for arch in space.sample(101, seed=seed)]))
    near = space.sample(count // 2, seed=seed, params=((1 - BAND) * middle, (1 + BAND) * middle))
    spread = [arch for arch in space.sample(count, seed=seed, design="spread") if arch not in near]
    evenly = np.linspace(0, len(spread) - 1, count // 2).round().astype(int)
    return near, [spread[index] for index in evenly]


def perplexities(
    supernet: Supernet, archs: Iterable[Architecture], batches: Sequence[dict[str, Any]]
) -> list[float]:
    """Returns the perplexity of subnets with the weights they inherit."""
    return [perplexity(supernet.set(arch, "mlm"), batches) for arch in archs]


def bottleneck_diagonals(supernet: SuperShaperSupernet) -> NDArray[np.float64]:
    """Returns the softmax of the principal diagonal of every bottleneck (SuperShaper, Figure 4).

    Returns:
        (layers, 2, D): of the matrix that enters a layer and of the one that leaves it. Sliced training leaves bands with
        ends at the widths of the space.
    """
    pairs = [(layer.enter.weight, layer.leave.weight) for layer in supernet.weights.layers]
    diagonals = torch.stack([torch.stack([torch.diagonal(one) for one in pair]) for pair in pairs])
    found: NDArray[np.float64] = diagonals.detach().double().softmax(-1).cpu().numpy()
    return found


def shape_differences(space: SearchSpace, archs: Sequence[Architecture], best: Architecture) -> NDArray[np.float64]:
    """Returns how far shapes are from one shape, ``||S - S_best||`` (SuperShaper, equation 1)."""
    genes = space.encode([best, *archs])
    distances: NDArray[np.float64] = np.linalg.norm(genes[1:] - genes[0], axis=1)
    return distances
