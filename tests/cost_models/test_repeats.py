"""Architectures that were measured more than once: no split recognises them, no interval and no measured value is misled."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hwcost.cost_models import cost_model, load
from hwcost.cost_models.data import FIT, TEST, Data
from hwcost.cost_models.evaluation.evaluate import evaluate, evaluate_roles, held_out
from hwcost.cost_models.features.extractor import Features
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.features.repeats import Middles, merged, without_own
from hwcost.cost_models.training.conformal import MIN_ROWS, quantile
from hwcost.cost_models.training.drift import estimate_drift
from hwcost.cost_models.training.folds import folds
from hwcost.cost_models.training.intervals import calibrate, keep_errors
from hwcost.cost_models.training.train import train, train_on
from hwcost.errors import DataError, UsageError
from hwcost.spaces import Architecture, space
from tests.cost_models.planted import SPACE, additive, noisy

TABLE = space("table", columns=[{"name": "layers"}, {"name": "hidden"}])
numbers = st.lists(st.integers(0, 9), min_size=2, max_size=60)


def law(archs: list[Architecture]) -> np.ndarray:
    """Work that no column shows alone, with tiles."""
    layers, hidden = np.array([arch.genes for arch in archs], dtype=float).T
    return 1e-3 + 2e-9 * layers * np.ceil(hidden / 256) * 256 * hidden * (1 + 0.3 * np.sin(hidden / 70))


def nets(n: int, seed: int) -> list[Architecture]:
    rng = np.random.default_rng(seed)
    pairs = dict.fromkeys(zip(rng.integers(1, 25, 3 * n).tolist(), rng.integers(64, 1400, 3 * n).tolist(), strict=True))
    return [TABLE.architecture(pair) for pair in list(pairs)[:n]]


def table(archs: list[Architecture], latency_s: np.ndarray, roles: tuple[str, ...] = ()) -> Data:
    n = len(archs)
    made = SPACE if archs[0].space == SPACE.name else TABLE
    return Data(made, archs, latency_s, np.ones(n), roles or (FIT,) * n, "rows.csv", {}, {}, is_ordered=True)


def repeated(n: int, times: int, seed: int = 0, noise: float = 0.01) -> Data:
    rng = np.random.default_rng(seed)
    archs, rows = nets(n, seed), rng.permutation(np.repeat(np.arange(n), times))
    latency_s = law(archs)[rows] * np.exp(noise * rng.standard_normal(len(rows)))
    return table([archs[i] for i in rows], latency_s)


@given(numbers, st.integers(2, 12), st.integers(0, 9))
def test_folds_leave_whole_architectures_out(keys, count, seed):
    groups = Groups.of_keys(keys)
    parts = list(folds(groups, count, seed))
    assert sorted(int(row) for _, left in parts for row in left) == list(range(len(keys)))
    for kept, left in parts:
        assert not set(groups.numbers[kept]) & set(groups.numbers[left])


@given(st.integers(2, 60), st.integers(2, 12), st.integers(0, 9))
def test_without_repeats_folds_are_drawn_row_by_row(n, count, seed):
    parts = np.array_split(np.random.default_rng(seed).permutation(n), min(count, n))
    for (_, left), part in zip(folds(Groups.of_keys(range(n)), count, seed), parts, strict=True):
        assert np.array_equal(left, np.sort(part))


@given(st.lists(st.floats(0, 9), min_size=2, max_size=80))
def test_without_repeats_the_quantile_is_a_rank(scores):
    n, rank = len(scores), int(np.ceil((len(scores) + 1) * 0.9))
    wanted = None if n < MIN_ROWS or rank > n else sorted(scores)[rank - 1]
    assert quantile(np.array(scores)) == quantile(np.array(scores), 0.9, Groups.of_keys(range(n))) == wanted


@example([0.0] * 27 + [1.0] * 2, 3)
@given(st.lists(st.floats(0, 9), min_size=10, max_size=40), st.integers(2, 20))
def test_an_architecture_counts_once_in_a_quantile(scores, times):
    alone = quantile(np.array(scores))
    assert quantile(np.repeat(scores, times), 0.9, Groups.of_keys(np.repeat(range(len(scores)), times))) == alone
    first = Groups.of_keys([0] * times + list(range(1, len(scores))))
    assert quantile(np.array([scores[0]] * times + scores[1:]), 0.9, first) == alone


@pytest.mark.parametrize("times", [2, 5])
def test_repeating_every_row_changes_no_fit(times):
    data = table(SPACE.sample(30, seed=4), noisy(SPACE.sample(30, seed=4), 0.02, 4))
    again = replace(
        data, architectures=data.architectures * times, values=np.tile(data.values, times),
        weights=np.ones(30 * times), roles=(FIT,) * 30 * times,
    )  # fmt: skip
    one, other = (train_on(np.arange(len(rows)), rows, "lut").model for rows in (data, again))
    new = SPACE.sample(20, seed=9)
    np.testing.assert_allclose(other.predict(new).latency_s, one.predict(new).latency_s, rtol=1e-12)
    assert other.log_interval_half_width_ == pytest.approx(one.log_interval_half_width_, rel=1e-9)
    np.testing.assert_allclose(other.errors_, one.errors_, rtol=1e-9)
    assert (one.n_rows_, one.n_architectures_) == (30, 30)
    assert (other.n_rows_, other.n_architectures_) == (30 * times, 30)


def test_points_that_stand_for_the_same_net_are_one_architecture():
    made = space("transformer", layers=[1, 2], hidden=[64], ffn_ratio=[2, 4], heads=[1], elastic="per_layer")
    short = [Architecture(made.name, (1, 64, 2, 1, 64, ratio, 1)) for ratio in (2, 4)]
    assert len(Groups.of(Features(made), Features(made).encode(short))) == 1


@pytest.fixture
def alone(monkeypatch):
    """Evaluates without baselines, which take most of the time."""
    monkeypatch.setattr("hwcost.cost_models.evaluation.evaluate.baselines", lambda kind, space: [])


def test_no_architecture_is_fitted_on_and_judged(monkeypatch, alone):
    seen = []
    monkeypatch.setattr("hwcost.cost_models.evaluation.evaluate.drift_of", lambda data, rows, choice: seen.append(rows))
    data = repeated(20, 4)
    document = evaluate(data, "constant", 0.7, "random", 3)
    report, names = document["models"]["constant"], np.array([str(arch) for arch in data.architectures])
    for rows in seen:
        assert not set(names[rows]) & set(np.delete(names, rows))
    assert (document["n_rows"], document["n_architectures"]) == (80, 20)
    assert (report["n_train"], report["n_test"]) == (56, 24)
    assert (report["architectures_train"], report["architectures_test"]) == (14, 6)


def test_ordered_splits_test_new_architectures_only(alone):
    first, later = nets(30, 0)[:20], nets(30, 0)[20:]
    archs = [*first, *later, *first]
    report = evaluate(table(archs, law(archs)), "constant", 20, "ordered")["models"]["constant"]
    assert (report["n_train"], report["n_test"], report["architectures_test"]) == (20, 10, 10)
    with pytest.raises(UsageError, match="40 rows of 20 different architectures.* 0 rows of others to test on"):
        evaluate(table(first * 2, law(first * 2)), "constant", 20, "ordered")


def test_rows_of_a_campaign_that_were_fitted_on_are_not_test_rows():
    archs = SPACE.sample(30, seed=0)
    data = table([*archs, *archs[:5]], noisy([*archs, *archs[:5]]), (FIT,) * 20 + (TEST,) * 15)
    report = evaluate_roles(data, "lut")["models"]["lut"]
    assert (report["n_train"], report["n_test"]) == (20, 10)
    assert len(held_out(data, "lut", 0.8)[0]) == 10


def test_errors_and_intervals_are_those_on_new_architectures(alone):
    data = repeated(40, 10)
    new = [arch for arch in nets(400, 7) if arch not in set(data.architectures)]
    truth_s = law(new) * np.exp(0.01 * np.random.default_rng(8).standard_normal(len(new)))
    result = train(data, "lut")
    answer = result.model.predict(new)
    real = 100 * float(np.abs(answer.latency_s / truth_s - 1).mean())
    assert real > 5  # far above the noise of 1 %
    assert result.metrics["mape"] == pytest.approx(real, rel=0.5)
    assert evaluate(data, "lut", 0.8, "random", 3)["models"]["lut"]["as_measured"]["mape"] == pytest.approx(real, rel=0.6)
    assert ((answer.low_s <= truth_s) & (truth_s <= answer.high_s)).mean() >= 0.8


@pytest.mark.parametrize("model", ["lut", "polynomial", "ridge", "constant", "lightgbm"])
def test_intervals_cover_new_architectures(model):
    covered = []
    for seed in range(6 if model != "lightgbm" else 3):
        data = repeated(25, 4, seed, noise=0.03)
        new = [arch for arch in nets(300, 50 + seed) if arch not in set(data.architectures)]
        truth_s = law(new) * np.exp(0.03 * np.random.default_rng(seed).standard_normal(len(new)))
        answer = train(data, model, "none").model.predict(new)
        covered.append(((answer.low_s <= truth_s) & (truth_s <= answer.high_s)).mean())
    assert 0.84 <= np.mean(covered) <= 0.98


def test_auto_is_not_won_by_a_model_that_recognises_architectures():
    data = repeated(40, 5)
    shuffled = replace(data, values=0.01 * np.exp(0.5 * np.random.default_rng(0).standard_normal(40))[
        Groups.of_keys(data.architectures).numbers
    ])  # fmt: skip
    assert train(shuffled, "auto", "none", candidates=["constant", "ridge", "lut", "lightgbm"]).model.chosen == "constant"


def test_few_different_architectures_have_no_interval_however_many_rows():
    data = repeated(8, 20)
    assert train(data, "ridge").model.log_interval_half_width_ is None
    with pytest.raises(DataError, match="80 rows of 4 different architectures to fit on; at least 5"):
        train(repeated(4, 20), "ridge")
    with pytest.raises(DataError, match="all 6 rows are one architecture"):
        calibrate(cost_model("constant", TABLE).fit(nets(1, 0) * 6, np.ones(6)), nets(1, 0) * 6, np.ones(6))


def test_a_level_is_found_between_repeats_that_the_model_cannot_predict():
    data = repeated(40, 10)
    moved = data.values * np.exp(np.where(np.arange(400) < 200, 0.0, 0.15))
    features = Features(TABLE)
    drift = estimate_drift(features, features.encode(data.architectures), moved, np.arange(400))
    assert drift.level.range == pytest.approx(np.expm1(0.15), abs=0.02)
    still = estimate_drift(features, features.encode(data.architectures), data.values, np.arange(400))
    assert still.is_none


def test_what_other_rows_tell_is_taken_out():
    rng = np.random.default_rng(0)
    groups = Groups.of_keys(np.repeat(range(40), 5))
    own, noise = rng.normal(0, 0.3, 40)[groups.numbers], rng.normal(0, 0.01, 200)
    assert without_own(groups, own + noise).std() < 0.02
    assert without_own(groups, 10 * noise).std() < 1.15 * (10 * noise).std()
    alone = Groups.of_keys(range(200))
    assert without_own(alone, own) is own


# -- several measurements of one net ------------------------------------------------------------------------------------


@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=9), st.floats(5, 100), st.integers(0, 8))
def test_one_measurement_far_off_moves_no_middle(seconds, factor, which):
    spoiled = np.array(seconds)
    spoiled[which % len(seconds)] *= factor
    middle = Middles.of(Groups.of_keys([0] * len(seconds)), spoiled, np.ones(len(seconds))).values[0]
    assert min(seconds) <= middle <= max(seconds)


def test_fits_see_each_architecture_once_and_doubtful_ones_hardly():
    groups = Groups.of_keys([0, 1, 0, 2, 2])
    genes = np.array([[1.0], [2.0], [1.0], [3.0], [3.0]])
    seconds = np.array([0.1, 0.2, 0.1, 0.01, 0.23])
    got, middles, weights = merged(groups, genes, seconds, np.ones(5))
    assert got.ravel().tolist() == [1, 2, 3]
    assert middles == pytest.approx([0.1, 0.2, 0.12])
    assert weights[0] == weights[1] > 100 * weights[2]
    assert merged(Groups.of_keys(range(5)), genes, seconds, np.ones(5))[1] is seconds


def with_net(latencies_s: list[float], noise: float = 0.01, repeats: int = 1) -> tuple[Data, Architecture, float]:
    """Thirty nets, and one more that was measured at these multiples of its true latency."""
    archs = SPACE.sample(31, seed=2)
    others, net = archs[:30] * repeats, archs[30]
    truth_s = float(additive([net])[0])
    rows = [*others, *[net] * len(latencies_s)]
    return table(rows, np.array([*noisy(others, noise, 3), *(truth_s * one for one in latencies_s)])), net, truth_s


@pytest.mark.parametrize("times", [[1.0, 23.0], [23.0, 1.0], [1.0, 1.01, 23.0], [1.0, 0.99, 1.0, 1.01, 23.0], [23.0]])
@pytest.mark.parametrize("model", ["lut", "hybrid"])
def test_a_measurement_far_off_is_not_the_answer(model, times, tmp_path):
    data, net, truth_s = with_net(times)
    fitted = train(data, model).model
    answer = fitted.with_measured().predict([net])
    assert answer.latency_s[0] == pytest.approx(truth_s, rel=0.05)
    assert answer.low_s[0] <= truth_s <= answer.high_s[0]
    assert fitted.with_measured()(net) == answer.latency_s[0]
    if times.count(23.0) * 2 >= len(times):
        assert net.genes not in fitted.measured_
        assert ("23" in fitted.doubts_[net.genes]) is (len(times) == 2)
        assert "times what" in fitted.doubts_[net.genes] or "factor of 23" in fitted.doubts_[net.genes]
    again = load(fitted.save(tmp_path / "model"))
    assert again.doubts_ == fitted.doubts_
    for field in ("latency_s", "low_s", "high_s"):
        assert np.array_equal(getattr(again.with_measured().predict([net]), field), getattr(answer, field))


def test_repeats_that_agree_are_the_answer_even_where_the_model_is_wrong():
    data, net, truth_s = with_net([3.0, 3.01, 3.02])
    fitted = train(data, "lut").model
    assert fitted.with_measured()(net) == pytest.approx(3.01 * truth_s)
    assert fitted(net) == pytest.approx(truth_s, rel=0.05)
    assert fitted.doubts_ == {}


def test_the_interval_of_a_hit_covers_another_measurement():
    covered, widths = [], []
    for seed in range(30):
        data = repeated(20, 3, seed, noise=0.05)
        fitted = train(data, "ridge", "none").model
        hits = [TABLE.architecture(genes) for genes in fitted.measured_]
        once_more = law(hits) * np.exp(0.05 * np.random.default_rng(seed + 99).standard_normal(len(hits)))
        answer = fitted.with_measured().predict(hits)
        covered += ((answer.low_s <= once_more) & (once_more <= answer.high_s)).tolist()
        widths.append(np.median(np.log(answer.high_s / answer.latency_s)))
    assert 0.87 <= np.mean(covered) <= 0.98
    assert np.median(widths) < 0.2 < fitted.log_interval_half_width_  # far narrower than what the model knows of new nets


def test_the_interval_of_a_hit_is_never_narrower_than_its_repeats():
    data, net, truth_s = with_net([0.95, 1.05], noise=0.03, repeats=3)
    fitted = train(data, "lut").model
    answer = fitted.with_measured().predict([net])
    assert fitted.measured_[net.genes] == answer.latency_s[0] == pytest.approx(truth_s)
    assert answer.low_s[0] <= 0.95 * truth_s
    assert answer.high_s[0] >= 1.05 * truth_s
    assert np.median(list(fitted.measured_half_widths_.values())) < fitted.measured_half_widths_[net.genes]


def test_one_measurement_is_no_surer_than_the_noise_of_one():
    data, net, _ = with_net([1.0], noise=0.02, repeats=6)
    fitted = train(data, "lut").model
    assert fitted.noise_half_width_ == pytest.approx(1.645 * 0.02, rel=0.25)
    answer = fitted.with_measured().predict([net])
    assert np.log(answer.high_s / answer.latency_s)[0] == pytest.approx(2**0.5 * fitted.noise_half_width_)
    data, net, _ = with_net([1.0], noise=0.02)
    fitted = train(data, "lut").model
    assert fitted.noise_half_width_ == fitted.log_interval_half_width_


def test_hits_of_a_model_without_an_interval_have_their_repeats_to_go_by():
    fitted = train(repeated(8, 4), "ridge").model
    hit, new = TABLE.architecture(next(iter(fitted.measured_))), nets(60, 3)[-1]
    answer = fitted.with_measured().predict([hit, new])
    assert answer.low_s[0] < answer.latency_s[0] < answer.high_s[0]
    assert np.isnan(answer.low_s[1])
    assert np.isnan(fitted.with_measured().predict([new]).low_s).all()


def test_folders_of_before_are_read(tmp_path):
    archs = SPACE.sample(30, seed=0)
    model = calibrate(cost_model("lut", SPACE).fit(archs, noisy(archs)), archs, noisy(archs))
    folder = model.save(tmp_path / "model")
    assert not (folder / "hits.json").exists()
    config = json.loads((folder / "config.json").read_text())
    del config["state"]["noise"], config["state"]["n_architectures"]
    (folder / "config.json").write_text(json.dumps(config))
    again = load(folder)
    assert again.n_architectures_ == 30
    assert again.with_measured().predict(archs).low_s.tolist() == model.with_measured().predict(archs).low_s.tolist()


def test_the_error_distribution_has_one_error_per_architecture():
    model = cost_model("constant", TABLE)
    keep_errors(model, np.array([9.0] * 100 + list(range(10, 30))), Groups.of_keys([0] * 100 + list(range(1, 21))))
    assert model.errors_.tolist() == list(range(9, 30))


def test_two_measurements_have_their_weighted_mean_and_both_are_kept():
    rows, weights = np.array([1.0, 5.0, 1.1, 7.0, 9.0]), np.array([1.0, 2.0, 3.0, 1.0, 0.5])
    middles = Middles.of(Groups.of_keys(["a", "b", "a", "c", "b"]), rows, weights)
    assert middles.values.tolist() == [np.average(rows[[0, 2]], weights=weights[[0, 2]]), (10.0 + 4.5) / 2.5, 7.0]
    assert middles.is_kept.all()
    np.testing.assert_allclose(middles.deviations[[1, 4]], np.sqrt(2) * np.log(rows[[1, 4]] / 5.8))
    assert middles.deviations[3] == 0.0
