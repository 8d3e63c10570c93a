"""Whether an architecture is one of a space: spaces of one name whose options differ may build other nets of equal genes.

Every architecture carries the options of the space that made it. Those that decide what is built are compared; see
:meth:`hwcost.spaces.base.SearchSpace.identity_options`. Those that only say which values may be chosen are not, so that
nets of a wider space, or of another table with the same columns, are priced wherever their values are known. An architecture
that nobody said the options of is taken as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hwcost.errors import ArchitectureError

if TYPE_CHECKING:
    from hwcost.spaces.base import SearchSpace
    from hwcost.spaces.points import Architecture

__all__ = ["check_identity", "described"]

LONGEST = 200
"""Signs of the value of an option, and of an architecture, that an error shows."""


def check_identity(space: SearchSpace, arch: Architecture) -> None:
    """Refuses an architecture of another space, or of the same one with options that build other nets.

    Raises:
        ArchitectureError: When it is one; says of which space and options it is, and which were expected.
    """
    text, is_named_alike = arch.space_options, arch.space == space.name
    if is_named_alike and (not text or text == space.options_text or _is_alike(space, text)):
        return
    other = _made(space, text) if is_named_alike else None
    given = described(arch.space, _options(text) if other is None else other.identity_options())
    apart = f"{given}, not to {described(space.name, space.identity_options())}"
    advice = (
        ": equal genes stand for other nets there. Where its genes are meant, make an architecture of them: "
        f"{_maker(space)}.architecture(arch.genes)"
        if is_named_alike
        else f". Make it with {_maker(space)}.architecture(...)"
    )
    raise ArchitectureError(f"architecture {arch!s:.{LONGEST}} belongs to {apart}{advice}")


def described(name: str, options: Mapping[str, Any]) -> str:
    """Returns a space in words, for example ``space 'supershaper' (merged=False, scale=mini)``."""
    shown = ", ".join(f"{option}={value!s:.{LONGEST}}" for option, value in options.items())
    return f"space '{name}'" + (f" ({shown})" if shown else "")


def _maker(space: SearchSpace) -> str:
    """Returns what a user writes to make a space, options that are long cut short."""
    text = repr(space)
    return f"hc.{text}" if text.startswith("space(") else text


@lru_cache(maxsize=256)
def _is_alike(space: SearchSpace, text: str) -> bool:
    """Whether the options that an architecture carries, as JSON, build the nets that a space builds."""
    if _options(text) == json.loads(space.options_text):
        return True
    other = _made(space, text)
    return other is not None and other.identity_options() == space.identity_options()


def _made(space: SearchSpace, text: str) -> SearchSpace | None:
    """Returns the space of the same class with options that are JSON; None where they make none."""
    try:
        return space.with_options(json.loads(text))
    except Exception:  # whatever a class of another distribution says of options that it does not know
        return None


def _options(text: str) -> dict[str, Any]:
    """Returns options that are JSON as a mapping; the text itself where it is none."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"options": text}
