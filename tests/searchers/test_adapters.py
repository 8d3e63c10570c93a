"""Searchers of other libraries keep the contract too, where they are installed."""

from __future__ import annotations

import pytest

from hwcost.errors import MissingExtraError, UnknownNameError, UsageError
from hwcost.objectives import Maximize, Minimize, Params
from hwcost.searchers import Problem, searcher
from hwcost.spaces import space
from hwcost.study import search
from hwcost.testing.searchers import SearcherSuite

MINI = space("supershaper", scale="mini")


def wide(arch) -> float:
    return float(sum(arch.genes))


class TestOptuna(SearcherSuite):
    repeats = True

    def make(self, problem, seed=0):
        pytest.importorskip("optuna")
        return searcher("optuna", problem, seed)


class TestPymoo(SearcherSuite):
    repeats = True

    def make(self, problem, seed=0):
        pytest.importorskip("pymoo")
        return searcher("pymoo", problem, seed, population=6)


@pytest.mark.torch
@pytest.mark.slow
class TestBotorch(SearcherSuite):
    def make(self, problem, seed=0):
        pytest.importorskip("botorch")
        return searcher("botorch", problem, seed, initial=4)


@pytest.mark.parametrize(("name", "options"), [("optuna", {"sampler": "nsga2"}), ("optuna", {}), ("pymoo", {})])
def test_fronts_are_found_by_others_too(name, options) -> None:
    pytest.importorskip(name)
    both = [Minimize(Params(MINI)), Maximize(wide)]
    study = search(MINI, both, searcher=name, iterations=80, seed=1, searcher_options=options)
    assert study.iterations == 80
    assert len(study.front) > 3


@pytest.mark.parametrize("name", ["optuna", "pymoo"])
@pytest.mark.parametrize("batch", [1, 7])
def test_others_are_told_of_all_that_they_proposed(name, batch) -> None:
    """Also where several points of a space are one net, and batches end elsewhere than generations."""
    pytest.importorskip(name)
    of = space("components", grid="mini")

    def opened(arch) -> float:
        return float(sum(arch.genes))

    options = {"sampler": "nsga2"} if name == "optuna" else {}
    study = search(of, [Minimize(opened)], searcher=name, iterations=400, seed=1, batch=batch, searcher_options=options)
    drawn = [opened(trial.architecture) for trial in study.trials]
    assert sum(drawn[-40:]) < 0.95 * sum(drawn[:40]), "it learns nothing"


def test_a_problem_is_an_objective_of_optuna() -> None:
    optuna = pytest.importorskip("optuna")
    from hwcost.objectives import Constraint
    from hwcost.searchers.optuna_sampler import as_objective

    problem = Problem(MINI, [Maximize(wide)], [Constraint(Params(MINI), most=300_000)])
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(as_objective(problem), n_trials=60)
    assert study.best_value < -64
    assert any(trial.state.name == "PRUNED" for trial in study.trials)


def test_settings_are_checked() -> None:
    problem = Problem(MINI, [Minimize(wide)])
    with pytest.raises((UnknownNameError, MissingExtraError), match="sampler of Optuna 'cmaes'|not installed"):
        searcher("optuna", problem, sampler="cmaes")
    with pytest.raises((UsageError, MissingExtraError), match="at least two members|not installed"):
        searcher("pymoo", problem, population=1)


@pytest.mark.parametrize(("name", "extra"), [("optuna", "search"), ("pymoo", "search"), ("botorch", "bo")])
def test_what_is_not_installed_is_named(monkeypatch, name, extra) -> None:
    import importlib

    real = importlib.import_module

    def missing(wanted, *more):
        if wanted.split(".")[0] == name:
            raise ImportError(wanted)
        return real(wanted, *more)

    monkeypatch.setattr("hwcost._extras.import_module", missing)
    with pytest.raises(MissingExtraError, match=rf"hwcost\[{extra}\]"):
        searcher(name, Problem(MINI, [Minimize(wide)]))
