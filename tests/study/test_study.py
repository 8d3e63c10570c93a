"""The loop: what is kept, what ends it, what is told again, and who evaluates."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from hwcost import pareto
from hwcost.errors import (
    InfeasibleError,
    UsageError,
)
from hwcost.objectives import Constraint, Maximize, Minimize
from hwcost.study import search
from tests.study.searches import SIZE, SPACE, both, depth


def test_a_study_keeps_everything_it_evaluated() -> None:
    study = both()
    assert study.stopped == "70 evaluations"
    assert study.evaluations == study.iterations == len(study.trials) == 70
    assert [trial.number for trial in study.trials] == list(range(70))
    for trial in study.trials:
        assert trial.values == (SIZE(trial.architecture), depth(trial.architecture))
    losses = np.array([[size, -quality] for size, quality in (trial.values for trial in study.trials)])
    expected = sorted({tuple(row) for row in losses[pareto.front(losses)]})
    assert [(size, -quality) for size, quality in (trial.values for trial in study.front)] == expected
    corner = (2 * losses[:, 0].max(), 0.0)
    assert study.hypervolume(corner) == pytest.approx(pareto.hypervolume(losses, [corner[0], 0.0]))
    growth = study.convergence(corner)
    assert (np.diff(growth) >= 0).all()
    assert growth[-1] == pytest.approx(study.hypervolume(corner))


def test_one_objective_has_a_best_trial_and_several_have_not() -> None:
    study = search(SPACE, [Maximize(depth)], [Constraint(SIZE, most=400_000)], evaluations=300)
    assert study.best.values[0] == max(trial.values[0] for trial in study.completed)
    assert study.convergence()[-1] == study.best.values[0]
    assert SIZE(study.best.architecture) <= 400_000
    with pytest.raises(UsageError, match="has a front and no best trial"):
        _ = both().best
    with pytest.raises(UsageError, match="needs a reference point"):
        both().hypervolume()


def test_where_no_trial_is_completed_the_error_has_the_reason_of_the_last() -> None:
    study = search(SPACE, [Minimize(lambda arch: "wide", "width")], searcher="random", evaluations=3)
    with pytest.raises(UsageError, match=r"none of 3 trials is completed \(the last one: width: .*wide.*\); see study"):
        _ = study.best


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ({"iterations": 25}, "25 iterations"),
        ({"evaluations": 30}, "30 evaluations"),
        ({"patience": 20}, "20 evaluations without improvement"),
        ({"seconds": 1e-9}, "1e-09 seconds"),
    ],
)
def test_searches_end(end, message) -> None:
    assert search(SPACE, [Minimize(SIZE)], searcher="random", batch=5, **end).stopped == message


def test_a_reference_is_evaluated_first_and_dominated_later() -> None:
    middle = SPACE.architecture([gene.choices[len(gene.choices) // 2] for gene in SPACE.genes])
    study = both(reference=middle, dominate=2, evaluations=None)
    assert study.trials[0].architecture == middle
    assert study.stopped == "2 architectures dominate the reference"
    for trial in study.dominating:
        assert trial.values[0] <= study.trials[0].values[0]
        assert trial.values[1] >= study.trials[0].values[1]
    assert study.hypervolume() > 0


def test_rejections_have_reasons() -> None:
    middle = float(np.median([SIZE(arch) for arch in SPACE.sample(99)]))
    study = search(SPACE, [Maximize(depth)], [Constraint(SIZE, most=middle)], evaluations=50)
    assert study.rejections
    assert len({rejection.architecture for rejection in study.rejections}) == len(study.rejections)
    for one in study.rejections[:20]:
        assert SIZE(one.architecture) > middle
        assert one.constraint == "params"
        assert one.reason == f"params {SIZE(one.architecture):.6g} is above {middle:.6g}"
    with pytest.raises(InfeasibleError, match="'params' rejected .* With all the first choices: params .* is above 1000"):
        search(SPACE, [Maximize(depth)], [Constraint(SIZE, most=1000.0)], evaluations=5)


def test_repeats_are_told_again_or_evaluated_anew() -> None:
    calls = []

    def noisy(arch):
        calls.append(arch)
        return depth(arch) + 0.01 * len(calls)

    flies = {"population": 6}
    skipped = search(SPACE, [Maximize(noisy)], searcher="firefly", iterations=120, searcher_options=flies)
    assert len(calls) == skipped.evaluations == len(skipped.trials) < 120
    calls.clear()
    repeated = search(SPACE, [Maximize(noisy)], searcher="firefly", iterations=120, searcher_options=flies, repeats="repeat")
    assert len(calls) == len(repeated.trials) == 120
    assert repeated.evaluations == len(set(calls)) < 120


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_results_do_not_depend_on_who_evaluates(pool) -> None:
    with pool(2) as executor:
        shared = both(executor=executor)
    alone = both()
    assert [(trial.architecture, trial.values) for trial in shared.trials] == [
        (trial.architecture, trial.values) for trial in alone.trials
    ]
