"""What a campaign will take and give, told before it begins and after its first passes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import hwcost
from hwcost.campaign.estimates.reached import Reached
from hwcost.campaign.plans.plan import Plan, items
from hwcost.campaign.rounds.announcements import after_first_passes
from hwcost.campaign.rounds.budget import Budget
from hwcost.campaign.rounds.forecast import Earlier, beforehand, forecast, known_calls, underway
from hwcost.campaign.rounds.progress import Progress, Tally
from hwcost.campaign.run import run
from hwcost.cli.main import invoke
from hwcost.errors import UsageError
from hwcost.stores import open_store
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

pytestmark = pytest.mark.usefixtures("laws_here")

WORKS = [SyntheticWorkload(f"w{i}", flops=i + 1) for i in range(3)]


def plan_of(**settings: object) -> Plan:
    return Plan(tuple(items(WORKS)), "cpu", "null", protocol("standard", **settings), {"realtime": True})  # type: ignore[arg-type]


def test_a_plan_is_forecast() -> None:
    least = forecast(plan_of())
    assert (least.is_least, least.processes, least.blocks, least.widest) == (True, 4, 13, None)
    assert least.half_width == pytest.approx(0.98 * math.hypot(0.005, 0.02 / math.sqrt(13)))
    assert str(least).startswith("at least 4 processes with 13 blocks of each workload")
    assumed = "assuming noise of 2 % between blocks and 0.5 % between processes, and no neighbours"
    assert str(least).endswith(f"slow calls take longer; half-width about 0.73 %, {assumed}")
    alone = forecast(plan_of(rounds=1))
    assert alone.half_width is None  # one process gives no interval
    assert str(alone).endswith("slow calls take longer")
    slow = forecast(plan_of(), {WORKS[0].key: Earlier(6.0), WORKS[1].key: Earlier(8.0)})
    assert (slow.known, slow.blocks, slow.half_width) == (2, 10, pytest.approx(0.0079, rel=0.02))
    assert "half-width about 0.79 %, since calls of 2 of 3 workloads were timed before" in str(slow)
    paused = forecast(plan_of(arrival="gap=10s"))
    assert paused.total_s > 12 * 330
    assert beforehand(plan_of(arrival="gap=10s")) is not None
    assert beforehand(plan_of()) is None


def test_the_level_of_a_shared_host_is_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = replace(plan_of(), backend="torch", backend_options={})
    known, slow = ({work.key: Earlier(call_s) for work in WORKS} for call_s in (0.001, 20.0))
    halves = {}
    for is_shared in (False, True):
        monkeypatch.setattr("hwcost.campaign.rounds.forecast.hides_siblings", lambda is_shared=is_shared: is_shared)
        halves[is_shared] = [forecast(plan, known, 60.0).half_width, forecast(plan, slow, 7200.0).half_width]
        assert forecast(plan, known, 60.0, is_here=False).half_width == halves[False][0]
        assert forecast(plan_of(), known, 60.0).half_width == pytest.approx(halves[False][0], rel=0.05)
    assert halves[True][0] > 1.3 * halves[False][0]
    assert halves[True][1] == halves[False][1]  # hours show all levels that a host takes


def test_processes_and_passes_that_fit_a_budget_are_forecast() -> None:
    known = {work.key: Earlier(0.1, 0.5) for work in WORKS}
    roomy, tight, hopeless = (forecast(plan_of(), known, budget_s) for budget_s in (60.0, 10.0, 1.0))
    assert roomy.processes == 4
    assert roomy.blocks > 25
    assert roomy.total_s <= 60
    assert (tight.processes, hopeless.processes, hopeless.blocks) == (3, 2, 2)  # forked, so that starting is paid for once
    assert roomy.half_width < tight.half_width < hopeless.half_width  # type: ignore[operator]


def test_a_budget_without_a_known_call_gives_half_widths_between_those_of_quick_and_slow_calls() -> None:
    roomy = forecast(plan_of(), budget_s=60.0)
    assert roomy.is_least
    assert (roomy.processes, roomy.total_s <= 60) == (4, True)
    quick = forecast(plan_of(), {work.key: Earlier(0.001) for work in WORKS}, 60.0)
    assert (roomy.blocks, roomy.half_width) == (quick.blocks, quick.half_width)
    slow = forecast(plan_of(), {work.key: Earlier(30.0) for work in WORKS}, 60.0)
    assert roomy.widest == slow.half_width
    told = f"4 processes with up to {roomy.blocks} blocks of each workload fit into the budget of 1 min 00 s; "
    assert str(roomy).startswith(f"{told}slow calls get fewer; half-width about 0.51 %")
    assert " and 2.1 % with the fewest of both, assuming noise" in str(roomy)
    tight = forecast(plan_of(), budget_s=0.2)
    assert (tight.processes, tight.blocks, tight.half_width) == (2, 2, tight.widest)
    assert "slow calls take longer, and the budget of 0.2 s is shorter; half-width about 2.1 %, assuming" in str(tight)
    assert tight.to_dict()["widest"] == tight.widest


def test_calls_timed_by_themselves_of_which_none_is_known_are_forecast_too() -> None:
    plan = plan_of(cache="cold")
    assert str(forecast(plan)).startswith("at least 4 processes with 10 blocks of each workload")
    assert str(forecast(plan, budget_s=60.0)).startswith("4 processes with up to 200 blocks of each workload fit into")
    assert beforehand(plan, 60.0) is None


@pytest.mark.parametrize(("backend", "options"), [("null", {}), ("null", {"realtime": "false"}), ("replay", {})])
def test_passes_on_a_virtual_clock_take_next_to_no_time(backend: str, options: dict[str, object]) -> None:
    plan = Plan(tuple(items(WORKS)), "cpu", backend, protocol("standard", arrival="gap=10s"), options)
    found = forecast(plan, {WORKS[0].key: Earlier(6.0)})
    assert found.is_virtual
    assert found.total_s < 10
    assert "4 processes on a virtual clock" in str(found)
    assert beforehand(plan) is None


def test_long_campaigns_are_announced_once_a_call_is_known() -> None:
    state = Progress(1, 400, 0, 39 * 77.0, "w0", call_s=7.0, passes=1)
    assert underway(state, protocol("standard")) == (
        "a call takes 7.00 s: the 399 other blocks take about 50 min 03 s; --blocks 4 makes that about 22 min 45 s"
    )
    assert underway(Progress(1, 40, 0, 300.0, "w0", call_s=0.7), protocol("standard")) is None
    assert underway(Progress(0, 40, 0, None, "w0"), protocol("standard")) is None
    quick = underway(Progress(1, 4000, 0, 1200.0, "w0", call_s=0.001), protocol("standard"))
    assert quick is not None
    assert "fewer workloads or rounds" in quick


def test_what_fits_into_a_budget_is_said_after_the_first_passes() -> None:
    told = "4 processes of about 16 passes fit into 1 min 05 s; half-width about {} % by the noise of the blocks so far"
    state = Progress(12, 400, 0, 60.0, "w0", call_s=0.1, rounds=4, passes=1, planned_passes=16, workloads=12)
    assert underway(state, protocol("standard"), budget_s=65.0) is None
    state = replace(state, half_width=0.0069)
    assert underway(state, protocol("standard"), budget_s=65.0) == told.format(0.69)
    state = replace(state, half_width=0.02)
    choice = "; 1 % takes about 4 min 20 s, or about 3 of 12 workloads"
    assert underway(state, protocol("standard"), budget_s=65.0) == told.format(2) + choice
    state = replace(state, half_width=0.09)
    assert underway(state, protocol("standard"), budget_s=65.0) == told.format(9) + "; 1 % takes about 1 h 27 min"


@pytest.mark.parametrize("noise", [0.001, 0.02, 0.25])
def test_the_half_width_that_is_expected_follows_from_the_blocks_of_the_campaign(noise: float) -> None:
    seen: list[Progress] = []
    tally = Tally(protocol("standard"), Budget(400.0, lambda: 10.0), seen.append, ())
    tally.begin(0, 4, 12, 100.0)
    tally.report("preparing")
    rng = np.random.default_rng(0)
    for number in range(21):
        factors = np.exp(rng.normal(0, noise, 12)).tolist()
        blocks = [
            {"workload_key": f"w{i}", "seconds": 0.02 * factor, "calls": 1, "role": "timed" if number else "warm-up"}
            for i, factor in enumerate(factors)
        ]
        tally.passed({"event": "pass", "pass": number, "seconds": 100 / 16 / 1.3125, "blocks": blocks})
        tally.report("12 workloads in turn")
    assert [one.half_width for one in seen[:3]] == [None] * 3  # a pilot pass and one block of each tell no noise
    passes = seen[-1].planned_passes
    assert seen[-1].half_width == pytest.approx(0.98 * math.hypot(0.005, noise / math.sqrt(passes)), rel=0.15)
    tally.reached = Reached(0.03, 2, 12)
    tally.report("12 workloads in turn")
    assert seen[-1].half_width == pytest.approx(0.03 / math.sqrt(2) * stats.t.ppf(0.975, 33) / stats.t.ppf(0.975, 11))


@pytest.mark.parametrize(
    ("steal", "wait", "burst", "lost"),
    [(0.2, 0.0, 1.0, 0.2), (0.04, 0.0, 1.0, 0.0), (0.2, 0.0, 2.0, 0.0), (0.0, 0.3, 1.0, 0.3), (0.0, 0.2, 1.0, 0.0)],
)
def test_time_that_counters_say_is_lost_stays_a_part_of_the_half_width(
    steal: float, wait: float, burst: float, lost: float
) -> None:
    """Unless it is little, or the blocks show it: in bursts that make each third one twice as long."""
    seen: list[Progress] = []
    tally = Tally(protocol("standard"), Budget(400.0, lambda: 10.0), seen.append, ())
    tally.begin(0, 4, 12, 100.0)
    for number in range(21):
        seconds = 0.02 * (burst if number % 3 == 0 else 1.0 + 1e-5 * number)
        block = {"seconds": seconds, "wait_s": wait * seconds, "calls": 1, "role": "timed"}
        blocks = [{"workload_key": f"w{i}", **block} for i in range(12)]
        event = {"pass": number, "seconds": 5.0, "blocks": blocks, "conditions": {"cpu_steal_fraction": steal}}
        tally.passed(event)
    tally.report("12 workloads in turn")
    (state,) = seen
    assert state.lost == pytest.approx(-math.log1p(-lost), abs=1e-3)
    assert state.half_width is not None
    assert (state.half_width > 0.22) == (lost > 0)
    told = underway(state, protocol("standard"), budget_s=400.0)
    assert told is not None
    said = f"and the {100 * lost:.0f} % of the time that by the machine's counters was lost where no block shows it"
    assert told.endswith(f"{said}; more time does not make that narrower") == (lost > 0)
    tally.reached = Reached(0.25, 2, 12)
    tally.report("12 workloads in turn")
    assert seen[-1].half_width is not None
    assert (seen[-1].half_width > 0.24) == (lost > 0)


@pytest.mark.parametrize(("start_s", "rounds"), [(10.0, 4), (60.0, 3), (75.0, 2), (500.0, 2)])
def test_processes_that_a_slow_start_leaves_no_time_for_are_not_announced(
    start_s: float, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Progress] = []
    now = [0.0]
    monkeypatch.setattr("hwcost.timing.timer.stopwatch", lambda: lambda: now[0])
    budget = Budget(180.0, lambda: now[0])
    tally = Tally(protocol("standard"), budget, seen.append, ())
    tally.begin(0, 4, 50, 45.0)
    now[0] = start_s + 5
    blocks = [{"workload_key": f"w{i}", "seconds": 0.1, "calls": 1, "role": "timed"} for i in range(50)]
    tally.passed({"event": "pass", "pass": 0, "seconds": 5.0, "blocks": blocks})
    tally.report("50 workloads in turn")
    assert seen[-1].rounds == rounds
    now[0] += 5
    budget.learn(now[0], now[0])
    assert 1 + budget.processes(3, 1) == rounds


def test_a_dry_run_names_the_choice_where_the_wish_is_missed() -> None:
    known = {work.key: Earlier(0.1, 0.5) for work in WORKS}
    tight = str(forecast(plan_of(), known, 15.0))
    assert "; 1 % takes about " in tight
    assert "takes about" not in str(forecast(plan_of(), known, 60.0))


def test_a_dry_run_knows_calls_that_were_timed_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(tmp_path / "s.db")
    arguments = ["measure", "--backend", "null", "-n", "2", "--store", store, "--backend-option", "overhead_s=6"]
    asked = [*arguments, "--backend-option", "realtime=true", "--dry-run"]  # measured on the virtual clock, which is quicker
    assert invoke(asked) == 0
    assert "at least 4 processes with 13 blocks of each workload" in capsys.readouterr().out
    assert invoke([*arguments, "--rounds", "1", "--blocks", "4", "-q"]) == 0
    capsys.readouterr()
    assert invoke([*asked, "--budget", "1h"]) == 0
    told = capsys.readouterr().out
    assert "since calls of 2 of 2 workloads were timed before" in told
    assert "about 4 processes" in told


def test_whatever_measures_announces_a_long_campaign_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwcost.campaign.rounds.forecast.LONG_S", 0.0)
    told: list[str] = []
    store = tmp_path / "s.db"
    result = hwcost.measure(WORKS, backend="null", store=store, rounds=2, remark=told.append)
    assert len(told) == 2
    assert told[0].startswith("this takes 2 processes on a virtual clock, about ")
    assert told[1].startswith("a call takes ")
    with open_store(store) as opened:
        run(opened, result.campaign_id, remark=told.append)
    assert len(told) == 2, "what was measured takes no time again"
    with pytest.raises(UsageError, match="remark= is"):
        hwcost.measure(WORKS, backend="null", store=store, remark="yes")  # type: ignore[arg-type]


def test_what_fits_into_a_budget_is_said_once_its_noise_is_known() -> None:
    told: list[str] = []
    tell = after_first_passes(plan_of(), told.append, 60.0)
    state = Progress(30, 400, 0, 55.0, "w0", call_s=0.1, rounds=4, passes=0, planned_passes=40, workloads=3)
    tell(state)
    tell(replace(state, passes=1))
    assert told == []
    for _ in range(2):
        tell(replace(state, passes=2, half_width=0.005))
    (text,) = told
    assert text.startswith("4 processes of about 40 passes fit into 1 min 00 s; half-width about 0.5 % by the noise of")


def test_known_calls_are_those_of_the_same_device_and_backend(tmp_path: Path) -> None:
    hwcost.measure(WORKS, backend="null", store=tmp_path / "s.db", rounds=1, backend_options={"overhead_s": 6.0})
    with open_store(tmp_path / "s.db") as store:
        calls_s = {key: one.call_s for key, one in known_calls(plan_of(), store).items()}
        assert calls_s == pytest.approx(dict.fromkeys(plan_of().by_key, 6.0), rel=0.02)
        other = Plan(tuple(items(WORKS)), "cpu", "replay", protocol("standard"))
        assert known_calls(other, store) == {}
