"""One matrix of codes from ask to tell, an immutable problem, and rejections that belong to the study."""

from __future__ import annotations

import inspect
from dataclasses import fields

import numpy as np
import pytest

import hwcost
from hwcost.objectives import Constraint, Flops, Minimize, Params
from hwcost.searchers import Problem, Trial, Trials, searcher
from hwcost.searchers.random import Random
from hwcost.spaces import Candidates, space
from hwcost.spaces.base import SearchSpace
from hwcost.study import SearchOptions, Stopping, Study, search

SPACE = space("supershaper", scale="mini")
MIDDLE = float(np.median([SPACE.params(arch) for arch in SPACE.sample(99)]))


def problem() -> Problem:
    return Problem(SPACE, [Minimize(Flops(SPACE))], [Constraint(Params(SPACE), most=MIDDLE)])


@pytest.mark.parametrize("name", ["random", "evolution", "nsga2", "firefly", "exhaustive", "exact"])
def test_no_architecture_is_made_where_nobody_asks_for_one(monkeypatch, name) -> None:
    made = []
    real = SearchSpace.made
    monkeypatch.setattr(SearchSpace, "made", lambda self, genes: made.append(genes) or real(self, genes))
    Flops(SPACE).predict_codes(Candidates.of(SPACE, SPACE.sample(1)).codes)  # tables are made once
    made.clear()
    study = Study(problem(), searcher(name, problem(), 3)).run(Stopping(iterations=60))
    assert not made
    assert study.best.architecture.space == SPACE.name
    assert made


def test_models_are_hashed_for_a_log_alone(monkeypatch, tmp_path) -> None:
    hashed = []
    monkeypatch.setattr("hwcost.study.study._digest", lambda value: hashed.append(value))
    Study(problem(), searcher("random", problem(), 3))
    assert not hashed
    Study(problem(), searcher("random", problem(), 3), tmp_path / "log.jsonl").close()
    assert len(hashed) == 2


def test_the_matrix_that_was_asked_for_is_the_one_that_is_learned() -> None:
    class Watched(Random):
        asked: list[Candidates] = []  # noqa: RUF012
        learned: list[Candidates] = []  # noqa: RUF012

        def _ask(self, n, rng):
            self.asked.append(super()._ask(n, rng))
            return self.asked[-1]

        def _tell(self, candidates, losses, violations):
            self.learned.append(candidates)

    search(SPACE, [Minimize(Flops(SPACE))], searcher=Watched, evaluations=30, batch=10)
    assert all(one is other for one, other in zip(Watched.asked, Watched.learned, strict=True))


def test_studies_of_one_problem_share_nothing() -> None:
    shared = problem()
    before = dict(vars(shared))
    first, second = (Study(shared, searcher("evolution", shared, seed)).run(Stopping(evaluations=40)) for seed in (0, 1))
    assert first.rejections is not second.rejections
    assert first.rejections.counts["params"] > 0
    assert shared.references is None
    assert {name: value for name, value in vars(shared).items() if name in before} == before
    for name in ("space", "objectives", "constraints"):
        with pytest.raises(AttributeError):
            setattr(shared, name, ())


def test_a_reference_belongs_to_the_study() -> None:
    shared = problem()
    reference = SPACE.sample(1)[0]
    study = Study(shared, searcher("random", shared), reference=reference).run(Stopping(evaluations=5))
    assert study.references.tolist() == study.searcher.references.tolist() == [SPACE.flops(reference)]
    assert shared.references is None


def test_questions_are_not_rejections() -> None:
    one = problem()
    made = searcher("random", one)
    candidates = Candidates.of(SPACE, SPACE.sample(50))
    mask = one.feasible(candidates)
    assert 0 < mask.sum() < 50
    assert not len(made.rejections)
    assert made.feasible(candidates).tolist() == mask.tolist()
    assert [rejection.architecture for rejection in made.rejections] == list(candidates[~mask])
    assert made.rejections.counts == {"params": 50 - mask.sum()}
    assert made.rejections[:2] == list(made.rejections)[:2]


def test_trials_are_learned_alike_one_by_one_and_together() -> None:
    archs = SPACE.sample(8)
    candidates = Candidates.of(SPACE, archs)
    alone = [Trial(arch, values=(SPACE.flops(arch),)) for arch in archs]
    together = Trials(candidates, [Trial(candidates[row : row + 1], values=one.values) for row, one in enumerate(alone)])
    assert [trial.architecture for trial in together] == archs
    assert list(together[2:5].candidates) == archs[2:5]
    first, second = (searcher("nsga2", problem(), 1) for _ in range(2))
    first.tell(alone)
    second.tell(together)
    assert first.state() == second.state()
    assert list(first.ask()) == list(second.ask())


def test_options_and_the_function_take_the_same() -> None:
    named = set(inspect.signature(hwcost.search).parameters)
    assert {field.name for field in fields(SearchOptions)} <= named
    made = SearchOptions("evolution", {"preset": "hat"}, evaluations=80, seed=2).run(problem())
    one = problem()
    same = search(SPACE, one.objectives, one.constraints, searcher_options={"preset": "hat"}, evaluations=80, seed=2)
    assert made.trials == same.trials
