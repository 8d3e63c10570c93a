"""Latencies that no net has: those that were cut off at a limit, in another unit by far, or read off a clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwcost.errors import DataError
from hwcost.exchange.impossible_latencies import rows_at_limit
from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import LatencyTable, read_table

N = 30
WIDTH = [64 * (7 * i % 30 + 1) for i in range(N)]
MS = [round(0.031 * one + 0.0101 * (i % 5), 4) for i, one in enumerate(WIDTH)]


def table(columns: dict[str, list[Any]], **options: Any) -> LatencyTable:
    return read_table({"width": WIDTH, **columns}, "table", TableOptions(**options))


def test_latencies_that_were_cut_off_at_a_limit_are_refused() -> None:
    """The nets that take longer all have the limit, and a fit would price them as it."""
    cut = [min(one, 50.0) for one in MS]
    many = cut.count(50.0)
    with pytest.raises(DataError, match=rf"'50.0' is the largest latency, and {many} rows share it .*--latency latency_ms"):
        table({"latency_ms": cut})
    assert len(table({"latency_ms": cut}, latency="latency_ms")) == N
    assert len(table({"latency_ms": MS})) == N


def test_what_repeats_for_other_reasons_is_no_limit() -> None:
    rng = np.random.default_rng(0)
    wide = rng.lognormal(2.0, 0.5, 200)
    assert rows_at_limit(range(200), np.ceil(wide)) == [], "a timer of whole milliseconds"
    assert rows_at_limit([0] * 6 + list(range(1, N)), np.array([70.0] * 6 + MS[1:])) == [], "one net, measured again"
    assert rows_at_limit(range(12), np.array([2.0, 3.0, 4.0] * 4)) == []
    assert rows_at_limit(range(2 * N), np.array([*MS, *MS])) == [], "all rows twice"
    assert rows_at_limit(range(N), np.minimum(np.round(MS, 0), 50.0)) != [], "a limit among rounded latencies"
    assert rows_at_limit([], np.array([])) == []


@pytest.mark.parametrize(("name", "factor"), [("latency_s", 1e6), ("latency_ns", 1e-3)])
def test_latencies_in_another_unit_by_far_are_refused(name: str, factor: float) -> None:
    with pytest.raises(DataError, match=rf"half of the latencies are .* s as '{name}' is read.*--unit s, ms, us, ns or min"):
        table({name: [factor * one for one in MS]})
    unit = {"latency_s": "ns", "latency_ns": "s"}[name]
    assert table({name: [factor * one for one in MS]}, unit=unit).latency_s.max() < 1.0


def test_readings_of_a_clock_are_no_latencies(tmp_path: Path) -> None:
    """The file of ``ab -g``, whose ``seconds`` are the time of day, and a sum of milliseconds in ``ttime``."""
    now = [1_700_000_000 + i // 3 for i in range(N)]
    assert table({"seconds": now, "elapsed_ms": MS}).space.genes[0].name == "width"
    with pytest.raises(DataError, match="no other is named as latencies are"):
        table({"seconds": now})
    nanoseconds = [1_700_000_000 + 1_000_000 * i for i in range(N)]
    assert table({"latency_ns": nanoseconds}).latency_s[0] == pytest.approx(1.7), "a latency of 1.7 s"


def test_an_index_that_was_written_twice_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{i},{3 * i},{width},{ms}" for i, (width, ms) in enumerate(zip(WIDTH, MS, strict=True))]
    path.write_text("\n".join([",Unnamed: 0,width,latency_ms", *rows]))
    assert [gene.name for gene in read_table(path, "table").space.genes] == ["width"]


@pytest.mark.parametrize("unit", [1e-3, 1.0 / float(np.median(MS))])
def test_logarithms_are_named_as_such_and_their_rows_are_not_to_be_deleted(unit: float) -> None:
    """Of the second column half are negative: without these rows the rest would be fitted as latencies."""
    logs = [float(np.log(unit * one)) for one in MS]
    with pytest.raises(DataError, match=r"logarithms or normalised values, and so is the whole column: give the latencies"):
        table({"latency_s": logs})


def test_marks_and_single_wrong_rows_are_no_logarithms() -> None:
    for wrong in ([-1.0] * 6, [-1.5, -2.5]):
        with pytest.raises(DataError, match="Correct or delete these lines"):
            table({"latency_ms": [*wrong, *MS[len(wrong) :]]})
