"""Trials that fail or are infeasible: each has its reason, and none ends a search."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from hwcost.errors import (
    DeviceError,
    MeasurementError,
    UsageError,
)
from hwcost.objectives import Constraint, Maximize, Minimize, Params
from hwcost.spaces import Candidates
from hwcost.study import search
from tests.study.searches import SIZE, SPACE, depth


def test_limits_that_are_told_back_make_trials_infeasible() -> None:
    limit = Constraint(depth, most=40.0, name="depth", measured=True)
    study = search(SPACE, [Minimize(SIZE)], [limit], evaluations=40, searcher="bayesian", searcher_options={"initial": 8})
    broken = [trial for trial in study.trials if trial.status == "infeasible"]
    assert broken
    for trial in broken:
        assert trial.violation == pytest.approx(trial.measured["depth"] / 40 - 1)
        assert "depth" in trial.reason
        assert trial.values == (SIZE(trial.architecture),)
    assert all(trial.measured["depth"] <= 40 for trial in study.completed)
    assert len(broken) < 20, "the searcher learns where the limit is"


def test_limits_that_are_told_back_have_names_of_their_own() -> None:
    limits = [Constraint(lambda arch: 10.0, most=5.0, measured=True), Constraint(lambda arch: 1.0, most=5.0, measured=True)]
    with pytest.raises(UsageError, match="need different names"):
        search(SPACE, [Minimize(SIZE)], limits, evaluations=3)
    limits[1].name = "second"
    study = search(SPACE, [Minimize(SIZE)], limits, evaluations=3)
    assert {trial.status for trial in study.trials} == {"infeasible"}
    assert study.trials[0].measured == {"<lambda>": 10.0, "second": 1.0}


def sometimes(arch) -> float:
    if arch.genes[0] == SPACE.genes[0].choices[0]:
        raise ValueError("too narrow")
    return math.nan if arch.genes[1] == SPACE.genes[1].choices[0] else depth(arch)


@pytest.mark.parametrize("name", ["random", "evolution", "nsga2", "firefly", "bayesian"])
def test_trials_that_fail_do_not_end_a_search(name) -> None:
    study = search(SPACE, [Maximize(sometimes)], searcher=name, iterations=200, seed=5)
    reasons = {trial.reason for trial in study.trials if trial.status == "failed"}
    assert reasons <= {
        "sometimes: ValueError: too narrow", "sometimes is nan: not a number, or outside what its cost model was fitted on"
    }  # fmt: skip
    assert all(trial.values == () for trial in study.trials if trial.status == "failed")
    assert study.best.status == "completed"


LAST = len(SPACE.genes[0].choices) - 1


class Partly:
    """A function of codes that is not known where the first gene has its last choice."""

    name, space = "partly", SPACE

    def __call__(self, arch) -> float:
        return float(self.predict_codes(Candidates.of(SPACE, [arch]).codes)[0])

    def predict_codes(self, codes):
        sums = 1.0 + codes.sum(axis=1)
        return np.where(codes[:, 0] == LAST, np.nan, sums)


def test_one_unknown_value_fails_one_trial_of_a_batch() -> None:
    study = search(SPACE, [Minimize(Partly()), Minimize(SIZE)], searcher="random", evaluations=100)
    first = [Candidates.of(SPACE, [trial.architecture]).codes[0, 0] for trial in study.trials]
    failed = [trial.status == "failed" for trial in study.trials]
    assert failed == [code == LAST for code in first]
    assert 0 < sum(failed) < len(failed)
    for number, trial in enumerate(study.trials):
        values = () if trial.status == "failed" else (Partly()(trial.architecture), SIZE(trial.architecture))
        assert (trial.values, trial.number, trial.seconds) == (values, number, 0.0)


def test_a_search_in_which_everything_fails_says_why() -> None:
    def broken(arch):
        raise RuntimeError("no disk")

    with pytest.raises(UsageError, match="all of the first .* failed; the last one: broken: RuntimeError: no disk"):
        search(SPACE, [Minimize(broken)], evaluations=500, searcher="random", batch=5)

    def absent(arch):
        raise DeviceError("no such device here")

    with pytest.raises(DeviceError):
        search(SPACE, [Minimize(absent)], evaluations=5)


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (lambda arch: None, "returned None; expected a number"),
        (lambda arch: "3 units", "returned '3 units'; expected a number"),
        (lambda arch: (1, 2), r"returned \(1, 2\); expected a number"),
        (lambda arch: sys.exit(0), "SystemExit: 0"),
    ],
)
def test_a_function_that_gives_no_number_fails_its_trials(says, told) -> None:
    with pytest.raises(UsageError, match=f"all of the first .* failed; the last one: quality: .*{told}"):
        search(SPACE, [Maximize(says, name="quality")], evaluations=40, searcher="random")


def test_a_measurement_that_is_not_valid_is_one_trials_end() -> None:
    def measured(arch) -> float:
        if arch.genes[0] > 30:
            raise MeasurementError("every visit is void")
        return depth(arch)

    study = search(SPACE, [Maximize(measured), Minimize(depth)], searcher="random", evaluations=40)
    failed = [trial for trial in study.trials if trial.status == "failed"]
    assert failed
    assert all(trial.reason == "measured: every visit is void" for trial in failed)


def test_measurements_that_are_all_invalid_are_not_an_error_of_the_function() -> None:
    def void(arch) -> float:
        raise MeasurementError("every visit is void")

    with pytest.raises(MeasurementError, match="all of the first .* failed; the last one: void: every visit is void"):
        search(SPACE, [Maximize(void)], searcher="random", evaluations=40)
    with pytest.raises(MeasurementError, match="the reference .* could not be evaluated: void: every visit is void"):
        search(SPACE, [Maximize(void)], searcher="random", evaluations=40, reference=SPACE.sample(1)[0])


def test_batched_functions_that_break_fail_their_trials() -> None:
    class Broken(Params):
        def predict_codes(self, codes):
            raise ZeroDivisionError("no")

    with pytest.raises(UsageError, match="params: ZeroDivisionError: no"):
        search(SPACE, [Minimize(Broken(SPACE))], searcher="random", evaluations=40, batch=10)
