"""Comparisons along every axis: all that two sides have in common, what they lack, and what else differs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hwcost.campaign import run as campaign
from hwcost.campaign.comparisons import arms, compare, references
from hwcost.campaign.comparisons.references import parse_reference
from hwcost.campaign.estimates.estimate import fit_campaign
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.rounds import round as campaign_round
from hwcost.cli.main import invoke
from hwcost.devices import DeviceHandle, load
from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.stores import Store, open_store
from hwcost.stores.runs import Code, Run
from hwcost.testing import in_process
from hwcost.testing.faults import Faults
from hwcost.testing.in_process import InProcess
from hwcost.testing.sim_device import SimDevice
from hwcost.timing.processes.worker import environment_of
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

pytestmark = pytest.mark.once

XEON, EPYC = DeviceHandle(load("xeon")), DeviceHandle(load("epyc"))
NIGHTS = {"a" * 40: ("main", 1.0, 4), "b" * 40: ("topic", 1.05, 3)}
"""Branch, slowness and number of workloads by commit."""


@dataclass(frozen=True)
class Part:
    """A simulated campaign: where, in which precisions, how slow each is, and which driver the machine has."""

    slow: Mapping[str, float]
    handle: DeviceHandle = XEON
    backend: str = "null"
    threads: int = 1
    driver: str = "550.54"

    def measure(self, store: Store, run_id: str | None, *, n: int = 4, seed: int = 0) -> str:
        law_s = SimDevice().law_s
        device = SimDevice(
            options={"seed": seed}, faults=Faults(noise=0.005, process=0.002),
            law=lambda work: law_s(work) * self.slow[work.dtype],
        )  # fmt: skip
        works = [
            SyntheticWorkload(f"w{i}", flops=int(3e9 * 1.2**i), dtype=dtype) for dtype in self.slow for i in range(n)
        ]
        plan = Plan(
            tuple(map(Item, works)), self.handle.name, self.backend, protocol("quick"), threads=self.threads, pin=False,
            handle=self.handle,
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(campaign_round, "WorkerProcess", lambda job, *_: InProcess(job, device, self.handle))
            patch.setattr(campaign_round, "export", lambda *_: None)  # the simulated device runs nothing
            patch.setattr(in_process, "environment_of", self._environment)
            campaign_id = campaign.start(plan, store, run_id)
            campaign.run(store, campaign_id)
        return campaign_id

    def _environment(self, *given: Any) -> dict[str, Any]:
        found = environment_of(*given)
        return {**found, "software": {**found["software"], "driver_version": self.driver}}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with a run of each commit, on two backends' worth of threads."""
    path = tmp_path_factory.mktemp("axes") / "runs.db"
    with open_store(path) as opened:
        for seed, (commit, (branch, slow, n)) in enumerate(NIGHTS.items()):
            run = Run(run_id=f"run-{branch}", suite="nightly", code=Code(commit=commit, branch=branch, is_dirty=False))
            opened.add_run(run)
            for threads in (1, 2):
                Part({"float32": slow}, threads=threads).measure(opened, run.run_id, n=n, seed=seed + 10 * threads)
    return str(path)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with two runs: the later one has a new driver, and more devices, backends and precisions."""
    path = tmp_path_factory.mktemp("places") / "runs.db"
    new = "560.28"
    runs = {
        "old": [Part({"float32": 1.0})],
        "new": [
            Part({"float32": 1.06}, driver=new),
            Part({"bfloat16": 0.53}, driver=new),
            Part({"float32": 1.272}, driver=new, backend="onnxruntime"),
            Part({"float32": 2.12}, driver=new, handle=EPYC),
        ],
    }
    with open_store(path) as opened:
        for name, parts in runs.items():
            opened.add_run(Run(run_id=name, suite="nightly", code=Code(commit="c" * 40, branch="main", is_dirty=False)))
            for seed, part in enumerate(parts):
                part.measure(opened, name, seed=len(name) + 10 * seed)
    return str(path)


AXES = [
    ("device", "xeon", "epyc", 2.0, "4 of 12 compared, 8 missing"),  # those in bfloat16 and on ONNX Runtime are not there
    ("backend", "null", "onnxruntime", 1.2, "4 of 12 compared, 8 missing"),
    ("precision", "float32", "bfloat16", 0.5, "4 of 12 compared, 8 missing"),
    ("environment", "driver_version=550.54", "driver_version=560.28", 1.06, "4 of 16 compared, 12 missing"),
]


@pytest.mark.parametrize(("axis", "a", "b", "ratio", "count"), AXES, ids=lambda value: str(value))
def test_places_and_precisions_are_compared_and_what_differs_is_said(
    places: str, axis: str, a: str, b: str, ratio: float, count: str
) -> None:
    found = compare.compare(f"{places}#{axis}:{a}", f"{places}#{axis}:{b}")
    assert found.overall.ratio == pytest.approx(ratio, rel=0.01)
    assert {one.verdict for one in found.workloads} == {"FASTER" if ratio < 1 else "SLOWER"}
    assert [one.name.removesuffix("-bfloat16") for one in found.workloads] == [f"w{i}" for i in range(4)]
    assert found.count == count
    drivers = {"driver_version: 550.54 in A, 560.28 in B"}
    assert {text for text in found.differs if "driver" in text} == (drivers if axis == "environment" else set())
    assert found.flags == ()


@pytest.mark.parametrize(("axis", "a", "b", "count"), [(axis, a, b, count) for axis, a, b, _, count in AXES[-2:]])
def test_places_and_precisions_are_compared_by_the_command(
    places: str, axis: str, a: str, b: str, count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["compare", "--axis", axis, a, b, "--store", places, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (len(document["workloads"]), document["count"]) == (4, count)


def test_runs_of_different_environments_are_compared_only_where_that_is_asked_for(places: str) -> None:
    with pytest.raises(DataError, match="driver_version: 550.54 and 560.28"):
        compare.compare(f"{places}#run:old", f"{places}#run:new")
    found = compare.compare(f"{places}#run:old", f"{places}#run:new", allow_env_mismatch=True)
    assert [flag.code for flag in found.flags] == ["W_ENV_MISMATCH"]
    assert found.overall.ratio == pytest.approx(1.06, rel=0.01)


def test_facts_within_a_map_are_values_too(places: str) -> None:
    reference = parse_reference(f"{places}#environment:framework.sim=1,run:old")
    assert reference is not None
    assert len(references.arms_of(reference, ())) == 1


def test_runs_and_campaigns_are_compared_by_the_beginning_of_their_ids(store: str) -> None:
    found = compare.compare(f"{store}#run:run-main", f"{store}#run:run-topi")
    assert (found.overall.verdict, found.count) == ("SLOWER", "6 of 8 compared, 2 missing")
    with open_store(store) as opened:
        first, _, third, last = (one.campaign_id for one in opened.campaigns())
    found = compare.compare(f"{store}#campaign:{first}", f"{store}#campaign:{third}")
    assert (found.overall.verdict, found.count) == ("SLOWER", "3 of 4 compared, 1 missing")
    with pytest.raises(DataError, match="nothing of .* was measured where"):  # on one thread, and on two
        compare.compare(f"{store}#campaign:{first}", f"{store}#campaign:{last}")


def test_precisions_of_one_campaign_share_their_rounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their difference is as sure as the rounds that they share; two campaigns meet the machine at two levels."""
    path = tmp_path / "runs.db"
    with open_store(path) as opened:
        campaign_id = Part({"float32": 1.0, "bfloat16": 0.5}).measure(opened, None)
    fits: list[object] = []
    monkeypatch.setattr(arms, "fit_campaign", lambda *given: fits.append(given) or fit_campaign(*given))
    found = compare.compare(f"{path}#precision:float32", f"{path}#precision:bfloat16")
    assert len(fits) == 1
    assert found.overall.ratio == pytest.approx(0.5, rel=0.01)
    assert (found.count, found.level_half_width) == ("4 of 4 compared, 0 missing", 0.0)
    assert invoke(["compare", f"{path}#precision:float32", f"{path}#precision:bfloat16"]) == 0
    assert "Two campaigns" not in capsys.readouterr().err
    with pytest.raises(DataError, match="both arms are campaign"):
        compare.compare(f"{path}#precision:float32", f"{path}#campaign:{campaign_id}")


@pytest.mark.parametrize(("axis", "a", "b"), [("commit", "aaaa", "b" * 40), ("branch", "main", "topic")])
def test_commits_and_branches_are_compared_where_both_were_measured(
    store: str, axis: str, a: str, b: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compare.compare(f"{store}#{axis}:{a}", f"{store}#{axis}:{b}")
    assert found.overall.verdict == "SLOWER"
    assert found.overall.ratio == pytest.approx(1.05, abs=0.01)
    assert found.count == "6 of 8 compared, 2 missing"  # both numbers of threads, each with its own
    assert found.only_a == ("w3", "w3")
    assert invoke(["compare", "--axis", axis, a, b, "--store", store, "--fail-on", "slower"]) == 1
    assert "6 of 8 compared, 2 missing" in capsys.readouterr().out


def test_a_comparison_along_an_axis_is_told_to_programs_and_people(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    how = ["compare", "--axis", "branch", "main", "topic", "--store", store]
    assert invoke([*how, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (len(document["workloads"]), document["count"]) == (6, "6 of 8 compared, 2 missing")
    assert invoke([*how, "--format", "github"]) == 0
    assert "| w0 |" in capsys.readouterr().out


def test_campaigns_of_one_place_are_joined_and_their_levels_kept_apart(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "_place", lambda *_: ("", "", "", 1))
    reference = parse_reference(f"{store}#branch:topic")
    assert reference is not None
    (arm,) = references.arms_of(reference, ()).values()
    assert [len(campaign.measurements) for campaign in arm.campaigns] == [3, 3]
    assert [m for campaign in arm.campaigns for m in campaign.measurements] == list(arm.measurements)


def test_a_value_that_is_not_there_and_half_a_reference_are_refused(store: str) -> None:
    with pytest.raises(UnknownNameError, match="unknown branch 'mian'.*Did you mean 'main'"):
        compare.compare(f"{store}#branch:mian", f"{store}#branch:topic")
    with pytest.raises(UsageError, match="one names an axis and the other does not"):
        compare.compare(f"{store}#branch:main", store)
    with pytest.raises(DataError, match="no campaign meets all of that"):
        compare.compare(f"{store}#branch:main,commit:{'b' * 40}", f"{store}#branch:topic")
    with pytest.raises(UnknownNameError, match="unknown precision 'bfloat16'.*Known: float32"):
        compare.compare(f"{store}#precision:bfloat16", f"{store}#precision:float32")
    assert invoke(["compare", "--axis", "colour", "a", "b", "--store", store]) == 2


def test_texts_without_an_axis_mean_what_they_did() -> None:
    assert parse_reference("runs.db#h100:1") is None
    assert parse_reference("runs.db") is None
    found = parse_reference("runs.db#branch:a/b,device:h100:1")
    assert found is not None
    assert found.conditions == {"branch": "a/b", "device": "h100:1"}
    with pytest.raises(UsageError, match="each axis once"):
        parse_reference("runs.db#branch:a,colour:b")
