"""trtexec: the JSON of ``--exportTimes`` and of ``--exportProfile``."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from hwcost.errors import DataError
from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import Node
from hwcost.exchange.benchmarks.rows import Origin, Row, imported

MS = 1e3
"""Milliseconds in a second."""

_PARTS = {"latencyMs": None, "computeMs": "compute"}
"""Times of a query that become series, with the name of the part: the whole latency, and the GPU's own time."""

_OF_A_QUERY = frozenset(
    ("startMs", "endMs", "startInMs", "endInMs", "startH2dMs", "endH2dMs", "startComputeMs", "endComputeMs", "startOutMs",
     "endOutMs", "startD2hMs", "endD2hMs", "startEnqMs", "endEnqMs", "inMs", "outMs", "h2dMs", "d2hMs", "enqMs", "computeMs",
     "latencyMs", "endToEndMs")
)  # fmt: skip
"""Fields of a query that trtexec writes: raw samples, which are not kept."""

_OF_TIMES = "times are converted from ms; each is the median over the queries, latency with the transfers."
_OF_PROFILE = "times are converted from ms; each is the {statistic} of a layer, with the profiler's own overhead."
_BACKEND = "tensorrt"


class Trtexec(Reader):
    """Times and profiles of trtexec."""

    name = "trtexec"
    tool = "trtexec JSON (--exportTimes, --exportProfile)"

    def recognises(self, document: Document) -> bool:
        """Whether it is a list of queries or of layers."""
        value = document.json_or_none
        return isinstance(value, list) and (_is_times(value) or _is_profile(value))

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads medians over queries, or the time of every layer."""
        nodes = document.root.entries()
        name = given.name or document.path.name.partition(".")[0]
        if _is_profile(document.json):
            rows, remarks = _layers(name, nodes)
        elif _is_times(document.json):
            rows, remarks = _times(name, nodes), [_OF_TIMES]
        else:
            raise DataError(
                f"{document.source}: expected a list of queries with 'latencyMs' (--exportTimes), or a count and layers "
                "with 'averageMs' (--exportProfile)."
            )
        return [imported(rows, document, given, Origin(self.name), remarks)]


def _is_times(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(one, dict) for one in value) and "latencyMs" in value[0]


def _is_profile(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and "count" in value[0]


def _times(name: str, nodes: list[Node]) -> list[Row]:
    rows = []
    unknown = {key: None for node in nodes for key in node.members() if key not in _OF_A_QUERY}
    further = {key: [node.value.get(key) for node in nodes] for key in unknown}
    for field, part in _PARTS.items():
        if part is None or "computeMs" in nodes[0].value:
            values = [node.field(field).seconds(MS) for node in nodes]
            rest = {"queries": len(values), "minimum_s": min(values), "maximum_s": max(values), **further}
            rows.append(Row(name, float(np.median(values)), component=part, backend=_BACKEND, rest=rest))
    return rows


def _layers(name: str, nodes: list[Node]) -> tuple[list[Row], list[str]]:
    """Makes a row of every layer; of several with one name the later ones are numbered, in the order of execution."""
    layers = nodes[1:]
    statistic = "medianMs" if layers and all("medianMs" in _object(node) for node in layers) else "averageMs"
    count, seen = nodes[0].field("count").count(), Counter[str]()
    rows, zeros = [], 0
    for node in layers:
        layer = node.field("name").text()
        seen[layer] += 1
        part = layer if seen[layer] == 1 else f"{layer} #{seen[layer]}"
        value = node.field(statistic)
        if value.number() == 0:
            zeros += 1
            continue
        rest = {key: one.value for key, one in node.members().items() if key not in ("name", statistic)}
        rows.append(Row(name, value.seconds(MS), component=part, backend=_BACKEND, rest={**rest, "count": count}))
    remarks = [_OF_PROFILE.format(statistic="median" if statistic == "medianMs" else "mean")]
    remarks += [f"{zeros} layers are left out, whose time is below the profiler's resolution."] if zeros else []
    return rows, remarks


def _object(node: Node) -> dict[str, Any]:
    return node.value if isinstance(node.value, dict) else {}
