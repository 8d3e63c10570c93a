"""Reads a CSV of features and latencies, whoever measured it.

Every column is a feature except ``latency_s`` and any other ``latency_*``. Every refusal names the file, the line (counted
from 1, the header included) and the column.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import ArchitectureError, DataError, UsageError
from hwcost.spaces import space as make_space
from hwcost.spaces.base import Architecture, Gene, GeneValue, SearchSpace
from hwcost.spaces.table import Table

LATENCY = "latency_s"
"""The column that every table must have: seconds."""

SPREAD = "latency_std_s"
"""Spread inside one measurement, in seconds; optional."""

MIN_ROWS = 2
"""A single row says nothing about how latency varies."""


@dataclass(frozen=True)
class LatencyTable:
    """Architectures and their latencies, in the order of the file, which often is the order of measurement.

    Attributes:
        space: The space that the rows belong to.
        architectures: One per row.
        latency_s: Shape ``(n,)``, seconds.
        latency_std_s: Shape ``(n,)``, seconds; None where the file has none.
        path: Where it was read from.
        runs: Name of the measuring run of each row; None where no column names them.
    """

    space: SearchSpace
    architectures: list[Architecture]
    latency_s: NDArray[np.float64]
    latency_std_s: NDArray[np.float64] | None
    path: str
    runs: list[str] | None = None

    def __len__(self) -> int:
        return len(self.architectures)


@dataclass(frozen=True)
class _Sheet:
    """The texts of a file: column names, and rows with their line numbers."""

    path: Path
    header: list[str]
    rows: list[tuple[int, list[str]]]

    def column(self, name: str) -> list[str]:
        index = self.header.index(name)
        return [row[index] for _, row in self.rows]

    def error(self, row: int, column: str, what: str, advice: str) -> DataError:
        line = self.rows[row][0]
        return DataError(f"{self.path}: line {line}, column '{column}': {what}. {advice}")


def read_table(
    path: str | Path,
    space: str | SearchSpace,
    categorical: Iterable[str] = (),
    increasing: Iterable[str] = (),
    runs: str | None = None,
) -> LatencyTable:
    """Reads a table of latencies.

    Args:
        path: A CSV with a header, a column ``latency_s`` in seconds, and the space's genes as columns.
        space: A space or its name. ``table`` takes its genes from the columns; text columns are categorical.
        categorical: Columns of integers that name things rather than count them (space ``table`` only).
        increasing: Numeric columns along which latency cannot fall (space ``table`` only).
        runs: A column that names the measuring run of each row; it is no feature.

    Raises:
        DataError: When the file is missing, empty, binary, ragged or too short, lacks a column, or holds a value that is
            no number, no positive finite latency, or outside the space.
        UsageError: When ``categorical`` or ``increasing`` is given for a space with fixed genes, or names an unknown column.
    """
    sheet = _sheet(Path(path))
    if LATENCY not in sheet.header:
        raise DataError(
            f"{sheet.path}: line 1: there is no column '{LATENCY}'. Found: {', '.join(sheet.header)}. "
            f"Name the column of latencies '{LATENCY}' and give seconds."
        )
    names = None if runs is None else _run_names(sheet, runs)
    made = _space(sheet if runs is None else _without(sheet, runs), space, tuple(categorical), tuple(increasing))
    architectures = _architectures(sheet, made)
    spread = _positive(sheet, SPREAD, zero=True) if SPREAD in sheet.header else None
    return LatencyTable(made, architectures, _positive(sheet, LATENCY), spread, str(path), names)


def _run_names(sheet: _Sheet, column: str) -> list[str]:
    if column not in sheet.header or column.startswith("latency_"):
        features = [name for name in sheet.header if not name.startswith("latency_")]
        raise UsageError(f"{sheet.path} has no column '{column}' to name measuring runs. Known: {', '.join(features)}")
    return sheet.column(column)


def _without(sheet: _Sheet, column: str) -> _Sheet:
    index = sheet.header.index(column)
    rows = [(line, row[:index] + row[index + 1 :]) for line, row in sheet.rows]
    return _Sheet(sheet.path, sheet.header[:index] + sheet.header[index + 1 :], rows)


def _sheet(path: Path) -> _Sheet:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. Give the path of a CSV file.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is no UTF-8 text. Expected a CSV, not a binary file.") from None
    if "\0" in text:
        raise DataError(f"{path}: holds zero bytes. Expected a CSV, not a binary file.")
    reader = csv.reader(text.splitlines(keepends=True))
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(row)]
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: {error}. Expected comma-separated values.") from None
    if not lines:
        raise DataError(f"{path}: the file is empty. Expected a header and rows, such as 'l1,l2,...,{LATENCY}'.")
    return _checked(path, lines[0][1], lines[1:])


def _checked(path: Path, header: list[str], rows: list[tuple[int, list[str]]]) -> _Sheet:
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated or "" in header:
        what = f"column '{repeated[0]}' stands twice" if repeated and repeated[0] else "a column has no name"
        raise DataError(f"{path}: line 1: {what}. Give every column a name of its own.")
    for line, row in rows:
        if len(row) != len(header):
            raise DataError(
                f"{path}: line {line}: {len(row)} values where the header has {len(header)} columns "
                f"(the last one present is '{header[min(len(row), len(header)) - 1]}'). "
                "Complete or delete the line; a cut last line is the mark of an interrupted copy."
            )
    if len(rows) < MIN_ROWS:
        count = "no rows below the header" if not rows else "a single row"
        raise DataError(f"{path}: there is {count}. Expected at least {MIN_ROWS} measured architectures.")
    return _Sheet(path, header, rows)


def _space(
    sheet: _Sheet, space: str | SearchSpace, categorical: tuple[str, ...], increasing: tuple[str, ...]
) -> SearchSpace:
    features = [name for name in sheet.header if not name.startswith("latency_")]
    if space == Table.name:
        return Table(_columns(sheet, features, categorical), increasing)
    made = make_space(space) if isinstance(space, str) else space
    if (categorical or increasing) and not isinstance(made, Table):
        kind = "categorical" if categorical else "increasing"
        raise UsageError(f"space '{made.name}' knows its genes: {kind} columns are named for the space 'table' only")
    missing = [gene.name for gene in made.genes if gene.name not in sheet.header]
    if missing:
        raise DataError(
            f"{sheet.path}: line 1: space '{made.name}' needs the column '{missing[0]}'. Missing: {', '.join(missing)}. "
            f"Found: {', '.join(sheet.header)}. Use the space 'table' for a table with other columns."
        )
    return made


def _columns(sheet: _Sheet, features: Sequence[str], categorical: tuple[str, ...]) -> list[dict[str, object]]:
    unknown = [name for name in categorical if name not in features]
    if unknown:
        raise UsageError(f"{sheet.path} has no feature column '{unknown[0]}'. Known: {', '.join(features)}")
    if not features:
        raise DataError(f"{sheet.path}: line 1: there is no feature column beside the latencies. Add the architecture.")
    return [_column(name, sheet.column(name), name in categorical) for name in features]


def _column(name: str, texts: list[str], forced: bool) -> dict[str, object]:
    numbers = [_number_or_none(text) for text in texts]
    known = [number for number in numbers if number is not None]
    if not forced and known:  # a text among numbers is an error of that line, and is reported as such
        return {"name": name, "categorical": False}
    if len(known) == len(texts):
        return {"name": name, "categorical": True, "choices": sorted(set(known))}
    return {"name": name, "categorical": True, "choices": sorted(set(texts))}


def _number_or_none(text: str) -> int | float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() else value


def _architectures(sheet: _Sheet, space: SearchSpace) -> list[Architecture]:
    columns = [_values(sheet, gene) for gene in space.genes]
    if isinstance(space, Table) and not any(gene.choices for gene in space.genes):
        return [Architecture(space.name, genes) for genes in zip(*columns, strict=True)]
    architectures = []
    for row, genes in enumerate(zip(*columns, strict=True)):
        try:
            architectures.append(space.architecture(genes))
        except ArchitectureError as error:
            advice = "Correct the line, or use the space 'table'."
            raise DataError(f"{sheet.path}: line {sheet.rows[row][0]}: {error}. {advice}") from None
    return architectures


def _values(sheet: _Sheet, gene: Gene) -> list[GeneValue]:
    texts = sheet.column(gene.name)
    if gene.categorical and any(isinstance(choice, str) for choice in gene.choices):
        return list(texts)
    values: list[GeneValue] = []
    for row, text in enumerate(texts):
        value = _number_or_none(text)
        if value is None or not math.isfinite(value):
            what = "the value is missing" if not text else f"'{text}' is no finite number"
            advice = f"Correct the line; a column of names is passed with --categorical {gene.name}."
            raise sheet.error(row, gene.name, what, advice)
        values.append(value)
    return values


def _positive(sheet: _Sheet, name: str, zero: bool = False) -> NDArray[np.float64]:
    values = []
    for row, text in enumerate(sheet.column(name)):
        value = _number_or_none(text)
        if value is None or not math.isfinite(value) or value < 0 or (value == 0 and not zero):
            what = f"'{text}' is no {'' if zero else 'positive '}finite number of seconds"
            raise sheet.error(row, name, what, "Correct or delete the line.")
        values.append(float(value))
    return np.array(values)
