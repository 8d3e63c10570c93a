"""The level of a campaign beside those of former ones: false alarms, power, the spread of levels, and who hears of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwcost
from benchmarks.studies.comparisons import DRIFTS
from hwcost._types import Floats
from hwcost.campaign.comparisons.former_campaigns import LATEST, FormerCampaign
from hwcost.campaign.comparisons.former_levels import FormerLevels, beside, read_former_levels
from hwcost.campaign.estimates.estimate import CampaignFit, fit_campaign
from hwcost.campaign.planning import find_or_create, make_plan
from hwcost.campaign.plans.plan import Item, Plan, items
from hwcost.campaign.plans.roles import CONFIRMATION
from hwcost.campaign.result import Result
from hwcost.campaign.run import run
from hwcost.campaign.series import history_of
from hwcost.cli.main import invoke
from hwcost.stores import open_store
from hwcost.stores.base import Store
from hwcost.stores.environment import Environment
from hwcost.stores.jsonl import JsonLinesStore
from hwcost.stores.schema import Campaign
from hwcost.stores.sql import SqlStore
from hwcost.testing.sim_campaign import SimCampaign
from hwcost.testing.store_contents import make_record
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

pytestmark = pytest.mark.usefixtures("laws_here")

WORKS = [SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i))) for i in range(6)]


@dataclass(frozen=True)
class Again(SimCampaign):
    """One of several campaigns of the same workloads."""

    @cached_property
    def sizes(self) -> Floats:
        """See the base class."""
        return np.random.default_rng(5).normal(-3.0, 0.5, self.n_items)


@dataclass(frozen=True)
class Simulated:
    """A simulated campaign.

    Attributes:
        plan: Its plan.
        fit: What its visits say.
        truth: Log latencies at its mean level.
    """

    plan: Plan
    fit: CampaignFit
    truth: Floats

    def at(self, level: float) -> Simulated:
        """Returns the campaign as a machine would have given it that was slower throughout."""
        slower = [replace(m, latency_s=(m.latency_s or 0.0) * math.exp(level)) for m in self.fit.measurements]
        return replace(self, fit=replace(self.fit, measurements=tuple(slower)), truth=self.truth + level)

    def kept(self, store: Store, day: int) -> Campaign:
        """Adds the campaign to a store."""
        campaign = Campaign(created_at=f"2026-01-{day:02}T00:00:00Z", plan=self.plan.to_dict())
        store.add_campaign(campaign)
        store.add_estimates(*history_of(campaign, self.plan, self.fit, Environment()))
        return campaign


def simulated(seed: int, drift: str = "no drift", n: int = 12) -> Simulated:
    campaign = Again(seed, DRIFTS[drift], n_items=n)
    works = [SyntheticWorkload(f"w{i}", flops=int(1e12 * np.exp(size))) for i, size in enumerate(campaign.sizes)]
    plan = Plan(tuple(Item(work) for work in works), "cpu", "sim", protocol("standard"))
    visits = [
        Visit(works[i].key, t // n, t % n, tuple(np.exp(blocks)), started_s=t, ended_s=t + 1.0)
        for t, (i, blocks) in enumerate(zip(campaign.items, campaign.visits, strict=True))
    ]
    return Simulated(plan, fit_campaign(plan, visits), campaign.truth)


def found_after(folder: Path, former: Sequence[Simulated], present: Simulated) -> FormerLevels:
    """Returns what a store says of a campaign that former ones preceded."""
    with JsonLinesStore(folder / f"{len(list(folder.iterdir()))}.jsonl") as store:
        for day, one in enumerate(former, 1):
            one.kept(store, day)
        campaign = present.kept(store, len(former) + 1)
        found = read_former_levels(store, campaign, present.plan, present.fit.measurements)
    assert found is not None
    return found


def groups(campaigns: Sequence[Simulated], size: int) -> Iterator[tuple[Sequence[Simulated], Simulated]]:
    """Yields every campaign once as the present one, with others as its former ones."""
    for i, present in enumerate(campaigns):
        yield [campaigns[(i + k) % len(campaigns)] for k in range(1, size)], present


def check_alarms(folder: Path, campaigns: Sequence[Simulated]) -> None:
    """Checks how often campaigns at one level are told apart, and those at 4 % are, after one former campaign and three."""
    for size in (2, 4):
        same = [found_after(folder, *one) for one in groups(campaigns, size)]
        assert np.mean([one.is_other for one in same]) <= 0.05
        assert np.mean([abs(one.log_ratio) <= one.half_width for one in same]) >= 0.9
        for level in (math.log(1.04), -math.log(1.04)):
            moved = [found_after(folder, former, one.at(level)) for former, one in groups(campaigns, size)]
            assert np.mean([one.is_other for one in moved]) >= 0.9
            assert np.mean([one.log_ratio for one in moved]) == pytest.approx(level, abs=0.002)


def check_spread(folder: Path, campaigns: Sequence[Simulated], sd: float, repeats: int) -> tuple[float, float, float]:
    """Draws levels of a machine, and returns how often intervals hold the difference to a further campaign.

    Returns:
        Coverage by the intervals as they are stated, by those across campaigns, and the root mean square of the standard
        deviation of levels that was found.
    """
    rng, stated, across, found_sd = np.random.default_rng(1), [], [], []
    for _ in range(repeats):
        drawn = rng.choice(len(campaigns), 7, replace=False)
        *former, present, further = [campaigns[i].at(sd * rng.standard_normal()) for i in drawn]
        found = found_after(folder, former, present)
        assert found.spread is not None
        found_sd.append(found.spread.sd)
        for one, other in zip(present.fit.measurements, further.fit.measurements, strict=True):
            off = abs(math.log(float(other.latency_s or 0) / float(one.latency_s or 0)))
            stated.append(off <= math.hypot(one.half_width or 0, other.half_width or 0))
            across.append(off <= math.hypot(found.across(one.half_width) or 0, found.across(other.half_width) or 0))
    return float(np.mean(stated)), float(np.mean(across)), float(np.sqrt(np.mean(np.square(found_sd))))


@pytest.fixture(scope="module")
def quiet() -> list[Simulated]:
    return [simulated(seed) for seed in range(20)]


def test_campaigns_at_one_level_are_hardly_ever_told_apart_and_4_percent_mostly(quiet, tmp_path: Path) -> None:
    check_alarms(tmp_path, quiet)


def test_intervals_across_campaigns_hold_the_difference_to_a_further_one(quiet, tmp_path: Path) -> None:
    stated, across, sd = check_spread(tmp_path, quiet, 0.02, repeats=40)
    assert stated < 0.7
    assert across >= 0.93
    assert sd == pytest.approx(0.02, rel=0.15)
    still_stated, still, sd = check_spread(tmp_path, quiet, 0.0, repeats=10)
    assert still >= still_stated >= 0.9
    assert sd < 0.003


@pytest.mark.slow
def test_rates_over_many_seeds(tmp_path: Path) -> None:
    campaigns = [simulated(seed) for seed in range(200)]
    check_alarms(tmp_path, campaigns)
    for sd in (0.01, 0.03):
        _, across, found = check_spread(tmp_path, campaigns, sd, repeats=200)
        assert 0.94 <= across <= 0.99
        assert found == pytest.approx(sd, rel=0.1)


@pytest.mark.parametrize("drift", [name for name in DRIFTS if name != "no drift"])
def test_the_interval_holds_the_difference_of_mean_levels_where_these_move_meanwhile(drift: str, tmp_path: Path) -> None:
    campaigns, hits = [simulated(seed, drift) for seed in range(30)], []
    for former, present in groups(campaigns, 4):
        found = found_after(tmp_path, former, present)
        for one, other in zip(found.campaigns, former, strict=True):
            hits.append(abs(one.log_ratio - float((present.truth - other.truth).mean())) <= one.half_width)
    assert np.mean(hits) >= 0.9


def former_campaign(ratio: Sequence[float], half: float = 0.01, level: float = 0.0, **fields: Any) -> FormerCampaign:
    n = len(ratio)
    known = {
        "campaign_id": "a", "measured_at": "2026-01-31T12:00:00.000000+00:00",
        "workload_keys": tuple(f"{i}" for i in range(n)), "log_ratio": np.array(ratio),
        "half_width": np.full((n, 2), half), "is_confirmed": np.ones((n, 2), dtype=np.bool_),
        "level_half_width": np.full(2, level),
    }  # fmt: skip
    return FormerCampaign(**{**known, **fields})


def levels(*campaigns: FormerCampaign) -> FormerLevels:
    found = beside("b", campaigns)
    assert found is not None
    return found


def test_the_interval_is_made_of_those_of_both_campaigns() -> None:
    assert beside("b", []) is None
    alone = levels(former_campaign([0.05, 0.05], half=0.01, level=0.003))
    assert (alone.log_ratio, alone.workloads, alone.spread, alone.across(0.01)) == (pytest.approx(0.05), 2, None, None)
    assert alone.half_width == pytest.approx(math.sqrt(4 * 0.01**2 / 4 + 2 * 0.003**2))
    assert alone.half_width == pytest.approx(alone.campaigns[0].half_width)
    many = levels(*[former_campaign([0.05, 0.05], half=0.01, level=0.003)] * 9)
    one = 2 * 0.01**2 / 4 + 0.003**2
    assert many.half_width == pytest.approx(math.sqrt(one + one / 9))


def test_the_spread_of_levels_is_what_their_intervals_do_not_hold() -> None:
    moved = [former_campaign([ratio] * 4, half=1e-4) for ratio in (0.02, -0.02, 0.04, -0.04)]
    found = levels(*moved)
    assert found.spread is not None
    assert found.spread.sd == pytest.approx(np.std([0.0, 0.02, -0.02, 0.04, -0.04], ddof=1), rel=1e-3)
    assert found.spread.dof == 4
    assert found.level_half_width == pytest.approx(2.776 * found.spread.sd, rel=1e-3)
    assert found.across(0.03) == pytest.approx(math.hypot(0.03, found.level_half_width or 0.0))
    assert found.across(None) is None
    wide = levels(*(former_campaign([float(one.log_ratio[0])] * 4, half=0.2) for one in moved))
    assert (wide.spread, wide.across(0.01)) == (replace(found.spread, sd=0.0), 0.01)  # type: ignore[arg-type]
    assert levels(*moved[:2]).spread is None


def test_one_workload_that_changed_is_no_other_level() -> None:
    changed = levels(former_campaign([0.4] + [0.0] * 9))
    assert changed.log_ratio == pytest.approx(0.04)
    assert not changed.is_other
    assert levels(former_campaign([0.04] * 10)).is_other


def test_unconfirmed_workloads_may_be_off_together() -> None:
    confirmed = np.ones((10, 2), dtype=np.bool_)
    half = np.full((10, 2), 0.01)
    confirmed[:, 1], half[:, 1] = False, 0.1
    found = levels(former_campaign([0.08] * 10, half_width=half, is_confirmed=confirmed))
    assert found.half_width == pytest.approx(0.1, rel=0.01)
    assert not found.is_other


def test_a_sentence_says_what_is_known() -> None:
    one = former_campaign([0.05])
    assert levels(one).text == (
        "The only shared workload took 5.1 % longer than in the former campaign of 2026-01-31T12:00Z (95 % interval +3.7 to "
        "+6.6 %)."
    )
    assert levels(former_campaign([0.001] * 4)).text.startswith(
        "The 4 shared workloads together differ from the former campaign of 2026-01-31T12:00Z by no more than the intervals "
        "hold (+0.1 %, 95 % interval -"
    )
    found = levels(*[former_campaign([-0.05] * 4, half=0.001)] * 3)
    assert "took 4.9 % less time than in 3 former campaigns" in found.text
    assert "; the levels of these 4 campaigns differ by 2.5 % (standard deviation), 95 % of them within ±" in found.text
    still = levels(*[former_campaign([0.0] * 4)] * 3)
    assert still.text.endswith("; the levels of these 4 campaigns differ by no more than their intervals hold.")
    flag = found.flag("runs.db")
    assert flag is not None
    assert flag.code == "W_OTHER_LEVEL"
    assert flag.text.startswith(found.text)
    assert "hwcost compare 'runs.db#a' 'runs.db#b'" in flag.remedy
    assert still.flag("runs.db") is None


def measure(store: Path, **options: Any) -> Result:
    given = {"backend": "null", "rounds": 3, "store": store, **options}
    return hwcost.measure(given.pop("works", WORKS), **given)  # type: ignore[arg-type]


def quicker(store: Path, factor: float) -> None:
    """Makes all that a store holds as if the machine had been quicker by then."""
    with open_store(store) as opened:
        known = [replace(one, value=one.value and one.value / factor) for one in opened.estimates().estimates()]
        opened.add_estimates([], known)


@pytest.mark.parametrize("name", ["s.db", "s.jsonl"])
def test_a_campaign_says_that_the_machine_was_slower_throughout(name: str, tmp_path: Path) -> None:
    store = tmp_path / name
    first = measure(store)
    assert (first.former, [flag.code for flag in first.flags if flag.code == "W_OTHER_LEVEL"]) == (None, [])
    same = measure(store)
    assert same.former is not None
    assert (same.former.workloads, len(same.former.campaigns), same.former.is_other) == (6, 1, False)
    assert same.former.campaigns[0].campaign_id == first.campaign_id
    quicker(store, 1.08)
    slower = measure(store)
    assert slower.former is not None
    assert [one.campaign_id for one in slower.former.campaigns] == [first.campaign_id, same.campaign_id]
    assert math.exp(slower.former.log_ratio) == pytest.approx(1.08, rel=0.01)
    flag = next(flag for flag in slower.flags if flag.code == "W_OTHER_LEVEL")
    assert f"{store}#{same.campaign_id}" in flag.remedy
    assert f"{store}#{slower.campaign_id}" in flag.remedy
    assert [m.half_width for m in slower.measurements] == [m.half_width for m in first.measurements]


def test_only_what_may_be_compared_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "s.db"
    first = measure(store)
    others: list[dict[str, Any]] = [
        {"threads": 2}, {"backend_options": {"seed": 1}}, {"arrival": "gap=1ms"},
        {"works": [SyntheticWorkload("other", flops=10**9)]},
    ]  # fmt: skip
    assert [measure(store, **other).former for other in others] == [None] * len(others)
    part = measure(store, works=WORKS[:2])
    assert part.former is not None
    assert (part.former.workloads, len(part.former.campaigns)) == (2, 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert measure(store).former is None
    with open_store(store) as opened:
        campaign = opened.campaign(first.campaign_id)
        assert read_former_levels(opened, campaign, first.plan, first.measurements) is None


def test_runs_of_suites_and_confirmations_are_left_to_the_history(tmp_path: Path) -> None:
    plan = make_plan(items(WORKS), "cpu", "null", tier="quick", rounds=2)
    with open_store(tmp_path / "s.db") as store:
        assert run(store, find_or_create(plan, store)).former is None
        assert run(store, find_or_create(plan, store, "night")).former is None
        again = make_plan(items(WORKS, CONFIRMATION), "cpu", "null", tier="quick", rounds=2)
        assert run(store, find_or_create(again, store)).former is None


def test_no_block_of_former_campaigns_is_read_and_not_all_of_them_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = simulated(0)
    with SqlStore(str(tmp_path / "s.db")) as store:
        for number in range(LATEST + 5):
            campaign = Campaign(campaign_id=f"c{number}", created_at=f"2026-01-01T00:{number:02}:00Z")
            store.add_campaign(campaign)
            store.append(make_record(campaign.campaign_id))
            store.add_estimates(*history_of(campaign, present.plan, present.fit, Environment()))
        last = present.kept(store, 2)
        monkeypatch.setattr(SqlStore, "records", lambda *_, **__: pytest.fail("records were read"))
        found = read_former_levels(store, last, present.plan, present.fit.measurements)
    assert found is not None
    assert [one.campaign_id for one in found.campaigns] == [f"c{number}" for number in range(5, LATEST + 5)]


def test_the_command_tells_it_in_its_document_and_below_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, out = tmp_path / "s.db", tmp_path / "out.json"
    arguments = ["measure", "--backend", "null", "-n", "6", "--rounds", "3", "--store", str(store)]
    assert invoke([*arguments, "--json", str(out)]) == 0
    assert json.loads(out.read_text())["former"] is None
    assert "shared workloads" not in capsys.readouterr().out
    assert invoke([*arguments, "--json", str(out)]) == 0
    assert "The 6 shared workloads together differ from the former campaign of " in capsys.readouterr().out
    assert invoke(arguments) == 0
    quicker(store, 1.05)
    assert invoke([*arguments, "--json", str(out)]) == 0
    shown = capsys.readouterr()
    assert "W_OTHER_LEVEL: The 6 shared workloads together took 5.0 % longer than in 3 former campaigns" in shown.err
    found = json.loads(out.read_text())
    former = found["former"]
    assert (former["workloads"], len(former["campaigns"]), former["is_other"]) == (6, 3, True)
    assert former["low"] < former["ratio"] < former["high"]
    assert former["ratio"] == pytest.approx(1.05, rel=0.01)
    assert former["level_sd"] == pytest.approx(math.log(1.05) / 2, rel=0.05)
    for one in found["measurements"]:
        half = math.hypot(one["half_width"], former["level_half_width"])
        assert one["half_width_across_campaigns"] == pytest.approx(half)
    assert "W_OTHER_LEVEL" in {flag["code"] for flag in found["flags"]}


def test_an_audit_tells_it_of_a_store_and_of_a_result(tmp_path: Path) -> None:
    store = tmp_path / "s.db"
    measure(store, rounds=8)
    quicker(store, 1.08)
    result = measure(store, rounds=8)
    reports = hwcost.audit(result), hwcost.audit(store)
    for report in reports:
        assert "W_OTHER_LEVEL" in report.codes
        assert report.former is not None
        assert report.former.text in report.explanation
        assert report.to_dict()["former"]["ratio"] == pytest.approx(1.08, rel=0.01)
    assert reports[0].verdict == reports[1].verdict == "clean"
    assert reports[0].former == reports[1].former
    first = reports[0].former.campaigns[0]  # type: ignore[union-attr]
    assert hwcost.audit(store, campaign_id=first.campaign_id).former is None
