"""pytest-benchmark: the JSON of ``--benchmark-json`` and ``--benchmark-autosave``."""

from __future__ import annotations

from typing import Any

from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import Node, optional_text
from hwcost.exchange.benchmarks.rows import Origin, Row, imported, instant
from hwcost.stores.runs import Code

_MEANING = "times are medians over pytest-benchmark's rounds, which ran in one process, in seconds."
_MEMBERS = frozenset(("machine_info", "benchmarks"))
UNKNOWN_COMMIT = "unversioned"
"""Id that stands in place of a commit where the tool found no repository; unknown branches stand in parentheses."""


class PytestBenchmark(Reader):
    """Results of pytest-benchmark."""

    name = "pytest-benchmark"
    tool = "pytest-benchmark JSON (--benchmark-json)"
    fields = (_MEMBERS,)

    def recognises(self, document: Document) -> bool:
        """Whether it is an object with facts about the machine and benchmarks."""
        value = document.json_or_none
        return isinstance(value, dict) and value.keys() >= _MEMBERS

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the median of every benchmark."""
        root = document.root
        machine = root.optional("machine_info")
        device = None if machine is None else _device(machine)
        rows = [_row(node, device) for node in root.field("benchmarks").entries()]
        at, notes = instant(root.field("datetime").text(), document)
        facts = {name: node.value for name, node in root.members().items() if name not in ("benchmarks", "commit_info")}
        origin = Origin(self.name, at, _code(root, document), facts=facts)
        return [imported(rows, document, given, origin, [_MEANING, *notes])]


def _row(node: Node, device: str | None) -> Row:
    stats = node.field("stats")
    params = node.optional("params")
    return Row(
        name=optional_text(node, "fullname") or node.field("name").text(),
        value=stats.field("median").seconds(),
        spec={} if params is None else {"params": params.value},
        device=device,
        rest=_rest(node, stats),
    )


def _rest(node: Node, stats: Node) -> dict[str, Any]:
    """Returns what nothing else reads, without the raw samples."""
    outer = {name: one.value for name, one in node.members().items() if name not in ("stats", "fullname", "params")}
    return {**outer, "stats": {name: one.value for name, one in stats.members().items() if name not in ("data", "median")}}


def _device(machine: Node) -> str | None:
    """Returns the name of the processor, which outlasts the name of a rented machine."""
    cpu = machine.optional("cpu")
    named = optional_text(cpu, "brand_raw") or optional_text(cpu, "brand") if cpu is not None else None
    return named or optional_text(machine, "node")


def _code(root: Node, document: Document) -> Code | None:
    info = root.optional("commit_info")
    if info is None or info.optional("id") is None:
        return None
    commit, branch = optional_text(info, "id"), optional_text(info, "branch")
    time, dirty = optional_text(info, "time"), info.optional("dirty")
    return Code(
        repository=optional_text(info, "project"),
        commit=None if commit == UNKNOWN_COMMIT else commit,
        branch=None if branch is None or branch.startswith("(") else branch,
        is_dirty=None if dirty is None else bool(dirty.value),
        commit_time=None if time is None else instant(time, document)[0],
    )  # fmt: skip
