"""What is left of a listed space is told without going through all of it."""

from __future__ import annotations

import numpy as np

from hwcost.objectives import Minimize, Params
from hwcost.searchers import Problem, searcher
from hwcost.searchers.trial import Trial
from hwcost.spaces import space

SPACE = space("supershaper", scale="mini")


def test_what_is_left_is_what_is_new_also_after_a_restore() -> None:
    problem = Problem(SPACE, [Minimize(Params(SPACE))])
    one = searcher("random", problem, 3)
    for _ in range(4):
        asked = one.ask(5)
        one.tell([Trial(arch, values=(1.0,)) for arch in asked[:3]])
        assert one.unasked() == one.candidates[one.is_new(one.candidates)]
        assert len(one.unasked()) == len(one.candidates) - 5 * one.asks
    other = searcher("random", problem, 3)
    other.ask(7)
    assert len(other.unasked()) == len(other.candidates) - 7
    other.restore(one.state())
    assert other.unasked() == one.unasked()
    assert np.array_equal(other.ask(5).codes, one.ask(5).codes)
