"""JSON Lines files: whole lines stay whatever happens, and a line cut short is left out and removed."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost._jsonl import CHUNK_BYTES, append, keep_first, opened, whole_lines

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.lists(st.dictionaries(st.text(max_size=8), NUMBERS | st.text(), max_size=4), max_size=6)


@given(VALUES, st.integers(0, 200))
def test_a_file_cut_anywhere_keeps_its_whole_lines(tmp_path_factory, values, cut) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "log.jsonl"
    for value in values:
        append(path, value)
    content = path.read_bytes() if values else b""
    path.write_bytes(content[: max(0, len(content) - cut)])
    kept = [json.loads(line) for line in whole_lines(path)]
    assert kept == values[: len(kept)]
    append(path, "next")
    assert [json.loads(line) for line in whole_lines(path)] == [*kept, "next"]


def test_long_lines_are_cut_where_the_last_whole_one_ends(tmp_path, caplog) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'"first"\n"' + b"x" * (2 * CHUNK_BYTES + 7))
    with caplog.at_level(logging.WARNING, "hwcost"), opened(path):
        assert path.read_bytes() == b'"first"\n'
    assert "a crash cut that line short" in caplog.text


def test_a_file_is_cut_to_its_first_lines(tmp_path) -> None:
    path = tmp_path / "log.jsonl"
    keep_first(path, 1)
    assert not path.exists()
    for number in range(3):
        append(path, number)
    keep_first(path, 5)
    assert whole_lines(path) == ["0", "1", "2"]
    keep_first(path, 1)
    assert whole_lines(path) == ["0"]


def test_numbers_that_json_does_not_know_are_refused_before_anything_is_written(tmp_path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        append(tmp_path / "log.jsonl", {"loss": float("nan")})
    assert not (tmp_path / "log.jsonl").exists()
