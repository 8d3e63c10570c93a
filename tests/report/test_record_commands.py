"""The command on the page of a record measures the workload of that record, and no other."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.rounds.records import describe
from hwcost.campaign.run import start
from hwcost.campaign.targets import architecture_workloads, component_items, model_workload
from hwcost.cli.main import invoke
from hwcost.report.dashboard.commands import command
from hwcost.spaces import space as make_space
from hwcost.stores import open_store
from hwcost.stores.runs import Run
from hwcost.stores.schema import Campaign, WorkloadInfo, measured_on
from hwcost.testing.store_contents import make_record, make_series
from hwcost.workloads import ComponentWorkload
from hwcost.workloads.base import Workload
from tests.conftest import require_package
from tests.workloads.in_process import probe_in_process

NETS = """
import torch
def build(width, kind): return torch.nn.Linear(width, width), torch.ones(2, width)
def alone(batch_size): return torch.nn.Linear(4, 4), torch.ones(batch_size, 4)
"""
SUITE = """
devices = ["cpu"]
backends = ["null"]
shapes = [{ batch_size = 1, seq_len = 16 }]

[[workloads]]
name = "parts"
space = "supershaper:scale=mini"
components = true
n = 2
"""
ARGV = shlex.split("hwcost run mine.toml --store nights.db --only parts --resume --skip-existing --tier quick")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(workload: Workload, options: MeasureOptions, run: Run | None = None, **extra: str) -> str | None:
    """Returns the command of a record of a workload in a campaign of its own."""
    plan = options.plan([workload])
    info = describe(workload, "fit", plan)
    protocol = {"tier": plan.protocol.tier, "arrival": plan.protocol.arrival, "cache_state": plan.protocol.cache}
    record = make_record("c").model_copy(update={"workload": info})
    record = record.model_copy(update={"environment": record.environment.model_copy(update={"protocol": protocol})})
    series = make_series(backend=options.backend, threads=options.threads)
    return command(series, record, Campaign(plan=plan.to_dict(), extra=extra), run)


def plain(workload: Workload) -> Any:
    """Returns a workload as JSON brings it back."""
    return json.loads(json.dumps(workload.as_dict()))


def planned(text: str | None, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Returns the workloads that a command plans."""
    assert text is not None
    assert text.startswith("hwcost measure ")
    capsys.readouterr()
    assert invoke([*shlex.split(text)[1:], "--dry-run", "--json", "-"]) == 0
    return [item["workload"] for item in json.loads(capsys.readouterr().out)["plan"]["items"]]


@pytest.mark.parametrize("how", [{}, {"tier": "strict", "arrival": "gap=20ms", "pin": False}])
def test_an_architecture_of_a_space_with_options(capsys: pytest.CaptureFixture[str], how: dict[str, Any]) -> None:
    options = MeasureOptions(backend="null", batch_size=2, **how)
    space = make_space("autodistil", scale="mini", heads="retained", subspace="small")
    (workload,) = architecture_workloads(space, space.sample(1, seed=0), options)
    text = written(workload, options)
    assert planned(text, capsys) == [plain(workload)]
    assert text is not None
    assert ("--arrival gap=20ms" in text) == ("--no-pin" in text) == ("--tier strict" in text) == bool(how)


@pytest.mark.torch
def test_an_architecture_that_a_factory_builds_in_a_space_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "command_nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)
    probe_in_process(monkeypatch)
    options = MeasureOptions()
    space = make_space("custom", genes={"width": [2, 4], "kind": ["true", "a_b"]}, increasing=["width"])
    archs = [space.architecture([4, "true"])]
    (workload,) = architecture_workloads(space, archs, options, "command_nets:build")
    assert planned(written(workload, options), capsys) == [plain(workload)]
    alone = model_workload("command_nets:alone", options)
    assert planned(written(alone, options), capsys) == [plain(alone)]


@pytest.mark.once
def test_an_onnx_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require_package("onnx")
    require_package("onnxruntime")
    from tests.workloads.onnx_files import text_model

    options = MeasureOptions(backend="onnxruntime", batch_size=3)
    workload = model_workload(str(text_model(tmp_path / "text.onnx", ("batch", 24))), options)
    assert planned(written(workload, options), capsys) == [plain(workload)]


def test_a_component_is_measured_by_its_suite_into_another_store(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.toml").write_text(SUITE)
    options = MeasureOptions(backend="null", batch_size=1, seq_len=16)
    items = component_items(make_space("supershaper", scale="mini"), options, 2)
    workload = next(item.workload for item in items if item.role == "component")
    text = written(workload, options, Run(suite="mine", argv=ARGV))
    assert text is not None
    words = shlex.split(text)
    assert words[:5] == ["hwcost", "run", "mine.toml", "--tier", "quick"]
    assert invoke([*words[1:], "--dry-run", "--json", "-"]) == 0
    (campaign,) = json.loads(capsys.readouterr().out)["campaigns"]
    assert campaign["workloads"] == [workload.name]
    assert not Path("nights.db").exists()


@pytest.mark.parametrize("name", ["layer[hidden=24]", "attention[hidden=24]", "embeddings"])
def test_a_component_of_no_suite_is_chosen_by_its_name(capsys: pytest.CaptureFixture[str], name: str) -> None:
    options = MeasureOptions(backend="null", batch_size=1, seq_len=16)
    items = component_items(make_space("supershaper", scale="mini"), options, 2, parts=True)
    stacks = [item.workload for item in items if isinstance(item.workload, ComponentWorkload)]
    workload = [one for one in stacks if str(one.part) == name][-1]
    text = written(workload, options)
    assert planned(text, capsys) == [plain(workload)]
    assert ("--parts" in str(text)) == name.startswith("attention")
    assert written(replace(workload, depth=3), options) is None
    gone = WorkloadInfo(name="a", kind="component", spec={**plain(workload), "space": "gone"})
    assert command(make_series(), make_record("c").model_copy(update={"workload": gone}), Campaign(), None) is None


def test_letters_of_a_name_are_not_taken_for_a_pattern() -> None:
    info = WorkloadInfo(name="net[1,2]*", kind="onnx", spec={"path": "a.onnx", "sizes": {"past": 4}})
    record = make_record("c").model_copy(update={"workload": info})
    text = command(make_series(), record, Campaign(), Run(suite="a", argv=["hwcost", "run", "a", "--only=net"]))
    assert text == "hwcost run a --only 'net[[]1,2][*]' --store repeat.db"
    other = command(make_series(), record, Campaign(), Run(suite="a", argv=["asv", "run"]))
    assert other == "asv run"


def test_a_machine_elsewhere_is_asked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    on = f"local://{tmp_path}/there?python={sys.executable}"
    options = MeasureOptions(backend="null")
    space = make_space("supershaper", scale="mini")
    (workload,) = architecture_workloads(space, space.sample(1, seed=0), options)
    with open_store("here.db") as store:
        campaign = store.campaign(start(options.plan([workload]), store, extra=measured_on(on)))
    text = written(workload, options, **campaign.extra)
    assert text is not None
    assert shlex.split(text)[4:6] == ["--on", on]
    assert planned(text, capsys) == [plain(workload)]
