"""A campaign's estimates enter the history of its store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hwcost.campaign.estimates.estimate import fit_campaign, visits_of
from hwcost.campaign.planning import find_or_create, make_plan
from hwcost.campaign.plans.plan import Plan, items
from hwcost.campaign.run import run
from hwcost.campaign.series import history_of, keep_estimates
from hwcost.quantities import LATENCY
from hwcost.stores import open_store
from hwcost.stores.environment import Environment
from hwcost.stores.ids import utc
from hwcost.stores.schema import Campaign
from hwcost.timing.measurement import Flag, Visit
from hwcost.timing.timer import utc_now
from hwcost.workloads import SyntheticWorkload

WORKS = [SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i))) for i in range(4)]


def plan(**options: object) -> Plan:
    return make_plan(items(WORKS), "cpu", "null", tier="quick", options=dict(options), rounds=2)


def test_a_campaign_writes_its_estimates_and_those_of_an_older_one_are_the_same(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store:
        planned = plan(fail="w1")
        campaign_id = find_or_create(planned, store, "night")
        result = run(store, campaign_id)
        series, table = store.series(), store.estimates()
        found = {series[estimate.series_key].name: estimate for estimate in table.estimates()}
        assert {one.quantity for one in series.values()} == {LATENCY}
        assert {name: estimate.status for name, estimate in found.items()} == {
            "w0": "ok",
            "w1": "failed",
            "w2": "ok",
            "w3": "ok",
        }
        assert "'w1' failed" in found["w1"].reason
        assert "E_FAILED" in found["w1"].flags
        assert (table.run_id, table.campaign_id) == (["night"], [campaign_id])
        for m in result.measurements:
            estimate = found[m.workload.name]
            assert (estimate.value, estimate.half_width, estimate.n_rounds) == (m.latency_s, m.half_width, m.n_rounds)
            assert estimate.measured_at == min(utc(visit.started_at) for visit in m.visits)
        assert keep_estimates(store, campaign_id) == 0
        again = find_or_create(planned, store, "next night")
        assert again not in (campaign_id, find_or_create(planned, store))
        run(store, again)
        assert (len(store.series()), len(store.estimates())) == (4, 8)
        assert all(one.device_key for one in series.values())


def test_no_visit_begins_after_its_campaign_has_ended_where_a_virtual_clock_runs_ahead(laws_here, tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store:
        result = run(store, find_or_create(plan(overhead_s=1.0), store))
    begun = [utc(visit.started_at) for m in result.measurements for visit in m.visits]
    assert len(begun) == len(WORKS) * 2
    assert max(begun) <= utc(utc_now())


def test_statuses_say_what_became_of_a_workload() -> None:
    campaign, planned = Campaign(run_id="r"), plan()
    planned = replace(planned, protocol=replace(planned.protocol, quantities=("energy_j", "throughput_per_s")))
    times = {"samples_s": (0.1,) * 10, "started_at": "2025-01-02T00:00:00+00:00"}
    seen = {"resident_peak_bytes": 100}
    doubt = (Flag("E_THROTTLED", "it was throttled"),)
    visits = [
        *(Visit(WORKS[0].key, n, 0, **times, conditions=seen, started_s=float(n)) for n in range(2)),  # type: ignore[arg-type]
        Visit(WORKS[1].key, 0, 1, **times, status="void", flags=doubt),  # type: ignore[arg-type]
        Visit(WORKS[2].key, 0, 2, status="failed", flags=(Flag("E_FAILED", "x\0" * 9000),)),
    ]  # fmt: skip
    series, estimates = history_of(campaign, planned, fit_campaign(planned, visits), Environment(device={"device_key": "k"}))
    found = {(one.name, one.quantity): estimate for one, estimate in zip(series, estimates, strict=True)}
    assert {name for name, _ in found} == {"w0", "w1", "w2"}  # w3 was never visited
    memory = found["w0", "peak_memory_bytes"]
    assert (memory.value, memory.status, ("w1", "peak_memory_bytes") in found) == (100.0, "ok", False)
    energy = found["w0", "energy_j"]
    assert (energy.value, energy.status, energy.reason.startswith("energy was not measured")) == (None, "failed", True)
    rate = found["w0", "throughput_per_s"]
    assert (rate.status, rate.value) == ("ok", pytest.approx(10.0))
    latency = found["w0", LATENCY]
    assert (latency.value, latency.status, latency.n_rounds) == (pytest.approx(0.1), "ok", 2)
    void, failed = found["w1", LATENCY], found["w2", LATENCY]
    assert (void.status, void.reason, void.flags) == ("invalid", "it was throttled", ("E_THROTTLED",))
    assert (failed.status, failed.reason[:3], "\0" in failed.reason) == ("failed", "xxx", False)
    assert {one.device_key for one in series} == {"k"}
    assert {estimate.run_id for estimate in estimates} == {"r"}


def test_canaries_have_series_that_say_so(tmp_path: Path) -> None:
    small = tuple(SyntheticWorkload(f"c{i}", flops=10**8) for i in range(2))
    with open_store(tmp_path / "s.db") as store:
        result = run(store, find_or_create(replace(plan(), canaries=small), store))
        assert result.fit.canaries is not None
        known = {key: one for key, one in store.series().items() if one.extra.get("role") == "canary"}
        values = {known[e.series_key].workload_key: e.value for e in store.estimates(series_keys=known).estimates()}
        assert values == result.fit.canaries.latency_s
        assert (len(values), len(store.series())) == (2, 6)


def test_an_unusable_campaign_is_estimated_from_its_records(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.jsonl") as store:
        campaign_id = find_or_create(plan(), store)
        assert keep_estimates(store, campaign_id) == 0
        assert visits_of(store, campaign_id) == []
        assert len(store.estimates()) == 0
