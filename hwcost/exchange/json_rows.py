"""Tables as JSON: records, columns, arrays with a header, and JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hwcost.errors import DataError
from hwcost.exchange.delimited import as_sheet, headerless_operators
from hwcost.exchange.frames import read_frame
from hwcost.exchange.latencies import is_latency_name
from hwcost.exchange.numerals import is_number, normalised
from hwcost.exchange.sheet import Sheet, as_text

_SHAPES = 'Expected a list of records such as [{"l1": 360, "latency_s": 0.01}, ...], or columns {"l1": [...], ...}'


def looks_like_json(text: str) -> bool:
    """Whether a text is an object or array of JSON rather than a header."""
    return text.lstrip()[:1] in ("{", "[")


def read_json(text: str, source: str) -> Sheet:
    """Reads a list of records, an object of columns, arrays below a header, or one record a line.

    Args:
        text: The whole file.
        source: Name of the file in messages.

    Raises:
        DataError: When it is not JSON, or holds no table.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise DataError(f"{source}: the JSON is nested too deeply. {_SHAPES}.") from None
    except ValueError as error:
        value = _lines(text, source, str(error))
    return _table(value, source)


def _lines(text: str, source: str, why: str) -> list[Any]:
    """Reads one JSON value a line."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    values: list[Any] = []
    for number, line in lines:
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            if not values:
                raise DataError(f"{source}: this is not JSON: {why}. {_SHAPES}.") from None
            raise DataError(f"{source}: line {number} is not JSON: {error}. Correct or delete the line.") from None
    return values


def _table(value: Any, source: str) -> Sheet:
    if isinstance(value, list) and value:
        if all(isinstance(one, Mapping) for one in value):
            return read_frame(value, source, "record")
        if all(isinstance(one, list) for one in value):
            return _arrays(value, source)
    if isinstance(value, Mapping):
        return _object(value, source)
    raise DataError(f"{source}: the JSON holds {_described(value)}. {_SHAPES}.")


def _arrays(rows: list[list[Any]], source: str) -> Sheet:
    header = [as_text(cell) for cell in rows[0]]
    if not header or any(is_number(name) for name in header):
        raise DataError(
            f"{source}: the first array holds numbers, so it is not a header. Put the names of the columns before it."
        )
    body = [(number, [as_text(cell) for cell in row]) for number, row in enumerate(rows[1:], 2)]
    return normalised(as_sheet(header, body, source), is_typed=True)


def _object(value: Mapping[str, Any], source: str) -> Sheet:
    """Reads the shapes in which data frames are written, and an object that holds a single list of records."""
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
        return _arrays([value["columns"], *value["data"]], source)
    inner = list(value.values())
    if inner and all(isinstance(one, list) and not any(isinstance(cell, Mapping) for cell in one) for one in inner):
        return read_frame(value, source, "record")
    if inner and all(isinstance(one, Mapping) for one in inner):
        return _by_key(value, source)
    lists = {name: one for name, one in value.items() if isinstance(one, list) and one and isinstance(one[0], Mapping)}
    if len(lists) == 1:
        name, records = lists.popitem()
        return read_frame(records, source, "record").remarking(f"rows are the records of '{name}'.")
    if inner and all(isinstance(one, (int, float)) for one in inner):
        raise headerless_operators(source, [(i, [key, as_text(one)]) for i, (key, one) in enumerate(value.items(), 1)])
    held = f"several lists of records ({', '.join(lists)})" if lists else _described(value)
    raise DataError(f"{source}: the JSON holds {held}. {_SHAPES}.")


def _by_key(value: Mapping[str, Mapping[str, Any]], source: str) -> Sheet:
    """Reads objects by the name of their column or row, whichever names a latency."""
    if any(is_latency_name(name) for name in value):
        rows = list(dict.fromkeys(row for column in value.values() for row in column))
        return read_frame({name: [column.get(row) for row in rows] for name, column in value.items()}, source, "record")
    key = "name" if not any("name" in row for row in value.values()) else "key"
    return read_frame([{key: name, **row} for name, row in value.items()], source, "record")


def _described(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"an object with {', '.join(list(value)[:8]) or 'nothing in it'}"
    if isinstance(value, list):
        return "an empty list" if not value else "a list of neither records nor arrays"
    return repr(value)[:60]
