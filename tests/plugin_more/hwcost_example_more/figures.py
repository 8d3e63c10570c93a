"""The figures of the system ``growth``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hwcost.report import Drawing, bars
from hwcost.systems import results_of
from hwcost_example_more.system import Results


def figures(report: Mapping[str, Any]) -> Iterator[Drawing]:
    """Yields the only figure of a report."""
    found = results_of(report, Results).latencies
    times = {
        str(size): 1e3 * seconds for size, seconds in zip(found.sizes, found.seconds, strict=True) if seconds is not None
    }
    title = "Latency of matrix products"
    yield Drawing("products", lambda ax: bars(ax, {"measured": times}, "measured latency (ms)", title))
