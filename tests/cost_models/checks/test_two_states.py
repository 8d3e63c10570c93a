"""Rows of two states that no column tells apart, and rows that only look so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hwcost as hc
from hwcost.cost_models.checks import two_states as checks
from hwcost.cost_models.checks.two_states import TwoStates, two_states
from hwcost.cost_models.features.extractor import Features
from hwcost.spaces.table import Table

SPACE = Table([{"name": "layers"}, {"name": "hidden"}, {"name": "ffn"}])


def rows(n: int, seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.random.Generator]:
    """Returns genes and latencies by a plain law, without noise."""
    rng = np.random.default_rng(seed)
    genes = np.column_stack([rng.integers(1, 13, n), 64 * rng.integers(2, 17, n), 512 * rng.integers(1, 9, n)]).astype(float)
    layers, hidden, ffn = genes.T
    return genes, 1e-3 + layers * (1e-4 + 1e-10 * hidden * (hidden + ffn) * 128), rng


def found(genes: Any, latency_s: Any) -> TwoStates | None:
    return two_states(Features(SPACE), genes, latency_s)


@pytest.mark.parametrize(("step", "n", "share"), [(0.2, 150, 0.3), (0.4, 150, 0.1), (1.0, 150, 0.5), (1.0, 1500, 0.3)])
def test_rows_in_the_slower_state_are_found(step: float, n: int, share: float) -> None:
    genes, latency_s, rng = rows(n, 1)
    is_slow = rng.random(n) < share
    states = found(genes, latency_s * np.exp(step * is_slow + rng.normal(0, 0.015, n)))
    assert states is not None
    assert states.factor == pytest.approx(np.exp(step), rel=0.03)
    assert np.mean(np.isin(np.arange(n), states.slow) == is_slow) >= 0.97


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [45, 150])
def test_honest_noise_makes_no_states(seed: int, n: int) -> None:
    genes, latency_s, rng = rows(n, seed)
    of_small_ones = rng.normal(0, 0.1, n) * (genes[:, 0] < 4)
    for noise in (rng.normal(0, 0.02, n), 0.02 * rng.standard_t(2, n), rng.exponential(0.1, n), of_small_ones):
        assert found(genes, latency_s * np.exp(noise)) is None


def test_nothing_is_searched_where_errors_leave_no_room_for_states(monkeypatch) -> None:
    monkeypatch.setattr(checks, "_settled", None)
    genes, _, rng = rows(150, 1)
    latency_s = np.exp(genes @ [0.1, 1e-3, 1e-4])
    assert found(genes, latency_s * np.exp(rng.normal(0, 0.005, 150))) is None
    with pytest.raises(TypeError):
        found(genes, latency_s * np.exp(0.1 * (rng.random(150) < 0.05)))


def test_a_cliff_in_the_law_and_a_few_slow_rows_are_no_states() -> None:
    genes, latency_s, rng = rows(200, 3)
    noisy = latency_s * np.exp(rng.normal(0, 0.015, 200))
    assert found(genes, noisy * np.where(genes[:, 1] * genes[:, 2] > 1.5e6, 1.6, 1.0)) is None
    assert found(genes, noisy * np.where(genes[:, 1] % 128 == 0, 1.0, 1.4)) is None
    assert found(genes, noisy * np.where(np.arange(200) < 5, 3.0, 1.0)) is None


@pytest.mark.parametrize("seed", [5, 6])
def test_audit_and_fit_say_so(seed: int) -> None:
    genes, latency_s, rng = rows(120, seed)
    latency_s = latency_s * np.exp(0.5 * (rng.random(120) < 0.3) + rng.normal(0, 0.01, 120))
    table = {**{gene.name: genes[:, i] for i, gene in enumerate(SPACE.genes)}, "latency_s": latency_s}
    report = hc.audit(table, space="table")
    assert report.codes == ("W_STATES",)
    assert report.verdict == "mild"
    assert list(report.slow_rows) == report.to_dict()["slow_rows"]
    assert 25 < len(report.slow_rows) < 48
    assert "of two states" in report.explanation
    cost = hc.fit(table, "ridge", space="table")
    assert "and no column tells which" in " ".join(cost.provenance["doubts"])


def test_states_that_hide_the_architectures_are_said_in_place_of_no_effect() -> None:
    genes, latency_s, rng = rows(120, 4)
    narrow = np.sqrt(latency_s) ** 0.2 * np.exp(1.5 * (rng.random(120) < 0.4) + rng.normal(0, 0.01, 120))
    table = {**{gene.name: genes[:, i] for i, gene in enumerate(SPACE.genes)}, "latency_s": narrow}
    assert hc.audit(table, space="table").codes == ("W_STATES",)
    doubts = " ".join(hc.fit(table, "ridge", space="table").provenance["doubts"])
    assert "and no column tells which" in doubts
    assert "hardly agrees" not in doubts


def test_a_level_that_jumps_is_no_state() -> None:
    genes, latency_s, rng = rows(200, 8)
    jumped = latency_s * np.where(np.arange(200) < 130, 1.0, 1.3) * np.exp(rng.normal(0, 0.01, 200))
    table = {**{gene.name: genes[:, i] for i, gene in enumerate(SPACE.genes)}, "latency_s": jumped}
    assert found(genes, jumped) is not None
    assert hc.audit(table, space="table").codes == ("W_DRIFT",)
