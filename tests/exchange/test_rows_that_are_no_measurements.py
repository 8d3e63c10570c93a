"""Rows that are no measurements: failures and timeouts, totals; and columns whose names contradict each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwcost
from hwcost.errors import DataError, UsageError
from hwcost.exchange.failure_marks import failure_marks
from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import LatencyTable, read_table
from hwcost.stores.engines import parse

N = 12
WIDTH = [64 * (i % 7 + 1) + i for i in range(N)]
MS = [1.5 + 0.3 * i for i in range(N)]


def table(columns: dict[str, list[Any]], **options: Any) -> LatencyTable:
    return read_table({"width": WIDTH, "latency_ms": MS, **columns}, "table", TableOptions(**options))


# -- failures ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [9999, 99999.0, 1e6, 1e9, 2**31 - 1, 65535, 1.7976931348623157e308])
def test_a_mark_of_failure_is_no_latency(mark: float) -> None:
    with pytest.raises(DataError, match=r"row 7, column 'latency_ms'.*stands for a failure.*largest .* is 4\.8\."):
        table({"latency_ms": [mark if i == 7 else one for i, one in enumerate(MS)]})


def test_marks_of_several_kinds_are_all_named() -> None:
    with pytest.raises(DataError, match=r"3 of 12 rows: rows 2, 7 and 11"):
        table({"latency_ms": [{2: 9999, 7: 1e9, 11: 9999}.get(i, one) for i, one in enumerate(MS)]})


def test_a_largest_value_in_several_rows_is_the_limit_of_a_timeout() -> None:
    assert failure_marks(np.array([*MS, 30.5, 30.5, 30.5])) == [N, N + 1, N + 2]
    assert failure_marks(np.array([*MS, 30.5, 30.5])) == [], "two equal outliers may be one net measured twice"
    assert failure_marks(np.array([*MS, 9.5, 9.5, 9.5])) == [], "near enough to be measured"


@given(st.lists(st.floats(1e-6, 1e6).map(lambda one: float(f"{one:.4g}") * 1.0123), min_size=4, max_size=30, unique=True))
def test_what_was_measured_is_no_mark(values: list[float]) -> None:
    assert failure_marks(np.array(values)) == []


def test_round_numbers_among_others_of_their_size_are_latencies() -> None:
    assert table({"latency_ms": [100.0, 1000.0, 9999.0, 10000.0, *([2000.0, 5000.0] * 4)]}).latency_s[3] == 10.0


# -- totals --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [["Total"], ["mean:"], ["count", "mean", "std", "min", "25%", "50%", "75%", "max"]])
def test_rows_that_are_named_as_statistics_are_refused(names: list[str]) -> None:
    rest = N - len(names)
    cells = [*(f"net{i}" for i in range(max(rest, 6))), *names]
    pad = len(cells) - N
    columns = {"name": cells, "width": [*([7] * pad), *WIDTH], "latency_ms": [*([2.5] * pad), *MS]}
    lines = f"row {N - 1 + pad} sums" if len(names) == 1 else f"rows {len(cells) - len(names)} to {len(cells) - 1} sum"
    with pytest.raises(DataError, match=f"{lines} up the rows above.*Delete"):
        read_table(columns, "table")


@pytest.mark.parametrize("statistic", [np.sum, np.mean])
def test_a_last_row_of_sums_or_means_needs_no_name(statistic: Any) -> None:
    columns = {"width": [*WIDTH, float(statistic(WIDTH))], "latency_ms": [*MS, round(float(statistic(MS)), 4)]}
    with pytest.raises(DataError, match="row 12 sums up the rows above"):
        read_table(columns, "table")


def test_a_category_that_is_named_as_a_statistic_is_one() -> None:
    read = table({"pool": [*["avg"] * (N - 1), "max"]})
    assert [gene.name for gene in read.space.genes] == ["width", "pool"]


# -- names that contradict each other, or are not what they seem ---------------------------------------------------------


def test_equal_numbers_in_two_units_are_refused_until_it_is_said_which() -> None:
    with pytest.raises(DataError, match="and 'latency_ms' hold the same numbers.*--latency latency_s --unit s, or"):
        table({"latency_s": MS})
    np.testing.assert_allclose(table({"latency_s": MS}, latency="latency_s", unit="ms").latency_s, np.array(MS) / 1e3)
    np.testing.assert_array_equal(table({"latency_s": [one / 1e3 for one in MS]}).latency_s, np.array(MS) / 1e3)


@pytest.mark.parametrize(("factor", "is_unit"), [(1e-3, True), (1e6, True), (8.0, False)])
def test_two_tables_in_different_units_are_not_compared_without_a_doubt(factor: float, is_unit: bool) -> None:
    one = {"width": WIDTH, "latency_ms": MS}
    found = hwcost.compare(one, {"width": WIDTH, "latency_ms": [factor * value for value in MS]})
    assert [flag.code for flag in found.flags] == ["W_ONE_PASS", "E_UNIT"][: 1 + is_unit]
    assert not is_unit or "in another unit?" in found.flags[1].text


def test_some_rows_in_another_unit_are_doubted_by_a_comparison() -> None:
    given = {"width": list(range(64, 64 + N)), "latency_ms": MS}
    mixed = {**given, "latency_ms": [1e3 * one if i < 3 else one for i, one in enumerate(MS)]}
    said = [flag.text for flag in hwcost.compare(given, mixed).flags if flag.code == "E_UNIT"]
    about = "3 of 12 latencies of the second table are about 1,000 times those of the first"
    assert said == [f"{about}: are some rows in another unit?"]


def test_a_runtime_by_name_is_a_category_and_no_time() -> None:
    read = table({"runtime": ["onnx", "torch"] * 6})
    assert [(gene.name, gene.categorical) for gene in read.space.genes] == [("width", False), ("runtime", True)]
    assert [gene.name for gene in table({"runtime": MS}).space.genes] == ["width"]


# -- errors that say what to do ------------------------------------------------------------------------------------------


def test_a_cell_that_is_too_long_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("a,x,latency_ms\n1,b,2\n2," + "x" * 200_000 + ",3\n")
    with pytest.raises(DataError, match="line 3: field larger than field limit"):
        read_table(path, "table")


def test_an_index_with_the_name_of_a_column_is_refused() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"width": WIDTH, "latency_ms": MS}, index=pandas.Index(WIDTH, name="width"))
    with pytest.raises(DataError, match="a level of its index has the name of a column.*Rename it"):
        read_table(frame, "table")


@pytest.mark.parametrize("address", ["https://example.org/a.csv", "file:///tmp/a.csv", "s3://bucket/a.parquet"])
def test_an_address_is_no_file(address: str) -> None:
    with pytest.raises(UsageError, match=r"is the address of a file.*Download it"):
        parse(address)


def test_first_repeats_that_warmed_up_are_refused() -> None:
    rows = [(width, k) for width in (64, 128, 256, 320, 512, 768) for k in range(4)]
    data: dict[str, Any] = {"width": [width for width, _ in rows], "iter": [k for _, k in rows]}
    times = [width / 50 * (1 + 0.01 * (k % 3)) for width, k in rows]
    data["latency_ms"] = [time * (5 if k == 0 else 1) for time, (_, k) in zip(times, rows, strict=True)]
    says = "row 0, column 'iter': rows with '0' there take 5 times as long as later ones of the same architecture"
    with pytest.raises(DataError, match=says):
        read_table(data, "table")
    assert len(read_table(data, "table", TableOptions(drop="iter"))) == 24
    assert len(read_table({**data, "latency_ms": times}, "table")) == 24
    few = {name: values[:16] for name, values in data.items()}
    assert len(read_table(few, "table")) == 16


def test_rows_of_different_statistics_are_refused() -> None:
    data = {"width": [64, 64, 128, 128, 256, 256], "stat": ["mean", "p99"] * 3, "latency_ms": [1.0, 2, 3, 4, 5, 6]}
    with pytest.raises(DataError, match="different statistics of .*, such as 'mean' and 'p99' in the column 'stat'"):
        read_table(data, "table")
    assert len(read_table(data, "table", TableOptions(keep="stat"))) == 6
    described = {"": ["count", "mean", "std", "min", "50%", "max"], "width": data["width"], "latency_ms": data["latency_ms"]}
    with pytest.raises(DataError, match="such as 'count' and 'mean'"):
        read_table(described, "table")
    for name, values in (("pool", ["avg", "max"]), ("quant", ["q4", "q8"]), ("metric", ["mean", "mean"])):
        renamed = {"width": data["width"], name: values * 3, "latency_ms": data["latency_ms"]}
        assert len(read_table(renamed, "table")) == 6
