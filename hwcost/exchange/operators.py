"""Tables of the latency of every operator by its name, as other tools write them.

Rows of a name and a latency, with or without a header, with commas, semicolons or tabs between them; or a mapping of names
in JSON or YAML, whose values are numbers or hold ``mean`` (Once-for-all) or ``latency``.
"""

from __future__ import annotations

import csv
import json
import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from hwcost._io import read_at_most
from hwcost.errors import DataError, UsageError
from hwcost.exchange.column_names import named_as_latencies, split_unit
from hwcost.exchange.delimited import find_delimiter
from hwcost.exchange.numerals import normalised
from hwcost.exchange.options import UNITS
from hwcost.exchange.sheet import Sheet

SIGNS = ("\t", ";", ",")
"""Delimiters of a table of operators, whose names may hold bars."""
VALUES = ("mean", "latency", "value")
"""Keys under which a mapping's entry holds its latency; the first one that is there is taken."""
MIDDLES = ("mean", "median", "average", "avg", "p50", "value")
"""Names of the column of latencies where no other one is named as latencies are."""
AGREED = 1.05
"""Repeats of an operator that differ by more than this ratio are reported."""
SHOWN = 2
"""Entries that are named where one stands in the place of a latency."""
MAX_BYTES = 2**26
"""Bytes of the largest table of operators that is read."""
CONTRADICTORY = 2.0
"""Two rows of an operator that differ by more than this ratio cannot both be right."""

_Row = tuple[str, str, Any]  # where it stands, the operator's name, its latency


@dataclass(frozen=True)
class OperatorTable:
    """Latencies of operators.

    Attributes:
        path: The file.
        latency_s: Seconds by name of operator; the median where a name occurs several times.
        remarks: Findings about the table, in whole sentences.
    """

    path: str
    latency_s: dict[str, float]
    remarks: tuple[str, ...] = ()


def read_operators(path: str | Path, unit: str | None = None) -> OperatorTable:
    """Reads a table of operators.

    Args:
        path: A text file, a ``.json`` or a ``.yaml`` file.
        unit: ``s``, ``ms``, ``us`` or ``ns``; None where the header of the latencies says it, such as ``latency_ms``.

    Raises:
        DataError: When the file is missing, empty or damaged, a latency is not a positive number, or two rows of an operator
            contradict each other; says the line.
        UsageError: When the unit is unknown or not given, or a YAML file is given where PyYAML is not installed.
    """
    path = Path(path)
    text = _text(path)
    if path.suffix.lower() in (".json", ".yaml", ".yml"):
        rows, said = _entries(path, text), None
    else:
        rows, said = _lines(path, text)
    if not rows:
        raise DataError(f"{path}: it lists no operator. Expected rows such as 'conv-3x3,4.1'.")
    found: dict[str, list[tuple[str, float]]] = {}
    scale = _scale(path, unit or said)
    for where, name, value in rows:
        found.setdefault(name, []).append((where, scale * _latency(path, where, name, value)))
    medians = {name: statistics.median(seconds for _, seconds in repeats) for name, repeats in found.items()}
    return OperatorTable(str(path), medians, tuple(_repeats(path, found)))


def _text(path: Path) -> str:
    try:
        content = read_at_most(path, MAX_BYTES)
        if content is None:
            raise DataError(f"{path}: has more than {MAX_BYTES} bytes, or never ends. Expected a table of operators.")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. Give the path of a table of operators.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8 text. Expected a table of operators.") from None


def _scale(path: Path, unit: str | None) -> float:
    if unit is None:
        raise UsageError(f"{path} does not say in which unit its latencies are. Say it: --unit ms (unit='ms' in Python).")
    scale = UNITS.get(unit.replace("µ", "u"))
    if scale is None:
        raise UsageError(f"unknown unit '{unit}' of latencies. Known: {', '.join(UNITS)}")
    return scale


# -- rows of text --------------------------------------------------------------------------------------------------------


def _lines(path: Path, text: str) -> tuple[list[_Row], str | None]:
    """Returns the rows, and the unit that the header gives; without a header, names come first and latencies second."""
    delimiter = find_delimiter(text, SIGNS)
    reader = csv.reader(text.splitlines(), delimiter=delimiter, skipinitialspace=delimiter == " ")
    try:
        cells = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: {error}. Expected rows of a name and a latency.") from None
    name, value, said = 0, 1, None
    if cells and _is_header(cells[0][1]):
        name, value, said = _columns(path, cells[0][1])
        cells = cells[1:]
    for line, row in cells:
        if len(row) <= max(name, value) or not row[name]:
            raise DataError(f"{path}: line {line}: expected the name of an operator and its latency, got {row}.")
    lines = tuple(line for line, _ in cells)
    values = normalised(Sheet(str(path), {"latency": [row[value] for _, row in cells]}, lines)).columns["latency"]
    return [(f"line {line}", row[name], text) for (line, row), text in zip(cells, values, strict=True)], said


def _is_header(row: list[str]) -> bool:
    """Whether no cell behind the first one begins like a number."""
    return len(row) > 1 and not any(cell[:1].isdigit() or cell[:1] in "+-." for cell in row[1:] if cell)


def _columns(path: Path, header: list[str]) -> tuple[int, int, str | None]:
    """Returns the columns of names and latencies, and the unit in the name of the second one."""
    names = [i for i, name in enumerate(header) if name.lower() in ("name", "operator", "op", "key", "block", "layer")]
    name = names[0] if names else 0
    others = [i for i in range(len(header)) if i != name]
    timed = named_as_latencies([header[i] for i in others])
    timed = [one for one in timed if split_unit(one)[1] is not None] or timed
    values = [i for i in others if header[i] in timed] or [i for i in others if header[i].lower() in MIDDLES]
    values = values or (others if len(others) == 1 else [])
    if len(values) != 1:
        what = "several columns may be the latency" if values else "no column is named as a latency, such as latency_ms"
        found = ", ".join(header[i] for i in values or range(len(header)))
        raise DataError(f"{path}: line 1: {what}. Found: {found}. Keep one of them beside the names of the operators.")
    return name, values[0], split_unit(header[values[0]])[1]


# -- mappings ------------------------------------------------------------------------------------------------------------


def _entries(path: Path, text: str) -> list[_Row]:
    pairs: Any
    if path.suffix.lower() == ".json":
        try:
            pairs = json.loads(text, object_pairs_hook=_Pairs)
        except ValueError as error:
            raise DataError(f"{path} is not JSON: {error}.") from None
    else:
        document = _yaml(path, text)
        pairs = _Pairs(document.items()) if isinstance(document, Mapping) else None
    if not isinstance(pairs, _Pairs):
        raise DataError(f"{path}: expected a mapping of operators to latencies, such as {{'conv-3x3': 4.1}}.")
    return [(f"'{name}'", str(name), _entry(value)) for name, value in pairs]


class _Pairs(list[Any]):
    """A mapping as pairs, so that a key that stands twice is not lost."""


def _yaml(path: Path, text: str) -> Any:
    try:
        yaml: Any = import_module("yaml")
    except ImportError:
        raise UsageError(f"'{path}' is YAML, which needs PyYAML: pip install pyyaml. Or convert it to JSON.") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DataError(f"{path} is not YAML: {' '.join(str(error).split())}.") from None


def _entry(value: Any) -> Any:
    entries = dict(value) if isinstance(value, (_Pairs, Mapping)) else None
    return value if entries is None else next((entries[key] for key in VALUES if key in entries), value)


# -- values --------------------------------------------------------------------------------------------------------------


def _latency(path: Path, where: str, name: str, value: Any) -> float:
    if isinstance(value, (_Pairs, Mapping)):
        held = ", ".join([f"'{key}'" for key in dict(value)][:SHOWN])
        raise DataError(
            f"{path}: {where} holds {len(value)} entries ({held}, ...) and no {', '.join(VALUES)}. A table of operators per "
            "resolution or device is a file of its own: save that of each so, and give one."
        )
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise DataError(
            f"{path}: {where}: the latency of operator '{name}' is '{value}', expected a positive number. "
            "Correct or delete it."
        )
    return number


def _repeats(path: Path, found: Mapping[str, list[tuple[str, float]]]) -> Iterable[str]:
    """Yields a remark about operators that occur several times with different latencies."""
    differing = []
    for name, repeats in found.items():
        seconds = [one for _, one in repeats]
        ratio = max(seconds) / min(seconds)
        if ratio > CONTRADICTORY and len(repeats) == 2:
            places = " and ".join(where for where, _ in repeats)
            raise DataError(f"{path}: {places} give operator '{name}' latencies a factor of {ratio:.3g} apart. Delete one.")
        if ratio > AGREED:
            differing.append((ratio, name))
    if differing:
        worst, name = max(differing)
        yield (
            f"{path}: {len(differing)} of the operators that occur several times have latencies more than 5 % apart; "
            f"the median is taken. The largest difference is that of '{name}', a factor of {worst:.3g}."
        )
