"""What winners are worth: chosen for their predictions, they flatter; measured, the best one is known."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest

from hwcost.cost_models.families.lut import LookupTable
from hwcost.cost_models.training.intervals import CHECK_ERRORS
from hwcost.errors import UsageError
from hwcost.objectives import Constraint, Maximize, Minimize
from hwcost.objectives.sizes import Params
from hwcost.pareto import front
from hwcost.study import search
from hwcost.study.error_model import LeftOut
from hwcost.study.judged import Judged
from hwcost.study.refits import Refits
from hwcost.study.selection import selection_bias
from hwcost.study.verification import verify
from tests.study.machines import SPACE, fastest, fitted, machine, measure_with, middle_size


def test_refits_vary_about_the_model_and_are_drawn_by_their_seed() -> None:
    model = fitted(machine(0), 0)
    genes = model.features.encode(SPACE.sample(30, seed=5))
    first, again, other = (Refits.of(model, 12, seed).log_values(genes) for seed in (0, 0, 1))
    assert first.shape == (12, 30)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.abs(first.mean(axis=0) - np.log(model.predict(SPACE.sample(30, seed=5)).values)).max() < 0.1
    assert (first.std(axis=0) > 0).all()


def test_other_values_of_the_cost_model_change_what_asks_it_and_nothing_else() -> None:
    model = fitted(machine(0), 0)
    found = search(
        SPACE, [Minimize(model), Maximize(Params(SPACE))], [Constraint(model, most=1.25e-3, probability=0.5)],
        searcher="random", evaluations=60, seed=0,
    )  # fmt: skip
    judged = Judged.of(found, model)
    values = model.predict_encoded(judged.genes)
    assert np.array_equal(judged.with_true(values), judged.with_predicted(values))
    assert np.array_equal(judged.with_predicted(values), found.problem.losses(found.completed))
    slower = judged.with_true(1.2 * values)
    assert np.array_equal(np.isinf(slower).all(axis=1), 1.2 * values > 1.25e-3)
    kept = np.isfinite(slower).all(axis=1)
    assert np.array_equal(slower[kept, 1], judged.losses[kept, 1])
    assert set(judged.best(slower)) == set(np.flatnonzero(kept)[front(slower[kept])])


def test_winners_by_boosted_trees_are_corrected_towards_what_they_are_worth() -> None:
    plain, corrected = [], []
    for seed in range(3):
        true = machine(seed, 0.1)
        model = fitted(true, seed, "xgboost", 50, 0.05, rounds=60)
        found = fastest(model, middle_size(), seed)
        winner, bias = found.best.architecture, selection_bias(found, model, seed=seed)
        assert bias is not None
        worth = true([winner])[0]
        plain.append(math.log(worth / model(winner)))
        corrected.append(math.log(worth / bias.corrected(model(winner))))
    assert np.mean(plain) > 0.02
    assert 0.8 * np.mean(plain) > np.mean(corrected) > -0.01


def test_without_choice_nothing_flatters() -> None:
    model = fitted(machine(0), 0)
    alone = search(SPACE, [Minimize(model)], searcher="random", evaluations=1, seed=0)
    ratio = selection_bias(alone, model)
    assert ratio is not None
    assert abs(ratio.log_ratio) < 3 * ratio.error + 1e-3
    model.measured_ = {}
    assert selection_bias(alone, model) is None


def test_the_best_is_measured_with_the_probability_that_is_claimed() -> None:
    claims, truths = [], []
    for seed in range(6):
        true = machine(seed)
        model = fitted(true, seed)
        found = fastest(model, middle_size(), seed, 200)
        state = verify(found, model, measure_with(true, seed), most=12, tolerance=0.03, seed=seed)
        worth = true([trial.architecture for trial in found.completed]).min()
        assert len(state.measured) <= 12
        assert state.is_sure == (state.probability >= 0.95)
        claims.append(state.probability)
        truths.append(true([state.best])[0] <= 1.03 * worth)
    assert max(claims) >= 0.95
    assert np.mean(truths) >= np.mean(claims) - 0.1


def test_the_model_learns_and_a_net_that_flatters_is_found_out() -> None:
    true = machine(3)
    model = fitted(true, 3)
    asked: list = []

    def measure(archs):
        asked.extend(archs)
        return [
            (one, 0.99 * one, 1.01 * one)
            for one in true(archs) * np.where([arch == asked[0] for arch in archs], 1.1, 1.0)
        ]  # fmt: skip

    state = verify(fastest(model, middle_size(), 3), model, measure, most=8, batch=2)
    assert list(state.measured) == asked
    assert state.best in asked[1:]
    assert (state.rounds, len(asked)) == (4, 8)
    assert state.cost is not model
    assert state.cost.n_architectures_ == model.n_architectures_ + len(set(asked) - {*SPACE.sample(24, seed=3)})


def test_a_verification_ends_when_nothing_could_be_measured() -> None:
    model = fitted(machine(0), 0)
    found = fastest(model, 0.0, evaluations=3)
    state = verify(found, model, lambda archs: [(None, None, None) for _ in archs], most=10)
    assert (state.best, state.is_sure, state.measured) == (None, False, {})


def test_a_bound_on_latency_is_verified_with_what_was_measured() -> None:
    true = machine(1)
    model = fitted(true, 1, n=40)
    most = float(np.median(true(SPACE.sample(50, seed=2))))
    bound = Constraint(model, most=most, probability=0.5)
    found = search(SPACE, [Maximize(Params(SPACE))], [bound], searcher="evolution", evaluations=400, seed=0)
    state = verify(found, model, measure_with(true, 1), most=12)
    assert state.best is not None
    assert true([state.best])[0] <= 1.01 * most
    slow = verify(found, model, lambda archs: [(2 * most, 1.9 * most, 2.1 * most) for _ in archs], most=3)
    assert slow.best is None
    assert not slow.is_sure


def test_what_cannot_be_measured_is_left_out() -> None:
    model = fitted(machine(2), 2)
    found = fastest(model, middle_size(), 2, 100)
    asked: list = []

    def measure(archs):
        asked.extend(archs)
        return [(None, None, None) for _ in archs]

    state = verify(found, model, measure, most=6)
    assert (state.best, state.probability, state.measured) == (None, 0.0, {})
    assert len(asked) == len(set(asked)) == 6


def test_a_front_and_strange_models_are_refused() -> None:
    model, other = fitted(machine(0), 0), fitted(machine(1), 1)
    two = search(SPACE, [Minimize(model), Maximize(Params(SPACE))], searcher="random", evaluations=20, seed=0)
    with pytest.raises(UsageError, match="takes one objective"):
        verify(two, model, measure_with(machine(0), 0))
    with pytest.raises(UsageError, match="asks this cost model"):
        verify(fastest(model, 0, 0, 20), other, measure_with(machine(0), 0))


def priced(seed: int, factor: float, checks: int = 0):
    """Returns a table of measured components that is off by a factor, and true latencies, 3 % off what nets sum up to."""
    rng = np.random.default_rng(seed)
    names = [part.name for part in SPACE.components()]
    prices = factor * 1e-4 * np.exp(0.1 * rng.standard_normal(len(names)))
    model = LookupTable.from_components(SPACE, dict(zip(names, prices, strict=True)), factor * 1e-3)
    own = defaultdict(lambda: math.exp(0.03 * rng.standard_normal()) / factor)

    def true(archs):
        return np.array([own[arch.genes] * model(arch) for arch in archs])

    archs = SPACE.sample(checks or 1, seed=seed)
    model.provenance = {CHECK_ERRORS: np.log(true(archs) / model.predict(archs).values).tolist()} if checks else {}
    return model, true


@pytest.mark.parametrize("checks", [0, 10])
def test_prices_that_are_off_as_a_whole_make_no_measured_net_the_best_of_all(checks: int) -> None:
    claims, truths = [], []
    for seed in range(2):
        model, true = priced(seed, 1.05, checks)
        found = search(SPACE, [Minimize(model)], searcher="random", evaluations=100, seed=seed)
        state = verify(found, model, measure_with(true, seed), most=3, seed=seed)
        claims.append(state.probability)
        truths.append(true([state.best])[0] <= 1.01 * true([trial.architecture for trial in found.completed]).min())
    assert not all(truths)
    assert max(claims) < 0.95
    assert min(claims) > 0.01


def test_a_level_common_to_all_predictions_changes_no_probability() -> None:
    states = []
    for factor in (1.0, 1.3, 0.8):
        model, true = priced(2, factor, 10)
        found = search(SPACE, [Minimize(model)], searcher="random", evaluations=60, seed=0)
        states.append(verify(found, model, measure_with(true, 0), most=6, seed=0))
    assert len({state.best for state in states}) == 1
    assert [state.probability for state in states[1:]] == pytest.approx([states[0].probability] * 2, abs=1e-6)


def test_where_nothing_tells_the_errors_there_is_no_probability() -> None:
    model, true = priced(0, 1.0)
    found = search(SPACE, [Minimize(model)], searcher="random", evaluations=30, seed=0)
    state = verify(found, model, measure_with(true, 0), most=2)
    assert (state.probability, state.is_sure, len(state.measured)) == (None, False, 2)
    everything = search(SPACE, [Minimize(model)], searcher="random", evaluations=2, seed=0)
    assert verify(everything, model, measure_with(true, 0), most=2).is_sure
    bare = verify(everything, model, lambda archs: [(one, None, None) for one in true(archs)], most=2)
    assert bare.probability is None


def test_models_of_few_rows_err_as_their_left_out_rows_say() -> None:
    true = machine(2)
    model = fitted(true, 2, n=6)
    assert model.errors_ is None
    left_out = LeftOut.of(model)
    assert len(left_out.squares) == 6
    assert left_out.squares.mean() > 0.02**2
    state = verify(fastest(model, middle_size(), 2, 20), model, measure_with(true, 2), most=1)
    assert state.probability < 0.95
