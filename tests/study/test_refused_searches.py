"""Searches that make no sense are refused before they begin."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

import pytest

from hwcost.errors import (
    UsageError,
)
from hwcost.objectives import Maximize, Minimize
from hwcost.study import search
from tests.study.searches import SIZE, SPACE, depth


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs an end"),
        ({"evaluations": 0}, "positive number of evaluations, got 0"),
        ({"dominate": 3}, "needs a reference"),
        ({"evaluations": 3, "repeats": "never"}, "unknown policy for repeats"),
        ({"evaluations": 3, "objectives": [Minimize(SIZE), Maximize(depth)]}, "pursues 1 objective"),
        ({"evaluations": 3, "objectives": []}, "at least one objective"),
        ({"evaluations": 3, "objectives": [Minimize(SIZE), Minimize(SIZE)]}, "need different names"),
    ],
)
def test_searches_that_make_no_sense_are_refused(arguments, message) -> None:
    with pytest.raises(UsageError, match=message):
        search(SPACE, **{"objectives": [Minimize(SIZE)], **arguments})


def test_a_reference_is_given_once() -> None:
    arch = SPACE.sample(1)[0]
    with pytest.raises(UsageError, match="not both"):
        search(SPACE, [Minimize(SIZE, reference=1.0)], reference=arch, evaluations=3)


def test_functions_that_no_other_process_can_run_are_told() -> None:
    with ProcessPoolExecutor(1) as executor, pytest.raises(UsageError, match="no lambdas, no functions inside functions"):
        search(SPACE, [Maximize(lambda arch: depth(arch), "depth")], evaluations=5, executor=executor)


def test_a_name_is_no_space() -> None:
    with pytest.raises(UsageError, match=r"needs a search space, such as hwcost.space\('supershaper'\), got 'supershaper'"):
        search("supershaper", [Minimize(lambda arch: 1.0)], evaluations=2)


@pytest.mark.parametrize(
    ("objectives", "constraints", "said"),
    [
        (Maximize(depth), (), "objectives: a list of .* got Maximize"),
        ([depth], (), "objectives: a list of .* got <function depth"),
        ([Maximize(depth)], SIZE, "constraints: a list of .* got "),
    ],
)
def test_what_is_not_a_list_of_the_right_things_is_refused(objectives, constraints, said) -> None:
    with pytest.raises(UsageError, match=said):
        search(SPACE, objectives, constraints, evaluations=5)
