"""Triton's perf_analyzer: the CSV of ``-f FILE``, one row a load, and the JSON of ``--profile-export-file``."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

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
_OF_REQUESTS = (
    "latency is the median over the requests of a load that began and ended within its windows, up to the last response, "
    "converted from ns; 'ttft' is that up to the first of several responses."
)


class PerfAnalyzer(Reader):
    """Results of perf_analyzer."""

    name = "perf-analyzer"
    tool = "Triton perf_analyzer CSV (-f FILE) or JSON (--profile-export-file)"
    fields = (frozenset(_LAYOUT.marks),)

    def recognises(self, document: Document) -> bool:
        """Whether the header has the columns of the tool, that of the median apart, or the JSON holds its requests."""
        return set(document.header) >= self.fields[0] or _holds_requests(document.json_or_none)

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the median latency of every load."""
        name = given.name or document.path.name.partition(".")[0]
        if _holds_requests(document.json_or_none):
            loads = [row for node in document.root.field("experiments").entries() for row in _of_requests(name, node)]
            return [imported(loads, document, given, Origin(self.name), [_OF_REQUESTS])]
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


def _holds_requests(value: Any) -> bool:
    """Whether JSON holds the requests of several loads, one by one."""
    loads = value.get("experiments") if isinstance(value, dict) else None
    first = loads[0] if isinstance(loads, list) and loads else None
    return isinstance(first, dict) and {"experiment", "requests"} <= first.keys()


def _of_requests(name: str, node: Node) -> list[Row]:
    """Makes a row of the latency of the requests of a load, and one of the first of several responses."""
    load = node.field("experiment")
    spec = {"mode": load.field("mode").text(), "load": load.field("value").number()}
    windows = node.optional("window_boundaries")
    bounds = [] if windows is None else list(map(_instant, windows.entries()))
    whole: list[float] = []
    first: list[float] = []
    for request in node.field("requests").entries():
        begin = _instant(request.field("timestamp"))
        responses = list(map(_instant, request.field("response_timestamps").entries()))
        if not responses or (bounds and not min(bounds) <= begin <= responses[-1] <= max(bounds)):
            continue
        whole.append(Node(responses[-1] - begin, request.source, request.path).seconds(1e9))
        first += [Node(responses[0] - begin, request.source, request.path).seconds(1e9)] if len(responses) > 1 else []
    if not whole:
        why = "no request of the load began and ended within its windows"
        return [Row(name, None, spec=spec, backend="triton", status="failed", reason=why)]
    counts = {"requests": len(whole), "left_out": len(node.field("requests").entries()) - len(whole)}
    rows = [Row(name, float(np.median(whole)), spec=spec, backend="triton", rest=counts)]
    return rows + ([Row(name, float(np.median(first)), component="ttft", spec=spec, backend="triton")] if first else [])


def _instant(node: Node) -> int | float:
    """Returns a number of nanoseconds since 1970, as exact as it is written: as a float it would be off by up to 128 ns."""
    found = node.number()
    return node.value if isinstance(node.value, int) else found
