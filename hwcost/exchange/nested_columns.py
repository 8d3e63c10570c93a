"""Columns of dictionaries and lists become columns of their values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from hwcost.exchange.column_names import is_latency_name
from hwcost.exchange.identifiers import are_dates
from hwcost.exchange.numerals import number
from hwcost.exchange.sheet import Sheet, as_text
from hwcost.spaces.benchmark_names import FAMILY, read_benchmark_name
from hwcost.spaces.nested import are_codes, flattened, read_key, read_labels, read_nested
from hwcost.spaces.table import ABSENT

FEWEST_LABELLED = 3
"""Different texts of a column below which numbers with labels in them may be names."""

_OF_NUMBERS = frozenset(("percentile", "percentiles", "quantile", "quantiles"))
"""Dictionaries whose keys say nothing without their name: ``50`` and ``99``."""


def expanded(sheet: Sheet, wanted: Collection[str] = ()) -> Sheet:
    """Returns the sheet with the values of dictionaries and lists in columns of their own, in place of theirs.

    A value is named by its path, ``ks.0``, with the column's name before it for a list, where the name is taken, and in a
    dictionary of statistics of a latency, ``latency_ms.mean``, or of percentiles. Values are read as columns are. Keys of
    numbers such as ``360_360_480`` or ``8-512-4`` count as lists, and so do codes of digits such as ``03124`` and the
    operations of NAS-Bench-201's cells.
    Names of benchmarks with arguments, ``BM_Gemm/m:64/n:128``, count as dictionaries.

    Args:
        sheet: The table.
        wanted: Columns that stay as they are.
    """
    columns: dict[str, list[str]] = {}
    remarks: list[str] = []
    lacking: set[str] = set(sheet.padded)
    categories: set[str] = set(sheet.categories)
    held = _held(sheet, wanted)
    for name, texts in sheet.columns.items():
        cells = held.get(name)
        if cells is None:
            columns[name] = texts
            continue
        made, filled = _columns(name, cells, {*columns, *sheet.columns} - {name})
        columns.update(made)
        lacking |= filled
        padded = f"; what a shorter one lacks is 0, or '{ABSENT}' among texts" if filled else ""
        kind = _kind(cells[0])
        if _codes(name, texts):
            categories |= made.keys()
            kind = f"codes such as {texts[0]}, one digit for each choice"
        remarks.append(f"column '{name}' holds {kind}, which became the columns {_listed(list(made))}{padded}.")
    whole = replace(sheet, columns=columns, padded=frozenset(lacking), categories=frozenset(categories)).remarking(*remarks)
    return expanded(whole, wanted) if remarks else whole


def _held(sheet: Sheet, wanted: Collection[str]) -> dict[str, list[Any]]:
    """Returns what the columns hold that become others, by name; names with numbers in them once nothing else is left."""
    free = {name: texts for name, texts in sheet.columns.items() if name not in wanted and texts}
    nested = {name: cells for name, texts in free.items() if (cells := _nested(texts) or _codes(name, texts))}
    return nested or {
        name: values
        for name, texts in free.items()
        if (values := _labelled(name, texts, sheet) or _called(name, texts, sheet))
    }


def _nested(texts: list[str]) -> list[Any] | None:
    """Reads a column of dictionaries, of lists, or of keys; None where any cell is none."""
    read = read_nested if read_key(texts[0]) is None else read_key
    return None if are_dates(texts) else _all_read(texts, read) or None


def _codes(name: str, texts: list[str]) -> list[Any] | None:
    """Reads a column of digits that are choices each; None where they are amounts, or name rows."""
    return None if is_latency_name(name) or are_dates(texts) or not are_codes(texts) else list(map(list, texts))


def _all_read(texts: list[str], read: Callable[[str], Any]) -> list[Any]:
    """Returns what every cell of a column holds; empty from the first cell on that holds nothing."""
    cells: list[Any] = []
    for text in texts:
        cell = read(text)
        if not cell:
            return []
        cells.append(cell)
    return cells


def _labelled(name: str, texts: list[str], sheet: Sheet) -> list[Any] | None:
    """Reads a column of numbers with labels, ``L12_W768``; None where labels differ, or other columns hold the numbers."""
    read = read_labels(texts[0])
    if read is None or is_latency_name(name) or len(set(texts)) < FEWEST_LABELLED:
        return None
    cells = _all_read(texts, read_labels)
    if not cells or any(word != read[0] or labels.keys() != read[1].keys() for word, labels in cells):
        return None
    values = [labels for _, labels in cells]
    varied = [label for label in read[1] if any(value[label] != values[0][label] for value in values)]
    is_known = any(_is_held([value[label] for value in values], name, sheet) for label in varied)
    return None if is_known or not varied else values


def _called(name: str, texts: list[str], sheet: Sheet) -> list[Any] | None:
    """Reads a column of names of benchmarks with arguments; None where these differ, or other columns hold them."""
    if is_latency_name(name) or len(set(texts)) < FEWEST_LABELLED:
        return None
    cells = _all_read(texts, read_benchmark_name)
    rows = [flattened(cell) for cell in cells]
    if not rows or any(row.keys() != rows[0].keys() for row in rows):
        return None
    columns = {path: [row[path] for row in rows] for path in rows[0]}
    varied = {path: column for path, column in columns.items() if len(set(column)) > 1}
    numbers = [column for column in varied.values() if all(isinstance(value, (int, float)) for value in column)]
    if not numbers or any(_is_held(column, name, sheet) for column in numbers):
        return None
    if FAMILY in varied:
        return cells
    return [{key: value for key, value in cell.items() if key != FAMILY} for cell in cells]


def _is_held(values: list[Any], name: str, sheet: Sheet) -> bool:
    """Whether a column other than the named one holds these numbers."""
    return any(values == list(map(number, column)) for other, column in sheet.columns.items() if other != name)


def _columns(name: str, cells: list[Any], taken: set[str]) -> tuple[dict[str, list[str]], set[str]]:
    """Returns the texts of every entry by its name, and the names of those that some cells lack."""
    is_latency = is_latency_name(name) and not any(is_latency_name(key) for cell in cells for key in _keys(cell))
    is_named = is_latency or name.lower() in _OF_NUMBERS
    rows = [flattened(cell, "" if isinstance(cell, Mapping) and not is_named else name) for cell in cells]
    paths = list(dict.fromkeys(path for row in rows for path in row))
    paths.sort(key=_order(paths))
    made: dict[str, list[str]] = {}
    filled: set[str] = set()
    for path in paths:
        texts = [as_text(row.get(path)) for row in rows]
        filler = "0" if all(number(text) is not None for text in texts if text) else ABSENT
        full = f"{name}.{path}" if path in taken else path
        made[full] = [text or filler for text in texts]
        if any(path not in row for row in rows):
            filled.add(full)
    return made, filled


def _keys(cell: Any) -> list[str]:
    return list(map(str, cell)) if isinstance(cell, Mapping) else []


def _order(paths: list[str]) -> Any:
    """Sorts entries of one list by their number, and lists by where they were first seen."""
    parts = {path: path.rpartition(".") for path in paths}
    first: dict[str, int] = {}
    for index, path in enumerate(paths):
        head, _, tail = parts[path]
        first.setdefault(head if tail.isdecimal() else path, index)

    def key(path: str) -> tuple[int, int]:
        head, _, tail = parts[path]
        return (first[head], int(tail)) if tail.isdecimal() else (first[path], 0)

    return key


def _kind(cell: Any) -> str:
    return "dictionaries" if isinstance(cell, Mapping) else "lists"


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:3])} to {names[-1]} ({len(names)})"
