"""A preset whose batches are divided among several processes; the batches themselves stay what they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from hwcost.errors import UsageError
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.tuning import Grid

Owner = TypeVar("Owner")


def divided(preset: Owner, processes: int) -> Owner:
    """Returns a preset with all recipes divided, see :meth:`~hwcost.supernets.recipe.Recipe.over`.

    Grids of fine-tuning stay as they are: the batches of their settings are divided when one is tried.

    Args:
        preset: The preset, a dataclass of recipes and further dataclasses, and mappings of them by name.
        processes: Number of processes.

    Raises:
        UsageError: When a batch, of fine-tuning too, has fewer sequences than there are processes.
    """
    found: Owner = preset if processes == 1 else _divided(preset, processes)
    return found


def check_shares(preset: Any, began: int, processes: int) -> None:
    """Refuses more processes than the micro batches of a run that was begun by fewer.

    Args:
        preset: The preset as it was divided when the run began.
        began: Number of processes that began it.
        processes: Number of processes that resume it.

    Raises:
        UsageError: When a training has too few.
    """
    least = min((one.accumulate for one in _recipes(preset, began)), default=processes)
    if least < processes:
        raise UsageError(
            f"this run was begun by {began} processes, and its batches are divided into {least} micro batches: {processes} "
            f"processes cannot share them. Start {least} at the most, or begin anew in another folder"
        )


def _divided(one: Any, processes: int) -> Any:
    if isinstance(one, Recipe):
        return one.over(processes)
    if isinstance(one, Grid):
        _ = [recipe.over(processes) for recipe in one.recipes(examples=1)]
        return one
    if isinstance(one, Mapping):
        return {name: _divided(value, processes) for name, value in one.items()}
    if is_dataclass(one) and not isinstance(one, type):
        return replace(one, **{field.name: _divided(getattr(one, field.name), processes) for field in fields(one)})
    return one


def _recipes(one: Any, began: int) -> Iterator[Recipe]:
    if isinstance(one, Recipe):
        yield one
    elif isinstance(one, Grid):
        yield from (recipe.over(began) for recipe in one.recipes(examples=1))
    elif isinstance(one, Mapping):
        for value in one.values():
            yield from _recipes(value, began)
    elif is_dataclass(one) and not isinstance(one, type):
        for field in fields(one):
            yield from _recipes(getattr(one, field.name), began)
