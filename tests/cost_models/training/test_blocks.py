from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.cost_models.training.blocks import blocks_of, within


@given(st.integers(20, 60), st.integers(1, 5), st.integers(0, 99))
def test_blocks_are_the_runs_of_columns_that_hardly_change(rows: int, blocks: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    slow = np.repeat(np.arange(blocks), rows).astype(float)
    free = rng.permutation(rows * blocks).astype(float)
    np.testing.assert_array_equal(blocks_of(np.column_stack([free, slow])), slow)
    np.testing.assert_array_equal(blocks_of(free[:, None]), 0)


def test_two_columns_make_blocks_together() -> None:
    device, batch = np.repeat([0.0, 1.0], 120), np.tile(np.repeat([1.0, 2.0, 4.0], 40), 2)
    np.testing.assert_array_equal(blocks_of(np.column_stack([device, batch])), np.repeat(np.arange(6), 40))


def test_blocks_of_few_rows_are_none() -> None:
    np.testing.assert_array_equal(blocks_of(np.repeat(np.arange(12.0), 10)[:, None]), 0)


def test_values_within_blocks_have_the_middle_zero() -> None:
    blocks = np.repeat([0, 1, 2], 21)
    values = np.random.default_rng(1).normal(size=63) + 5.0 * blocks
    found = within(values, blocks)
    assert [float(np.sort(found[blocks == number])[5:-5].mean()) for number in range(3)] == pytest.approx([0.0] * 3)
    levels = np.tile(np.repeat([0.0, 1.0], [11, 10]), 3)
    assert np.abs(within(levels, blocks)).max() < 0.6, "one of two levels counts as the middle of both"
    alone = np.zeros(63, dtype=np.intp)
    assert within(values, alone) is values
