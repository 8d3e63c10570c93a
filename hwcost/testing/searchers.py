"""The conformance suite of searchers: what every searcher promises, as tests.

::

    class TestMySearcher(SearcherSuite):
        def make(self, problem, seed=0):
            return MySearcher(problem, seed)
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import pytest

from hwcost.errors import InfeasibleError, SpaceExhausted, UsageError
from hwcost.objectives import Constraint, Minimize, Objective, Params
from hwcost.searchers import Problem, Searcher, Trial
from hwcost.spaces import space as make_space
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.study import Stopping, Study


class SearcherSuite(ABC):
    """Subclass it as ``Test...`` and implement :meth:`make`.

    Attributes:
        repeats: Whether the searcher may ask again for candidates whose trials it knows.
    """

    repeats: ClassVar[bool] = False

    @abstractmethod
    def make(self, problem: Problem, seed: int = 0) -> Searcher:
        """Makes the searcher."""

    def space(self) -> SearchSpace:
        """Returns a small space."""
        return make_space("supershaper", scale="mini")

    def problem(self, *constraints: Constraint) -> Problem:
        """Returns a problem with one objective."""
        space = self.space()
        return Problem(space, [Minimize(Params(space))], constraints)

    def constraint(self) -> Constraint:
        """Returns a constraint that about half of the space satisfies."""
        params = Params(self.space())
        middle = float(np.median([params(arch) for arch in self.space().sample(50)]))
        return Constraint(params, most=middle)

    def trial(self, problem: Problem, arch: Architecture) -> Trial:
        """Returns the trial of an architecture."""
        return Trial(arch, values=tuple(float(objective.value(arch)) for objective in problem.objectives))

    def asked(self, searcher: Searcher, problem: Problem, rounds: int, n: int = 7) -> list[Architecture]:
        """Asks and tells for some rounds, or until nothing is left, and returns the architectures that were asked for."""
        found: list[Architecture] = []
        for _ in range(rounds):
            try:
                archs = searcher.ask(n)
            except SpaceExhausted:
                break
            found += archs
            searcher.tell([self.trial(problem, arch) for arch in archs])
        return found

    def test_it_asks_for_points_of_the_space(self) -> None:
        """No more than were wanted, each of them a point of the space."""
        problem = self.problem()
        searcher = self.make(problem)
        archs = searcher.ask(5)
        assert 1 <= len(archs) <= 5
        assert [problem.space.architecture(arch.genes) for arch in archs] == list(archs)

    def test_it_asks_for_nothing_twice(self) -> None:
        """Unless it says so."""
        problem = self.problem()
        archs = self.asked(self.make(problem), problem, 5)
        assert self.repeats or len(set(archs)) == len(archs)

    def test_equal_seeds_give_equal_searches(self) -> None:
        """This holds on any machine, and after any interruption."""
        first, again = (self.asked(self.make(problem, 3), problem, 5) for problem in (self.problem(), self.problem()))
        assert first == again

    def test_a_state_goes_on_as_the_search_would_have(self) -> None:
        """The state is plain JSON, pending results included."""
        problem = self.problem()
        searcher = self.make(problem, 1)
        self.asked(searcher, problem, 4)
        try:
            pending = list(searcher.ask(3))
        except SpaceExhausted:
            pending = []
        state = json.loads(json.dumps(searcher.state(), allow_nan=False))
        other = self.make(self.problem(), 1)
        other.restore(state)
        ends = []
        for one in (searcher, other):
            one.tell([self.trial(problem, arch) for arch in pending])
            ends.append(self.asked(one, problem, 3))
        assert ends[0] == ends[1]
        assert json.dumps(searcher.state()) == json.dumps(other.state())

    def test_states_of_others_are_refused(self) -> None:
        """A seed is part of what a search is."""
        problem = self.problem()
        with pytest.raises(UsageError, match="with seed 2"):
            self.make(problem, 1).restore(self.make(problem, 2).state())

    def test_it_takes_results_in_any_order_and_of_what_it_never_asked_for(self) -> None:
        """Also failed ones, and ones that violate a measured constraint."""
        problem = self.problem()
        searcher = self.make(problem)
        foreign = problem.space.sample(4, seed=99)
        searcher.tell([
            self.trial(problem, foreign[0]), Trial(foreign[1], "failed", reason="it fell over"),
            Trial(foreign[2], "infeasible", self.trial(problem, foreign[2]).values, violation=0.3),
        ])  # fmt: skip
        archs = searcher.ask(5)
        for arch in reversed(archs):
            searcher.tell([self.trial(problem, arch)])
        assert not searcher.pending
        searcher.tell([])

    def test_everything_may_fail(self) -> None:
        """It goes on asking."""
        problem = self.problem()
        searcher = self.make(problem)
        for _ in range(5):
            try:
                archs = searcher.ask(4)
            except SpaceExhausted:
                return
            searcher.tell([Trial(arch, "failed", reason="always") for arch in archs])

    def test_it_asks_for_feasible_candidates_only(self) -> None:
        """Every candidate that it rejected has a reason."""
        constraint = self.constraint()
        problem = self.problem(constraint)
        searcher = self.make(problem)
        archs = self.asked(searcher, problem, 4, 5)
        assert constraint.feasible(archs).all()
        for rejection in searcher.rejections:
            assert rejection.constraint == constraint.name
            assert "is above" in rejection.reason

    def test_constraints_that_nothing_satisfies_end_the_search(self) -> None:
        """The error names them; no endless search."""
        problem = self.problem(Constraint(Params(self.space()), most=1.0))
        with pytest.raises(InfeasibleError, match="no architecture of space .* satisfies (the constraints|params)"):
            self.make(problem).ask(3)

    def test_small_spaces_end(self) -> None:
        """A space of a few architectures, and of one."""
        for choices in ([8, 16], [8]):
            space = make_space("transformer", layers=[2], hidden=choices, ffn_ratio=[4], heads=[1])
            problem = Problem(space, [Minimize(Params(space))])
            study = Study(problem, self.make(problem)).run(Stopping(iterations=200))
            assert 1 <= study.evaluations <= len(choices)
            assert study.best.architecture.genes[1] == 8

    def test_asking_for_none_is_refused(self) -> None:
        """The error has the number that was given."""
        with pytest.raises(UsageError, match="got 0"):
            self.make(self.problem()).ask(0)

    def test_too_many_objectives_are_refused(self) -> None:
        """Where it has a most."""
        space = self.space()
        objectives: list[Objective] = [Minimize(Params(space), name=f"f{index}") for index in range(4)]
        if type(self.make(self.problem())).max_objectives is None:
            assert self.make(Problem(space, objectives)).ask(2)
        else:
            with pytest.raises(UsageError, match="pursues .* objective"):
                self.make(Problem(space, objectives))
