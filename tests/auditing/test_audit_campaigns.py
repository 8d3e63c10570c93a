"""Verdicts on campaigns with planted levels, and that a store and the result that filled it say the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hwcost
from hwcost.auditing.campaign import audit_campaign, signal_tau
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.errors import DataError, UsageError
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

pytestmark = pytest.mark.usefixtures("laws_here")


def campaign(level, n: int = 60, rounds: int = 4, sd: float = 0.005, void: int = 0) -> tuple[Plan, list[Visit]]:
    """Draws a campaign in random order; ``level`` maps the share of the campaign that is over to a factor."""
    rng = np.random.default_rng(0)
    plan = Plan(
        tuple(Item(SyntheticWorkload(f"w{i}", flops=10**8 * (i + 1))) for i in range(n)), "cpu", "null", protocol("standard")
    )
    visits = []
    for number in range(rounds):
        for position, i in enumerate(rng.permutation(n)):
            when = (number * n + position) / (rounds * n)
            seconds = 1e-3 * (i + 10) * level(when) * float(np.exp(rng.normal(0, sd)))
            status = "void" if len(visits) < void else "ok"
            time = 2.0 * len(visits)
            key = plan.items[i].workload.key
            visits.append(
                Visit(key, number, position, (seconds,) * 10, started_s=time, ended_s=time + 1.0, status=status)
            )
    return plan, visits


def test_a_quiet_campaign_is_clean():
    report = audit_campaign(*campaign(lambda when: 1.0), "here")
    assert (report.verdict, report.unit, report.void_share) == ("clean", "visit", 0.0)
    assert report.signal_tau > 0.95
    assert report.repeatability == pytest.approx(0.005 * np.sqrt(2), rel=0.3)


def test_a_step_is_found_and_taken_out():
    report = audit_campaign(*campaign(lambda when: 1.15 if when > 0.6 else 1.0), "here")
    assert report.verdict == "drifting"
    assert "W_DRIFT" in report.codes
    assert report.von_neumann < report.critical
    assert report.von_neumann_after > report.von_neumann + 0.3
    assert min(abs(one.first - 144) for one in report.segments) <= 5
    assert report.repeatability_after == pytest.approx(0.005 * np.sqrt(2), rel=0.2)
    assert report.repeatability > 1.5 * report.repeatability_after
    assert 100 * report.level_range == pytest.approx(15, abs=3)
    assert "hit all workloads alike" in report.explanation
    assert set(report.level_by_class) >= {"0"}


def test_void_visits_are_counted():
    report = audit_campaign(*campaign(lambda when: 1.0, void=24), "here")
    assert report.void_share == pytest.approx(0.1)
    assert len(report.residuals) == 216
    assert report.to_dict()["n_visits"] == 216
    assert "10.0 % of the visits" in report.explanation


@pytest.mark.parametrize(("lost", "found"), [(0.2, ("mild", ("W_UNCONFIRMED",))), (0.0, ("clean", ()))])
def test_a_campaign_without_a_confirmed_workload_is_not_clean(lost, found):
    plan, visits = campaign(lambda when: 1.0)
    taken = [replace(one, conditions={"block_lost_fraction": [lost] * 10}) for one in visits]
    report = audit_campaign(plan, taken, "here")
    assert (report.verdict, report.codes) == found
    assert ("60 of 60 workloads are unconfirmed" in str(report.flags)) == bool(lost)
    assert ("all latencies may be too long alike" in report.explanation) == bool(lost)


def test_configurations_that_were_never_applied():
    plan, visits = campaign(lambda when: 1.0)
    rng = np.random.default_rng(1)
    alike = [
        Visit(one.workload_key, one.round, one.position, (0.01 * float(np.exp(rng.normal(0, 0.01))),) * 10)
        for one in visits
    ]
    report = audit_campaign(plan, alike, "here")
    assert (report.verdict, "E_NULL_EFFECT" in report.codes) == ("invalid", True)


@pytest.mark.parametrize(("n", "rounds", "void"), [(1, 20, 0), (2, 2, 0), (20, 2, 40)])
def test_too_little_is_refused(n, rounds, void):
    with pytest.raises(DataError, match="at least 10 usable visits"):
        audit_campaign(*campaign(lambda when: 1.0, n, rounds, void=void), "here")


def test_signal_is_what_the_other_visits_let_expect():
    assert signal_tau(np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 2.0, 2.0])) == 1.0
    assert signal_tau(np.array([0, 1, 2]), np.array([1.0, 2.0, 3.0])) is None


def test_a_store_and_its_result_say_the_same(tmp_path):
    given = [SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i))) for i in range(12)]
    result = hwcost.measure(given, backend="null", store=tmp_path / "s.db", rounds=2)
    report = hwcost.audit(result)
    assert hwcost.audit(tmp_path / "s.db").to_dict() == {**report.to_dict(), "source": str(tmp_path / "s.db")}
    assert hwcost.audit(tmp_path / "s.db", campaign_id=result.campaign_id).verdict == "clean"


def test_an_absent_store_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="absent.db"):
        hwcost.audit(tmp_path / "absent.db")


def test_of_several_campaigns_the_latest_is_judged_and_named(tmp_path):
    path = str(tmp_path / "s.db")
    works = [SyntheticWorkload(f"w{i}", flops=10**9 * (i + 1)) for i in range(4)]
    first, second = (hwcost.measure(works, backend="null", tier="quick", rounds=4, store=path) for _ in range(2))
    assert hwcost.audit(path, campaign_id=first.campaign_id).remarks == ()
    (remark,) = hwcost.audit(path).remarks
    assert f"of 2 campaigns of {path}, the latest is judged: {second.campaign_id} (" in remark
