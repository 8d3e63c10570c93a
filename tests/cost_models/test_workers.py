"""Work in threads: results in order, errors of the first item, no threads within threads, and a quick end."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.training.folds import out_of_fold
from hwcost.cost_models.training.steps import Step, following, tell
from hwcost.cost_models.workers import cores, in_threads

PATIENCE_S = 30


@pytest.fixture(params=[1, 3])
def count(request, monkeypatch) -> int:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(request.param)), raising=False)
    return request.param


def test_results_stand_in_the_order_of_the_items(count):
    done: list[int] = []
    assert in_threads(lambda item: item**2, range(7), arrived=done.append) == [0, 1, 4, 9, 16, 25, 36]
    assert done == [1, 2, 3, 4, 5, 6, 7]
    assert in_threads(lambda item: item, []) == []


def test_the_error_of_the_first_item_is_raised(count):
    def refuse(item: int) -> None:
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"):
        in_threads(refuse, range(5))


def test_what_is_shared_out_within_a_share_stays_in_its_thread(count):
    def names(item: int) -> set[str]:
        assert count == 1 or cores() == 1
        return set(in_threads(lambda inner: threading.current_thread().name, range(4)))

    inner = in_threads(names, range(6))
    assert all(len(one) == 1 for one in inner)
    assert len(set.union(*inner)) <= count
    assert cores() == count


def test_an_interruption_ends_what_others_are_at(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    other_began, may_go_on = threading.Event(), threading.Event()
    begun: list[int] = []

    def work(item: int) -> None:
        if item == 0:
            assert other_began.wait(PATIENCE_S)
            may_go_on.set()
            raise KeyboardInterrupt
        other_began.set()
        assert may_go_on.wait(PATIENCE_S)

        def inner(part: int) -> None:
            begun.append(part)
            threading.Event().wait(0.02)

        in_threads(inner, range(PATIENCE_S * 50))

    with pytest.raises(KeyboardInterrupt):
        in_threads(work, range(4))
    assert len(begun) < PATIENCE_S * 25


def test_steps_are_told_to_whoever_follows():
    said: list[Step] = []
    tell(Step("lut", 1, 2))
    with following(said.append):
        tell(Step("lut", 2, 2))
    tell(Step("lut", 1, 2))
    assert said == [Step("lut", 2, 2)]


def test_folds_within_folds_are_not_told():
    said: list[Step] = []

    def fitted(kept, left):
        return out_of_fold(Groups.of_keys(left), 2, lambda inner, held: np.zeros(len(held)), of="inner")

    with following(said.append):
        out_of_fold(Groups.of_keys(range(20)), 5, fitted, of="outer")
    assert said == [Step("outer", done, 5) for done in range(1, 6)]
