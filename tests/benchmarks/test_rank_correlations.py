"""Rank correlations over nets and seeds: those of scipy, intervals that hold the truth, and noise told from differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.studies.rank_correlations import correlation, spread


def drawn(seed: int, noise: float, seeds: int = 3, nets: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Figures of the same nets, whose true means agree, and these means."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=nets)
    first, second = (truth + noise * rng.normal(size=(seeds, nets)) for _ in range(2))
    return first, second, truth


@pytest.mark.parametrize(("kind", "other"), [("Spearman", stats.spearmanr), ("Kendall", stats.kendalltau)])
def test_correlations_are_of_means_and_of_each_seed(kind: str, other) -> None:  # type: ignore[no-untyped-def]
    first, second, _ = drawn(0, 1.0)
    found = correlation(first, second, kind, draws=200)
    assert found.value == pytest.approx(other(first.mean(axis=0), second.mean(axis=0)).statistic)
    assert found.seeds == pytest.approx([other(*rows).statistic for rows in zip(first, second, strict=True)])
    assert found.low < found.value < found.high


def test_figures_that_agree_have_a_correlation_of_one_and_a_constant_has_none() -> None:
    first, *_ = drawn(0, 1.0)
    same = correlation(first, np.exp(first.mean(axis=0)) + np.zeros_like(first), draws=50)
    assert same.value == pytest.approx(1)
    none = correlation(first, np.full_like(first, 0.5), draws=50)
    assert np.isnan([none.value, none.low, none.high, *none.seeds]).all()


def test_intervals_hold_the_correlation_of_many_nets() -> None:
    """Both figures are one truth and as much noise of seeds: means of three seeds correlate by 1 / (1 + 1/3)."""
    true = 6 / np.pi * np.arcsin(0.75 / 2)  # Spearman's coefficient of normal figures
    found = [correlation(*drawn(seed, 1.0)[:2], draws=100) for seed in range(16)]
    assert np.mean([one.low <= true <= one.high for one in found]) >= 0.8
    assert max(one.high - one.low for one in found) < 1.9


def test_noise_is_told_from_differences_between_nets() -> None:
    found = [spread(drawn(seed, 0.5, nets=40)[0]) for seed in range(20)]
    assert np.mean([one.noise for one in found]) == pytest.approx(0.5, rel=0.05)
    assert np.mean([one.nets for one in found]) == pytest.approx(1, rel=0.15)
    assert max(one.probability for one in found) < 1e-6
    alike = [spread(np.random.default_rng(seed).normal(size=(3, 15))).probability for seed in range(40)]
    assert 0.3 < np.mean(alike) < 0.7


def test_what_a_seed_does_to_all_nets_is_no_noise() -> None:
    first, *_ = drawn(1, 0.5)
    shifted = first + np.array([[0.0], [3.0], [-2.0]])
    assert spread(shifted).noise == pytest.approx(spread(first).noise)
    assert spread(shifted).nets == pytest.approx(spread(first).nets)
