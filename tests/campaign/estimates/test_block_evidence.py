"""Whether the quickest state is the uncontended one: blocks of one latency speak for it, far quicker blocks against it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.campaign.estimates.block_evidence import BLOCKS, is_evident, quicker_by, unseen


def residuals(seed: int, uncontended: int, contended: int, least: float = 0.0, noise: float = 0.008) -> np.ndarray:
    """Log times above the uncontended state: some blocks of its own, and others with delays that are uniform up to 0.6."""
    rng = np.random.default_rng(seed)
    delay = np.append(np.zeros(uncontended), rng.uniform(least, 0.6, contended))
    return delay + rng.normal(0.0, noise, len(delay))


def of_blocks(residual: np.ndarray, count: int) -> np.ndarray:
    return np.arange(len(residual)) < count


@given(st.integers(0, 10_000), st.integers(60, 200), st.integers(0, 300))
def test_a_state_with_many_blocks_of_its_own_is_evident(seed: int, uncontended: int, contended: int) -> None:
    residual = residuals(seed, uncontended, contended)
    assert is_evident(residual, of_blocks(residual, uncontended).astype(float), len(residual))


@given(st.integers(0, 10_000), st.integers(200, 800))
def test_the_quick_end_of_a_range_is_none(seed: int, contended: int) -> None:
    residual = residuals(seed, 0, contended)
    assert not is_evident(residual, (residual < 0.1).astype(float), len(residual))


def test_few_blocks_are_not_enough_whatever_lies_above() -> None:
    residual = residuals(0, int(BLOCKS) - 1, 100, least=0.3)
    assert not is_evident(residual, of_blocks(residual, int(BLOCKS) - 1).astype(float), len(residual))


def test_parts_of_blocks_count_as_the_blocks_that_they_are_of() -> None:
    residual = np.repeat(residuals(0, 30, 100, least=0.3), 5)
    assert not is_evident(residual, of_blocks(residual, 150).astype(float), len(residual) // 5)
    assert is_evident(residual, of_blocks(residual, 150).astype(float), len(residual))


@pytest.mark.parametrize("noise", [0.003, 0.01, 0.03])
def test_noise_has_no_blocks_that_are_quicker(noise: float) -> None:
    for seed in range(20):
        residual = residuals(seed, 400, 400, least=0.05, noise=noise)
        assert quicker_by(residual, 0.01, len(residual)) == 0.0


def test_blocks_that_are_far_quicker_tell_how_far() -> None:
    residual = np.append(residuals(0, 400, 400), [-0.15, -0.21, -0.2])
    assert quicker_by(residual, 0.01, len(residual)) == pytest.approx(0.21)
    assert quicker_by(residual[:-1], 0.01, len(residual) - 1) == 0.0
    many = np.append(residuals(0, 1000, 1000), [-0.15, -0.21, -0.2])
    assert quicker_by(many, 0.01, len(many)) == 0.0
    assert quicker_by(np.abs(residual), 0.01, len(residual)) == 0.0


@given(st.integers(0, 10_000), st.floats(0.05, 0.6))
def test_the_more_evenly_blocks_thin_out_the_quicker_the_machine_may_be(seed: int, reach: float) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0.0, 0.008, 400)
    assert unseen(noise, 0.01) == 0.0
    assert 0.0 < unseen(reach * rng.random(400) + noise, 0.01) < reach / 4
