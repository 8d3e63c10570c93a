"""Columns that give the unit of latencies, row by row: ``time_unit`` beside ``real_time``, ``latency.unit``, ``unit``."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from hwcost.errors import DataError
from hwcost.exchange.column_names import split_unit, unit_of
from hwcost.exchange.latencies import LATENCY
from hwcost.exchange.numerals import is_number
from hwcost.exchange.sheet import Sheet, for_shell

_GENERAL = re.compile(r"(?:(?:time|latency|latencies|lat|runtime|duration)[ _.]?)?units?", re.IGNORECASE)


def with_units(sheet: Sheet, latencies: Collection[str], wanted: Collection[str] = ()) -> Sheet:
    """Returns the sheet with the unit of a column of units behind each latency, and without that column.

    Args:
        sheet: The table.
        latencies: Columns that may hold latencies.
        wanted: Columns that stay as they are.

    Raises:
        DataError: When the name of the latencies gives another unit than their column of units.
    """
    columns, used = dict(sheet.columns), []
    units = [name for name in sheet.columns if name not in wanted and _gives_units(sheet.columns[name])]
    is_unknown = any(_said(name) is None for name in latencies if name not in units)
    for name in latencies:
        column = _column_of(name, units)
        if column is None or name in units:
            continue
        said = _said(name)
        if said is None:
            pairs = zip(sheet.columns[name], sheet.columns[column], strict=True)
            columns[name] = [f"{text} {unit_of(unit)}" if is_number(text) and unit else text for text, unit in pairs]
        elif is_unknown:
            continue  # the units are those of the columns that need them
        elif {unit_of(unit) for unit in sheet.columns[column] if unit} != {said}:
            raise DataError(
                f"{sheet.head}: the column '{name}' is in {said} by its name, and the column '{column}' says otherwise. "
                f"Rename one of them, or say what counts: --unit {said} --drop {for_shell(column)}."
            )
        used.append((column, name))
    remarks = [f"column '{column}' gives the unit of {name}." for column, name in used]
    made = replace(sheet, columns=columns)
    return made.without({column for column, _ in used}).remarking(*remarks)


def _said(name: str) -> str | None:
    return "s" if name == LATENCY else split_unit(name)[1]


def _gives_units(texts: Sequence[str]) -> bool:
    """Whether a column holds names of units of time and nothing else."""
    return any(texts) and all(unit_of(text) is not None for text in set(texts) if text)


def _column_of(name: str, units: Sequence[str]) -> str | None:
    """Returns the column of units that belongs to a column: one with its name or within the same object, or the only one."""
    outer = name.rpartition(".")[0]
    own = {f"{name}_unit", f"{name}_units", f"{name} unit", f"{name}.unit", f"{outer}.unit" if outer else ""}
    found = [one for one in units if one in own]
    general = [one for one in units if _GENERAL.fullmatch(one)]
    return found[0] if found else general[0] if len(general) == 1 else None
