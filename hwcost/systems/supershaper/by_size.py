"""Perplexity against size: random, evolved and heuristic nets (Figure 6), and those around the evolved ones (Table 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwcost.spaces import Architecture
from hwcost.spaces.supershaper import SuperShaper
from hwcost.systems.intervals import Interval, correlation
from hwcost.systems.supershaper.sizes import limit, params, scaled

DRAWN = 2000
"""Number of further random nets among which those of about one size are looked for, where too few were sampled."""
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

    @property
    def number_in_words(self) -> str:
        """Number of nets, and whether they are too few for a correlation."""
        return f"{self.count} nets" if self.spearman is not None else f"{self.count}: too few"


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


def neighbours(
    space: SuperShaper, arch: Architecture, sampled: Sequence[Architecture], least: int, seed: int
) -> list[Architecture]:
    """Returns the sampled nets of about the size of another one; where they are fewer than wanted, others are drawn.

    Args:
        space: The space.
        arch: The net whose size they have.
        sampled: Random nets that were evaluated before (section 4.4: "from the 10,000 random sampled subnetworks").
        least: Number of nets that are wanted at the least; 0 draws none.
        seed: Seed of the nets that are drawn.
    """
    found = _of_about_its_size(space, arch, sampled)
    if len(found) >= least:
        return found
    drawn = _of_about_its_size(space, arch, space.sample(min(DRAWN, space.size), seed=seed))
    return [*found, *(one for one in drawn if one not in found)][:least]


def _of_about_its_size(space: SuperShaper, arch: Architecture, nets: Sequence[Architecture]) -> list[Architecture]:
    least, most = range_around(space, arch)
    kept = limit(space, most, least).feasible(nets)
    return [one for one, is_kept in zip(nets, kept, strict=True) if is_kept and one != arch]


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
