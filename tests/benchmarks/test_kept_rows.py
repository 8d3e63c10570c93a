"""Rows of studies: what was computed is read again, and a line that was cut short is replaced."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.trainings.kept_rows import KeptRows, add_row, read_rows


def test_a_line_that_was_cut_short_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert read_rows(path) == []
    add_row(path, {"net": 1})
    with path.open("a") as file:
        file.write('{"net": 2')
    assert read_rows(path) == [{"net": 1}]
    add_row(path, {"net": 3})
    assert read_rows(path) == [{"net": 1}, {"net": 3}]


@given(rows=st.lists(st.dictionaries(st.text(max_size=4), st.text() | st.floats(allow_nan=False), max_size=3), max_size=4))
def test_rows_are_read_as_they_were_added(tmp_path_factory, rows) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    for row in rows:
        add_row(path, row)
    assert read_rows(path) == rows


def test_rows_are_computed_once_for_each_description(tmp_path: Path) -> None:
    path, computed = tmp_path / "rows.jsonl", []

    def compute() -> dict[str, int]:
        computed.append(1)
        return {"loss": len(computed)}

    for steps, expected in ((40, 1), (40, 1), (80, 2), (40, 1)):
        assert KeptRows(path, {"steps": steps}).get({"seed": 0}, compute)["loss"] == expected
    assert len(computed) == 2
