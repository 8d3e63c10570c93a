from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwcost.errors import DataError, UsageError
from hwcost.exchange.options import TableOptions
from hwcost.exchange.sheet import places
from hwcost.exchange.table import read_table
from hwcost.spaces import space

WIDTHS = ",".join(f"l{i}" for i in range(1, 13))
ROW = ",".join(["360"] * 12)


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "rows.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_reads_numbers_texts_and_spread(write):
    content = "op,width,latency_s,latency_std_s,latency_cold_s\nconv,8,0.5,0.1,9\npool,16,0.25,0,9\n"
    table = read_table(write(content), "table")
    assert [gene.name for gene in table.space.genes] == ["op", "width"]
    assert [gene.categorical for gene in table.space.genes] == [True, False]
    assert [arch.genes for arch in table.architectures] == [("conv", 8), ("pool", 16)]
    np.testing.assert_array_equal(table.latency_s, [0.5, 0.25])
    np.testing.assert_array_equal(table.latency_std_s, [0.1, 0.0])


def test_integers_can_be_forced_to_be_names(write):
    table = read_table(write("op,latency_s\n3,1\n1,2\n3,3\n"), "table", TableOptions(("op",)))
    assert table.space.genes[0].choices == (1, 3)
    assert space("table", **table.space.options()).genes == table.space.genes


def test_a_space_with_genes_takes_its_columns_in_any_order(write):
    header = ",".join(reversed(["latency_s", "note", *WIDTHS.split(",")]))
    table = read_table(write(f"{header}\n{ROW},7,0.1\n{ROW},8,0.2\n"), "supershaper")
    assert table.architectures[0] == space("supershaper").architecture([360] * 12)
    assert table.latency_std_s is None


def test_line_ends_blank_lines_quotes_and_byte_order_marks_do_not_matter(write):
    table = read_table(write(b'\xef\xbb\xbfa,"latency_s"\r\n1,2\r\n\r\n 3 ,4\r\n'), "table")
    assert [arch.genes for arch in table.architectures] == [(1,), (3,)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", ["empty"]),
        ("a,latency_s\n", ["no rows below the header", "at least 2"]),
        ("a,latency_s\n1,2\n", ["a single row", "at least 2"]),
        (b"\x8fprogram 3\0\xff\xfe", ["not UTF-8 text", "not a binary file"]),
        ("a,latency_s\n1,\0\n1,2\n", ["zero bytes"]),
        ("a,latency_s\n1,2\n1\n", ["line 3", "1 values where the header has 2 columns", "'a'"]),
        ("a,latency_s\n1,2,3\n1,2\n", ["line 2", "3 values"]),
        ("a,cost\n1,2\n1,2\n", ["line 1", "column 'latency_s' is missing", "a, cost"]),
        ("latency_s\n1\n2\n", ["line 1", "no feature column"]),
        ("a,a,latency_s\n1,1,1\n1,1,1\n", ["line 1", "column 'a' stands twice"]),
        ("a,,latency_s\n1,1,1\n1,1,1\n", ["line 1", "no name"]),
        ("a,latency_s\n1,1\nx,2\n", ["line 3", "column 'a'", "'x' is not a finite number", "--categorical a"]),
        ("a,latency_s\n1,1\n,2\n", ["line 3", "column 'a'", "missing"]),
        ("a,latency_s\n1,1\nnan,2\n", ["line 3", "column 'a'"]),
        ("a,latency_s\n1,x\n2,2\n", ["line 2", "column 'latency_s'", "'x'"]),
        ("a,latency_s\n1,1\n2,0\n", ["line 3", "column 'latency_s'", "positive"]),
        ("a,latency_s\n1,1\n2,-1\n", ["line 3", "column 'latency_s'"]),
        ("a,latency_s\n1,1\n2,nan\n", ["line 3", "column 'latency_s'"]),
        ("a,latency_s\n1,1\n2,inf\n", ["line 3", "column 'latency_s'"]),
        ("a,latency_s,latency_std_s\n1,1,-1\n2,1,1\n", ["line 2", "column 'latency_std_s'"]),
    ],
)
def test_refuses_with_file_line_and_column(write, content, said):
    path = write(content)
    with pytest.raises(DataError) as caught:
        read_table(path, "table")
    for words in [str(path), *said]:
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{WIDTHS},latency_s\n{ROW},1\n{ROW.replace('360', '361', 1)},1\n", ["line 3", "'l1'", "361", "table"]),
        ("l1,latency_s\n120,1\n240,1\n", ["line 1", "needs the column 'l2'", "'table'"]),
    ],
)
def test_refuses_what_is_outside_the_space(write, content, said):
    with pytest.raises(DataError) as caught:
        read_table(write(content), "supershaper")
    for words in said:
        assert words in str(caught.value)


def test_a_long_list_of_missing_columns_is_cut(write):
    with pytest.raises(DataError, match=r"Missing: (\S+, ){11}b1\.head3 and 240 more\. Found: a\. ") as caught:
        read_table(write("a,latency_s\n1,1\n2,2\n"), "components")
    assert len(str(caught.value)) < 400


def test_refuses_missing_files_and_folders(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        read_table(tmp_path / "none.csv", "table")
    with pytest.raises(DataError, match="directory"):
        read_table(tmp_path, "table")


def test_categorical_names_are_checked(write):
    path = write("a,latency_s\n1,1\n2,2\n")
    with pytest.raises(UsageError, match="no feature column 'b'"):
        read_table(path, "table", TableOptions(("b",)))
    with pytest.raises(UsageError, match="knows its genes"):
        read_table(write(f"{WIDTHS},latency_s\n{ROW},1\n{ROW},1\n"), "supershaper", TableOptions(("l1",)))


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([3], "line 3"),
        ([3, 4], "lines 3 and 4"),
        ([3, 7, 9], "lines 3, 7 and 9"),
        ([3, 7, 8, 9], "lines 3 and 7 to 9"),
        (list(range(2, 40)), "lines 2 to 39"),
        (list(range(0, 40, 2)), "lines 0, 2, 4, 6, 8, 10, 12, 14 and 12 more"),
    ],
)
def test_numbers_of_lines_are_listed_as_ranges(numbers: list[int], said: str) -> None:
    assert places("line", numbers) == said


def test_a_column_that_names_a_run_for_each_row_has_a_remark() -> None:
    columns = {"width": list(range(1, 31)), "latency_s": [1e-3 * row for row in range(1, 31)]}
    days = {"own": [f"day {row}" for row in range(30)], "shared": [f"day {row // 10}" for row in range(30)]}
    own, shared = (read_table({**columns, "day": days[one]}, "table", TableOptions(run_column="day")) for one in days)
    (remark,) = (one for one in own.remarks if "'day'" in one)
    assert remark == (
        "column 'day' names 30 measuring runs for 30 rows: hardly any rows share a run, so that runs have no effects"
    )
    assert not any("'day'" in one for one in shared.remarks)
