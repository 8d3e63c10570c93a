"""Blocks that are timed slice by slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hwcost.agent.timer import QUICK, QUICKEST, SLICES, sliced_timing
from hwcost.backends.base import Runner
from hwcost.timing import timer


class Calls(Runner):
    """Takes the given nanoseconds, call by call, on a clock of its own."""

    def __init__(self, times_ns: list[int]) -> None:
        super().__init__()
        self.times_ns, self.now_ns, self.made = times_ns, 0, 0
        self.clock = lambda: self.now_ns

    def run(self, n: int) -> None:
        self.now_ns += sum(self.times_ns[self.made : self.made + n])
        self.made += n

    def outputs(self) -> list[NDArray[Any]]:
        return []


@given(st.lists(st.integers(1_000, 1_000_000), min_size=2, max_size=200))
def test_the_quick_calls_of_a_block_are_no_slower_than_its_mean(times_ns: list[int]) -> None:
    runner = Calls(times_ns)
    found = sliced_timing(runner.run, len(times_ns), lambda: runner.now_ns)
    assert runner.made == len(times_ns)
    assert found.host_s == pytest.approx(sum(times_ns) * 1e-9)
    assert found.quick_s is not None
    assert found.quickest_s is not None
    assert min(times_ns) * 1e-9 * (1 - 1e-9) <= found.quickest_s <= found.quick_s * (1 + 1e-9)
    assert found.quick_s <= found.host_s / len(times_ns) * (1 + 1e-9)
    for most, seconds in ((QUICK, found.quick_s), (QUICKEST, found.quickest_s)):
        if max(times_ns) <= most * min(times_ns):
            assert seconds == pytest.approx(found.host_s / len(times_ns))


@pytest.mark.parametrize("calls", [2, SLICES, SLICES + 3, 400])
def test_slices_that_something_slowed_do_not_count(calls: int) -> None:
    usual_ns, slow = 1_000_000 // calls, calls // 4
    times_ns = [usual_ns] * (calls - slow) + [2 * usual_ns] * slow
    runner = Calls(times_ns)
    found = sliced_timing(runner.run, calls, lambda: runner.now_ns)
    assert found.quick_s == pytest.approx(usual_ns * 1e-9, rel=0.02)
    assert found.quickest_s == pytest.approx(usual_ns * 1e-9, rel=0.02)


def test_slices_that_something_slowed_by_less_than_a_fifth_are_quick_and_not_among_the_quickest() -> None:
    runner = Calls([1_000_000] * 8 + [1_150_000] * 8)
    found = sliced_timing(runner.run, 16, lambda: runner.now_ns)
    assert found.quick_s == pytest.approx(1.075e-3)
    assert found.quickest_s == pytest.approx(1e-3)


def test_a_single_call_has_no_slices() -> None:
    runner = Calls([1000])
    assert sliced_timing(runner.run, 1, lambda: runner.now_ns).quick_s is None


def test_a_runner_times_slices_once_it_is_asked_to() -> None:
    times_ns = np.random.default_rng(0).integers(1_000, 3_000, 40).tolist()
    runner, sliced = Calls(times_ns), Calls(times_ns)
    sliced.time_slices()
    whole, block = (timer.time_block(one.time_block, 40) for one in (runner, sliced))
    assert (whole.quick_s, whole.seconds) == (None, block.seconds)
    assert block.quick_s is not None
    assert block.quick_s < block.per_call_s
