"""Fits of tables whose machine's level moved while they were measured."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from hwcost.cost_models.data import FIT, Data
from hwcost.cost_models.evaluation.evaluate import evaluate
from hwcost.cost_models.evaluation.rolling import roll
from hwcost.cost_models.features.extractor import Features
from hwcost.cost_models.training import drift
from hwcost.cost_models.training.drift import estimate_drift
from hwcost.cost_models.training.intervals import left_out_errors
from hwcost.cost_models.training.train import drift_of, train, train_on
from hwcost.spaces import space

pytestmark = pytest.mark.once

N = 400
SPACE = space("supershaper")
ARCHS = SPACE.sample(N, seed=3)
TRUE_S = np.array([1e-3 + 2e-10 * SPACE.flops(arch) / 1e0 * 1e-3 + sum(arch.genes) * 2e-6 for arch in ARCHS])
ROWS = np.arange(N)
STEP = np.where((ROWS >= 150) & (ROWS < 260), 0.2, 0.0)


def table(level: np.ndarray, seed: int = 0, noise: float = 0.01, runs: np.ndarray | None = None) -> Data:
    latency_s = TRUE_S * np.exp(level + np.random.default_rng(seed).standard_normal(N) * noise)
    return Data(SPACE, ARCHS, latency_s, np.ones(N), (FIT,) * N, "planted", {}, {}, is_ordered=True, runs=runs)


def auto(data: Data, drift: str, split: str = "random", splits: int = 2) -> dict[str, dict[str, float]]:
    report: dict[str, dict[str, float]] = evaluate(data, "lut", 0.8, split, splits, drift)["models"]["lut"]
    return report


@cache
def steady() -> dict[str, dict[str, float]]:
    """The report of a table without drift."""
    return auto(table(0 * STEP), "none")


def test_a_step_is_taken_out_and_put_back() -> None:
    with_level, without = auto(table(STEP), "auto"), auto(table(STEP), "none")
    floor = steady()
    assert without["as_measured"]["mape"] > 5 * floor["as_measured"]["mape"]
    assert with_level["as_measured"]["mape"] < 1.3 * floor["as_measured"]["mape"]
    assert with_level["reference_state"]["mape"] < 1.3 * floor["as_measured"]["mape"]
    assert 0.8 <= with_level["as_measured"]["coverage_90"] <= 0.97
    assert with_level["as_measured"]["width_90"] < 1.3 * floor["as_measured"]["width_90"]


def test_without_drift_nothing_changes() -> None:
    data = table(0 * STEP)
    fitted = train_on(ROWS, data, "lut", drift_of(data, ROWS))
    assert fitted.drift is None
    assert auto(data, "auto")["as_measured"] == steady()["as_measured"]


def test_the_level_is_told_from_training_rows_only() -> None:
    data = table(STEP)
    rows = np.random.default_rng(0).permutation(N)[:320]
    spoiled = replace(data, values=data.values.copy())
    hidden = np.setdiff1d(ROWS, rows)
    spoiled.values[hidden] *= 7.0
    one, two = (drift_of(each, rows) for each in (data, spoiled))
    assert one is not None
    assert two is not None
    assert np.array_equal(one(hidden), two(hidden))


def test_rows_sorted_by_size_are_not_corrected() -> None:
    order = np.argsort(TRUE_S)
    data = table(np.zeros(N))
    features = Features(SPACE)
    latency_s = data.values[order] * np.exp(np.linspace(0, 0.3, N))
    drift = estimate_drift(features, features.encode([ARCHS[i] for i in order]), latency_s, ROWS)
    assert drift.is_confounded
    assert drift.is_none


def test_interleaved_runs_have_an_effect_each() -> None:
    runs = np.random.default_rng(5).integers(0, 4, N)
    effects = np.array([0.0, 0.15, -0.1, 0.05])
    data = table(effects[runs], runs=runs.astype(np.intp))
    drift = drift_of(data, ROWS)
    assert drift is not None
    found = np.array([drift.runs[run] for run in range(4)])
    assert found - found.mean() == pytest.approx(effects - effects.mean(), abs=0.01)
    with_effects, without = (auto(data, drift, splits=1)["as_measured"]["mape"] for drift in ("auto", "none"))
    assert with_effects < 0.25 * without


def test_a_fit_says_that_it_was_corrected() -> None:
    provenance = train(table(STEP), "lut").model.provenance
    assert provenance["drift"]["grade"] == "corrected (single pass)"
    assert provenance["drift"]["level_range"] == pytest.approx(np.expm1(0.2), abs=0.03)
    assert "drift" not in train(table(STEP), "lut", "none").model.provenance


def test_a_fit_says_how_many_rows_a_quicker_machine_measured() -> None:
    """The slower level holds more rows, and predictions are for it; whether something slowed these, rows cannot tell."""
    slowed = np.where((ROWS >= 90) & (ROWS < 330), 0.2, 0.0)
    kept = train(table(slowed), "lut").model.provenance["drift"]
    assert kept["quicker_share"] == pytest.approx(160 / N, abs=0.03)
    assert kept["quicker_by"] == pytest.approx(1.0 - np.exp(-0.2), abs=0.01)
    assert train(table(STEP), "lut").model.provenance["drift"]["quicker_share"] == 0.0


def test_the_model_is_that_of_the_median_level() -> None:
    model = train(table(STEP), "lut").model
    ratio = model.predict(ARCHS).latency_s / TRUE_S
    assert np.log(ratio) == pytest.approx(np.full(N, np.median(STEP)), abs=0.03)


def test_a_warm_up_of_a_few_rows_moves_no_prediction() -> None:
    trained = train(table(3.0 * np.exp(-ROWS / 15) * (ROWS < 60) * 0.45), "lut")
    assert trained.drift is not None
    ratio = trained.model.predict(ARCHS).latency_s / TRUE_S
    assert float(np.median(np.log(ratio))) == pytest.approx(0.0, abs=0.01)


def test_rolling_follows_a_jump_that_training_rows_never_saw() -> None:
    late = np.where(ROWS >= 340, 0.25, 0.0)
    report = auto(table(late), "auto", "ordered")
    assert report["as_measured"]["mape"] > 10
    assert report["rolling"]["mape"] < 4
    assert 0.8 <= report["rolling"]["coverage_90"] <= 0.97


def test_rolling_never_looks_ahead() -> None:
    rng = np.random.default_rng(0)
    past, errors = rng.standard_normal(100), rng.standard_normal(50)
    other = errors.copy()
    other[25:] += 10
    one, two = roll(past, np.zeros(100), errors), roll(past, np.zeros(100), other)
    assert np.array_equal(one.level[:26], two.level[:26])
    assert np.array_equal(one.spread[:26], two.spread[:26])


@pytest.mark.parametrize("seed", range(3))
def test_rolling_intervals_cover_on_noise_and_on_a_random_walk(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for series in (rng.standard_normal(1200), rng.standard_normal(1200) + np.cumsum(rng.standard_normal(1200) * 0.3)):
        rolled = roll(series[:800], np.zeros(800), series[800:])
        hits = np.abs(series[800:] - rolled.level) <= rolled.spread
        assert 0.86 <= hits.mean() <= 0.94


def test_probabilities_follow_the_errors() -> None:
    model = train(table(0 * STEP), "lut").model
    middle = model.predict(ARCHS[:1]).latency_s[0]
    assert model.probability(ARCHS[:1], middle)[0] == pytest.approx(0.5, abs=0.1)
    assert model.probability(ARCHS[:1], middle * 1.1)[0] == pytest.approx(N / (N + 1))
    assert model.probability(ARCHS[:1], middle / 1.1)[0] == 0


@pytest.mark.parametrize("rows", [1, 2])
def test_runs_of_a_row_or_two_do_not_swallow_their_rows(rows: int) -> None:
    runs = (np.arange(60) // rows).astype(np.intp)
    data = table(0 * STEP, noise=0.02, runs=np.arange(N))
    data = replace(
        data, architectures=ARCHS[:60], values=data.values[:60], weights=np.ones(60), roles=(FIT,) * 60, runs=runs
    )  # fmt: skip
    fitted, plain = train(data, "lut"), train(replace(data, runs=None), "lut")
    assert np.std(fitted.errors) > 0.8 * np.std(plain.errors)
    assert fitted.model.log_interval_half_width_ > 0.8 * plain.model.log_interval_half_width_
    if rows == 1:
        assert fitted.drift is None
        assert fitted.errors.tolist() == plain.errors.tolist()


def test_rows_of_a_long_table_decide_for_all(monkeypatch) -> None:
    """Sizes that multiply are a polynomial's; some of the rows say so, and the level is estimated from all."""
    made = space("table", columns=[{"name": "width"}, {"name": "length"}])
    rng = np.random.default_rng(0)
    genes = np.column_stack([rng.integers(1, 100, N), rng.integers(1, 100, N)]).astype(float)
    latency_s = (1e-3 + 1e-6 * genes.prod(axis=1)) * np.exp(STEP + 0.01 * rng.standard_normal(N))
    whole = estimate_drift(Features(made), genes, latency_s, ROWS)
    fitted: list[tuple[str, int]] = []

    def counted(model, some, *others):
        fitted.append((model.name, len(some)))
        return left_out_errors(model, some, *others)

    monkeypatch.setattr(drift, "DECIDING_ROWS", 150)
    monkeypatch.setattr(drift, "left_out_errors", counted)
    found = estimate_drift(Features(made), genes, latency_s, ROWS)
    assert fitted == [("lut", 134), ("polynomial", 134), ("polynomial", N)]
    assert found.base == whole.base == "polynomial"
    np.testing.assert_array_equal(found.residuals, whole.residuals)
