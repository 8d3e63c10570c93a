"""A constraint that excludes nothing, or everything, is reported before the search."""

from __future__ import annotations

import pytest

from hwcost.cost_models import cost_model
from hwcost.errors import InfeasibleError
from hwcost.objectives import Constraint, Minimize, Params
from hwcost.spaces import space
from hwcost.study import search

SMALL = space("custom", genes={"width": [1, 2, 3, 4], "kind": ["a", "b"]})


def seconds(arch) -> float:
    width, kind = arch.genes
    return 1e-3 * width * (2 if kind == "b" else 1)


@pytest.fixture(scope="module")
def latency():
    archs = list(SMALL.architectures())
    return cost_model("lut", SMALL, form="log").fit(archs, [seconds(arch) for arch in archs])


def run(of, limits, objective=seconds):
    told: list[str] = []
    study = search(of, [Minimize(objective)], limits, evaluations=4, searcher="random", remark=told.append)
    assert list(study.remarks) == told
    return told


def test_what_everything_satisfies_is_said_with_the_range(latency) -> None:
    (told,) = run(SMALL, [Constraint(latency, most=150.0, probability=0)])
    assert told.startswith("all of the 8 architectures of the space satisfy latency_s <= 150 s: they reach from 1.00 ms to")
    assert "is its unit what you meant" in told
    assert run(SMALL, [Constraint(latency, most=3e-3, probability=0)]) == []


def test_what_nothing_satisfies_is_said_and_not_refused_for_it(latency) -> None:
    told: list[str] = []
    limit = Constraint(latency, most=1e-4, probability=0)
    with pytest.raises(InfeasibleError):
        search(SMALL, [Minimize(seconds)], [limit], evaluations=4, remark=told.append)
    expected = "none of the 8 architectures of the space satisfies latency_s <= 100 µs: they reach from 1.00 ms"
    assert told[0].startswith(expected)


def test_constraints_that_exclude_each_other(latency) -> None:
    told: list[str] = []
    limits = [Constraint(latency, most=1.5e-3, probability=0), Constraint(latency, least=5e-3, name="floor_s")]
    with pytest.raises(InfeasibleError):
        search(SMALL, [Minimize(seconds)], limits, evaluations=4, remark=told.append)
    assert len(told) == 1
    assert "all constraints together" in told[0]


def test_a_large_space_is_judged_by_a_sample_and_a_warning_is_the_default() -> None:
    of = space("supershaper")
    with pytest.warns(UserWarning, match="all of 2000 architectures drawn from the space satisfy params <= 1.000 T"):
        study = search(of, [Minimize(Params(of))], [Constraint(Params(of), most=1e12)], evaluations=3, searcher="random")
    assert study.completed
    assert len(study.remarks) == 1


def test_functions_of_the_users_own_are_not_called_for_it() -> None:
    calls = []

    def dear(arch):
        calls.append(arch)
        return 1.0

    assert run(SMALL, [Constraint(dear, most=2.0, name="dear", measured=True)]) == []
    assert len(calls) == 4
