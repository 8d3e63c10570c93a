"""Random search: many candidates an ask where that costs nothing, one where an evaluation may be slow."""

from __future__ import annotations

from hwcost.objectives import Constraint, Maximize, Params
from hwcost.spaces import space as make_space
from hwcost.study import search

SPACE = make_space("supershaper", scale="mini")
PARAMS = Params(SPACE)
HALF = [Constraint(PARAMS, most=PARAMS(SPACE.architecture([32] * 4)))]


def asks(objective, constraints=()):
    found = search(SPACE, [Maximize(objective)], constraints, searcher="random", evaluations=130, seed=0)
    assert (found.evaluations, found.iterations) == (130, 130)
    return found.searcher.asks


def test_many_are_asked_for_at_once_where_a_call_values_all_of_them() -> None:
    assert asks(PARAMS) == asks(PARAMS, HALF) == 3


def test_one_is_asked_for_where_functions_take_one_at_a_time() -> None:
    assert asks(lambda arch: sum(arch.genes)) == 130
    assert asks(PARAMS, [Constraint(lambda arch: sum(arch.genes), most=1e9, measured=True)]) == 130
