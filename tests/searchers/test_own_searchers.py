"""Searchers of other people: what they give is checked, so that a slip is named and no infeasible architecture wins."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.errors import InfeasibleError, UsageError
from hwcost.objectives import Constraint, Maximize, Params
from hwcost.searchers import Problem, Searcher, operators
from hwcost.spaces import Candidates
from hwcost.spaces import space as make_space
from hwcost.study import search

SPACE = make_space("supershaper", scale="mini")
PARAMS = Params(SPACE)
MIDDLE = PARAMS(SPACE.architecture([32] * 4))


class Own(Searcher):
    """Gives what a function makes of itself, a number and a generator."""

    name = "own"
    max_objectives = 1
    batch = 8

    def __init__(self, problem, seed=0, give=None):
        super().__init__(problem, seed)
        self.give = give

    def _ask(self, n, rng):
        return self.give(self, n, rng)

    def _tell(self, candidates, losses, violations):
        pass


def drawn(searcher, n, rng):
    return Candidates(SPACE, operators.uniform(searcher.problem.sizes, n, rng))


def run(give, most=None, evaluations=40):
    constraints = [] if most is None else [Constraint(PARAMS, most=most)]
    return search(
        SPACE, [Maximize(PARAMS)], constraints, searcher=Own, searcher_options={"give": give}, evaluations=evaluations
    )


def test_a_searcher_that_looks_at_no_constraint_finds_feasible_winners():
    study = run(drawn, MIDDLE)
    assert study.evaluations == 40
    assert all(PARAMS(trial.architecture) <= MIDDLE for trial in study.trials)
    assert len(study.rejections) > 10
    assert "is above" in study.rejections[0].reason


def test_a_searcher_of_infeasible_architectures_only_is_told_so():
    largest = SPACE.architecture([64] * 4)
    with pytest.raises(InfeasibleError, match="'params' rejected 400"):
        run(lambda searcher, n, rng: [largest] * n, MIDDLE)

    smallest = SPACE.architecture([8] * 4)
    study = run(lambda searcher, n, rng: [largest if searcher.evaluated else smallest], MIDDLE)
    assert study.evaluations == 1
    assert study.stopped == "the searcher 'own' asked 50 times in a row for nothing but infeasible architectures"


def test_what_is_given_beyond_the_wanted_number_is_left_out():
    study = run(lambda searcher, n, rng: drawn(searcher, 5 * n, rng), evaluations=10)
    assert study.evaluations == 10


@pytest.mark.parametrize(
    ("give", "said"),
    [
        (lambda searcher, n, rng: None, "'own' gave NoneType from _ask; expected Candidates, such as"),
        (lambda searcher, n, rng: np.zeros((n, 4), int), "'own' gave ndarray from _ask; expected Candidates, such as"),
        (lambda searcher, n, rng: Candidates(SPACE, np.zeros((n, 5))), r"have shape \(n, 4\), got \(8, 5\)"),
        (lambda searcher, n, rng: Candidates(SPACE, np.full((n, 4), 6)), "from 0 to 5, got 6 in row 0"),
        (lambda searcher, n, rng: Candidates(SPACE, np.full((n, 4), -1)), "from 0 to 5, got -1 in row 0"),
        (lambda searcher, n, rng: Candidates(SPACE, rng.random((n, 4))), r"from 0 to 5, got 0\.\d+ in row 0"),
    ],
)  # fmt: skip
def test_what_is_not_candidates_is_refused(give, said):
    with pytest.raises(UsageError, match=said):
        run(give)


def test_classes_that_make_no_searcher_are_refused():
    class Careless(Own):
        def __init__(self, problem, seed=0):
            self.problem = problem

    class Other:
        def __init__(self, problem, seed=0):
            pass

    class Half(Searcher):
        name = "half"

    problem = Problem(SPACE, [Maximize(PARAMS)])
    for made, said in [
        (Careless, r"searcher 'Careless' was not set up: its __init__ has to call super\(\).__init__"),
        (Other, "searcher 'Other' makes Other, which is not a subclass of hwcost.searchers.Searcher"),
        (Half, "searcher 'Half' cannot be made: its class Half lacks the methods _ask, _tell"),
        (lambda problem: None, "cannot be made: .*takes 1 positional argument but 2 were given"),
    ]:
        with pytest.raises(UsageError, match=said):
            search(SPACE, problem.objectives, searcher=made, evaluations=3)


def test_a_class_in_a_file_is_named_by_its_module():
    here = "tests.searchers.test_own_searchers"
    options = {"searcher_options": {"give": drawn}, "evaluations": 9}
    assert search(SPACE, [Maximize(PARAMS)], searcher=f"{here}:Own", **options).evaluations == 9
    with pytest.raises(UsageError, match="no_such_module"):
        search(SPACE, [Maximize(PARAMS)], searcher="no_such_module:Own", evaluations=9)
