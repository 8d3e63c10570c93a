"""Tables that are objects: data frames of any library, mappings of columns, sequences of rows. No library is imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hwcost._extras import imported
from hwcost.errors import DataError, MissingExtraError, UsageError
from hwcost.exchange.numerals import normalised
from hwcost.exchange.sheet import Place, Sheet, as_text

_CATEGORIES = ("category", "categorical", "enum", "dictionary")
"""Beginnings of the names of types whose values are categories."""


def read_frame(frame: Any, source: str = "the data frame", place: Place = "row") -> Sheet:
    """Reads a data frame as its CSV would be read.

    Args:
        frame: A data frame (pandas, polars, pyarrow, or any with columns), anything with the Arrow or the data frame
            interchange protocol, a structured array, a mapping of columns, or a sequence of mappings or named tuples.
        source: Name of the table in messages.
        place: Unit of its row numbers: records from 1, or rows from 0.

    Raises:
        UsageError: When it is not a table.
        DataError: When its columns have different lengths, or one has no name of its own.
    """
    columns, categories = _columns(frame)
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise DataError(f"{source}: the columns have different lengths: {', '.join(map(str, sorted(lengths)))}.")
    n = lengths.pop() if lengths else 0
    first = 1 if place == "record" else 0
    texts = {name: [as_text(value) for value in values] for name, values in columns.items()}
    return normalised(Sheet(source, texts, tuple(range(first, n + first)), place, frozenset(categories)), is_typed=True)


def is_frame(source: Any) -> bool:
    """Whether an object is a table: it has columns, or gives them by a protocol."""
    names = ("columns", "to_pydict", "__dataframe__", "__arrow_c_stream__")
    return any(hasattr(source, name) for name in names) or getattr(getattr(source, "dtype", None), "names", None) is not None


def as_rows(frame: Any) -> list[dict[str, Any]]:
    """Returns the rows of a data frame, or of a mapping of columns, as mappings."""
    columns, _ = _columns(frame)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _columns(frame: Any) -> tuple[dict[str, list[Any]], set[str]]:
    """Returns the values of every column, and the names of those that are categorical by their type."""
    if isinstance(frame, Mapping):
        return {str(name): list(_checked(values, name)) for name, values in frame.items()}, set()
    for made in ("collect", "compute"):  # of a lazy frame
        if hasattr(frame, made):
            frame = getattr(frame, made)()
    if hasattr(frame, "to_pydict"):
        return {str(name): list(values) for name, values in frame.to_pydict().items()}, _dictionaries(frame)
    if hasattr(frame, "columns") and hasattr(frame, "__getitem__"):
        return _by_columns(frame)
    if getattr(getattr(frame, "dtype", None), "names", None):
        return {name: list(frame[name]) for name in frame.dtype.names}, set()
    if hasattr(frame, "__arrow_c_stream__") or hasattr(frame, "__dataframe__"):
        return _by_protocol(frame)
    if isinstance(frame, Sequence) and not isinstance(frame, (str, bytes)) and frame:
        return _by_rows([_row(one) for one in frame]), set()
    raise UsageError(
        f"a table is the path of a file, a data frame, a mapping of columns, or a list of dictionaries; got {_type(frame)}"
    )


def _checked(values: Any, name: Any) -> Iterable[Any]:
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise UsageError(
            f"the column '{name}' of a table is a list of values, got {_type(values)}. One row, or one architecture, stands "
            "in a list"
        )
    return values


def _by_columns(frame: Any) -> tuple[dict[str, list[Any]], set[str]]:
    """Takes the columns of any data frame; named levels of an index are columns."""
    index_names = getattr(getattr(frame, "index", None), "names", None)
    if index_names is not None and any(name is not None for name in index_names) and hasattr(frame, "reset_index"):
        frame = _with_index(frame)
    names = list(frame.columns)
    texts = [_name(name) for name in names]
    repeated = sorted({name for name in texts if texts.count(name) > 1})
    if repeated:
        raise DataError(f"the data frame: column '{repeated[0]}' stands twice. Give every column a name of its own.")
    columns = {text: _values(frame[name]) for text, name in zip(texts, names, strict=True)}
    categories = {text for text, name in zip(texts, names, strict=True) if _is_category(frame[name])}
    return columns, categories


def _name(name: Any) -> str:
    """Returns the name of a column as text, that of a column below others with theirs before it: ``latency_ms.mean``."""
    return ".".join(str(part) for part in name if part != "") if isinstance(name, tuple) else str(name)


def _with_index(frame: Any) -> Any:
    try:
        return frame.reset_index()
    except ValueError as error:
        text = f"the data frame: a level of its index has the name of a column ({error}). Rename it, or drop the index."
        raise DataError(text) from None


def _values(column: Any) -> list[Any]:
    if hasattr(column, "to_list"):
        return list(column.to_list())
    return list(column.tolist()) if hasattr(column, "tolist") else list(column)


def _is_category(column: Any) -> bool:
    return str(getattr(column, "dtype", "")).lower().startswith(_CATEGORIES)


def _dictionaries(table: Any) -> set[str]:
    schema = getattr(table, "schema", ())
    return {field.name for field in schema if str(field.type).startswith(_CATEGORIES)}


def _by_protocol(frame: Any) -> tuple[dict[str, list[Any]], set[str]]:
    try:
        pyarrow, interchange = imported("pyarrow", "tables"), imported("pyarrow.interchange", "tables")
    except MissingExtraError:
        raise MissingExtraError(f"pyarrow, which reads {_type(frame)},", "tables") from None
    try:
        has_stream = hasattr(frame, "__arrow_c_stream__")
        return _columns(pyarrow.table(frame) if has_stream else interchange.from_dataframe(frame))
    except (pyarrow.ArrowException, RuntimeError) as error:
        raise UsageError(f"{_type(frame)} is not a table: {error}. Give a data frame with named columns.") from None


def _row(row: Any) -> Mapping[str, Any]:
    if isinstance(row, Mapping):
        return row
    if hasattr(row, "_asdict"):
        return dict(row._asdict())
    if hasattr(row, "to_dict"):
        return dict(row.to_dict())
    raise UsageError(f"a row of a table is a dictionary of values by the column's name, got {_type(row)}")


def _by_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(str(name) for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _type(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
