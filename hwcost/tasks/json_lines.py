"""Tables of JSON Lines: an object per line, all with the same names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hwcost.errors import DataError
from hwcost.tasks.table import Table
from hwcost.tasks.text_lines import text_lines


def read_json_lines(path: Path) -> Table:
    """Reads a file of JSON Lines.

    Raises:
        DataError: When the file cannot be read, a line is not an object, or its names are not those of the first one.
    """
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    for number, line in enumerate(text_lines(path), 1):
        if line.strip():
            rows.append(_row(path, number, line, rows[0] if rows else None))
            lines.append(number)
    return Table(str(path), tuple(rows[0]) if rows else (), lambda name: [row[name] for row in rows], lines)


def _row(path: Path, number: int, line: str, first: dict[str, Any] | None) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{path}, line {number}: this is not JSON: {error}. Expected an object on every line.") from None
    if not isinstance(row, dict):
        raise DataError(f"{path}, line {number}: this is not an object. Expected {{\"name\": value, ...}} on every line.")
    if first is not None and row.keys() != first.keys():
        raise DataError(
            f"{path}, line {number}: the names are {', '.join(row) or 'none'}, and those of the first line "
            f"{', '.join(first)}. Expected the same on every line."
        )
    return row
