"""pyperf: the JSON of ``-o FILE``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwcost.errors import DataError
from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.intervals import of_processes
from hwcost.exchange.benchmarks.node import Node, optional_text
from hwcost.exchange.benchmarks.rows import Origin, Row, imported, instant
from hwcost.quantities import LATENCY

_MEANING = "times are medians over all values; the interval is that of the means of pyperf's processes."
_QUANTITIES = {"second": (LATENCY, "s"), "byte": ("peak_memory_bytes", "B")}


class Pyperf(Reader):
    """Results of pyperf."""

    name = "pyperf"
    tool = "pyperf JSON (-o FILE)"

    def recognises(self, document: Document) -> bool:
        """Whether it is an object with benchmarks that are made of runs."""
        value = document.json_or_none
        suite = value.get("benchmarks") if isinstance(value, dict) else None
        return isinstance(suite, list) and bool(suite) and all(isinstance(one, dict) and "runs" in one for one in suite)

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the median of every benchmark over all its processes."""
        root = document.root
        common = root.optional("metadata")
        shared = {} if common is None else common.members()
        rows, dates = [], []
        for node in root.field("benchmarks").entries():
            own = node.optional("metadata")
            facts = {**shared, **({} if own is None else own.members())}
            row, date = _row(node, facts, document)
            rows.append(row)
            dates += [date] if date else []
        at, notes = instant(min(dates), document) if dates else (None, [])
        facts = {name: one.value for name, one in shared.items()}
        return [imported(rows, document, given, Origin(self.name, at, facts=facts), [_MEANING, *notes])]


def _row(node: Node, facts: Mapping[str, Node], document: Document) -> tuple[Row, str | None]:
    """Returns the row of a benchmark and the date of its first process."""
    name = facts["name"].text() if "name" in facts else None
    if not name:
        raise DataError(f"{document.source}: {node.path}: the benchmark has no name in its metadata.")
    processes = [values for run in node.field("runs").entries() if (values := _values(run))]
    if not processes:
        raise DataError(f"{document.source}: {node.path}: '{name}' has no values, only warm-up and calibration.")
    quantity, unit = _quantity(facts)
    runs = [run.optional("metadata") for run in node.field("runs").entries()]
    dates = [text for run in runs if run is not None and (text := optional_text(run, "date"))]
    own = facts.get("date")
    row = Row(
        name=name, value=float(np.median(np.concatenate(processes))), quantity=quantity, unit=unit, device=_device(facts),
        half_width=of_processes([float(np.mean(values)) for values in processes]), n_rounds=len(processes),
        rest={key: one.value for key, one in facts.items() if key not in ("name", "unit")},
    )  # fmt: skip
    return row, min(dates, default=None if own is None else own.text())


def _values(run: Node) -> list[float]:
    values = run.optional("values")
    return [] if values is None else [one.positive() for one in values.entries()]


def _quantity(facts: Mapping[str, Node]) -> tuple[str, str]:
    unit = facts.get("unit")
    text = "second" if unit is None else unit.text()
    if text not in _QUANTITIES:
        assert unit is not None
        raise unit.error(f"a unit, one of {', '.join(_QUANTITIES)}")
    return _QUANTITIES[text]


def _device(facts: Mapping[str, Node]) -> str | None:
    named: Any = facts.get("cpu_model_name") or facts.get("hostname")
    return None if named is None else named.text()
