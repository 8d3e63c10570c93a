"""nvbench: the JSON of ``--json FILE``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import Node, optional_text
from hwcost.exchange.benchmarks.rows import Origin, Row, imported

TIMES = ("nv/cold/time/gpu/mean", "nv/cpu_only/time/cpu/mean", "nv/cold/time/cpu/mean")
"""Summaries that are a benchmark's latency, the first one that a state has: seconds, the caches flushed before each call."""

_MEANING = "times are nvbench's means of cold runs, in seconds; batched runs and other summaries are kept beside them."


class NvBench(Reader):
    """Results of nvbench."""

    name = "nvbench"
    tool = "nvbench JSON (--json)"

    def recognises(self, document: Document) -> bool:
        """Whether it is an object with nvbench's version and benchmarks."""
        value = document.json_or_none
        meta = value.get("meta") if isinstance(value, dict) else None
        version = meta.get("version") if isinstance(meta, dict) else None
        return isinstance(version, dict) and "nvbench" in version

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the mean time of every state: of its kernels on the GPU, or of the CPU where no GPU ran."""
        root = document.root
        devices = _devices(root)
        rows: list[Row] = []
        remarks = [_MEANING]
        for bench in root.field("benchmarks").entries():
            name = bench.field("name").text()
            states = bench.optional("states")
            for state in [] if states is None else states.entries():
                row = _row(name, state, devices)
                rows += [row] if row is not None else []
                if row is None:
                    shown = optional_text(state, "name") or "its only state"
                    remarks.append(f"'{name}' ({shown}) is left out: it has no time.")
        meta = root.optional("meta")
        argv = None if meta is None else meta.optional("argv")
        origin = Origin(
            self.name, argv=[] if argv is None else [one.text() for one in argv.entries()],
            facts={"meta": None if meta is None else meta.value, "devices": [node.value for node in devices.values()]},
        )  # fmt: skip
        return [imported(rows, document, given, origin, remarks)]


def _devices(root: Node) -> dict[int, Node]:
    devices = root.optional("devices")
    return {} if devices is None else {one.field("id").count(): one for one in devices.entries()}


def _row(name: str, state: Node, devices: Mapping[int, Node]) -> Row | None:
    spec = {"axes": {axis.field("name").text(): axis.field("value").value for axis in _list(state, "axis_values")}}
    shown = optional_text(state, "name")
    label = f"{name} [{shown}]" if shown else name
    identity = state.optional("device")
    found = None if identity is None else devices.get(identity.count())
    device = None if found is None else optional_text(found, "name")
    skipped = state.optional("is_skipped")
    if skipped is not None and skipped.value:
        reason = optional_text(state, "skip_reason") or "nvbench skipped it"
        return Row(label, None, spec=spec, device=device, status="failed", reason=reason)
    summaries = {one.field("tag").text(): one for one in _list(state, "summaries")}
    tag = next((tag for tag in TIMES if tag in summaries), None)
    if tag is None:
        return None
    return Row(label, _value(summaries[tag]).seconds(), spec=spec, device=device, rest=_rest(summaries, tag))


def _value(summary: Node) -> Node:
    """Returns the value of a summary, which nvbench writes as text among named data."""
    for one in summary.field("data").entries():
        if optional_text(one, "name") == "value":
            return one.field("value")
    raise summary.error("data with a 'value'")


def _rest(summaries: Mapping[str, Node], tag: str) -> dict[str, Any]:
    """Returns the data of the other summaries by tag."""
    rest: dict[str, Any] = {"time": tag}
    for other, node in summaries.items():
        if other != tag:
            rest[other] = {str(one.value.get("name")): one.value.get("value") for one in _objects(_list(node, "data"))}
    return rest


def _objects(nodes: Sequence[Node]) -> list[Node]:
    return [node for node in nodes if isinstance(node.value, dict)]


def _list(node: Node, name: str) -> list[Node]:
    """Returns an array of an object; nvbench writes null for an empty one."""
    found = node.optional(name)
    return [] if found is None else found.entries()
