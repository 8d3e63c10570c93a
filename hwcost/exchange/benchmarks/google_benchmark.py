"""google/benchmark: the JSON of ``--benchmark_format=json`` and ``--benchmark_out``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import PER_SECOND, Node, optional_count, optional_text
from hwcost.exchange.benchmarks.rows import Origin, Row, imported, instant

_MEMBERS = frozenset(("context", "benchmarks"))
_READ = {"real_time", "time_unit", "run_name", "threads"}

_OLD_AGGREGATE = re.compile(r"(?P<run>.+)_(?P<statistic>mean|median|stddev|cv|BigO|RMS)")
_OLD_DATE = re.compile(r"^(\d{4})/(\d\d)/(\d\d)-")
_STATISTICS = ("median", "mean")
"""Aggregates that stand for a benchmark whose repetitions are not in the file, the first one first."""


class GoogleBenchmark(Reader):
    """Results of google/benchmark."""

    name = "google-benchmark"
    tool = "google/benchmark JSON (--benchmark_out_format=json)"
    fields = (_MEMBERS,)

    def recognises(self, document: Document) -> bool:
        """Whether it is an object with a context and benchmarks."""
        value = document.json_or_none
        return isinstance(value, dict) and value.keys() >= _MEMBERS

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the wall time of every benchmark: the median of its repetitions."""
        root = document.root
        context = root.field("context")
        groups: dict[tuple[str, ...], list[Node]] = defaultdict(list)
        for node in root.field("benchmarks").entries():
            groups[(optional_text(node, "run_name") or _run_name(node), *_instance(node))].append(node)
        device, remarks = optional_text(context, "host_name"), _remarks(context)
        rows = []
        for (name, *_), nodes in groups.items():
            row = _row(name, nodes, device)
            rows += [row] if row is not None else []
            remarks += [] if row is not None else [f"'{name}' is left out: it has aggregates without a mean or median only."]
        at, program = optional_text(context, "date"), optional_text(context, "executable")
        started, notes = (None, []) if at is None else instant(_OLD_DATE.sub(r"\1-\2-\3 ", at), document)
        facts = {name: node.value for name, node in context.members().items() if name != "date"}
        origin = Origin(self.name, started, argv=[] if program is None else [program], facts=facts)
        return [imported(rows, document, given, origin, [*_units(root), *remarks, *notes])]


def _units(root: Node) -> list[str]:
    entries = root.field("benchmarks").entries()
    units = sorted({unit for node in entries if (unit := optional_text(node, "time_unit"))})
    return [f"real_time is read, in {', '.join(units)}; of several repetitions the median."] if units else []


def _remarks(context: Node) -> list[str]:
    said = []
    if optional_text(context, "library_build_type") == "debug":
        said.append("the benchmark library was built without optimisation, which the tool itself warns of.")
    scaling = context.optional("cpu_scaling_enabled")
    if scaling is not None and scaling.value is True:
        said.append("the CPU's clock was not held, so that the times are noisy, as the tool itself warns.")
    return said


def _row(name: str, nodes: Sequence[Node], device: str | None) -> Row | None:
    """Makes a row of all entries of one benchmark; None where they hold no time."""
    failed = next((node for node in nodes if _is_failed(node)), None)
    if failed is not None:
        said = optional_text(failed, "error_message") or optional_text(failed, "skip_message")
        reason = said or "the benchmark reported an error"
        return Row(name, None, device=device, status="failed", reason=reason, rest=_rest(failed))
    repeated = [node for node in nodes if _statistic(node) is None]
    chosen = repeated or _aggregate(nodes)
    if not chosen:
        return None
    value = float(np.median([_seconds(node) for node in chosen]))
    return Row(name, value, device=device, threads=optional_count(chosen[0], "threads"), rest=_rest(chosen[0]))


def _statistic(node: Node) -> str | None:
    """Returns the statistic that an entry holds; None for a run. Versions before 1.5 say it by the end of the name only."""
    if node.optional("run_type") is None:
        match = _OLD_AGGREGATE.fullmatch(node.field("name").text())
        return match["statistic"] if match else None
    return node.field("aggregate_name").text() if node.field("run_type").text() == "aggregate" else None


def _instance(node: Node) -> list[str]:
    """Returns the numbers that tell benchmarks of one name apart, which versions before 1.6 do not write."""
    found = [node.optional(field) for field in ("family_index", "per_family_instance_index")]
    return [str(one.value) for one in found if one is not None]


def _run_name(node: Node) -> str:
    name = node.field("name").text()
    match = _OLD_AGGREGATE.fullmatch(name)
    return match["run"] if match else name


def _is_failed(node: Node) -> bool:
    said = (node.optional("error_occurred"), node.optional("skipped"))
    return any(one is not None and bool(one.value) for one in said)


def _aggregate(nodes: Sequence[Node]) -> list[Node]:
    for statistic in _STATISTICS:
        found = [node for node in nodes if _statistic(node) == statistic]
        if found:
            return found[:1]
    return []


def _seconds(node: Node) -> float:
    unit = node.field("time_unit")
    if unit.text() not in PER_SECOND:
        advice = "Set it in the benchmark, such as ->Unit(benchmark::kMillisecond)."
        raise unit.error(f"a unit of time, one of {', '.join(PER_SECOND)}", advice)
    return node.field("real_time").seconds(PER_SECOND[unit.text()])


def _rest(node: Node) -> dict[str, Any]:
    """Returns what nothing else reads: CPU time, iterations, counters of the user."""
    return {name: one.value for name, one in node.members().items() if name not in _READ}
