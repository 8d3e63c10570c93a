"""Calls that come with pauses: how they are asked for, when they come, and what is made of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwcost
from hwcost.backends import backend
from hwcost.devices import DeviceHandle, load
from hwcost.errors import DataError, UsageError
from hwcost.timing.arrival import Arrival
from hwcost.timing.execution.visit import VisitIndex, visit
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

pytestmark = pytest.mark.usefixtures("laws_here")

WORK = SyntheticWorkload("served", flops=1)
XEON = DeviceHandle(load("xeon"))
LAW = {"overhead_s": 1.2e-3, "idle_penalty": 0.41, "noise": 0.002}
"""1.20 ms back to back, 1.69 ms after a long pause."""


def visited(arrival: str, round: int = 0, tier: str = "standard", **options: Any) -> Visit:
    made = backend("null", options={**LAW, **options})
    made.round = round
    return visit(made, WORK, XEON, protocol(tier, arrival=arrival), VisitIndex(round, 0))


def test_a_pause_is_in_the_latency() -> None:
    assert visited("back-to-back").latency_s == pytest.approx(1.20e-3, rel=0.005)
    seen = visited("gap=200ms")
    assert seen.latency_s == pytest.approx(1.69e-3, rel=0.005)
    assert (seen.status, seen.calls_per_block) == ("ok", 1)
    assert len(seen.samples_s) >= 33
    assert seen.conditions["arrival"] == {"calls": "gap=200ms", "idle_s": pytest.approx(0.2), "queued": 0.0}
    assert seen.ended_s - seen.started_s >= 33 * 0.2


def test_a_short_pause_costs_a_part_of_it() -> None:
    """A pause as long as the machine's own time of 10 ms has 63 % of the effect."""
    expected = 1.2e-3 * (1 + 0.41 * (1 - math.exp(-1)))
    assert visited("gap=10ms").latency_s == pytest.approx(expected, rel=0.005)


def test_random_arrivals_are_poisson_and_the_same_again() -> None:
    one, again, other = visited("poisson=20/s"), visited("poisson=20/s"), visited("poisson=20/s", round=1)
    assert one == Visit.from_dict({**again.to_dict(), "started_at": one.started_at, "prepare_s": one.prepare_s})
    assert one.samples_s != other.samples_s
    assert 1.2e-3 < one.latency_s < 1.70e-3
    due = Arrival.parse("poisson=20/s").due("seed")
    at_s, pauses = 0.0, []
    for _ in range(4000):
        pauses.append(due(at_s) - at_s)
        at_s += pauses[-1]
    assert np.mean(pauses) == pytest.approx(0.05, rel=0.05)
    assert np.std(pauses) == pytest.approx(0.05, rel=0.1)


def test_arrivals_during_a_call_queue_and_are_said() -> None:
    seen = visited("poisson=2000/s")
    assert [flag.code for flag in seen.flags] == ["W_QUEUED"]
    assert "arrived while the one before them ran" in seen.flags[0].text
    assert seen.latency_s == pytest.approx(1.20e-3, rel=0.01)
    assert not visited("poisson=20/s").flags


def test_a_queue_is_kept_until_it_is_served() -> None:
    """Arrivals go on during a long call, so that those after it follow back to back."""
    due = Arrival.parse("poisson=100/s").due("x")
    assert due(0.0) > 0.0
    assert [due(1.0) for _ in range(20)] == [1.0] * 20


def test_a_single_call_needs_its_ticks() -> None:
    seen = visited("gap=1ms", overhead_s=1e-7)
    assert (seen.status, seen.flags[0].code) == ("failed", "E_RESOLUTION")
    assert "a single call took" in seen.flags[0].text
    assert visited("back-to-back", overhead_s=1e-7).status == "ok"


def test_two_calls_that_cost_less_than_one_after_a_pause_are_no_fraud() -> None:
    assert visited("gap=200ms", idle_penalty=3.0).status == "ok"


@given(
    st.one_of(
        st.floats(1e-4, 3e3).map(lambda seconds: f"gap={seconds:.6f}s"),
        st.floats(1e-3, 1e5).map(lambda rate: f"poisson={rate:.6f}/s"),
        st.just("back-to-back"),
    )
)
def test_what_is_read_is_written_and_read_again(text: str) -> None:
    one = Arrival.parse(text)
    again = Arrival.parse(str(one))
    assert again.kind == one.kind
    assert again.every_s == pytest.approx(one.every_s, rel=1e-8)
    assert str(again) == str(one)


@pytest.mark.parametrize(
    "text", ["", "gap", "gap=", "gap=200", "gap=-1s", "gap=0s", "poisson=20", "poisson=0/s", "poisson=-2/s", "gap=2h"]
)
def test_what_is_no_arrival_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not an arrival of calls|at most one hour apart"):
        protocol("standard", arrival=text)


def test_calls_of_all_rounds_give_a_95th_percentile() -> None:
    assert [protocol(tier, arrival="gap=1s").min_blocks for tier in ("quick", "standard", "strict")] == [65, 33, 17]
    assert protocol("standard", arrival="gap=1s", blocks=170).min_blocks == 170
    assert protocol("standard", arrival="gap=1s", blocks=170).max_blocks >= 340


def test_campaigns_of_different_arrivals_are_not_compared(tmp_path: Path) -> None:
    works = [SyntheticWorkload(f"w{i}", flops=i + 1) for i in range(3)]
    arms = [
        hwcost.measure(works, backend="null", rounds=2, arrival=arrival, backend_options=LAW, store=tmp_path / "s.db")
        for arrival in ("back-to-back", "gap=200ms", "gap=0.2s")
    ]
    with pytest.raises(DataError, match=r"W_ENV_MISMATCH: .*arrival: back-to-back and gap=200ms"):
        hwcost.compare(arms[0], arms[1])
    assert hwcost.compare(arms[1], arms[2]).workloads
    paused = arms[1].measurements[0]
    assert paused.latency_s == pytest.approx(1.69e-3, rel=0.005)
    assert paused.percentile_s(95) == pytest.approx(1.69e-3, rel=0.01)
    assert arms[0].measurements[0].percentile_s(95) is None
    both = hwcost.compare(arms[0], arms[1], allow_env_mismatch=True)
    assert {one.verdict for one in both.workloads} == {"SLOWER"}
