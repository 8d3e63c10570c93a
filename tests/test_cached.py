"""A value that one thread computes keeps neither other threads nor forked children waiting."""

from __future__ import annotations

import multiprocessing
import re
import threading

import pytest

from hwcost._cached import cached_property
from tests.conftest import PATIENCE_S, ROOT

PACKAGE = ROOT / "hwcost"
EXEMPT = (PACKAGE / "_cached.py", *(PACKAGE / "systems").rglob("*.py"))
"""The property itself, and what is built on public names."""


class Sum:
    """A sum that waits for an event.

    Args:
        may_go_on: The event.
    """

    def __init__(self, may_go_on: threading.Event) -> None:
        self.may_go_on, self.has_begun, self.computed = may_go_on, threading.Event(), 0

    @cached_property
    def value(self) -> int:
        """Three."""
        self.has_begun.set()
        assert self.may_go_on.wait(PATIENCE_S)
        self.computed += 1
        return 3


def unhindered() -> Sum:
    event = threading.Event()
    event.set()
    return Sum(event)


@pytest.fixture
def busy():
    """A thread that is computing a value."""
    slow = Sum(threading.Event())
    thread = threading.Thread(target=lambda: slow.value, daemon=True)
    thread.start()
    assert slow.has_begun.wait(PATIENCE_S)
    yield
    slow.may_go_on.set()
    thread.join(PATIENCE_S)


def test_a_value_is_computed_once():
    one = unhindered()
    assert (one.value, one.value, one.computed) == (3, 3, 1)
    assert Sum.value.__doc__ == "Three."


def test_another_thread_does_not_wait(busy):
    other = unhindered()
    thread = threading.Thread(target=lambda: other.value, daemon=True)
    thread.start()
    thread.join(5)
    assert other.computed == 1


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_wait(busy):
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("no fork here")
    child = multiprocessing.get_context("fork").Process(target=lambda: unhindered().value)
    child.start()
    child.join(5)
    try:
        assert child.exitcode == 0
    finally:
        child.kill()
        child.join()


def test_values_are_kept_without_a_lock_everywhere():
    locked = re.compile(r"from functools import .*cached_property|functools\.cached_property")
    for path in set(PACKAGE.rglob("*.py")) - set(EXEMPT):
        assert not locked.search(path.read_text(encoding="utf-8")), f"{path}: take it from hwcost._cached"
