"""Tasks of other distributions: what is not a task is named, and targets are numbers of classes."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.errors import ContractError, DataError
from hwcost.tasks import Classes, Examples, Task, task
from hwcost.testing.plugins import registered


def nothing() -> None:
    """A function that forgets to return its task."""


def test_a_function_that_returns_no_task_is_told() -> None:
    with (
        registered("hwcost.tasks", {"nothing": f"{__name__}:nothing"}),
        pytest.raises(ContractError, match="'nothing' gave None; expected its function to return a hwcost.tasks.Task"),
    ):
        task("nothing")


def test_classes_that_are_counted_from_one_are_told() -> None:
    good, bad = (Examples((("a", "b"),), np.array(targets)) for targets in ([0, 1], [1, 2]))
    with pytest.raises(DataError, match="split 'train' has targets from 1 to 2. Expected numbers of classes, from 0 to 1."):
        Task("mine", "mine", Classes(("even", "odd")), bad, {"validation": good}, ("accuracy",))


def broken() -> Task:
    """A function that fails."""
    return [][0]


def test_a_function_that_fails_is_named() -> None:
    with (
        registered("hwcost.tasks", {"broken": f"{__name__}:broken"}),
        pytest.raises(ContractError, match="the task 'broken' failed: IndexError: list index out of range"),
    ):
        task("broken")
