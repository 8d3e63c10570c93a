"""Calls of seconds: as many blocks as are needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hwcost
from hwcost.agent.rules import LEAST_BLOCKS
from hwcost.errors import UsageError
from hwcost.stores import open_store
from hwcost.timing import steady
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload
from tests.timing.execution.test_visit import noise, visited

pytestmark = pytest.mark.usefixtures("laws_here")

WORKS = [SyntheticWorkload(f"w{i}", flops=i + 1) for i in range(3)]


@pytest.mark.parametrize("call_s", [1.5, 5.0, 12.0])
def test_slow_calls_are_measured(tmp_path: Path, call_s: float) -> None:
    options = {"overhead_s": call_s, "noise": 0.003}
    found = hwcost.measure(WORKS, backend="null", store=tmp_path / "s.db", backend_options=options).measurements
    for m in found:
        assert (m.status, m.flags) == ("ok", ())
        assert m.latency_s == pytest.approx(call_s, rel=0.01)
        assert {len(visit.samples_s) for visit in m.visits} == {10}


@pytest.mark.parametrize("blocks", [4, 5, 6, 20])
def test_a_visit_has_the_blocks_that_were_asked_for(tmp_path: Path, blocks: int) -> None:
    options = {"overhead_s": 7.0, "noise": 0.001}
    result = hwcost.measure(
        WORKS, backend="null", store=tmp_path / "s.db", blocks=blocks, rounds=2, backend_options=options
    )
    assert {len(visit.samples_s) for m in result.measurements for visit in m.visits} == {blocks}
    assert all(m.latency_s == pytest.approx(7.0, rel=0.01) for m in result.measurements)
    with open_store(tmp_path / "s.db") as store:
        assert {record.environment.protocol["min_samples"] for record in store.records(result.campaign_id)} == {blocks}


def test_slow_calls_get_quicker_first() -> None:
    factor = noise(0.002)
    seen = visited(lambda call: 8.0 * (1 + 0.5 * 0.4**call) * factor())
    assert (seen.status, seen.steady) == ("ok", "warm-up")
    assert seen.latency_s == pytest.approx(8.0, rel=0.005)


def test_slow_calls_that_never_settle_are_given_up_after_twice_the_blocks() -> None:
    seen = visited(lambda call: 8.0 * (1 + 0.05 * call))
    assert (seen.status, seen.flags[0].code) == ("void", "E_NO_STEADY")
    assert len(seen.warmup_s) == 20


@pytest.mark.parametrize("window", [4, 5, 6])
@pytest.mark.parametrize("rate", [0.02, 0.05, 0.2])
def test_few_blocks_that_get_quicker_are_not_steady(window: int, rate: float) -> None:
    rng = np.random.default_rng(0)
    falling = [[(1 + rate * (window - i)) * np.exp(rng.normal(0, 0.002)) for i in range(window)] for _ in range(100)]
    assert sum(steady.is_steady(blocks, 0.01) for blocks in falling) <= 2


@pytest.mark.parametrize("window", [4, 5, 6])
@pytest.mark.parametrize("sd", [0.001, 0.01, 0.05])
def test_few_blocks_of_noise_alone_are_steady_soon(window: int, sd: float) -> None:
    rng = np.random.default_rng(0)
    series = [np.exp(rng.normal(0, sd, 2 * window)).tolist() for _ in range(100)]
    ends = range(window, 2 * window + 1)
    assert sum(steady.is_steady(blocks[:window], 0.01) for blocks in series) >= 80
    assert all(any(steady.first_steady(blocks[:n], 0.01, window) is not None for n in ends) for blocks in series)


def test_too_few_blocks_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 4 blocks, got 3"):
        protocol("standard", blocks=LEAST_BLOCKS - 1)
