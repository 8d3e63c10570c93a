"""optimum-benchmark: ``benchmark.json`` and ``benchmark_report.json``, or the CSV of either."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from hwcost.errors import DataError
from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import Node, optional_count, optional_text
from hwcost.exchange.benchmarks.rows import Origin, Row, imported, refuse_repeated
from hwcost.spaces.nested import read_nested

_MEASURED = {"latency", "throughput", "memory", "energy", "efficiency"}
_LATENCY = {"unit", "values", "p50", "mean"}
_MEANING = "latencies are medians in seconds; of the other measurements the report is kept as it is."
_MODEL = ("model", "task", "library", "model_type")
_OF_BACKEND = ("name", "version", "device", "torch_dtype", "_target_")
_SEPARATOR = "."


class OptimumBenchmark(Reader):
    """Reports of optimum-benchmark."""

    name = "optimum-benchmark"
    tool = "optimum-benchmark JSON or CSV (benchmark.json, benchmark_report.json)"

    def recognises(self, document: Document) -> bool:
        """Whether it is a report, alone or beside its configuration."""
        if any(".latency." in name for name in document.header):
            return True
        value = document.json_or_none
        if not isinstance(value, dict):
            return False
        report = value.get("report", value)
        targets = [one for one in report.values() if one is not None] if isinstance(report, dict) else []
        return bool(targets) and all(map(_is_target, targets))

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the median latency of every target, such as ``prefill`` and ``decode``; each row of a CSV is a run.

        Raises:
            DataError: When two rows are of one series: what they measured is in no column that says so.
        """
        is_csv = document.json_or_none is None
        roots = _csv_roots(document) if is_csv else [document.root]
        runs = [self._run(root, document, given, index, is_csv) for index, root in enumerate(roots)]
        refuse_repeated([one for run in runs for one in run.series], document)
        return runs

    def _run(self, root: Node, document: Document, given: Given, index: int, is_row: bool) -> Imported:
        config = root.optional("config")
        report = root.optional("report") or root
        about = _about(config, document, given)
        rows, remarks = [], [_MEANING]
        for target, node in report.members().items():
            latency = node.optional("latency") if isinstance(node.value, dict) else None
            if latency is None:
                remarks.append(f"'{target}' is left out: it has no latency.")
            else:
                rows.append(_row(target, latency, node, about))
        if not rows and (reason := _failure(report, is_row and root.value.keys() == {"config"})):
            rows, remarks = [Row(value=None, status="failed", reason=reason, **about)], [_MEANING]
        origin = Origin(
            self.name, facts={} if config is None else {"config": config.value}, part=str(index) if index else ""
        )
        return imported(rows, document, given, origin, remarks)


def _failure(report: Node, is_empty: bool) -> str:
    """Returns why a benchmark has no results: the last line of its traceback, or that all cells of its report are empty."""
    traceback = report.optional("traceback")
    if traceback is not None:
        return next((line.strip() for line in reversed(traceback.text().splitlines()) if line.strip()), "it failed")
    return "the row has no report" if is_empty else ""


def _is_target(value: Any) -> bool:
    if not isinstance(value, dict) or not _MEASURED & value.keys():
        return False
    latency = value.get("latency")
    return not isinstance(latency, dict) or bool(_LATENCY & latency.keys())


def _row(target: str, latency: Node, node: Node, about: Mapping[str, Any]) -> Row:
    unit = latency.optional("unit")
    if unit is not None and unit.value != "s":
        raise unit.error("the unit 's'", "optimum-benchmark writes latencies in seconds only.")
    others = {name: one.value for name, one in node.members().items() if name != "latency"}
    rest = {name: one.value for name, one in latency.members().items() if name not in ("values", "unit")}
    return Row(component=target, value=_median(latency), rest={**others, "latency": rest}, **about)


def _median(latency: Node) -> float:
    """Returns the median: of the raw values where they are kept, else the report's own; else its mean."""
    values = latency.optional("values")
    if values is not None and values.value:
        return float(np.median([one.seconds() for one in values.entries()]))
    return (latency.optional("p50") or latency.field("mean")).seconds()


def _about(config: Node | None, document: Document, given: Given) -> dict[str, Any]:
    """Returns what the configuration says of every row; without it the name of the file stands for the benchmark."""
    if config is None:
        return {"name": given.name or document.path.stem}
    backend = config.optional("backend")
    scenario = config.optional("scenario") or config.optional("benchmark")
    shapes = None if scenario is None else scenario.optional("input_shapes")
    return {
        "name": given.name or optional_text(config, "name") or document.path.stem,
        "device": _device(config, backend),
        "backend": None if backend is None else optional_text(backend, "name"),
        "backend_options": {} if backend is None else _options(backend),
        "spec": _spec(backend, scenario),
        "precision": None if backend is None else optional_text(backend, "torch_dtype"),
        "batch_size": None if shapes is None else optional_count(shapes, "batch_size"),
        "seq_len": None if shapes is None else optional_count(shapes, "sequence_length"),
    }


def _spec(backend: Node | None, scenario: Node | None) -> dict[str, Any]:
    """Returns what was measured: the model and the scenario."""
    model = {} if backend is None else {name: one for name, one in _set(backend).items() if name in _MODEL}
    return model if scenario is None else {**model, "scenario": _set(scenario)}


def _options(backend: Node) -> dict[str, Any]:
    """Returns the settings of the backend; its version is not one, so that an upgrade shows as a change of a series."""
    return {name: one for name, one in _set(backend).items() if name not in {*_MODEL, *_OF_BACKEND}}


def _set(node: Node) -> dict[str, Any]:
    """Returns the values of an object that are set; a CSV has no others."""
    return {name: one.value for name, one in node.members().items() if one.value not in (None, {}, [], "")}


def _device(config: Node, backend: Node | None) -> str | None:
    """Returns the product that ran: the GPU or CPU of the environment, by the device of the backend."""
    kind = None if backend is None else optional_text(backend, "device")
    environment = config.optional("environment")
    if environment is None or kind is None:
        return kind
    found = environment.optional("gpu" if kind.startswith("cuda") else "cpu")
    if found is None:
        return kind
    value = found.value
    named = value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else None
    return (named or "").strip() or kind


def _csv_roots(document: Document) -> list[Node]:
    return [_unflattened(cells, f"{document.source}: line {line}") for line, cells in document.rows]


def _unflattened(cells: Mapping[str, str], source: str) -> Node:
    """Makes the object again whose values stand in columns with dotted names; empty cells are absent."""
    root: dict[str, Any] = {}
    for name, text in cells.items():
        if not text.strip():
            continue
        *outer, last = name.split(_SEPARATOR)
        place = root
        for part in outer:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise DataError(f"{source}: column '{name[:60]}' stands below a column that has a value of its own.")
        place[last] = _cell(text)
    return Node(root, source)


def _cell(text: str) -> Any:
    """Returns a number, list, truth value or text, as JSON or as Python prints them; only literals are read."""
    try:
        return {"True": True, "False": False}[text] if text in ("True", "False") else json.loads(text)
    except (ValueError, RecursionError):
        nested = read_nested(text) if text[:1] in ("[", "{") else None
        return text if nested is None else nested
