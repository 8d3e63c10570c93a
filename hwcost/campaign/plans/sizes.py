"""Batch sizes and sequence lengths as they are asked for: one of them, or several that a campaign measures at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from hwcost._arguments import COUNT, Kind
from hwcost.errors import UsageError

__all__ = ["SIZES", "Sizes", "as_sizes", "read_sizes"]

Sizes: TypeAlias = int | Sequence[int] | None
"""One size, several, or None for the device's own."""

SIZES = Kind(
    "a whole number from 1, or a list of them",
    lambda given: COUNT.holds(given) or (isinstance(given, (list, tuple)) and bool(given) and all(map(COUNT.holds, given))),
).or_none


def as_sizes(given: Sizes) -> tuple[int, ...] | int | None:
    """Returns one size as it is, several of them without repeats."""
    if given is None or COUNT.holds(given):
        return given if given is None else int(given)  # type: ignore[arg-type]
    found = tuple(dict.fromkeys(int(size) for size in given))  # type: ignore[union-attr]
    return found[0] if len(found) == 1 else found


def read_sizes(text: str | int | None, what: str) -> tuple[int, ...] | int | None:
    """Reads sizes as they are typed: ``8``, or ``1,8,32``.

    Args:
        text: The text, or a number that a configuration holds; None where nothing was given.
        what: Name of the size in messages, for example ``batch size``.

    Raises:
        UsageError: When it is anything else, or a size is below 1.
    """
    if text is None:
        return None
    parts = [part.strip() for part in str(text).split(",")]
    if not all(part.isdecimal() and int(part) >= 1 for part in parts):
        raise UsageError(
            f"the {what} is a whole number from 1, or several with commas between them, such as 1,8,32; got {text}"
        )
    return as_sizes([int(part) for part in parts])
