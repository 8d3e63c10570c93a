"""Search spaces: pure descriptions of architectures, their sizes and their components."""

from __future__ import annotations

import re
from typing import Any

from hwcost.errors import UsageError
from hwcost.registry import Registry, parse_options
from hwcost.spaces.base import Architecture, Component, Gene, SearchSpace

__all__ = ["SPACES", "Architecture", "Component", "Gene", "SearchSpace", "space"]

SPACES = Registry(
    "hwcost.spaces",
    "space",
    {
        "autodistil": "hwcost.spaces.autodistil:AutoDistil",
        "autodistill": "hwcost.spaces.autodistill:AutoDistill",
        "components": "hwcost.spaces.components:Components",
        "hat": "hwcost.spaces.hat:Hat",
        "supershaper": "hwcost.spaces.supershaper:SuperShaper",
        "table": "hwcost.spaces.table:Table",
        "transformer": "hwcost.spaces.transformer:Transformer",
    },
)


def space(name: str, **options: Any) -> SearchSpace:
    """Makes a search space by name.

    Args:
        name: For example ``supershaper``; options may follow in the text: ``autodistil:subspace=tiny,heads=scaled``.
        **options: What the space takes, for example ``merged=True``.

    Raises:
        UnknownNameError: When there is no such space; lists the known ones.
        UsageError: When an option is unknown to the space.
    """
    name, colon, text = name.partition(":")
    pairs = re.split(r",(?=\w+=)", text) if colon else ()
    given = {**parse_options(pairs, f"{name}:NAME=VALUE,NAME=VALUE"), **options}
    made: SearchSpace = SPACES.make(name, **given)
    return made
