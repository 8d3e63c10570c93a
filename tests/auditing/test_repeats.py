"""Repeated architectures, and columns of latencies that are the same measurements."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hwcost.auditing.repeats import find_repeats, hold_the_same

ONE = np.random.default_rng(0).uniform(0.01, 0.02, 400).round(6)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_every_repeat_is_paired_with_the_row_before_it(items):
    found = find_repeats(np.array(items), np.arange(len(items), dtype=float))
    expected = {i: max(j for j in range(i) if items[j] == items[i]) for i in range(len(items)) if items[i] in items[:i]}
    assert dict(zip(found.later.tolist(), found.earlier.tolist(), strict=True)) == expected
    assert not found.is_copy.any()


def test_spread_leaves_copies_out():
    latency_s = np.array([1.0, 1.0, 1.0, 1.1, 1.1, 1.21, 1.21])
    found = find_repeats(np.zeros(7, dtype=np.intp), latency_s)
    assert found.is_copy.sum() == 4
    assert found.spread(np.log(latency_s)) is None
    assert find_repeats(np.zeros(4, dtype=np.intp), 1.1 ** np.arange(4)).spread(np.log(1.1 ** np.arange(4))) > 0.09


def test_equal_and_overlapping_columns_are_the_same():
    assert hold_the_same(ONE, ONE.copy())
    assert hold_the_same(ONE, ONE[100:250])
    assert hold_the_same(ONE[:200], np.append(ONE[::-1][:50], ONE[:200]))


def test_other_columns_are_not():
    other = np.random.default_rng(1).uniform(0.01, 0.02, 400).round(6)
    assert not hold_the_same(ONE, other)
    assert not hold_the_same(ONE, ONE * 1.000001)
    assert not hold_the_same(ONE, np.append(other, ONE[:50]))
    assert not hold_the_same(np.full(50, 0.02), np.full(80, 0.02))
    assert not hold_the_same(np.round(ONE, 3), np.round(other, 3))
