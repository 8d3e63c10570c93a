"""What is said where a table does not tell its latencies: no column, several ones, or none whose unit is known."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from hwcost.errors import DataError
from hwcost.exchange.column_names import (
    MIDDLES,
    computed_word,
    is_instant,
    is_latency_name,
    is_of_whole,
    is_rate_name,
    is_typical,
    named_as_times,
    names_whole,
    unit_of,
    words_of,
)
from hwcost.exchange.numerals import is_number
from hwcost.exchange.sheet import Sheet
from hwcost.exchange.time_cells import is_time, say_their_unit

SHOWN = 8
"""Columns that a message names where several may be meant."""

LOOKED_AT = 200
"""Different cells of a column that are looked through for names of latencies, where no column has one."""

VALUES = ("value", "score", "result", "measurement", "metric value")
BESIDE = 2
"""Names, in small letters, of a column that holds numbers of any kind, and the columns within which their unit follows."""

BEGIN, END = frozenset(("start", "started", "begin")), frozenset(("end", "ended", "complete", "completed", "finished"))
"""Words of the names of columns that say when a run began, and when it ended."""


def unitless(sheet: Sheet, column: str) -> DataError:
    """Returns the error for a column of latencies that does not say its unit."""
    return DataError(
        f"{sheet.head}: the column '{column}' does not say in which unit its latencies are. Say it: --unit s, ms, us, ns "
        f"or min (unit=... in Python), or name the column for example '{column}_ms'."
    )


def several(sheet: Sheet, names: Sequence[str]) -> DataError:
    """Returns the error for several columns that may be the latency; proposes that of whole calls, or a mean."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    likely = [name for name in names if is_of_whole(name) or "e2e" in name.lower()] or names
    if not any(map(is_typical, likely)):
        likely = list(filter(names_whole, likely)) or likely
    first = next(filter(is_typical, likely), likely[0])
    return DataError(
        f"{sheet.head}: several columns may be the latency: {', '.join(names[:SHOWN])}{more}. Say which: "
        f"--latency {shlex.quote(first)} (latency=... in Python); a sum is written with +. {sheet.about}".rstrip()
    )


def absent(sheet: Sheet) -> DataError:
    """Returns the error for a table without a column that is named as latencies are; proposes one where it can."""
    if sheet.place == "line" and len(sheet.header) == 1 and not named_as_times(sheet.header):
        return DataError(
            f"{sheet.head}: no sign separates cells, and '{sheet.header[0][:60]}' is not named as latencies are: the file "
            f"does not look like a table. Save architectures and their latencies as CSV. {sheet.about}".rstrip()
        )
    timed = next((name for name, texts in sheet.columns.items() if say_their_unit(texts) and all(map(is_time, texts))), None)
    silent = [name for name in sheet.header if is_latency_name(name) and not any(map(is_time, sheet.columns[name]))]
    named = silent[0] if silent and timed is None else None
    if named is not None:
        shown = next((text for text in sheet.columns[named] if text), None)
        what = (
            "its cells are empty" if shown is None else f"none of its cells is a number, the first one being '{shown[:60]}'"
        )
        return DataError(
            f"{sheet.head}: the column '{named}' is named as latencies are, but {what}. "
            "Write the latencies as plain numbers; of formulas in a workbook, save the values."
        )
    computed = [(name, word) for name in sheet.header if is_latency_name(name) and (word := computed_word(name))]
    if computed:
        name, word = computed[0]
        return DataError(
            f"{sheet.head}: no column holds latencies. '{name}' is none by its name: '{word}' says that it is computed from "
            f"latencies, or bounds them. Give the latencies themselves; --latency {shlex.quote(name)} takes it as it stands."
        )
    if len(ends := [name for name in begin_and_end(sheet) if is_instant(name)]) == 2:
        which = f"'{ends[0]}' and '{ends[1]}' say when a run began and ended"
        return DataError(f"{sheet.head}: no column is named as latencies are. {which}: give their difference in a column.")
    if turned := _turned(sheet):
        return DataError(f"{sheet.head}: no column is named as latencies are, and {turned}")
    text = (
        f"{sheet.head}: column 'latency_s' is missing, and no other is named as latencies are. "
        f"Found: {sheet.known}. Name the column: --latency {_proposed(sheet, timed)}."
    )
    if sheet.place == "line" and any(is_number(name) for name in sheet.header):
        text += " If the first line is a row rather than a header, put a line with the names of the columns before it."
    if rate := _rate(sheet):
        text += f" {rate}: a latency is one over it, times what one call handles."
    return DataError(f"{text} {sheet.about}".rstrip())


def _rate(sheet: Sheet) -> str:
    """Says which column is a rate, by its name or by the unit in every cell of another one; empty for none."""
    name = next(filter(is_rate_name, sheet.header), None)
    if name is not None:
        return f"'{name}' is a rate by its name"
    units = [name for name, texts in sheet.columns.items() if all(map(is_rate_name, set(texts)))]
    return f"the column '{units[0]}' gives '{sheet.columns[units[0]][0]}', the unit of a rate" if units else ""


def _proposed(sheet: Sheet, timed: str | None) -> str:
    """Proposes a column of latencies by its cells, by a column of units, or by a name of the middle of several numbers."""
    if timed is not None:
        return f"{shlex.quote(timed)}, whose cells are times"
    middle = next((name for name in sheet.header if name.lower() in MIDDLES.split("|")), None)
    units = [name for name, texts in sheet.columns.items() if any(texts) and all(map(unit_of, filter(None, texts)))]
    place = sheet.header.index(units[0]) if units else 0
    near = sheet.header[max(place - BESIDE, 0) : place]
    value = next((name for name in near if name.lower() in (*MIDDLES.split("|"), *VALUES)), None)
    if value is not None:
        return f"{shlex.quote(value)}, in the unit that the column '{units[0]}' gives"
    return f"{shlex.quote(middle or 'COLUMN')} --unit s, ms, us, ns or min"


def _turned(sheet: Sheet) -> str:
    """Says in which column names of latencies stand in cells, as in tables that are transposed or long; empty for none."""
    for name, texts in sheet.columns.items():
        cells = [text for text in list(dict.fromkeys(texts))[:LOOKED_AT] if not is_time(text) and unit_of(text) is None]
        cell = next(filter(is_latency_name, cells), None)
        if cell is None:
            continue
        if name == sheet.header[0] and len(set(texts)) == len(texts):
            return f"'{cell[:60]}' begins a row: the table seems to be transposed. Give one row for each architecture."
        return (
            f"'{cell[:60]}' stands in the cells of the column '{name}'. Give one row for each architecture, and the latency "
            "in a column of its own."
        )
    return ""


def begin_and_end(sheet: Sheet) -> list[str]:
    """Returns the first column that is named as the begin of a run, and the first that is named as its end."""
    found = [next((one for one in sheet.header if not words.isdisjoint(words_of(one))), None) for words in (BEGIN, END)]
    return [name for name in found if name is not None]
