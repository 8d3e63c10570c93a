"""Every searcher keeps the contract, those of hwcost and one from elsewhere."""

from __future__ import annotations

import pytest

from hwcost.errors import InfeasibleError, UnknownNameError, UsageError
from hwcost.objectives import Constraint, Maximize, Minimize, Params
from hwcost.searchers import SEARCHERS, Problem, exhaustive, searcher
from hwcost.spaces import space
from hwcost.study import search
from hwcost.testing.plugins import registered
from hwcost.testing.searchers import SearcherSuite
from tests.searchers.hill_climbing import HillClimbing


class TestRandom(SearcherSuite):
    def make(self, problem, seed=0):
        return searcher("random", problem, seed)


class TestExhaustive(SearcherSuite):
    def make(self, problem, seed=0):
        return searcher("exhaustive", problem, seed)


class TestEvolution(SearcherSuite):
    def make(self, problem, seed=0):
        return searcher("evolution", problem, seed, population=8, parents=3, mutants=4, crosses=4)


class TestNsga2(SearcherSuite):
    def make(self, problem, seed=0):
        return searcher("nsga2", problem, seed, population=6)


class TestFirefly(SearcherSuite):
    repeats = True

    def make(self, problem, seed=0):
        return searcher("firefly", problem, seed, population=5)


class TestBayesian(SearcherSuite):
    def make(self, problem, seed=0):
        return searcher("bayesian", problem, seed, initial=4)


class TestExact(SearcherSuite):
    def make(self, problem, seed=0):
        return searcher("exact", problem, seed)


class TestElsewhere(SearcherSuite):
    def make(self, problem, seed=0):
        return HillClimbing(problem, seed)


class TestElsewhereWithLists(SearcherSuite):
    """Somebody else's searcher may return a list of architectures."""

    class Listing(HillClimbing):
        def _ask(self, n, rng):
            return list(super()._ask(n, rng))

    def make(self, problem, seed=0):
        return self.Listing(problem, seed)


def problem() -> Problem:
    of = space("supershaper", scale="mini")
    return Problem(of, [Minimize(Params(of))])


def test_unknown_searchers_and_options_are_told() -> None:
    with pytest.raises(UnknownNameError, match="unknown searcher 'evolutoin'. Did you mean 'evolution'"):
        searcher("evolutoin", problem())
    with pytest.raises(UsageError, match="searcher 'random' does not take these options.*preset"):
        searcher("random", problem(), preset="hat")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("evolution", {"preset": "hta"}, "unknown preset of evolution 'hta'. Did you mean 'hat'"),
        ("evolution", {"parents": 0}, "needs members, parents and children"),
        ("evolution", {"probability": 0}, "a probability lies in"),
        ("nsga2", {"population": 1}, "at least two members"),
        ("nsga2", {"probability": 2}, "a probability lies in"),
        ("firefly", {"population": 1}, "need each other"),
        ("bayesian", {"initial": 1}, "at least two trials"),
        ("bayesian", {"goal": "best"}, "unknown goal 'best'"),
    ],
)
def test_settings_that_make_no_sense_are_told(name, options, message) -> None:
    with pytest.raises(UsageError, match=message):
        searcher(name, problem(), **options)


def test_others_register_searchers_under_a_name() -> None:
    of = space("supershaper", scale="mini")
    with registered("hwcost.searchers", {"hill-climbing": "tests.searchers.hill_climbing:HillClimbing"}):
        assert "hill-climbing" in SEARCHERS.names()
        study = search(
            of, [Minimize(Params(of))], searcher="hill-climbing", evaluations=60, seed=4, searcher_options={"step": 1}
        )
    assert "hill-climbing" not in SEARCHERS.names()
    assert study.best.architecture == of.architecture([gene.choices[0] for gene in of.genes])


def test_searchers_that_break_are_not_hidden() -> None:
    class Broken(HillClimbing):
        def _ask(self, n, rng):
            raise ZeroDivisionError("no")

    of = space("supershaper", scale="mini")
    with pytest.raises(UsageError, match=r"the searcher 'hill-climbing' failed in ask\(\): ZeroDivisionError: no"):
        search(of, [Minimize(Params(of))], searcher=Broken, evaluations=5)


def test_models_know_nothing_outside_their_domain() -> None:
    """A searcher that takes a cost model as known does not ask for what the model cannot price."""
    of = space("autodistill")

    class Narrow(Params):
        def in_domain(self, genes):
            return genes[:, 0] < 512

    study = search(of, [Minimize(Narrow(of)), Maximize(of.params, "size")], searcher="bayesian", evaluations=25)
    assert {trial.status for trial in study.trials} == {"completed"}


def test_walks_through_what_limits_refuse_end(monkeypatch) -> None:
    monkeypatch.setattr(exhaustive, "LOOKED", 5_000)
    of = space("supershaper")
    impossible = Constraint(lambda arch: of.params(arch), most=1.0, name="own")
    with pytest.raises(InfeasibleError, match="'own' rejected"):
        search(of, [Minimize(Params(of))], [impossible], searcher="exhaustive", evaluations=5)
