"""Campaigns that end by the error of the cost model they are measured for, on a simulated device."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hwcost
from hwcost.campaign import run as campaign
from hwcost.campaign.goals.goal import read_goals
from hwcost.campaign.planning import make_plan
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.rounds import round as campaign_round
from hwcost.cost_models import cost_model
from hwcost.cost_models import load as load_model
from hwcost.cost_models.evaluation.goals import GOALS, MeanError, ModelInterval, RSquared, noise_of
from hwcost.cost_models.priors import sources as prior_sources
from hwcost.devices import DeviceHandle, load
from hwcost.errors import InterruptedRunError, UnknownNameError, UsageError
from hwcost.spaces import space
from hwcost.stores import open_store
from hwcost.testing.faults import Faults
from hwcost.testing.goals import GoalSuite
from hwcost.testing.in_process import InProcess
from hwcost.testing.sim_device import SimDevice
from hwcost.timing.measurement import Measurement
from hwcost.workloads import ModelWorkload, SyntheticWorkload, component_stacks, models
from hwcost.workloads.base import Workload

XEON = DeviceHandle(load("xeon"))
SPACE = space("supershaper", scale="mini")
SHAPE = {"batch_size": 1, "seq_len": 16, "dtype": "float32"}


class TestMeanError(GoalSuite):
    kind = MeanError
    bound = 2.0


class TestRSquared(GoalSuite):
    kind = RSquared
    bound = 0.95


class TestModelInterval(GoalSuite):
    kind = ModelInterval
    bound = 5.0


def law(own: float):
    """Seconds of a net: a price per gene, times what no additive model knows of it."""

    def seconds(workload: Workload) -> float:
        if not isinstance(workload, ModelWorkload):
            return 0.02
        rng = np.random.default_rng(int(workload.key[:12], 16))
        return (0.02 + 1e-4 * sum(map(float, workload.genes))) * math.exp(own * rng.standard_normal())

    return seconds


def plan_of(*until: str, n: int = 24) -> Plan:
    works = models(SPACE, SPACE.sample(n, seed=0, design="spread"), **SHAPE)
    plan = make_plan([Item(one) for one in works], "cpu", "null", until=read_goals(until, GOALS))
    return Plan.from_dict({**plan.to_dict(), "device": "xeon", "handle": XEON.to_dict(), "pin": False})


def use(monkeypatch: pytest.MonkeyPatch, process: float, own: float = 0.0) -> None:
    device = SimDevice(faults=Faults(noise=0.003, process=process), law=law(own))
    monkeypatch.setattr(campaign_round, "WorkerProcess", lambda job, *_: InProcess(job, device, XEON))


def run(path: Path, plan: Plan, budget_s: float | None = None) -> campaign.Result:
    with open_store(path / "s.db") as store:
        return campaign.run(store, campaign.start(plan, store), budget_s=budget_s, goals=GOALS)


def flag_of(result: campaign.Result) -> str:
    return next((str(flag) for flag in result.flags if flag.code == "I_UNTIL"), "")


def test_a_campaign_ends_once_the_model_is_good_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, process=0.01)
    result = run(tmp_path, plan_of("mape:lut<=2%"))
    assert result.is_complete
    assert {m.n_rounds for m in result.measurements} == {2}
    assert flag_of(result) == ""
    assert result.standing is not None
    (verdict,) = result.standing.verdicts
    model = hwcost.fit(result, "lut")
    assert verdict.value == model.provenance["metrics"]["mape"] <= 2


@pytest.mark.slow
def test_more_processes_are_made_while_noise_explains_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The intervals are wider than the tier's, and narrow enough for the model, which all nets together tell."""
    use(monkeypatch, process=0.06)
    result = run(tmp_path, plan_of("mape:lut<=2%"))
    assert 2 < max(m.n_rounds for m in result.measurements) < 12
    assert result.is_complete
    assert flag_of(result) == ""


def test_more_architectures_are_asked_for_where_no_process_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, process=0.003, own=0.06)
    result = run(tmp_path, plan_of("mape:lut<=2%"))
    assert {m.n_rounds for m in result.measurements} == {2}
    assert result.is_complete
    assert "after 2 processes, wanted mape:lut<=2%. Measure more architectures (-n)" in flag_of(result)
    assert "--budget" not in flag_of(result)


@pytest.mark.slow
def test_all_rounds_and_budgets_end_it_too_and_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, process=0.05)
    plan = plan_of("mape:lut<=1%")
    plan = replace(plan, protocol=replace(plan.protocol, max_rounds=5))
    ended = run(tmp_path, plan, budget_s=1e-3)
    assert not ended.is_complete
    assert "after 2 processes, wanted mape:lut<=1%. --resume --budget TIME goes on" in flag_of(ended)
    with open_store(tmp_path / "s.db") as store:
        result = campaign.run(store, ended.campaign_id, goals=GOALS)
    assert result.is_complete
    assert {m.n_rounds for m in result.measurements} == {5}
    assert "after 5 processes" in flag_of(result)
    assert "All rounds were made" in flag_of(result)


def test_all_goals_must_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, process=0.01)
    result = run(tmp_path, plan_of("mape:lut<=2%", "half-width<=1%", "r2:lut>=0.5"))
    assert min(m.n_rounds for m in result.measurements) > 2
    assert all(m.half_width is not None and m.half_width <= 0.01 for m in result.measurements)
    assert result.standing is not None
    assert result.standing.is_met


@pytest.mark.slow
def test_a_campaign_that_is_interrupted_again_and_again_decides_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rounds are equal, and so are the values by which it ended."""
    plan = plan_of("mape:lut<=2.5%", n=16)
    (tmp_path / "whole").mkdir()
    use(monkeypatch, process=0.06)
    whole = run(tmp_path / "whole", plan)
    use(monkeypatch, process=0.06)
    seen = set[int]()

    def stop(state: campaign.Progress) -> None:
        if not state.passes and state.round not in seen:  # before the first pass of every process
            seen.add(state.round)
            raise KeyboardInterrupt

    with open_store(tmp_path / "s.db") as store:
        started, result = campaign.start(plan, store), None
        while result is None:
            with suppress(InterruptedRunError):
                result = campaign.run(store, started, progress=stop, goals=GOALS)
        again = campaign.run(store, started, goals=GOALS)
    assert len(seen) == max(m.n_rounds for m in whole.measurements)
    assert result.standing == again.standing
    assert result.standing is not None
    assert whole.standing is not None
    assert result.standing.to_list()[0]["value"] == pytest.approx(whole.standing.to_list()[0]["value"], rel=1e-6)
    assert [m.latency_s for m in result.measurements] == pytest.approx([m.latency_s for m in whole.measurements])
    assert [m.n_rounds for m in again.measurements] == [m.n_rounds for m in result.measurements]


@pytest.mark.parametrize("seed", range(4))
def test_the_rule_knows_noise_from_what_the_model_does_not_know(seed: int) -> None:
    """Intervals are as wide as the noise; only where the nets differ by themselves are more of them asked for."""
    goal, plan = MeanError(1.0, "lut"), plan_of(n=40)
    rng = np.random.default_rng(seed)
    for own, asks in ((0.0, False), (0.06, True)):
        latency_s = [law(own)(one.workload) * math.exp(0.02 * rng.standard_normal()) for one in plan.items]
        found = [
            Measurement(one.workload, "fit", seconds, math.hypot(1.96 * 0.02, 0.5), 2, (), level_half_width=0.5)
            for one, seconds in zip(plan.items, latency_s, strict=True)
        ]
        assert noise_of(found) == pytest.approx(0.02)
        verdict = goal.judge(plan, found)
        assert not verdict.is_met
        assert ("more architectures" in verdict.remedy, not verdict.due) == (asks, asks)


def test_one_without_an_interval_leaves_the_noise_unknown() -> None:
    plan = plan_of(n=16)
    found = [Measurement(one.workload, "fit", law(0.06)(one.workload), 0.001, 2, ()) for one in plan.items]
    assert MeanError(1.0, "lut").judge(plan, found).due == ()
    found[3] = Measurement(plan.items[3].workload, "fit", found[3].latency_s, None, 1, ())
    assert len(MeanError(1.0, "lut").judge(plan, found).due) == 16


def test_a_goal_is_not_met_while_workloads_are_unconfirmed() -> None:
    plan = plan_of(n=16)
    found = [Measurement(one.workload, "fit", law(0.0)(one.workload), 0.001, 2, ()) for one in plan.items]
    goal = MeanError(1.0, "lut")
    assert goal.judge(plan, found).is_met
    found[3] = replace(found[3], is_confirmed=False)
    verdict = goal.judge(plan, found)
    assert (verdict.is_met, verdict.due) == (False, (plan.items[3].workload.key,))
    assert verdict.value is not None
    assert "1 of 16 workloads have too few uncontended blocks" in verdict.remedy


def test_models_of_other_devices_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archs = SPACE.sample(12, seed=1)
    other = cost_model("lut", SPACE, batch_size=1, seq_len=16).fit(archs, [1e-9 * SPACE.params(arch) for arch in archs])
    plan = replace(plan_of(n=8), prior=(str(other.save(tmp_path / "other")),))
    found = [Measurement(one.workload, "fit", law(0.0)(one.workload), 0.001, 2, ()) for one in plan.items]
    read: list[Path] = []
    monkeypatch.setattr(prior_sources, "load", lambda path: (read.append(path), load_model(path))[1])
    goal = ModelInterval(50.0)
    values = [goal.judge(plan, found[:n]).value for n in (4, 8, 8)]
    assert values[1] == values[2] != values[0]
    assert read == [tmp_path / "other"]


NETS = models(SPACE, SPACE.sample(8, seed=0), **SHAPE)


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([Item(NETS[0])], "5 or more architectures of a search space with the role 'fit'; 1 of 1 workloads are such"),
        ([Item(one) for one in NETS[:4]], "4 of 4 workloads"),
        ([Item(one, "test") for one in NETS], "0 of 8 workloads"),
        ([Item(SyntheticWorkload("own", flops=10**9))], "0 of 1 workloads are such. Measure more architectures"),
        ([*map(Item, NETS), Item(SyntheticWorkload("own", flops=10**9))], "8 of 9 workloads"),
        (
            [Item(one, "component") for one in component_stacks(SPACE, **SHAPE)],
            "prices of components are measured, not fitted. Ask for half-width<=1% instead",
        ),
        (
            [*map(Item, NETS), *map(Item, models(SPACE, SPACE.sample(8, seed=0), **{**SHAPE, "dtype": "bfloat16"}))],
            r"measurements in 2 number formats \(bfloat16, float32\), and a cost model is of one",
        ),
    ],
)
def test_where_no_cost_model_can_be_fitted_nothing_begins(items: list[Item], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make_plan(items, "cpu", "null", until=[MeanError(2.0)])


def test_unknown_cost_models_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown cost model 'lot'.*Known: "):
        plan_of("mape:lot<=2%")
