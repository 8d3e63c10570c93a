"""Perplexity against size: random, evolved and heuristic nets (Figure 6), and those around the evolved ones (Table 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwcost.spaces import Architecture
from hwcost.spaces.supershaper import SuperShaper
from hwcost.systems.supershaper.intervals import Interval, correlation
from hwcost.systems.supershaper.sizes import limit, params, scaled

DRAWN = 2000
"""Number of random nets among which those of about one size are looked for."""
RANGE = 1.0
"""Half-width of a range of sizes in Table 7, in millions of parameters of scale ``paper``."""


@dataclass(frozen=True)
class SizedNet:
    """A net of Figure 6.

    Attributes:
        arch: Key of the architecture.
        params: Number of parameters, as the paper counts them.
        perplexity: Perplexity on the text that the random nets were evaluated on, with the weights that it inherits.
    """

    arch: str
    params: int
    perplexity: float


@dataclass(frozen=True)
class ShapeDifference:
    """A row of Table 7: whether nets are the worse the less their shape is like the evolved one.

    Attributes:
        name: Name of the evolved net.
        least: Lower end of the range of sizes, as the paper counts them.
        most: Upper end of the range.
        count: Number of random nets within the range.
        spearman: Rank correlation of the distance of shapes (equation 1) and the difference of perplexity; None for too few.
        pearson: Pearson's correlation of the same, likewise None.
    """

    name: str
    least: float
    most: float
    count: int
    spearman: Interval | None
    pearson: Interval | None


@dataclass(frozen=True)
class BySize:
    """Perplexity against size, all on one text.

    Attributes:
        cloud_params: Number of parameters of the random nets that the predictor learns from, as the paper counts them.
        cloud: Perplexity of each of them.
        nets: Evolved and heuristic nets by name.
        differences: Rows of Table 7.
    """

    cloud_params: list[int]
    cloud: list[float]
    nets: dict[str, SizedNet]
    differences: list[ShapeDifference]


def range_around(space: SuperShaper, arch: Architecture) -> tuple[float, float]:
    """Returns the range of sizes around a net that Table 7 takes, at the space's scale."""
    half = scaled(space, 1 + RANGE) - scaled(space, 1)
    return params(space, arch) - half, params(space, arch) + half


def neighbours(space: SuperShaper, arch: Architecture, count: int, seed: int) -> list[Architecture]:
    """Draws random nets of about the size of another one, at most so many."""
    least, most = range_around(space, arch)
    drawn = space.sample(min(DRAWN, space.size), seed=seed)
    kept = limit(space, most, least).feasible(drawn)
    return [one for one, is_kept in zip(drawn, kept, strict=True) if is_kept and one != arch][:count]


def difference(
    space: SuperShaper, name: str, best: tuple[Architecture, float], others: Sequence[tuple[Architecture, float]]
) -> ShapeDifference:
    """Compares nets of about one size with the evolved one (Table 7).

    Args:
        space: The space.
        name: Name of the evolved net.
        best: The evolved net and its perplexity.
        others: The other nets, each with its perplexity.
    """
    from hwcost.supernets.diagnostics import shape_differences  # needs torch, which reading results does not

    arch, perplexity = best
    least, most = range_around(space, arch)
    distances = shape_differences(space, [one for one, _ in others], arch).tolist() if others else []
    worse = np.abs(np.array([value for _, value in others]) - perplexity).tolist()
    found = [correlation(distances, worse, kind) for kind in ("spearman", "pearson")]
    return ShapeDifference(name, least, most, len(others), found[0], found[1])
