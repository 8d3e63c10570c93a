"""Search spaces: pure descriptions of architectures, their sizes and their components."""

from __future__ import annotations

import re
from typing import Any

from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.registry import Registry, joined_options, parse_options
from hwcost.spaces import files
from hwcost.spaces.base import Architecture, Component, Gene, SearchSpace
from hwcost.spaces.candidates import Candidates
from hwcost.spaces.plugin_spaces import checked

__all__ = ["SPACES", "Architecture", "Candidates", "Component", "Gene", "SearchSpace", "space"]

SPACES = Registry(
    "hwcost.spaces",
    "space",
    {
        "autodistil": "hwcost.spaces.autodistil:AutoDistil",
        "autodistill": "hwcost.spaces.autodistill:AutoDistill",
        "components": "hwcost.spaces.components:Components",
        "custom": "hwcost.spaces.custom:Custom",
        "hat": "hwcost.spaces.hat:Hat",
        "supershaper": "hwcost.spaces.supershaper:SuperShaper",
        "table": "hwcost.spaces.table:Table",
        "transformer": "hwcost.spaces.transformer:Transformer",
    },
)


def space(name: str, **options: Any) -> SearchSpace:
    """Makes a search space by name.

    Args:
        name: Name of the space, for example ``supershaper``. Options may follow: ``autodistil:subspace=tiny,heads=scaled``.
            The path of a ``.toml`` file declares a space of the user's own, see :class:`hwcost.spaces.custom.Custom`.
        **options: Options of the space, for example ``merged=True``.

    Raises:
        UnknownNameError: When the name is unknown; lists the known ones.
        UsageError: When an option is unknown to the space, has a value that it cannot have, or is given twice with different
            values: behind the name and by itself.
        DataError: When a file cannot be read, or declares no space.
        ContractError: When a space of another distribution breaks the contract.
    """
    if not isinstance(name, str):
        raise UsageError(f"a space is named by a text, such as 'supershaper'; got {name!r:.60} ({type(name).__name__})")
    if files.is_file(name):
        return _declared(name, options)
    name, colon, text = name.partition(":")
    if name not in SPACES:
        raise UnknownNameError("space", name, SPACES.names(), "One of your own is a file, such as ./myspace.toml.")
    pairs = re.split(r",(?=\w+=)", text) if colon else ()
    form = f"{name}:NAME=VALUE,NAME=VALUE"
    given = joined_options(parse_options(pairs, form), options, form)
    made: SearchSpace = SPACES.make(name, **given)
    return made if name in SPACES.builtins else checked(made, name, given)


def _declared(path: str, options: dict[str, Any]) -> SearchSpace:
    """Makes the space that a file declares; errors name the file."""
    name, declared = files.read(path)
    try:
        made: SearchSpace = SPACES.make(name, **{**declared, **options})
    except UsageError as error:
        raise DataError(f"{path}: {error}") from None
    return made
