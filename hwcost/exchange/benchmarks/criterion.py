"""Criterion.rs: the messages of ``cargo criterion --message-format=json``, and ``new/estimates.json`` of one benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import PER_SECOND, Node
from hwcost.exchange.benchmarks.rows import Origin, Row, imported

_COMPLETE = "benchmark-complete"
_ESTIMATES = frozenset(("mean", "median", "median_abs_dev", "std_dev"))
_MEANING = "latency is the median over the samples of a benchmark; the spread inside one process makes no interval."
_READ = frozenset(("reason", "id", "median", "iteration_count", "measured_values", "report_directory"))


class Criterion(Reader):
    """Results of Criterion.rs."""

    name = "criterion"
    tool = "Criterion.rs JSON (cargo criterion --message-format=json, or new/estimates.json)"
    fields = (_ESTIMATES, frozenset(("reason", "id", "measured_values", "median")))

    def recognises(self, document: Document) -> bool:
        """Whether the first record is a message of a benchmark, or holds estimates."""
        return not document.is_folder and any(fields <= document.fields for fields in self.fields)

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the median of every benchmark."""
        if document.fields >= _ESTIMATES:
            rows = [_estimates(document, given)]
        else:
            rows = [_row(node) for node in document.records if node.field("reason").text() == _COMPLETE]
        return [imported(rows, document, given, Origin(self.name), [_MEANING])]


def _estimates(document: Document, given: Given) -> Row:
    """Makes a row of the estimates of one benchmark, which ``benchmark.json`` beside them names."""
    median = document.root.field("median").field("point_estimate").seconds(1e9)
    rest = {name: one.value for name, one in document.root.members().items()}
    name = given.name or _name(document.path.with_name("benchmark.json")) or "/".join(document.path.parts[-4:-2])
    return Row(name or document.path.stem, median, backend="criterion", rest=rest)


def _name(path: Path) -> str | None:
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    name = value.get("full_id") if isinstance(value, dict) else None
    return name if isinstance(name, str) else None


def _row(node: Node) -> Row:
    median = node.field("median")
    unit = median.field("unit")
    if unit.text() not in PER_SECOND:
        raise unit.error(f"a unit of time, one of {', '.join(PER_SECOND)}")
    value = median.field("estimate").seconds(PER_SECOND[unit.text()])
    rest = {name: one.value for name, one in node.members().items() if name not in _READ}
    return Row(node.field("id").text(), value, backend="criterion", rest=rest)
