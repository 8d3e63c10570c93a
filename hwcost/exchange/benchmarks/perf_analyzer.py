"""Triton's perf_analyzer: the CSV of ``-f FILE``, one row a load."""

from __future__ import annotations

import re

from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import Node
from hwcost.exchange.benchmarks.rows import Origin, Row, imported
from hwcost.spaces.layouts import LAYOUTS

_LAYOUT = next(one for one in LAYOUTS if one.name == "perf_analyzer")
_MEDIAN = _LAYOUT.latency[0]
_STATISTIC = re.compile(r"(p\d+|Avg) latency")
_MEANING = (
    "latency is the median over the requests of a load, the queue of the server included, converted from us; other loads "
    "are other series."
)


class PerfAnalyzer(Reader):
    """Results of perf_analyzer."""

    name = "perf-analyzer"
    tool = "Triton perf_analyzer CSV (-f FILE)"
    fields = (frozenset(_LAYOUT.marks),)

    def recognises(self, document: Document) -> bool:
        """Whether the header has the columns of the tool; that of the median may be missing."""
        return set(document.header) >= self.fields[0]

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the median latency of every load."""
        name = given.name or document.path.name.partition(".")[0]
        rows = [_row(name, node) for node in document.records]
        return [imported(rows, document, given, Origin(self.name), [_MEANING])]


def _row(name: str, node: Node) -> Row:
    """Makes a row of a load: the columns beside the results of the measurement tell it from others."""
    measured = {column for column in node.members() if column in _LAYOUT.results or _STATISTIC.fullmatch(column)}
    return Row(
        name=name,
        value=node.field(_MEDIAN).seconds(1e6),
        spec={column: one.value for column, one in node.members().items() if column not in measured},
        backend="triton",
        rest={column: node.value[column] for column in measured - {_MEDIAN}},
    )
