"""Tables as JSON: records, columns, arrays with a header, and JSON Lines."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from hwcost.errors import DataError
from hwcost.exchange.column_names import is_latency_name, is_rate_name
from hwcost.exchange.delimited import as_sheet, headerless_operators
from hwcost.exchange.frames import read_frame
from hwcost.exchange.json_objects import RepeatedNameError, unique_names
from hwcost.exchange.numerals import is_number, normalised
from hwcost.exchange.sheet import Sheet, as_text
from hwcost.spaces.nested import are_codes, read_key, read_nested

_SHAPES = 'Expected a list of records such as [{"l1": 360, "latency_s": 0.01}, ...], or columns {"l1": [...], ...}'

_ONE = "Save one of them as a file of its own, or all rows as one list of records with a field for what tells them apart"

_GAP = re.compile(r"[\s,]*")

SHOWN = 8
"""Names that a message lists before it counts the rest."""

MOST_PRINTED = 5_000_000
"""Characters of a text that is read as what Python printed."""

RESULTS = {
    "pytest-benchmark": {"machine_info", "benchmarks"},
    "google/benchmark": {"context", "benchmarks"},
    "nvbench": {"meta", "benchmarks"},
    "pyperf": {"metadata", "benchmarks"},
    "asv": {"commit_hash", "results"},
    "optimum-benchmark": {"config", "report"},
    "trtexec": {"latencyMs", "computeMs"},
    "trtexec --exportProfile": {"count", "name", "timeMs", "averageMs"},
    "vllm": {"avg_latency", "latencies", "percentiles"},
    "SGLang": {"median_e2e_latency_ms", "median_ttft_ms", "request_throughput"},
    "vllm bench serve": {"median_ttft_ms", "request_throughput"},
    "llama-bench": {"build_commit", "n_prompt", "avg_ns"},
    "genai-perf": {"request_latency", "request_throughput"},
    "Criterion.rs": {"reason", "id", "measured_values"},
    "Criterion.rs (estimates)": {"mean", "median", "median_abs_dev", "std_dev"},
    "perf_analyzer": {"experiments", "service_kind"},
    "hyperfine": {"command", "mean", "stddev", "user", "system"},
}
"""Tools whose results 'hwcost import' reads, to the keys of their files or records."""


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
        value = json.loads(text, object_pairs_hook=unique_names)
    except RepeatedNameError as error:
        raise error.at(source) from None
    except RecursionError:
        raise DataError(f"{source}: the JSON is nested too deeply. {_SHAPES}.") from None
    except ValueError as error:
        literal = _python(text)
        if literal is not None:
            return _table(literal, source).remarking("the file is not JSON, but a list or dictionary as Python prints it.")
        value = _values(text, source, str(error))
    return replace(_table(value, source), about=_about(value))


def _values(text: str, source: str, why: str) -> list[Any]:
    """Reads JSON values that follow each other: one a line, in several lines each, or with commas between them."""
    decoder = json.JSONDecoder(object_pairs_hook=unique_names)
    values: list[Any] = []
    at = _GAP.match(text, 0).end()  # type: ignore[union-attr]  # matches nothing at least
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except RepeatedNameError as error:
            raise error.at(source) from None
        except (ValueError, RecursionError) as error:
            if not values:
                raise DataError(f"{source}: this is not JSON: {why}. {_SHAPES}.") from None
            line = text.count("\n", 0, at) + 1
            raise DataError(f"{source}: line {line} is not JSON: {error}. Correct or delete the line.") from None
        values.append(value)
        at = _GAP.match(text, at).end()  # type: ignore[union-attr]
    return values


def _python(text: str) -> Any:
    """Returns a list or dictionary that Python printed; None where the text is none. Only literals are read."""
    if len(text) > MOST_PRINTED or "'" not in text:
        return None
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return list(value) if isinstance(value, tuple) else value


def _about(value: Any) -> str:
    """Says which other tool's results a document is; empty where it is none that is known."""
    first = value[0] if isinstance(value, list) and value else value
    results = first.get("results") if isinstance(first, Mapping) else None
    first = results[0] if isinstance(results, list) and results else first
    keys = set(first) if isinstance(first, Mapping) else set()
    if isinstance(value, list) and len(value) > 1 and isinstance(value[1], Mapping):
        keys |= set(value[1])  # a first record may say how often all others were measured
    tool = next((tool for tool, known in RESULTS.items() if known <= keys), None)
    if tool is None:
        return ""
    return f"The file looks like results of {tool}; 'hwcost import FILE' takes those into a history (docs/formats.md)."


def _refuse_trace(value: Any, source: str) -> None:
    """Refuses events of a profiler in Chrome's format of traces, alone or below ``traceEvents``."""
    events = value.get("traceEvents") if isinstance(value, Mapping) else value
    first = events[0] if isinstance(events, list) and events else None
    if isinstance(first, Mapping) and first.keys() >= {"ph", "name"}:
        raise DataError(
            f"{source}: this is a trace of a profiler: it holds events of one run, and no architectures. Save architectures "
            "and their latencies as CSV, with a header, and give that file."
        )


def _table(value: Any, source: str) -> Sheet:
    _refuse_trace(value, source)
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
    within = list(_tables_within(value, depth=1)) or list(_tables_within(value))
    if len(within) == 1:
        path, table = within[0]
        what = "rows are the records" if isinstance(table, list) else "columns are the lists"
        where = f"of '{path}'" if path else f"beside {_listed([name for name in value if name not in table])}"
        return read_frame(table, source, "record").remarking(f"{what} {where}.")
    if inner and all(isinstance(one, Mapping) for one in inner) and (len(inner) > 1 or not within):
        return _by_key(value, source)
    named = [(name, one) for name, one in value.items() if isinstance(one, Mapping) and _holds_rows(one)]
    if len(named) == 1 and not within:
        return _by_key(named[0][1], source).remarking(f"rows are the entries of '{named[0][0]}'.")
    is_of_run = any(is_latency_name(name) or is_rate_name(name) for name in value)
    if inner and all(isinstance(one, (int, float)) for one in inner) and not is_of_run:
        return _by_spelling(value, source)
    several = [path for path, _ in within] or [name for name, _ in named]
    kind = "lists of records" if within and all(isinstance(one, list) for _, one in within) else "tables"
    held = f"several {kind} ({_listed(several)})" if several else _described(value)
    advice = _ONE if several else _SHAPES
    raise DataError(f"{source}: the JSON holds {held}. {advice}. {_about(value)}".rstrip())


def _tables_within(value: Mapping[str, Any], path: str = "", depth: int = 3) -> Iterator[tuple[str, Any]]:
    """Yields the tables in an object and those within, by their path: lists of records, and columns side by side."""
    columns = {name: one for name, one in value.items() if isinstance(one, list)}
    is_alone = not path and not any(isinstance(one, Mapping) for one in value.values())
    if _are_columns(columns) and (is_alone or any(map(is_latency_name, columns))):
        yield path, columns
        return
    for name, one in value.items():
        below = f"{path}.{name}" if path else str(name)
        if isinstance(one, list) and one and isinstance(one[0], Mapping):
            yield below, one
        elif isinstance(one, Mapping) and depth > 1:
            yield from _tables_within(one, below, depth - 1)


def _are_columns(columns: Mapping[str, list[Any]]) -> bool:
    """Whether lists are the columns of one table: several of the same length, numbers among them."""
    lists = list(columns.values())
    if len(lists) < 2 or len(lists[0]) < 2 or any(len(one) != len(lists[0]) for one in lists):
        return False
    return any(all(isinstance(cell, (int, float)) for cell in one) for one in lists)


def _by_spelling(value: Mapping[str, Any], source: str) -> Sheet:
    """Reads numbers by architectures that their names spell, such as ``8_512_4``.

    Raises:
        DataError: When names are those of operators.
    """
    if _are_spelled(value):
        return read_frame({"architecture": list(value), "latency": list(value.values())}, source, "record")
    raise headerless_operators(source, [(i, [key, as_text(one)]) for i, (key, one) in enumerate(value.items(), 1)])


def _are_spelled(names: Collection[str]) -> bool:
    """Whether names spell architectures, such as ``8_512_4``."""
    return all(read_key(name) is not None or read_nested(name) is not None for name in names) or are_codes(names)


def _holds_rows(value: Mapping[str, Any]) -> bool:
    """Whether an object holds several objects with the same keys, one a row."""
    rows = list(value.values())
    return len(rows) > 1 and all(isinstance(row, Mapping) for row in rows) and len({frozenset(row) for row in rows}) == 1


def _by_key(value: Mapping[str, Mapping[str, Any]], source: str) -> Sheet:
    """Reads objects by the name of their column or row, whichever names a latency; rows may lie in groups with names."""
    if any(is_latency_name(name) for name in value):
        rows = list(dict.fromkeys(row for column in value.values() for row in column))
        columns = {name: [column.get(row) for row in rows] for name, column in value.items()}
        names = {} if all(map(str.isdecimal, rows)) else {_free("name", "key", taken=columns): rows}
        return read_frame({**names, **columns}, source, "record")
    if _holds_groups(value):
        groups = [(group, key, row) for group, rows in value.items() for key, row in rows.items()]
        taken = groups[0][2]
        group, name = _free("group", "kind", taken=taken), _free("name", "key", taken=taken)
        return read_frame([{group: one, name: key, **row} for one, key, row in groups], source, "record")
    if all(_are_numbers(row) and _are_spelled(row) for row in value.values()):
        every = [
            {"group": group, "architecture": key, "latency": one} for group, row in value.items() for key, one in row.items()
        ]
        return read_frame(every, source, "record")
    name = _free("name", "key", taken={name for row in value.values() for name in row})
    return read_frame([{name: key, **row} for key, row in value.items()], source, "record")


def _are_numbers(row: Mapping[str, Any]) -> bool:
    return bool(row) and all(isinstance(one, (int, float)) for one in row.values())


def _free(*names: str, taken: Collection[str]) -> str:
    """Returns the first name of a column that none has yet; the last one where all are taken."""
    return next((name for name in names if name not in taken), names[-1])


def _holds_groups(value: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether objects hold objects with the same keys, one a row: of every kernel's type, or of every device."""
    rows = [row for rows in value.values() for row in rows.values()]
    if len(rows) < 2 or not all(isinstance(row, Mapping) and row for row in rows):
        return False
    return len({frozenset(row) for row in rows}) == 1 and all(value.values())


def _listed(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _described(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"an object with {_listed(list(value)) or 'nothing in it'}"
    if isinstance(value, list):
        return "an empty list" if not value else "a list of neither records nor arrays"
    return repr(value)[:60]
