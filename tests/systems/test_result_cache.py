from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import DataError
from hwcost.systems import ResultCache

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def never() -> None:
    raise AssertionError("it is known")


@given(results=st.dictionaries(st.text(), PLAIN, max_size=6))
def test_what_was_found_is_found_once(results, tmp_path_factory):
    path = tmp_path_factory.mktemp("cache") / "results.jsonl"
    cache = ResultCache(path)
    for name, value in results.items():
        assert cache.get(name, lambda value=value: value) == value
    again = ResultCache(path)
    assert {name: again.get(name, never) for name in results} == results
    assert again.values() == list(results.values())


def test_a_line_that_was_cut_short_is_found_again_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    cache = ResultCache(path)
    assert [cache.get(name, lambda name=name: name * 2) for name in ("a", "b", "c")] == ["aa", "bb", "cc"]
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole[:cut])
        again = ResultCache(path)
        for place, name in enumerate(("a", "b", "c")):
            known = place < whole[:cut].count(b"\n")
            assert again.get(name, never if known else lambda name=name: name * 2) == name * 2
        assert path.read_bytes() == whole


@pytest.mark.parametrize("text", [b'["a", 1]\nnothing\n', b"\xff\xfe\n", b"3\n", b'["a"]\n'])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "results.jsonl"
    path.write_bytes(text)
    with pytest.raises(DataError, match=r"results.jsonl' is damaged: .* Remove it"):
        ResultCache(path)
