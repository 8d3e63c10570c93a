"""Tables as people and tools publish them: where the unit stands, several measurements in a row, encodings, workbooks."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.errors import ArchitectureError, DataError
from hwcost.exchange.column_names import is_latency_name, split_unit
from hwcost.exchange.options import TableOptions
from hwcost.exchange.samples import are_numbered
from hwcost.exchange.table import LatencyTable, read_table

WIDTH = [8, 16, 24, 32, 40, 48]
SECONDS = [0.011, 0.023, 0.0295, 0.0414, 0.05, 0.0631]
MS = [1e3 * one for one in SECONDS]


def same(read: LatencyTable) -> LatencyTable:
    assert [gene.name for gene in read.space.genes] == ["width"]
    assert [arch.genes for arch in read.architectures] == [(width,) for width in WIDTH]
    np.testing.assert_allclose(read.latency_s, SECONDS, rtol=1e-12)
    return read


def table(columns: dict[str, list[Any]], **options: Any) -> LatencyTable:
    return read_table({"width": WIDTH, **columns}, "table", TableOptions(**options))


def text(columns: dict[str, list[Any]], sign: str = ",") -> str:
    rows = zip(*columns.values(), strict=True)
    return "\n".join([sign.join(columns), *(sign.join(map(str, row)) for row in rows)]) + "\n"


# -- units ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("latency_ms_mean", "latency_mean"), ("Latency [ms] (p50)", "Latency_p50"), ("latency_ms.median", "latency_median"),
        ("latencyMs_avg", "latency_avg"), ("latency_ms_1", "latency_1"), ("latency ms 12", "latency_12"),
    ],
)  # fmt: skip
def test_a_unit_may_stand_before_a_statistic_or_a_number(name: str, what: str) -> None:
    assert split_unit(name) == (what, "ms")
    assert is_latency_name(name)


@pytest.mark.parametrize(
    "name", ["sec2", "layers_2", "hidden_max", "p", "l12", "num_tokens", "conv.std", "sample_1", "s_2", "k_p50"]
)
def test_other_names_with_statistics_and_numbers_are_features(name: str) -> None:
    assert not is_latency_name(name)


@pytest.mark.parametrize(
    ("name", "unit"), [("latency (milli-seconds)", "ms"), ("time_micro_seconds", "us"), ("lat, nano sec", "ns")]
)
def test_units_that_are_spelled_in_two_words(name: str, unit: str) -> None:
    assert split_unit(name)[1] == unit


@pytest.mark.parametrize(
    "name", ["latency (10^-3 s)", "latency (100 us)", "latency [1e-3 s]", "latency (x1000 s)", "latency (centi s)"]
)
def test_multiples_of_units_are_no_units(name: str) -> None:
    assert split_unit(name) == (name, None)
    with pytest.raises(DataError, match="does not say in which unit"):
        table({name: MS})
    assert split_unit("latency (batch 1, ms)")[1] == "ms"


def test_the_mean_is_taken_beside_its_spread_and_its_extremes() -> None:
    rest = {"latency_ms_std": [0.1] * 6, "latency_ms_min": MS, "latency_ms_p99": MS}
    read = same(table({"latency_ms_mean": MS, **rest}))
    np.testing.assert_allclose(read.latency_std_s, [1e-4] * 6)
    read = same(table({"latency_ms_mean": MS, **rest, "latency_ms_std": [0.1, float("nan"), 0.1, None, 0.1, 0.1]}))
    np.testing.assert_allclose(read.latency_std_s, [1e-4, np.nan, 1e-4, np.nan, 1e-4, 1e-4])


@pytest.mark.parametrize("name", ["time_unit", "unit", "latency_unit"])
def test_a_column_of_units_is_taken_row_by_row(name: str) -> None:
    units = ["ms", "us", "s"] * 2
    values = [second * {"ms": 1e3, "us": 1e6, "s": 1.0}[unit] for second, unit in zip(SECONDS, units, strict=True)]
    read = same(table({"latency": values, name: units}))
    assert f"column '{name}' gives the unit of latency." in read.remarks


def test_units_of_columns_that_contradict_names_are_refused() -> None:
    same(table({"latency_ms": MS, "unit": ["ms"] * 6}))
    with pytest.raises(DataError, match="'latency_ms' is in ms by its name, and the column 'unit' says otherwise"):
        table({"latency_ms": MS, "unit": ["us"] * 6})
    same(table({"latency_ms": MS, "unit": ["us"] * 6}, unit="ms", drop="unit"))
    same(table({"latency": MS, "load_time_s": SECONDS, "time_unit": ["ms"] * 6}))


def test_a_csv_of_google_benchmark_has_two_times() -> None:
    columns = {"real_time": [1e3 * one for one in MS], "cpu_time": MS, "time_unit": ["us"] * 6}
    with pytest.raises(DataError, match="several columns may be the latency: real_time, cpu_time"):
        table(columns)
    same(table(columns, latency="real_time"))


def test_objects_of_statistics_hold_a_latency() -> None:
    records = [
        {"width": width, "latency": {"mean": one, "std": 0.1, "p99": 2 * one, "unit": "ms"}}
        for width, one in zip(WIDTH, MS, strict=True)
    ]
    same(read_table(records, "table"))
    same(read_table([{"width": one["width"], "latency_ms": {"median": one["latency"]["mean"]}} for one in records], "table"))
    with pytest.raises(DataError, match=r"several columns may be the latency: latency_ms.T4, latency_ms.A100"):
        read_table([{"width": w, "latency_ms": {"T4": m, "A100": m}} for w, m in zip(WIDTH, MS, strict=True)], "table")


# -- times that are no features --------------------------------------------------------------------------------------------


def test_other_times_and_their_statistics_are_no_features() -> None:
    """Times without a unit give the answer away as those with one do; published operator timings have many of them."""
    others = ["time", "cpu_time", "Duration", "time_stats.mlp.median", "time_attn_std", "ci_low", "25%", "stderr"]
    read = same(table({"latency_ms": MS, **dict.fromkeys(others, MS)}))
    assert all(f"'{name}'" in " ".join(read.remarks) for name in others)
    operators = {f"time_stats.{op}.{end}": MS for op in ("mlp", "attn") for end in ("min", "mean", "median", "std")}
    same(table(operators, latency="time_stats.mlp.median", unit="ms"))
    assert len(table({"latency_ms": MS, "time": [1, 2, 3, 4, 5, 7]}, keep="time").space.genes) == 2


def test_a_long_list_of_possible_latencies_is_cut() -> None:
    with pytest.raises(DataError, match=r"t7_ms and 12 more\. Say which: --latency t0_ms"):
        table({f"t{i}_ms": [i + 1.0] * 6 for i in range(20)})


# -- several measurements in a row -----------------------------------------------------------------------------------------


def noisy(k: int, scale: float = 1e3) -> np.ndarray:
    """Measurements, shape (rows, k), whose median is that of the row."""
    return scale * np.outer(SECONDS, 1 + 0.01 * (np.arange(k) - (k - 1) / 2))


@pytest.mark.parametrize("written", [str, json.dumps, lambda one: str(np.array(one))])
def test_the_median_of_a_list_is_taken(written: Any) -> None:
    for name in ("latency_ms", "latencies_ms"):
        read = same(table({name: [written(row.tolist()) for row in noisy(5)]}))
        assert f"column '{name}' holds 5 measurements in a row, of which the median is taken." in read.remarks
    with pytest.raises(DataError, match=r"lie 50 % from their median .* not measurements of one thing"):
        table({"latency_ms": [[1.0, 2.0, 3.0]] * 6})
    with pytest.raises(DataError, match="row 2"):
        table({"latency_ms": [[1.0], [1.0], [], [1.0], [1.0], [1.0]]})


@pytest.mark.parametrize("name", ["latency_ms_{}", "run{}_ms", "Trial {} (ms)", "time_ms.{}"])
@pytest.mark.parametrize("first", [0, 1])
def test_the_median_of_numbered_columns_is_taken(name: str, first: int) -> None:
    columns = {name.format(i + first): noisy(3)[:, i].tolist() for i in range(3)}
    read = same(table(columns))
    assert any("repeat one measurement: latency is their median, in ms." in remark for remark in read.remarks)


@pytest.mark.parametrize(
    "names", [["latency_bs1_ms", "latency_bs2_ms"], ["latency_ms_1", "latency_ms_4"], ["stage1_ms", "stage2_ms"]]
)
def test_numbered_columns_of_other_things_are_asked_about(names: list[str]) -> None:
    with pytest.raises(DataError, match="several columns may be the latency"):
        table(dict.fromkeys(names, MS))
    with pytest.raises(DataError, match="several columns may be the latency"):
        table({"latency_ms_1": MS, "latency_ms_2": [2 * one for one in MS]})


def test_numbers_of_columns_count_without_a_gap() -> None:
    assert are_numbered(["a1_b2", "a1_b1", "a1_b3"])
    assert not any(map(are_numbered, (["a1"], ["a1", "b2"], ["a1", "a3"], ["a1_1", "a2_2"], ["a", "a"], ["a2", "a3"])))


# -- numbers ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.lists(st.integers(1, 10**10), min_size=3, max_size=8))
def test_points_between_thousands_read_as_plain_numbers_do(tmp_path_factory: Any, values: list[int]) -> None:
    """Wherever one number has several points; a column beside it that could be meant either way goes along."""
    path = tmp_path_factory.getbasetemp() / "points.csv"

    def written(columns: dict[str, list[Any]]) -> LatencyTable:
        path.write_text(text(columns, ";"))
        return read_table(path, "table")

    values = [10**7, *values]
    columns: dict[str, list[Any]] = {"params": values, "latency_us": [1234 + one % 9000 for one in values]}
    plain = written(columns)
    grouped = {name: [f"{one:,}".replace(",", ".") for one in column] for name, column in columns.items()}
    read = written(grouped)
    assert read.architectures == plain.architectures
    np.testing.assert_array_equal(read.latency_s, plain.latency_s)
    decimal = written({**grouped, "latency_us": [one + 0.5 for one in columns["latency_us"]]})
    assert decimal.architectures == plain.architectures
    np.testing.assert_allclose(decimal.latency_s, plain.latency_s + 0.5e-6)


def test_numbers_of_data_frames_keep_their_points() -> None:
    read = read_table({"params": ["1.234.567", "2.345.678", "9.000"], "latency_ms": [1.234, 2.345, 3.456]}, "table")
    assert [arch.genes for arch in read.architectures] == [(1234567,), (2345678,), (9000,)]
    np.testing.assert_allclose(read.latency_s, [1.234e-3, 2.345e-3, 3.456e-3])


# -- files -----------------------------------------------------------------------------------------------------------------

CSV = text({"width": WIDTH, "latency_ms": [repr(one) for one in MS]})


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "t.csv").write_bytes(CSV.encode(encoding))
    same(read_table(tmp_path / "t.csv", "table"))
    curly = CSV.replace("width", "width \u2019x\u2019") if encoding == "cp1252" else CSV
    (tmp_path / "t.csv").write_bytes(curly.encode(encoding))
    read = read_table(tmp_path / "t.csv", "table")
    assert len(read) == 6
    assert any("read in the code page 1252" in remark for remark in read.remarks) is (encoding == "cp1252")


def test_a_refusal_says_that_names_may_be_damaged(tmp_path: Path) -> None:
    chinese = CSV.replace("width", "\u5c42\u6570").replace("latency_ms", "\u65f6\u5ef6")
    (tmp_path / "t.csv").write_bytes(chinese.encode("gbk"))
    with pytest.raises(DataError, match="read in the code page 1252: where names look damaged, save it as UTF-8"):
        read_table(tmp_path / "t.csv", "table")


def test_headers_with_line_breaks_and_tables_that_are_drawn(tmp_path: Path) -> None:
    lines = [line.split(",") for line in CSV.splitlines()]
    markdown = "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], ["---:", ":---"], *lines[1:]])
    rule = "+-----+--------+"
    drawn = "\n".join([rule, *("| " + " | ".join(line) + " |" for line in lines[:1]), rule,
                       *("| " + " | ".join(line) + " |" for line in lines[1:]), rule])  # fmt: skip
    aligned = "\n".join("   ".join(line) for line in lines).replace("latency_ms", "latency (ms)")
    for content in (CSV.replace("latency_ms", '"Latency\n(ms)"'), markdown, drawn, aligned, CSV.replace("\n", "\r")):
        (tmp_path / "t.txt").write_bytes(content.encode())
        same(read_table(tmp_path / "t.txt", "table"))


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_every_protocol_are_refused_as_such(tmp_path: Path, protocol: int) -> None:
    for value in ({"width": [1, 2], "latency_s": [0.1, 0.2]}, [{"width": 1}], Path("x"), np.arange(3)):
        (tmp_path / "t.pkl").write_bytes(pickle.dumps(value, protocol))
        with pytest.raises(DataError, match="this is a pickle, which would run code"):
            read_table(tmp_path / "t.pkl", "table")


def test_streams_of_arrow(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    held = arrow.table({"width": WIDTH, "latency_ms": MS})
    with arrow.ipc.new_stream(tmp_path / "data.arrow", held.schema) as stream:
        stream.write_table(held)
    same(read_table(tmp_path / "data.arrow", "table"))


def workbook(tmp_path: Path, **sheets: list[list[Any]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("pandas")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    held = io.BytesIO()
    book.save(held)
    (tmp_path / "t.xlsx").write_bytes(held.getvalue())
    return tmp_path / "t.xlsx"


ROWS: list[list[Any]] = [["width", "latency\n(ms)"], *map(list, zip(WIDTH, MS, strict=True))]


def test_the_sheet_with_a_table_is_read_and_others_are_said(tmp_path: Path) -> None:
    same(read_table(workbook(tmp_path, data=ROWS), "table"))
    read = same(
        read_table(
            workbook(tmp_path, about=[["measured on", "a device"], ["by", "somebody"]], data=[["Latencies"], [], *ROWS]),
            "table",
        )
    )
    assert "sheet 'data' of the workbook is read: no other one holds such a table." in read.remarks
    assert "line 1 skipped: a title above the table." in read.remarks
    read = same(read_table(workbook(tmp_path, T4=ROWS, A100=ROWS), "table"))
    assert "sheet 'T4' of the workbook is read. To read 'A100', save it as CSV." in read.remarks


def test_workbooks_are_refused_by_row_and_column(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no sheet of the workbook holds a header and rows"):
        read_table(workbook(tmp_path, about=[["nothing"]]), "table")
    with pytest.raises(DataError, match="column 'width' stands twice"):
        read_table(workbook(tmp_path, data=[["width", "width", "latency_ms"], [1, 2, 3.0], [2, 3, 4.0]]), "table")
    with pytest.raises(DataError, match=r"line 4, column 'latency \(ms\)': the value is missing"):
        read_table(workbook(tmp_path, data=[*ROWS[:3], [24, None], *ROWS[4:]]), "table")


# -- new architectures -----------------------------------------------------------------------------------------------------


def test_values_of_new_rows_are_those_of_the_table() -> None:
    """What a data frame or JSON holds as truth values or nothing, its table held as texts."""
    space = table({"fused": [True, False] * 3, "op": ["a", None, "b"] * 2, "latency_ms": MS}).space
    made = space.as_architecture({"width": 8, "fused": True, "op": None})
    assert made.genes == (8, "True", "")
    others = ({"width": 8, "fused": "true", "op": float("nan")}, {"width": 8, "fused": np.True_, "op": ""})
    assert [space.as_architecture(one) for one in others] == [made, made]
    for wrong in (float("nan"), float("inf"), np.float64("nan")):
        with pytest.raises(ArchitectureError, match="is a finite number"):
            space.as_architecture({"width": wrong, "fused": True, "op": "a"})
    with pytest.raises(ArchitectureError, match="finite number"):
        space.parse("nan,True,a")


def test_numbers_as_numpy_shows_them_are_numbers() -> None:
    same(table({"latencies_ms": [str([np.float64(one), np.float64(one)]) for one in MS]}))


@pytest.mark.parametrize(
    ("cells", "said"), [(["3.1 / 0.2"] * 6, r"the first one being '3.1 / 0.2'"), ([""] * 6, "its cells are empty")]
)
def test_latencies_that_are_no_numbers_are_not_called_missing(cells: list[str], said: str) -> None:
    with pytest.raises(DataError, match=f"the column 'latency_ms' is named as latencies are, but .*{said}"):
        table({"latency_ms": cells})


def test_advice_can_be_copied_into_a_shell() -> None:
    read = table({"latency_ms": MS, "load time (s)": MS})
    assert "--keep 'load time (s)' makes it a feature" in read.remarks[0]
