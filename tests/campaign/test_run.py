"""Campaigns on the null backend: whole, topped up, within a budget, and through every way to be stopped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hwcost
from hwcost.agent import processors
from hwcost.backends.null import Null
from hwcost.campaign import run as campaign
from hwcost.campaign import targets
from hwcost.campaign.estimates import estimate
from hwcost.campaign.estimates.estimate import measurements
from hwcost.campaign.planning import find_or_create, make_plan
from hwcost.campaign.plans.plan import Item, Plan, items
from hwcost.campaign.plans.roles import CONFIRMATION
from hwcost.campaign.processes.cpus import reserved
from hwcost.cli.main import invoke
from hwcost.devices import require
from hwcost.errors import BusyError, DataError, DeviceError, InterruptedRunError, StoreError, UsageError
from hwcost.stores import open_store
from hwcost.stores.schema import Campaign
from hwcost.timing.measurement import Measurement, Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

pytestmark = pytest.mark.usefixtures("laws_here")


def works(n: int) -> list[SyntheticWorkload]:
    return [SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i))) for i in range(n)]


def law_s(work: SyntheticWorkload) -> float:
    return 1e-5 + work.flops / 1e11


@pytest.mark.usefixtures("own_processes")
def test_a_campaign_recovers_the_law(tmp_path: Path) -> None:
    given = works(12)
    result = hwcost.measure(given, "cpu", backend="null", store=tmp_path / "s.db", seed=1)
    assert result.is_complete
    assert [m.latency_s for m in result.measurements] == pytest.approx([law_s(w) for w in given], rel=0.01)
    assert all(m.half_width is not None and m.half_width <= 0.01 for m in result.measurements)
    with open_store(tmp_path / "s.db") as store:
        assert [m.latency_s for m in measurements(store)] == [m.latency_s for m in result.measurements]


def test_imprecise_items_are_topped_up_until_precise(tmp_path: Path) -> None:
    options = {"process_noise": 0.02, "noise": 0.001}
    result = hwcost.measure(works(4), backend="null", store=tmp_path / "s.db", backend_options=options)
    counts = {m.n_rounds for m in result.measurements}
    assert max(counts) > 4
    assert max(counts) <= 12


def test_a_budget_is_shared_by_rounds_and_ends_with_intervals(tmp_path: Path) -> None:
    options = {"realtime": True, "process_noise": 0.02}
    result = hwcost.measure(works(3), backend="null", store=tmp_path / "s.db", backend_options=options, budget_s=6)
    assert not result.is_complete
    assert all(m.half_width is not None and m.n_rounds >= 2 for m in result.measurements)
    with open_store(tmp_path / "s.db") as store:
        assert store.count() == sum(len(m.visits) for m in result.measurements)
        assert store.passes(result.campaign_id) == {}
        assert store.campaign(result.campaign_id).status == "stopped"


def test_a_budget_that_is_too_short_gives_two_rounds_of_two_passes_and_says_so(tmp_path: Path) -> None:
    result = hwcost.measure(
        works(4), backend="null", store=tmp_path / "s.db", backend_options={"realtime": True}, budget_s=0.1
    )
    assert {(m.n_rounds, len(visit.samples_s)) for m in result.measurements for visit in m.visits} == {(2, 2)}
    assert all(m.half_width is not None for m in result.measurements)
    (flag,) = [flag for flag in result.flags if flag.code == "I_BUDGET"]
    assert "2 of 4 processes fit into the budget" in flag.text


def unconfirmed_until(monkeypatch: pytest.MonkeyPatch, name: str, rounds: int) -> None:
    """Lets the machine be seen uncontended by a workload only after so many rounds."""
    of_visits = estimate.estimate

    def judged(plan: Plan, visits: list[Visit]) -> list[Measurement]:
        found = of_visits(plan, visits)
        return [replace(m, is_confirmed=m.workload.name != name or m.n_rounds >= rounds) for m in found]

    monkeypatch.setattr(estimate, "estimate", judged)


def rounds_of(result: campaign.Result) -> dict[str, int]:
    return {m.workload.name: m.n_rounds for m in result.measurements}


@pytest.mark.parametrize(
    ("options", "of_w1", "of_others"),
    [({"budget_s": 60}, 5, 2 * 4 + 3 * 3), ({}, 2, 2 * 4), ({"budget_s": 60, "rounds": 3}, 3, 3 * 4)],
)
def test_a_quick_campaign_makes_more_processes_for_what_is_unconfirmed_where_a_budget_has_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], of_w1: int, of_others: int
) -> None:
    unconfirmed_until(monkeypatch, "w1", 5)
    counts = rounds_of(hwcost.measure(works(5), backend="null", store=tmp_path / "s.db", tier="quick", **options))
    assert (counts.pop("w1"), sum(counts.values())) == (of_w1, of_others)


def test_what_stays_unconfirmed_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unconfirmed_until(monkeypatch, "w1", 100)
    result = hwcost.measure(works(3), backend="null", store=tmp_path / "s.db", tier="quick", budget_s=60)
    assert rounds_of(result)["w1"] == protocol("quick").most_rounds


def test_a_further_round_of_few_workloads_has_companions_that_are_the_same_whenever_they_are_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_visits = estimate.estimate

    def judged(plan: Plan, visits: list[Visit]) -> list[Measurement]:
        wide = {"w1", "w4"}
        return [
            replace(m, half_width=0.02 if m.workload.name in wide and m.n_rounds == 2 else 0.001)
            for m in of_visits(plan, visits)
        ]

    def stop(state: campaign.Progress) -> None:
        if state.round == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(estimate, "estimate", judged)
    plan = make_plan(items(works(6)), require("cpu"), "null", tier="quick", blocks=4)
    plan = replace(plan, protocol=replace(plan.protocol, half_width=0.01, max_rounds=3, min_visit_s=0.01))
    orders = []
    for name in ("whole", "cut"):
        with open_store(tmp_path / f"{name}.db") as store:
            campaign_id = campaign.start(plan, store)
            if name == "cut":
                with pytest.raises(InterruptedRunError):
                    campaign.run(store, campaign_id, progress=stop)
            assert campaign.run(store, campaign_id).is_complete
            orders.append(store.rounds(campaign_id))
    assert [len(order) for order in orders[0].values()] == [6, 6, 4]
    assert {works(6)[1].key, works(6)[4].key} < set(orders[0][2])
    assert orders[1] == orders[0]


def test_a_caller_may_say_what_is_measured_further(tmp_path: Path) -> None:
    plan = make_plan(items(works(3)), require("cpu"), "null", rounds=4)
    keys = {work.name: work.key for work in works(3)}
    asked = []

    def further(visits: Sequence[Visit]) -> set[str]:
        asked.append(len(visits))
        return {keys["w1"]} if len(visits) < 9 else set()

    with open_store(tmp_path / "s.db") as store:
        result = campaign.run(store, campaign.start(plan, store), further=further)
    assert {m.workload.name: m.n_rounds for m in result.measurements} == {"w0": 2, "w1": 4, "w2": 2}
    assert asked == [6, 7]  # not once the rounds are made


def test_workloads_one_after_another_are_ended_by_the_budget(tmp_path: Path) -> None:
    how = {"backend": "null", "backend_options": {"realtime": True}, "arrival": "gap=50ms", "rounds": 2, "blocks": 20}
    result = hwcost.measure(works(6), store=tmp_path / "s.db", budget_s=4.0, **how)  # type: ignore[arg-type]
    assert not result.is_complete
    assert 0 < sum(len(m.visits) for m in result.measurements) < 6
    with open_store(tmp_path / "s.db") as store:
        assert len(store.rounds(result.campaign_id)) == 1


@pytest.mark.usefixtures("own_processes")
def test_every_round_is_another_process_and_order(tmp_path: Path) -> None:
    result = hwcost.measure(works(6), backend="null", store=tmp_path / "s.db", rounds=3)
    with open_store(tmp_path / "s.db") as store:
        records = list(store.records(result.campaign_id))
        rounds = store.rounds(result.campaign_id)
    assert len({record.identity.run_id for record in records}) == 3
    assert len({tuple(order) for order in rounds.values()}) == 3
    for record in records:
        assert rounds[record.visit.round][record.visit.position] == record.visit.workload_key
        assert record.visit.samples_s
        assert record.environment.device["device_name"] == "cpu"


def test_a_failing_workload_is_said_and_the_others_are_measured(tmp_path: Path) -> None:
    result = hwcost.measure(works(4), backend="null", store=tmp_path / "s.db", backend_options={"fail": "w2"}, rounds=2)
    lost = result.measurements[2]
    assert (lost.latency_s, lost.status, len(lost.visits)) == (None, "failed", 1)
    assert "w2" in str(lost.flags[0])
    assert all(m.latency_s is not None for i, m in enumerate(result.measurements) if i != 2)


def test_one_workload_under_two_labels_is_refused() -> None:
    twice = [Item(works(1)[0], "fit"), Item(works(1)[0], "test")]
    with pytest.raises(DataError, match="E_DUPLICATE: 'w0' .test. and 'w0' .fit."):
        Plan(tuple(twice), "cpu", "null", protocol("quick"))


def test_a_plan_survives_json() -> None:
    import json

    plan = Plan(tuple(items(works(3))), "cpu", "null", protocol("strict"), {"noise": 0.1}, 2, 7, False)
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    with pytest.raises(DataError, match="not a campaign's plan"):
        Plan.from_dict({"items": []})


def test_a_plan_of_version_0_1_0_runs_and_equals_the_one_of_today(tmp_path: Path) -> None:
    """It names its device and holds no handle, and says ``visit_error`` for the stopping criterion."""
    plan = make_plan(items(works(2)), "cpu", "null", tier="quick")
    old = plan.to_dict()
    del old["handle"], old["protocol"]["stopping"], old["protocol"]["cache"]
    old["protocol"]["visit_error"] = 0.02
    with open_store(tmp_path / "s.db") as store:
        written = Campaign(plan=old)
        store.add_campaign(written)
        assert campaign.run(store, written.campaign_id).is_complete
        assert find_or_create(plan, store) == written.campaign_id
        assert find_or_create(make_plan(items(works(2)), "cpu", "null", tier="strict"), store) != written.campaign_id


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"device": "k80"}, DeviceError, "is not here"),
        ({"backend": "tensrt"}, UsageError, "unknown backend 'tensrt'"),
        ({"tier": "best"}, UsageError, "Known: quick, standard, strict"),
        ({"rounds": 0}, UsageError, "at least 1 round"),
        ({"threads": 0}, UsageError, "at least 1"),
        ({"backend_options": {"speed": 1}}, UsageError, "has no option 'speed'"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_stored(
    tmp_path: Path, arguments: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        hwcost.measure(works(2), **{"backend": "null", "store": tmp_path / "s.db", **arguments})
    assert not (tmp_path / "s.db").exists()


def test_nothing_to_measure_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to measure"):
        hwcost.measure([], backend="null", store=tmp_path / "s.db")
    with pytest.raises(UsageError, match="architectures or workloads, got str. Genes, .* need the space"):
        hwcost.measure(["360"], backend="null", store=tmp_path / "s.db")  # type: ignore[list-item]


def test_architectures_are_written_in_every_way_that_a_space_reads() -> None:
    space = hwcost.space("autodistil", subspace="tiny")
    arch = space.sample(1, seed=0)[0]
    named = {gene.name: value for gene, value in zip(space.genes, arch.genes, strict=True)}
    given: list[Any] = [arch, dict(reversed(named.items())), list(arch.genes), space.key(arch)]
    made = targets.workloads(given, hwcost.MeasureOptions(backend="null"), space)
    assert [one.genes for one in made] == [arch.genes] * 4  # type: ignore[attr-defined]


def test_an_interrupt_keeps_what_was_measured_and_says_how_to_go_on(tmp_path: Path) -> None:
    def stop(state: campaign.Progress) -> None:
        if state.passes >= 2:
            raise KeyboardInterrupt

    options = {"realtime": True, "overhead_s": 0.03}
    with pytest.raises(InterruptedRunError, match=r"5 visits are kept. Go on with: hwcost measure --resume --store \S+$"):
        hwcost.measure(
            works(5), backend="null", store=tmp_path / "s.db", backend_options=options, progress=stop, rounds=2, blocks=6
        )
    with open_store(tmp_path / "s.db") as store:
        latest = store.latest_campaign()
        assert latest is not None
        assert latest.status == "interrupted"
        kept = [record.visit for record in store.records()]
        ((passes, share),) = {(visit.passes, visit.conditions["round_share"]) for visit in kept}
        assert passes[:2] == (1, 2)
        assert share == len(passes) / 6
        result = campaign.run(store, latest.campaign_id)
        assert result.is_complete
        assert {m.n_rounds for m in result.measurements} == {3 if share < 0.5 else 2}  # half makes a round
        assert kept == [record.visit for record in store.records()][:5]


def test_what_goes_on_with_an_interrupted_campaign_has_what_is_left_of_its_budget(tmp_path: Path) -> None:
    def stop(state: campaign.Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError, match=r"hwcost measure --resume --store \S+ --budget 5\d\ds$"):
        hwcost.measure(works(2), backend="null", store=tmp_path / "s.db", progress=stop, budget_s=540.0)


def test_an_interrupted_campaign_that_measures_changes_again_is_not_resumed_but_checked_again(tmp_path: Path) -> None:
    def stop(state: campaign.Progress) -> None:
        if state.round == 1:
            raise KeyboardInterrupt

    plan = make_plan([Item(work, CONFIRMATION) for work in works(2)], require("cpu"), "null", rounds=2)
    with open_store(tmp_path / "s.db") as store:
        campaign_id = campaign.start(plan, store)
        with pytest.raises(InterruptedRunError, match="visits are kept. Run hwcost check again") as told:
            campaign.run(store, campaign_id, progress=stop)
    assert "--resume" not in str(told.value)


@pytest.mark.parametrize("is_full", [False, True])
def test_whatever_ends_a_campaign_early_it_is_not_kept_as_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_full: bool
) -> None:
    with open_store(tmp_path / "s.db") as store:
        campaign_id = campaign.start(make_plan(items(works(2)), require("cpu"), "null"), store)
        set_status = store.set_status

        def status(of: str, said: str) -> None:
            if is_full and said == "stopped":
                raise StoreError("the disk is full")
            set_status(of, said)

        def fail(*given: Any) -> None:
            raise StoreError("the disk is full") if is_full else DataError("begun in another environment")

        monkeypatch.setattr(store, "set_status", status)
        monkeypatch.setattr(campaign.Rounds, "run", fail)
        with pytest.raises(StoreError if is_full else DataError, match="disk is full|another environment") as error:
            campaign.run(store, campaign_id)
        assert ("Go on with: hwcost measure --resume --store" in str(error.value)) is is_full
        assert store.campaign(campaign_id).status == ("running" if is_full else "stopped")
        if is_full:
            with pytest.raises(StoreError, match=r"the disk is full The same command resumes it\.$"):
                campaign.run(store, campaign_id, advice="The same command resumes it.")


def test_another_machine_is_not_mixed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hwcost.campaign.rounds import records

    result = hwcost.measure(works(2), backend="null", store=tmp_path / "s.db", rounds=1)
    with open_store(tmp_path / "s.db") as store:
        maker = records.RecordMaker(result.plan, result.campaign_id, store)
        known = maker._known
        assert known is not None
        event = {
            "tool": {}, "settings": {}, "device": {},
            "host": {"cpu_model": "another"}, "software": {"framework": {"null": "1"}},
        }  # fmt: skip
        with pytest.raises(DataError, match="begun in another environment .*cpu_model"):
            maker.new_process(event)


def test_a_running_campaign_is_run_by_no_one_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[int] = []

    def resume(state: campaign.Progress) -> None:
        if state.passes and not seen:
            seen.append(invoke(["measure", "--resume", "--store", str(tmp_path / "s.db")]))

    result = hwcost.measure(works(3), backend="null", store=tmp_path / "s.db", rounds=1, progress=resume)
    assert seen == [3]
    told = capsys.readouterr().err
    assert all(word in told for word in (result.campaign_id, "is being run by", str(os.getpid()), "--resume"))
    with open_store(tmp_path / "s.db") as store:
        assert store.count() == 3
        assert store.campaign(result.campaign_id).status == "done"
    assert [path.name for path in tmp_path.glob("*.lock")] == []


@pytest.mark.usefixtures("own_processes")
def test_a_campaign_waits_for_cpus_that_others_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWCOST_LOCK_DIR", str(tmp_path / "locks"))
    monkeypatch.setattr(Null, "uses_processor", True)
    told: list[campaign.Progress] = []
    holder = {"campaign": "another", "store": "else.db", "since": "noon"}
    with reserved(len(processors.allowed()), holder), pytest.raises(BusyError, match="another in else.db.*--resume --store"):
        hwcost.measure(works(2), backend="null", store=tmp_path / "s.db", rounds=1, wait_s=0.0, progress=told.append)
    with open_store(tmp_path / "s.db") as store:
        stopped = store.latest_campaign()
        assert stopped is not None
        assert (stopped.status, store.count()) == ("stopped", 0)
        result = campaign.run(store, stopped.campaign_id)
        assert result.is_complete
        records = list(store.records())
    assert all(record.environment.settings["exclusive"] for record in records)
    assert {len(record.environment.settings.get("cpu_affinity", ())) for record in records} == {1}


def test_more_threads_than_cpus_are_refused_before_anything_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = len(processors.allowed()) + 1
    monkeypatch.setattr(Null, "uses_processor", True)
    with pytest.raises(UsageError, match=f"{many} threads need {many} CPUs"):
        hwcost.measure(works(2), backend="null", threads=many, store=tmp_path / "s.db")
    assert not (tmp_path / "s.db").exists()
    monkeypatch.undo()
    assert hwcost.measure(works(2), backend="null", threads=many, store=tmp_path / "s.db", rounds=1).is_complete
