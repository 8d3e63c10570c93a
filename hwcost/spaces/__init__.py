"""Search spaces: pure descriptions of architectures, their sizes and their components."""

from __future__ import annotations

from typing import Any

from hwcost.registry import Registry
from hwcost.spaces.base import Architecture, Component, Gene, SearchSpace

__all__ = ["SPACES", "Architecture", "Component", "Gene", "SearchSpace", "space"]

SPACES = Registry(
    "hwcost.spaces",
    "space",
    {
        "hat": "hwcost.spaces.hat:Hat",
        "supershaper": "hwcost.spaces.supershaper:SuperShaper",
        "table": "hwcost.spaces.table:Table",
    },
)


def space(name: str, **options: Any) -> SearchSpace:
    """Makes a search space by name.

    Args:
        name: For example ``supershaper``.
        **options: What the space takes, for example ``merged=True``.

    Raises:
        UnknownNameError: When there is no such space; lists the known ones.
        UsageError: When an option is unknown to the space.
    """
    factory = SPACES.load(name)
    try:
        made: SearchSpace = factory(**options)
    except TypeError as error:
        from hwcost.errors import UsageError

        raise UsageError(f"space '{name}' does not take these options: {error}") from None
    return made
