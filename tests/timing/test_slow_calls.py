"""Calls of seconds: as many blocks as are needed, and a forecast of their time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hwcost
from hwcost.campaign.forecast import beforehand, forecast, known_calls, underway
from hwcost.campaign.plan import Plan, items
from hwcost.campaign.run import Progress
from hwcost.cli.main import invoke
from hwcost.errors import UsageError
from hwcost.stores import open_store
from hwcost.timing import steady
from hwcost.timing.protocol import LEAST_BLOCKS, protocol
from hwcost.workloads import SyntheticWorkload
from tests.timing.test_visit import noise, visited

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


def plan_of(**settings: object) -> Plan:
    how = protocol("standard", **settings)  # type: ignore[arg-type]
    return Plan(tuple(items(WORKS)), "cpu", "null", how, {"realtime": True})


def test_the_time_of_a_plan_is_told() -> None:
    least = forecast(plan_of())
    assert (least.is_least, least.visits, least.visit_s) == (True, 12, 0.25)
    slow = forecast(plan_of(), {WORKS[0].key: 6.0, WORKS[1].key: 8.0})
    assert (slow.known, slow.visit_s, slow.total_s) == (2, pytest.approx(77.0), pytest.approx(924.0))
    assert "about 12 visits of 1 min 17 s, 15 min 24 s in all, since calls of 2 of 3 workloads" in str(slow)
    assert forecast(plan_of(blocks=4), {work.key: 7.0 for work in WORKS}).visit_s == pytest.approx(35.0)
    paused = forecast(plan_of(arrival="gap=10s"))
    assert paused.total_s == pytest.approx(12 * 330)
    assert beforehand(plan_of(arrival="gap=10s")) == (
        "this takes at least 12 visits of 5 min 30 s, 1 h 06 min in all; slow calls take longer"
    )
    assert beforehand(plan_of()) is None


@pytest.mark.parametrize(("backend", "options"), [("null", {}), ("null", {"realtime": "false"}), ("replay", {})])
def test_visits_on_a_virtual_clock_take_next_to_no_time(backend: str, options: dict[str, object]) -> None:
    plan = Plan(tuple(items(WORKS)), "cpu", backend, protocol("standard", arrival="gap=10s"), options)
    found = forecast(plan, {WORKS[0].key: 6.0})
    assert found.is_virtual
    assert found.total_s < 1
    assert "12 visits on a virtual clock" in str(found)
    assert beforehand(plan) is None


def test_long_campaigns_are_announced_once_a_call_is_known() -> None:
    state = Progress(1, 40, 0, 39 * 77.0, "w0", call_s=7.0)
    assert underway(state, protocol("standard")) == (
        "a call takes 7.00 s: 39 more visits of 10 blocks take about 50 min 03 s; --blocks 4 makes that about 22 min 45 s"
    )
    assert underway(Progress(1, 40, 0, 300.0, "w0", call_s=0.7), protocol("standard")) is None
    assert underway(Progress(0, 40, 0, None, "w0"), protocol("standard")) is None
    quick = underway(Progress(1, 4000, 0, 1200.0, "w0", call_s=0.001), protocol("standard"))
    assert quick is not None
    assert "fewer workloads or rounds" in quick


def test_a_dry_run_knows_calls_that_were_timed_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(tmp_path / "s.db")
    arguments = ["measure", "--backend", "null", "-n", "2", "--store", store, "--backend-option", "overhead_s=6"]
    asked = [*arguments, "--backend-option", "realtime=true", "--dry-run"]  # measured on the virtual clock, which is quicker
    assert invoke(asked) == 0
    assert "at least 8 visits of 0.2 s" in capsys.readouterr().out
    assert invoke([*arguments, "--rounds", "1", "--blocks", "4", "-q"]) == 0
    capsys.readouterr()
    assert invoke(asked) == 0
    assert "since calls of 2 of 2 workloads were timed before" in capsys.readouterr().out


def test_known_calls_are_those_of_the_same_device_and_backend(tmp_path: Path) -> None:
    hwcost.measure(WORKS, backend="null", store=tmp_path / "s.db", rounds=1, backend_options={"overhead_s": 6.0})
    with open_store(tmp_path / "s.db") as store:
        assert known_calls(plan_of(), store) == pytest.approx(dict.fromkeys(plan_of().by_key, 6.0), rel=0.02)
        other = Plan(tuple(items(WORKS)), "cpu", "replay", protocol("standard"))
        assert known_calls(other, store) == {}
