"""Limits on size as the paper has them: millions of parameters in its accounting, and what they are at another scale."""

from __future__ import annotations

from hwcost.objectives import Constraint, Params
from hwcost.spaces import Architecture
from hwcost.spaces.supershaper import SuperShaper

ACCOUNTING = "paper"
"""Accounting of sizes and of their limits: Table 6 counts so, and by it the two evolved nets of 65 M and 63 M keep 66 M."""
MILLION = 1e6


def params(space: SuperShaper, arch: Architecture) -> int:
    """Returns the number of parameters as the paper counts them."""
    return space.params(arch, ACCOUNTING)


def ends(space: SuperShaper) -> tuple[Architecture, Architecture]:
    """Returns the smallest and the largest architecture of a space."""
    first, last = ([gene.choices[end] for gene in space.genes] for end in (0, -1))
    return space.architecture(first), space.architecture(last)


def scaled(space: SuperShaper, millions: float) -> float:
    """Returns a number of parameters that lies in the range of a space's sizes where the paper's lies in its own.

    Args:
        space: The space; one of scale ``paper`` has the number itself.
        millions: Millions of parameters of a net of scale ``paper``, as the paper counts them.
    """
    printed = SuperShaper()
    low, high = (params(printed, arch) for arch in ends(printed))
    own_low, own_high = (params(space, arch) for arch in ends(space))
    return own_low + (own_high - own_low) * (MILLION * millions - low) / (high - low)


def limit(space: SuperShaper, most: float, least: float | None = None) -> Constraint:
    """Returns a limit on size in the paper's accounting.

    Args:
        space: The space.
        most: Largest number of parameters.
        least: Smallest number of parameters; None for no such limit.
    """
    return Constraint(Params(space, accounting=ACCOUNTING), most=most, least=least)
