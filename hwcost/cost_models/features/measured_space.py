"""The space of the architectures that a campaign measured, with its options: rows of others are never fitted as its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hwcost.errors import DataError
from hwcost.spaces import space as make_space
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.files import is_file
from hwcost.spaces.identity import described
from hwcost.spaces.shaped import unshaped

if TYPE_CHECKING:
    from hwcost.workloads.model import ModelWorkload

__all__ = ["measured_space"]


def measured_space(workloads: Sequence[ModelWorkload], wanted: str | SearchSpace | None, source: str) -> SearchSpace:
    """Returns the space whose measurements are fitted.

    Args:
        workloads: Workloads that were measured.
        wanted: Space that was asked for, or its name, perhaps with options; None where only one was measured.
        source: Name of the campaign in messages.

    Raises:
        DataError: When nothing of the space was measured, or several spaces or options were and it was not said which.
    """
    found = {workload.space: workload for workload in workloads}
    if isinstance(wanted, str) and (":" in wanted or is_file(wanted)):
        wanted = make_space(wanted)
    made = unshaped(wanted) if isinstance(wanted, SearchSpace) else None  # whether shapes differ is up to the rows
    if wanted is None and len(found) != 1:
        many = f"measurements of several spaces: {', '.join(sorted(found))}"
        what = many if found else "no usable measurement of an architecture"
        raise DataError(f"{source} holds {what}. Name the space, or measure one with 'hwcost measure --space NAME'.")
    name = made.name if made is not None else wanted or next(iter(found))
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise DataError(f"{source} holds no usable measurement of space '{name}'. Found: {known}.")
    variants = _variants(workload for workload in workloads if workload.space == name)
    if made is not None:
        if all(one.options() != made.options() for one in variants):
            raise DataError(f"{source} holds no usable measurement of {_described([made])}. Found: {_described(variants)}.")
        return made
    if len(variants) > 1:
        raise DataError(
            f"{source} holds measurements of {_described(variants)}, which are different nets with equal genes or different "
            f"choices. Say which are meant, such as space=hc.{variants[0]!r} (--space {name}:NAME=VALUE)"
        )
    return variants[0]


def _variants(workloads: Iterable[ModelWorkload]) -> list[SearchSpace]:
    """Returns the space of workloads once for each of its options."""
    return list({space.options_text: space for space in (workload.search_space() for workload in workloads)}.values())


def _described(spaces: Sequence[SearchSpace]) -> str:
    return " and ".join(described(one.name, one.options()) for one in spaces)
