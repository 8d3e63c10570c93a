"""Comparisons along an axis: all that two commits, branches, runs or precisions have in common, and what they lack."""

from __future__ import annotations

import json

import pytest

from hwcost.campaign import run as campaign
from hwcost.campaign.comparisons import compare, references
from hwcost.campaign.comparisons.references import parse_reference
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.rounds import round as campaign_round
from hwcost.cli.main import invoke
from hwcost.devices import DeviceHandle, load
from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.stores import open_store
from hwcost.stores.runs import Code, Run
from hwcost.testing.faults import Faults
from hwcost.testing.in_process import InProcess
from hwcost.testing.sim_device import SimDevice
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

pytestmark = pytest.mark.once

XEON = DeviceHandle(load("xeon"))
NIGHTS = {"a" * 40: ("main", 1.0, 8), "b" * 40: ("topic", 1.05, 7)}
"""Branch, slowness and number of workloads by commit."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with a run of each commit, on two backends' worth of threads."""
    path = tmp_path_factory.mktemp("axes") / "runs.db"
    law_s = SimDevice().law_s
    with pytest.MonkeyPatch.context() as patch, open_store(path) as opened:
        for seed, (commit, (branch, slow, n)) in enumerate(NIGHTS.items()):
            run = Run(suite="nightly", code=Code(commit=commit, branch=branch, is_dirty=False))
            opened.add_run(run)
            for threads in (1, 2):
                device = SimDevice(
                    options={"seed": seed + 10 * threads}, faults=Faults(noise=0.005, process=0.002),
                    law=lambda work, slow=slow: law_s(work) * slow,
                )  # fmt: skip
                patch.setattr(campaign_round, "WorkerProcess", lambda job, *_, device=device: InProcess(job, device, XEON))
                works = [SyntheticWorkload(f"w{i}", flops=int(3e9 * 1.2**i)) for i in range(n)]
                plan = Plan(
                    tuple(map(Item, works)), "xeon", "null", protocol("quick"), threads=threads, pin=False, handle=XEON
                )
                campaign.run(opened, campaign.start(plan, opened, run.run_id))
    return str(path)


@pytest.mark.parametrize(("axis", "a", "b"), [("commit", "aaaa", "b" * 40), ("branch", "main", "topic")])
def test_commits_and_branches_are_compared_where_both_were_measured(
    store: str, axis: str, a: str, b: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compare.compare(f"{store}#{axis}:{a}", f"{store}#{axis}:{b}")
    assert found.overall.verdict == "SLOWER"
    assert found.overall.ratio == pytest.approx(1.05, abs=0.01)
    assert found.count == "14 of 16 compared, 2 missing"  # both numbers of threads, each with its own
    assert found.only_a == ("w7", "w7")
    assert invoke(["compare", "--axis", axis, a, b, "--store", store, "--fail-on", "slower"]) == 1
    assert "14 of 16 compared, 2 missing" in capsys.readouterr().out
    assert invoke(["compare", "--axis", axis, a, b, "--store", store, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (len(document["workloads"]), document["count"]) == (14, "14 of 16 compared, 2 missing")
    assert invoke(["compare", "--axis", axis, a, b, "--store", store, "--format", "github"]) == 0
    assert "| w0 |" in capsys.readouterr().out


def test_campaigns_of_one_place_are_joined_and_their_levels_kept_apart(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "_place", lambda *_: ("", "", "", 1))
    reference = parse_reference(f"{store}#branch:topic")
    assert reference is not None
    (arm,) = references.arms_of(reference, ()).values()
    assert [len(campaign) for campaign in arm.campaigns] == [7, 7]
    assert [m for campaign in arm.campaigns for m in campaign] == list(arm.measurements)


def test_a_value_that_is_not_there_and_half_a_reference_are_refused(store: str) -> None:
    with pytest.raises(UnknownNameError, match="unknown branch 'mian'.*Did you mean 'main'"):
        compare.compare(f"{store}#branch:mian", f"{store}#branch:topic")
    with pytest.raises(UsageError, match="one names an axis and the other does not"):
        compare.compare(f"{store}#branch:main", store)
    with pytest.raises(DataError, match="no campaign meets all of that"):
        compare.compare(f"{store}#branch:main,commit:{'b' * 40}", f"{store}#branch:topic")
    with pytest.raises(DataError, match="nothing was measured so"):
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
