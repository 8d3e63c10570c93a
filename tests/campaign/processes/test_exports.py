"""Exports come before a campaign measures, several at a time, count in its budget, and leave nothing behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import hwcost
from hwcost.agent import processors
from hwcost.backends.null import Null
from hwcost.campaign.plans.plan import Plan, items
from hwcost.campaign.processes import exports
from hwcost.campaign.processes.cpus import Reservation, beside, reserved
from hwcost.campaign.processes.exports import at_once, expected, export, job_of, missing
from hwcost.campaign.rounds.budget import Budget
from hwcost.campaign.rounds.forecast import Earlier, announced_exports, forecast
from hwcost.campaign.rounds.progress import Progress
from hwcost.cli.main import invoke
from hwcost.errors import InterruptedRunError
from hwcost.spaces.accounting import Work
from hwcost.stores import open_store
from hwcost.timing.protocol import protocol
from hwcost.workloads import RevisionWorkload, SyntheticWorkload

pytestmark = pytest.mark.once

WORKS = [SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i))) for i in range(6)]
SLOW = {"export_s": 0.15}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HWCOST_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "null"


def plan_of(works: list[SyntheticWorkload] | None = None, **options: object) -> Plan:
    return Plan(tuple(items(works or WORKS)), "cpu", "null", protocol("standard"), {**SLOW, **options})


@pytest.fixture
def earlier() -> set[int]:
    """Processes that other tests left to this one, such as a resource tracker."""
    return {one.pid for one in psutil.Process().children(recursive=True)}


def below(earlier: set[int]) -> list[psutil.Process]:
    """Returns the processes that the test started and that still run."""
    found = [one for one in psutil.Process().children(recursive=True) if one.pid not in earlier]
    return [one for one in found if one.status() != psutil.STATUS_ZOMBIE]


def test_what_is_missing_is_exported_before_anything_is_measured_and_only_once(
    tmp_path: Path, cache: Path, earlier: set[int]
) -> None:
    states: list[Progress] = []
    how = {"backend": "null", "backend_options": SLOW, "rounds": 2, "progress": states.append}
    first = hwcost.measure(WORKS, store=tmp_path / "s.db", **how)  # type: ignore[arg-type]
    assert first.is_complete
    assert len(list(cache.iterdir())) == len(WORKS)
    said = [state.waiting for state in states if state.waiting]
    assert said[0].startswith("0 of 6 exports made, ")
    assert said[-1].startswith("6 of 6 exports made")
    assert len(said) == 7
    assert not any(state.waiting for state in states[7:])
    assert all(visit.prepare_s < SLOW["export_s"] for m in first.measurements for visit in m.visits)  # type: ignore[operator]
    states.clear()
    hwcost.measure(WORKS, store=tmp_path / "again.db", **how)  # type: ignore[arg-type]
    assert not any(state.waiting for state in states)
    assert below(earlier) == []


def test_an_interrupt_ends_all_processes_and_keeps_what_was_exported(
    tmp_path: Path, cache: Path, earlier: set[int]
) -> None:
    def stop(state: Progress) -> None:
        if state.waiting.startswith("2 of 6"):
            raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError, match="0 visits are kept"):
        hwcost.measure(WORKS, backend="null", backend_options=SLOW, store=tmp_path / "s.db", progress=stop)
    assert below(earlier) == []
    assert 2 <= len(list(cache.iterdir())) < 6
    with open_store(tmp_path / "s.db") as store:
        assert [one.status for one in store.campaigns()] == ["interrupted"]


def test_a_process_that_dies_leaves_its_workload_to_the_one_that_measures(cache: Path, earlier: set[int]) -> None:
    def kill(said: str) -> None:
        if said.startswith("1 of 6"):
            below(earlier)[0].kill()

    cpus = processors.allowed()[:2]
    export(job_of(plan_of(), cpus), WORKS, kill)
    assert len(list(cache.iterdir())) >= (5 if len(cpus) > 1 else 1)  # the one that was killed had one in hand
    assert below(earlier) == []


@pytest.mark.slow
def test_what_cannot_be_exported_fails_where_it_is_measured(tmp_path: Path, cache: Path) -> None:
    options = {**SLOW, "fail": "w1"}
    result = hwcost.measure(WORKS[:2], backend="null", backend_options=options, store=tmp_path / "s.db", rounds=2)
    assert [m.latency_s is None for m in result.measurements] == [False, True]
    assert len(list(cache.iterdir())) == 1


def test_only_what_is_measured_at_first_and_built_from_this_code_is_exported() -> None:
    assert [one.name for one in missing(plan_of(), "cpu")] == [one.name for one in WORKS]
    assert missing(plan_of(), "cpu", [WORKS[3].key]) == [WORKS[3]]
    Null(options=SLOW).export(WORKS[0])
    assert missing(plan_of(), "cpu") == WORKS[1:]
    few = Plan(tuple(items(WORKS)), "cpu", "null", protocol("standard"), dict(SLOW), first=2)
    assert missing(few, "cpu") == WORKS[1:2]
    other = RevisionWorkload.of(WORKS[1], "a" * 40)
    assert missing(Plan(tuple(items([other])), "cpu", "null", protocol("standard"), dict(SLOW)), "cpu") == []
    assert missing(plan_of(export_s=0), "cpu") == []
    assert missing(Plan(tuple(items(WORKS)), "cpu", "no-such", protocol("standard")), "cpu") == []


def test_as_many_export_at_a_time_as_cpus_and_memory_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports.cgroups, "quota_cpus", lambda: None)
    monkeypatch.setattr(exports, "free_bytes", lambda: 100 * 10**9)
    assert [at_once(WORKS, cpus) for cpus in (1, 4, 64)] == [1, 4, 6]
    monkeypatch.setattr(SyntheticWorkload, "work", lambda self: Work(params=110_000_000))
    monkeypatch.setattr(exports, "free_bytes", lambda: 8 * 10**9)
    assert at_once(WORKS, 4) == 2
    monkeypatch.setattr(exports, "free_bytes", lambda: 10**8)
    assert at_once(WORKS, 4) == 1
    monkeypatch.setattr(exports.cgroups, "quota_cpus", lambda: 1.5)
    monkeypatch.setattr(exports, "free_bytes", lambda: 100 * 10**9)
    assert at_once(WORKS, 4) == 1


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HWCOST_LOCK_DIR", str(tmp_path))
    monkeypatch.setattr(processors, "allowed", lambda: [0, 1, 2, 3, 4, 5])
    monkeypatch.setattr(
        processors, "cores", lambda cpus: [processors.Core((2 * i, 2 * i + 1), (2 * i, 2 * i + 1)) for i in range(3)]
    )
    return None


def test_exports_use_cores_of_the_campaign_and_those_that_nobody_holds(locks: None) -> None:
    with reserved(1, {}) as mine, reserved(1, {}) as theirs:
        with beside(mine, {}) as cpus:
            assert set(mine.cpus) < set(cpus)
            assert len(cpus) == 4
            assert not set(cpus) & set(theirs.cpus)
            with beside(theirs, {}) as others:
                assert len(others) == 2
        with beside(theirs, {}) as cpus:
            assert len(cpus) == 4
    with beside(None, {}) as cpus:
        assert cpus == (0, 1, 2, 3, 4, 5)
    with beside(Reservation((4,), False), {}) as cpus:
        assert cpus == (0, 1, 2, 3, 4, 5)


def test_exports_count_in_the_forecast_and_are_told_beside_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports.cgroups, "quota_cpus", lambda: None)
    count, seconds = expected(plan_of(export_s=10), "cpu")
    turns = -(-6 // min(6, len(os.sched_getaffinity(0))))
    assert (count, seconds) == (6, pytest.approx(4 + 10 * turns))
    found, without = forecast(plan_of(export_s=10)), forecast(plan_of(export_s=0))
    assert found.total_s - without.total_s == pytest.approx(seconds)
    assert found.to_dict()["exports"] == 6
    assert found.to_dict()["exports_s"] == seconds
    assert "; 6 exports come first, about" in str(found)
    assert "export" not in str(without)
    assert announced_exports(52, 130.0, 540.0) == "52 exports come first, about 2 min 10 s of the budget of 9 min 00 s"
    assert announced_exports(52, 130.0, 60.0).startswith(
        "52 exports come first, about 2 min 10 s, which is more than the budget of 1 min 00 s: give a longer one, or at "
        "most 24 workloads."
    )


def test_a_budget_fits_what_is_left_of_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = {"realtime": True, "export_s": 0.5}
    result = hwcost.measure(WORKS, backend="null", backend_options=options, store=tmp_path / "s.db", budget_s=0.5)
    (flag,) = [flag for flag in result.flags if flag.code == "I_BUDGET"]
    assert "2 of 4 processes fit into the budget" in flag.text
    assert "and 6 exports took" in flag.text
    assert all(m.half_width is not None for m in result.measurements)
    asked = ["measure", "--backend", "null", "-n", "2", "--store", str(tmp_path / "s.db"), "--dry-run"]
    assert invoke([*asked, "--backend-option", "export_s=30", "--budget", "10s"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "2 exports come first" in told
    assert "which is more than the budget of 10 s" in told


def test_a_flag_names_exports_only_where_there_were_any() -> None:
    budget = Budget(60.0, lambda: 55.0)
    budget.exported(52, 40.0)
    budget.learn(15.0, 12.0)
    assert budget.processes(3, made=1) == 1
    assert budget.flag is not None
    assert "and 52 exports took 40 s before, so that the intervals are wider" in budget.flag.text


def test_a_budget_that_exports_use_up_is_told_with_the_workloads_that_fit() -> None:
    known = {work.key: Earlier(0.05, 0.5) for work in WORKS}
    roomy = forecast(plan_of(export_s=10, realtime=True), known, 600.0)
    assert roomy.total_s <= 600
    assert "fit about" not in str(roomy)
    tight = forecast(plan_of(export_s=10, realtime=True), known, 20.0)
    assert (tight.processes, tight.blocks) == (2, 2)
    fit = int(6 * 20 / tight.total_s)
    assert f"; into the budget of 20 s fit about {fit} of 6 workloads" in str(tight)
