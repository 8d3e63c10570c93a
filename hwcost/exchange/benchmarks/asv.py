"""asv: a tree of results, one JSON file per machine, commit and environment, beside ``benchmarks.json``; in and out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hwcost.errors import DataError
from hwcost.exchange.benchmarks.asv_tree import tree
from hwcost.exchange.benchmarks.base import Exported, Given, History, Imported, Reader, Writer
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.intervals import Z_99, of_bounds
from hwcost.exchange.benchmarks.node import Node, optional_text
from hwcost.exchange.benchmarks.rows import Origin, Row, imported
from hwcost.quantities import LATENCY
from hwcost.stores.runs import Code

BENCHMARKS, MACHINE = "benchmarks.json", "machine.json"
VERSION = 2
"""Version of asv's result files; asv itself brings older ones up to date."""

MAX_COMBINATIONS = 100_000
"""Combinations of the parameters of one benchmark beyond which a file is taken for a damaged one."""

_TYPES = {"time_": "time", "timeraw_": "time", "mem_": "memory", "peakmem_": "peakmemory", "track_": "track"}
"""Kind of benchmark by the beginning of its function's name, as asv tells them apart."""

_QUANTITIES = {"time": (LATENCY, "s"), "peakmemory": ("peak_memory_bytes", "B"), "memory": ("object_bytes", "B")}
_UNITS = {"seconds": "s", "bytes": "B"}


class Asv(Reader, Writer):
    """asv result trees."""

    name = "asv"
    tool = "asv results: a folder of results, or one file of it"

    def recognises(self, document: Document) -> bool:
        """Whether it is a tree of results, or one result file."""
        if document.is_folder:
            return any(True for _ in _result_files(document.path))
        value = document.json_or_none
        return isinstance(value, dict) and {"commit_hash", "results"} <= value.keys()

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads every result file of a tree, by date of the commit, or one result file."""
        files = list(_result_files(document.path)) if document.is_folder else [document.path]
        if not files:
            raise DataError(f"{document.source}: has no MACHINE/COMMIT-ENVIRONMENT.json. Give the folder of asv's results.")
        declared = {folder: _declarations(folder) for folder in {path.parent for path in files}}
        found = [_read(Document.of(path), given, declared[path.parent]) for path in files]
        return sorted(found, key=lambda one: (one.run.started_at, one.run.run_id))

    def write(self, history: History) -> Exported:
        """Writes the runs that have a commit as a tree of results."""
        return tree(history)


@dataclass(frozen=True)
class _Declared:
    """What ``benchmarks.json`` says of a benchmark; without it, what its name says."""

    kind: str
    unit: str | None
    names: list[str]
    version: str | None
    rounds: int


def _result_files(folder: Path) -> Iterator[Path]:
    """Yields the result files of a tree, of one machine's folder in it, or of the folder that a project keeps it in."""
    for depth in ("*.json", "*/*.json", "*/*/*.json"):
        for path in sorted(folder.glob(depth)):
            if path.name != MACHINE and (path.parent / MACHINE).is_file():
                yield path


def _declarations(folder: Path) -> dict[str, Node]:
    """Returns the entries of the nearest ``benchmarks.json`` in a folder of result files or above it."""
    for place in (folder, folder.parent):
        if (place / BENCHMARKS).is_file():
            return Document.of(place / BENCHMARKS).root.members()
    return {}


def _declared(name: str, declarations: dict[str, Node]) -> _Declared | None:
    """Returns what is known of a benchmark; None where nothing is."""
    node = declarations.get(name)
    if node is None:
        last = name.rpartition(".")[2]
        kind = next((kind for begin, kind in _TYPES.items() if last.startswith(begin)), None)
        return None if kind is None else _Declared(kind, _QUANTITIES.get(kind, (None, None))[1], [], None, 0)
    names = node.optional("param_names")
    rounds = node.optional("rounds")
    return _Declared(
        kind=node.field("type").text(),
        unit=optional_text(node, "unit"),
        names=[] if names is None else [one.text() for one in names.entries()],
        version=optional_text(node, "version"),
        rounds=0 if rounds is None else rounds.count(),
    )


def _read(document: Document, given: Given, declarations: dict[str, Node]) -> Imported:
    root = document.root
    version = root.optional("version")
    if version is not None and version.count() != VERSION:
        raise version.error(f"version {VERSION} of asv's result files", "Run 'asv update' with the asv that wrote them.")
    remarks = [] if declarations else [f"there is no {BENCHMARKS}: kinds and units are those that asv's names stand for."]
    columns = [one.text() for one in root.field("result_columns").entries()]
    rows: list[Row] = []
    for name, node in root.field("results").members().items():
        declared = _declared(name, declarations)
        if declared is None:
            remarks.append(f"'{name}' is left out: nothing says what it measures.")
            continue
        made, note = _rows(name, _columns(node, columns), declared, _machine(root), _environment(root))
        rows += made
        remarks += note
    origin = Origin("asv", _commit_date(root), _code(root), facts=_facts(root), part=document.path.parent.name)
    return imported(rows, document, given, origin, [*remarks, *_meaning(rows)])


def _meaning(rows: list[Row]) -> list[str]:
    times = any(row.quantity == LATENCY for row in rows)
    return ["times are medians over asv's samples, in seconds."] if times else []


def _columns(node: Node, names: list[str]) -> dict[str, Node]:
    """Returns the values of a benchmark by column; asv leaves the last ones out where they are null."""
    if not isinstance(node.value, list):  # a single number without anything else
        return {"result": Node([node.value], node.source, node.path)}
    entries = node.entries()
    if len(entries) > len(names):
        raise node.error(f"at most {len(names)} columns")
    return {name: one for name, one in zip(names, entries, strict=False) if one.value is not None}


def _rows(
    name: str, columns: dict[str, Node], declared: _Declared, machine: str | None, environment: str
) -> tuple[list[Row], list[str]]:
    quantity, unit = _quantity(declared)
    if unit is None:
        return [], [f"'{name}' is left out: its unit '{declared.unit}' is not one of seconds and bytes."]
    choices = _choices(columns)
    results = _results(columns, math.prod(map(len, choices)))
    rows, remarks = [], []
    for index, (point, result) in enumerate(zip(itertools.product(*choices), results, strict=True)):
        if isinstance(result.value, float) and math.isnan(result.value):
            continue  # asv's sign for a combination that the benchmark skips
        value = None if result.value is None else result.number()
        if value is not None and value <= 0 and declared.kind == "track":
            remarks.append(f"'{name}' is {value:g}: values that are not positive have no ratio, and are left out.")
            continue
        rows.append(
            Row(
                name=f"{name}({', '.join(point)})" if point else name,
                value=None if value is None else result.seconds() if unit == "s" else result.positive(),
                quantity=quantity,
                unit=unit,
                spec=_spec(point, declared),
                device=machine,
                backend_options={"environment": environment} if environment else {},
                measured_at=_measured_at(columns),
                half_width=of_bounds(_at(columns, "stats_ci_99_a", index), _at(columns, "stats_ci_99_b", index), Z_99),
                n_rounds=0 if value is None or declared.kind != "time" else declared.rounds,
                status="failed" if value is None else "ok",
                reason="the benchmark failed when asv ran it" if value is None else "",
                rest=_rest(columns, index, len(results)),
            )
        )
    return rows, remarks


def _quantity(declared: _Declared) -> tuple[str, str | None]:
    if declared.kind not in _QUANTITIES:
        return declared.kind, declared.unit or None
    quantity, unit = _QUANTITIES[declared.kind]
    return quantity, unit if _UNITS.get(declared.unit or "", declared.unit) == unit else None


def _choices(columns: dict[str, Node]) -> list[list[str]]:
    params = columns.get("params")
    return [] if params is None else [[one.text() for one in axis.entries()] for axis in params.entries()]


def _results(columns: dict[str, Node], count: int) -> list[Node]:
    """Returns the results of all combinations of parameters; a benchmark that failed as a whole has one null."""
    node = columns.get("result")
    if count > MAX_COMBINATIONS:
        raise columns["params"].error(f"at most {MAX_COMBINATIONS} combinations of parameters")
    if node is None:
        return [Node(None, "", "")] * count
    entries = node.entries()
    if len(entries) != count:
        raise node.error(f"{count} results, one for each combination of parameters")
    return entries


def _spec(point: tuple[str, ...], declared: _Declared) -> dict[str, Any]:
    names = [*declared.names, *(f"param{index + 1}" for index in range(len(declared.names), len(point)))]
    params = dict(zip(names, point, strict=False))
    return {**({"params": params} if params else {}), **({"version": declared.version} if declared.version else {})}


def _at(columns: dict[str, Node], name: str, index: int) -> float | None:
    """Returns a number of a column of statistics; infinite bounds, as of few samples, are unknown."""
    node = columns.get(name)
    if node is None:
        return None
    entries = node.entries()
    value = entries[index].value if index < len(entries) else None
    is_unknown = value is None or (isinstance(value, float) and not math.isfinite(value))
    return None if is_unknown else entries[index].number()


def _rest(columns: dict[str, Node], index: int, count: int) -> dict[str, Any]:
    """Returns the columns that nothing else reads; raw samples and profiles are left out."""
    known = {"result", "params", "version", "started_at", "stats_ci_99_a", "stats_ci_99_b", "samples", "profile"}
    rest: dict[str, Any] = {}
    for name in columns.keys() - known:
        value = columns[name].value
        rest[name] = value[index] if isinstance(value, list) and len(value) == count else value
    return dict(sorted(rest.items()))


def _machine(root: Node) -> str | None:
    params = root.optional("params")
    return None if params is None else optional_text(params, "machine")


def _environment(root: Node) -> str:
    return optional_text(root, "env_name") or ""


def _measured_at(columns: dict[str, Node]) -> str | None:
    started = columns.get("started_at")
    return None if started is None else _milliseconds(started)


def _commit_date(root: Node) -> str | None:
    """Returns the date of the commit, by which asv orders its results."""
    date = root.optional("date")
    return None if date is None else _milliseconds(date)


def _milliseconds(node: Node) -> str:
    try:
        return datetime.fromtimestamp(node.number() / 1000, timezone.utc).isoformat(timespec="microseconds")
    except (OverflowError, OSError, ValueError):
        raise node.error("milliseconds since 1970") from None


def _code(root: Node) -> Code:
    commit = root.field("commit_hash")
    try:
        return Code(commit=commit.text(), commit_time=_commit_date(root))
    except ValidationError:  # an empty text, or one of thousands of signs
        raise commit.error("the name of a commit") from None


def _facts(root: Node) -> dict[str, Any]:
    known = {"commit_hash", "date", "results", "result_columns", "version", "durations"}
    return {name: node.value for name, node in root.members().items() if name not in known}
