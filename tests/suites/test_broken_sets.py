"""Nights on which a set of workloads can no longer be made that was measured before: the others are measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hwcost.cli.main import invoke
from hwcost.errors import HwcostError, MeasurementError, UsageError
from hwcost.history.check import check
from hwcost.history.selection import select_runs
from hwcost.quantities import quantity
from hwcost.spaces.accounting import Work
from hwcost.spaces.supershaper import SuperShaper
from hwcost.stores import open_store
from hwcost.stores.runs import Code
from hwcost.suites import RunResult, expand
from hwcost.suites.making import Broken, Made
from hwcost.testing.plugins import registered
from hwcost.workloads import FactoryModelWorkload, FactoryWorkload, OnnxWorkload, factory_probe
from hwcost.workloads.supershaper import SuperShaperBuilder
from tests.suites.nights import latest, night, simulate, suite

pytestmark = pytest.mark.once

NETS: dict[str, Any] = {"name": "nets", "space": "supershaper:scale=mini", "n": 2}
PLUGINS = {"hwcost.spaces": {"mine": f"{__name__}:Mine"}, "hwcost.builders": {"mine": f"{__name__}:MineBuilder"}}
WORKING = "import torch\ndef net(hidden=8):\n    return torch.nn.Linear(hidden, 8), (torch.ones(1, hidden),)\n"


class Mine(SuperShaper):
    """A space of another distribution."""

    name = "mine"
    fails: type[BaseException] | None = None

    def sample(self, *given: Any, **named: Any) -> Any:
        if Mine.fails is not None:
            raise Mine.fails("its table is gone")
        return super().sample(*given, **named)


class MineBuilder(SuperShaperBuilder):
    """Its builder."""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for a store, in a folder of its own, on a simulated device that takes any workload."""
    simulate(monkeypatch, seed=0)
    for kind in (OnnxWorkload, FactoryWorkload, FactoryModelWorkload):
        monkeypatch.setattr(kind, "work", lambda self: Work(flops=10**7))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "night.db"


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets factories be called in this process, where a module is imported anew each time."""

    def answer(workload: FactoryWorkload, defaults: dict[str, Any]) -> Any:
        sys.modules.pop(workload.factory.partition(":")[0], None)
        try:
            return workload.described(defaults)
        except HwcostError as error:
            return error

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(factory_probe, "_answer", answer)


def reasons(store: Path, result: RunResult) -> set[str]:
    """Returns the reasons of the estimates of a run that failed."""
    return {why for status, why in latest(store, result.run.run_id).values() if status == "failed"}


def verdicts(store: Path) -> dict[str, str]:
    """Returns the reasons of the series that are missing, by the name of their workload."""
    with open_store(store) as opened:
        found = check(opened, select_runs(opened.runs()))
        return {found.series[one.series_key].name: one.reason for one in found.judgements if one.verdict == "missing"}


def breaks(store: Path, sets: list[dict[str, Any]], changes: Sequence[tuple[Callable[[], object], str]]) -> None:
    """Runs a night, and then one after each change that breaks the set ``mine``, beside which only ``nets`` stands.

    Args:
        store: Place of the store.
        sets: The two sets.
        changes: Changes, and what is said of each.
    """
    declared = suite(workloads=sets)
    first = night(store, declared)
    assert first.error is None, first.error
    lost = first.outcomes[0].measured - NETS["n"]
    assert lost > 0
    for change, said in changes:
        change()
        broken_night = night(store, declared)
        (outcome,) = broken_night.outcomes
        assert (broken_night.run.status, outcome.measured, outcome.failed) == ("done", NETS["n"], lost), said
        (broken,) = outcome.broken
        assert (broken.name, broken.workloads) == ("mine", lost)
        assert said in str(broken.error)
        assert isinstance(broken_night.error, MeasurementError)
        assert "set 'mine'" in str(broken_night.error)
        assert reasons(store, broken_night) == {str(broken.error)}
        missing = verdicts(store)
        assert len(missing) == lost
        assert all(said in why and "It failed in run" in why for why in missing.values())
    with open_store(store) as opened:
        assert len(opened.series()) == first.outcomes[0].measured


def onnx_file(path: Path, shape: tuple[Any, ...] = ("batch", "sequence")) -> Path:
    pytest.importorskip("onnx")
    from tests.workloads.onnx_files import text_model

    made: Path = text_model(path, shape)  # type: ignore[no-untyped-call]
    return made


def test_an_onnx_file_breaks(store: Path) -> None:
    path = onnx_file(store.parent / "mine.onnx")
    whole = path.read_bytes()
    mine = {"name": "mine", "model": str(path), "shapes": [{"batch_size": 1, "seq_len": 8}]}
    changes = [
        (lambda: onnx_file(path, (4, "sequence")), "fixes the batch size 4, and 1 was asked for"),
        (lambda: path.write_bytes(whole[: len(whole) // 2]), "is not an ONNX model"),
        (path.unlink, "No such file"),
    ]
    breaks(store, [mine, {**NETS, "shapes": mine["shapes"]}], changes)


@pytest.mark.torch
@pytest.mark.usefixtures("in_this_process")
def test_a_factory_breaks(store: Path) -> None:
    pytest.importorskip("torch")
    path = store.parent / "mynets.py"
    path.write_text(WORKING)
    changed = {
        "raise RuntimeError('no licence')": "no licence",
        "import sys\nsys.exit(3)": "SystemExit: 3",
        "def net(hidden):\n    return None": "cannot be called with the arguments",
        "def net():\n    raise OSError('no weights')": "raised OSError: no weights",
    }
    changes: list[tuple[Callable[[], object], str]] = [
        (partial(path.write_text, text), said) for text, said in changed.items()
    ]
    breaks(store, [{"name": "mine", "model": "mynets:net"}, NETS], [*changes, (path.unlink, "No module named 'mynets'")])
    sys.modules.pop("mynets", None)


@pytest.mark.torch
@pytest.mark.slow
def test_a_factory_breaks_in_a_process_of_its_own(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    path = store.parent / "mynets.py"
    path.write_text(WORKING)
    monkeypatch.setattr(factory_probe, "TIMEOUT_S", 60.0)
    sets = [{"name": "mine", "model": "mynets:net"}, NETS]
    breaks(store, sets, [(lambda: path.write_text(f"{WORKING}raise KeyError('gone')"), "KeyError: 'gone'")])
    path.write_text(f"import os\n{WORKING}os._exit(9)")
    assert "ended its process with status 9" in str(night(store, suite(workloads=sets)).error)
    path.write_text(f"import time\n{WORKING}time.sleep(600)")
    monkeypatch.setattr(factory_probe, "TIMEOUT_S", 5.0)
    assert "did not return within 5 s" in str(night(store, suite(workloads=sets)).error)


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.usefixtures("in_this_process")
def test_a_space_of_the_users_own_breaks(store: Path) -> None:
    pytest.importorskip("torch")
    (store.parent / "mynets.py").write_text(WORKING)
    space = store.parent / "mine.toml"
    space.write_text('[genes]\nhidden = [8, 16, 24]\n')
    sets = [{"name": "mine", "space": str(space), "model": "mynets:net", "n": 2}, NETS]
    breaks(store, sets, [(lambda: space.write_text("[genes"), "is not valid TOML"), (space.unlink, "cannot read the space")])
    sys.modules.pop("mynets", None)


@pytest.mark.slow
def test_a_plugin_breaks(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = [{"name": "mine", "space": "mine:scale=mini", "n": 2}, NETS]
    spaces, builders = (registered(group, members) for group, members in PLUGINS.items())
    with spaces, builders:
        first = night(store, suite(workloads=sets))
        assert first.outcomes[0].measured == 4
        for kind in (ValueError, SystemExit):
            monkeypatch.setattr(Mine, "fails", kind)
            raised = night(store, suite(workloads=sets))
            assert [(one.measured, one.failed) for one in raised.outcomes] == [(2, 2)]
            assert f"raised {kind.__name__}: its table is gone (test_broken_sets.py, line" in str(raised.error)
    gone = night(store, suite(workloads=sets))
    assert [(one.measured, one.failed) for one in gone.outcomes] == [(2, 2)]
    assert len(verdicts(store)) == 2
    assert all("unknown space 'mine'" in why for why in verdicts(store).values())


@pytest.mark.slow
def test_a_quantity_breaks(store: Path) -> None:
    mine = {**NETS, "name": "mine", "seed": 1, "n": 2, "quantities": ["twice_s"]}
    with registered("hwcost.quantities", {"twice_s": "tests.quantities.test_quantities:Twice"}):
        assert night(store, suite(workloads=[NETS, mine])).outcomes[0].measured == 4
    quantity.cache_clear()
    gone = night(store, suite(workloads=[NETS, mine]))
    assert [(one.measured, one.failed) for one in gone.outcomes] == [(2, 2)]
    assert "set 'mine': unknown quantity 'twice_s'" in str(gone.error)


def test_what_a_machine_elsewhere_cannot_measure_keeps_nothing_else_from_it(store: Path) -> None:
    there = [f"cpu@local://{store.parent}/there?python={sys.executable}"]
    energy = {**NETS, "name": "energy", "seed": 1, "quantities": ["energy_j"]}
    (part,) = expand(suite(workloads=[NETS, energy], devices=there))
    made = part.made(part.options())
    assert [one.name for one in made.broken] == ["energy"]
    assert part.planned(made, part.options()).protocol.quantities == ()
    file = {"name": "file", "model": str(onnx_file(store.parent / "mine.onnx"))}
    (part,) = expand(suite(workloads=[NETS, file], devices=there, backends=["torch"]))
    (broken,) = part.made(part.options()).broken
    assert "a job folder cannot describe it" in str(broken)


def test_goals_that_cannot_be_judged_without_the_broken_set_give_way() -> None:
    (part,) = expand(suite(workloads=[{**NETS, "n": 6}], until=["mape<=5%"]))
    assert part.plan().until == ("mape<=5%",)
    made = part.made(part.options())
    left = Made(made.items[:1], {}, (Broken("mine", UsageError("gone")),))
    assert part.planned(left, part.options()).until == ()
    with pytest.raises(UsageError, match="cross-validated"):
        part.planned(replace(left, broken=()), part.options())


def test_a_night_on_which_nothing_can_be_made_is_a_run_that_failed(store: Path) -> None:
    path = onnx_file(store.parent / "mine.onnx")
    only = suite(workloads=[{"name": "mine", "model": str(path)}])
    assert night(store, only).run.status == "done"
    path.unlink()
    failed = night(store, only)
    assert (failed.run.status, failed.outcomes[0].failed) == ("failed", 1)
    assert "No such file" in next(iter(verdicts(store).values()))
    again = night(store, only)
    assert reasons(store, again) == reasons(store, failed)
    onnx_file(path)
    assert night(store, only).error is None
    assert verdicts(store) == {}


def test_what_never_could_be_made_is_refused_alone_and_named_beside_others(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {"name": "mine", "model": str(store.parent / "none.onnx")}
    with pytest.raises(UsageError, match="nothing can be measured. set 'mine': cannot read"):
        night(store, suite(workloads=[wrong]))
    with open_store(store) as opened:
        assert opened.runs() == []
    beside = night(store, suite(workloads=[wrong, NETS]))
    assert [(one.measured, one.failed) for one in beside.outcomes] == [(2, 0)]
    assert isinstance(beside.error, MeasurementError)
    capsys.readouterr()
    run = ["check", "--store", str(store), "--no-confirm"]
    assert invoke(run) == 0
    said = capsys.readouterr().out
    assert "Not measured at all: set 'mine'." in said
    assert "set 'mine' on cpu with null: cannot read" in said
    assert invoke([*run, "--fail-on", "missing"]) == 1
    assert invoke([*run, "--fail-on", "missing", "--workload", "supershaper*"]) == 0
    capsys.readouterr()
    assert invoke([*run, "--format", "github"]) == 0
    assert capsys.readouterr().out.startswith("### ⚫ mine")
    assert invoke([*run, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["unmade"][0]["set"] == "mine"


@pytest.mark.slow
def test_a_broken_set_concerns_its_own_shape_and_quantities_and_what_is_asked_for(store: Path) -> None:
    path = onnx_file(store.parent / "mine.onnx")
    mine = {"name": "mine", "model": str(path), "quantities": ["throughput_per_s"]}
    declared = suite(workloads=[mine, NETS], shapes=[{"seq_len": 8}, {"seq_len": 16}])
    first = night(store, declared)
    assert [one.measured for one in first.outcomes] == [3, 3]
    path.unlink()
    left_out = night(store, declared, only=("nets",))
    assert (left_out.error, [one.measured for one in left_out.outcomes]) == (None, [2, 2])
    by_workload = night(store, declared, only=("mine.onnx@1x8", "nets"))
    assert [(one.measured, one.failed) for one in by_workload.outcomes] == [(2, 1), (2, 0)]
    with pytest.raises(UsageError, match=r"leaves no workload of .*; set 'mine': cannot read"):
        night(store, declared, only=("other*",))
    everything = night(store, declared)
    assert [(one.measured, one.failed) for one in everything.outcomes] == [(2, 1), (2, 1)]
    with open_store(store) as opened:
        series = opened.series()
        failed = [one for one in opened.estimates(run_ids=[everything.run.run_id]).estimates() if one.status == "failed"]
        of = sorted((series[one.series_key].seq_len, series[one.series_key].quantity) for one in failed)
    quantities = sorted({quantity for _, quantity in of})
    assert {"latency_s", "throughput_per_s"} <= set(quantities)
    assert of == [(length, quantity) for length in (8, 16) for quantity in quantities]


def test_a_run_that_is_resumed_keeps_what_it_measured_before_the_set_broke(store: Path) -> None:
    path = onnx_file(store.parent / "mine.onnx")
    declared = suite(workloads=[{"name": "mine", "model": str(path)}, NETS])
    code = Code(repository="r", commit="a" * 40, is_dirty=False)
    done = night(store, declared, code=code)
    with open_store(store) as opened:
        opened.end_run(done.run.run_id, "interrupted")
    path.unlink()
    resumed = night(store, declared, code=code)
    assert resumed.run.run_id == done.run.run_id
    assert (resumed.outcomes[0].failed, reasons(store, resumed)) == (0, set())


def test_the_command_names_what_cannot_be_made(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = onnx_file(store.parent / "mine.onnx")
    (store.parent / "hwcost.toml").write_text(
        'store = "night.db"\n[suite.mine]\ntier = "quick"\nbackends = ["null"]\ndevices = ["cpu"]\n'
        '[[suite.mine.workloads]]\nname = "nets"\nspace = "supershaper:scale=mini"\nn = 2\n'
        '[[suite.mine.workloads]]\nname = "encoder"\nmodel = "mine.onnx"\n'
    )
    assert invoke(["run", "mine"]) == 0
    path.unlink()
    capsys.readouterr()
    assert invoke(["run", "mine", "--dry-run"]) == 0
    assert "cannot be measured: set 'encoder': cannot read" in capsys.readouterr().out
    assert invoke(["run", "mine"]) == 4
    shown = capsys.readouterr()
    assert shown.err.index("cannot be measured: set 'encoder'") < shown.err.index("campaign 1 of 1")
    assert "cannot be measured: set 'encoder': cannot read" in shown.out
    assert invoke(["run", "mine", "--json", "-"]) == 4
    (broken,) = json.loads(capsys.readouterr().out)["campaigns"][0]["broken"]
    assert (broken["set"], broken["workloads"]) == ("encoder", 1)
    assert "No such file" in broken["error"]


@pytest.mark.torch
def test_a_set_is_left_out_of_the_campaigns_whose_backend_does_not_run_it(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = {"name": "file", "model": str(onnx_file(store.parent / "mine.onnx"))}
    found = night(store, suite(workloads=[file, NETS], backends=["torch", "null"]))
    assert found.error is None
    assert [(one.part.runtime.name, one.measured, one.failed) for one in found.outcomes] == [
        ("torch", NETS["n"], 0), ("null", NETS["n"] + 1, 0),
    ]  # fmt: skip
    apart = suite(workloads=[{**file, "shapes": [{"batch_size": 2}]}, NETS], backends=["torch", "null"])
    assert [(one.part.runtime.name, one.measured) for one in night(store, apart).outcomes] == [
        ("torch", NETS["n"]), ("null", 1), ("null", NETS["n"]),
    ]  # fmt: skip
    (store.parent / "mine.toml").write_text(
        'devices = ["cpu"]\nbackends = ["torch", "null"]\n[[workloads]]\nname = "file"\nmodel = "mine.onnx"\n'
        '[[workloads]]\nname = "nets"\nspace = "supershaper:scale=mini"\nn = 2\n'
    )
    assert invoke(["run", "mine.toml", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("left out where it does not run: set 'file': 'mine.onnx@1x128'") == 1
    assert "backend 'torch' runs nothing else" in shown


@pytest.mark.torch
def test_a_set_that_no_backend_of_the_suite_runs_fails_alone(store: Path) -> None:
    file = {"name": "file", "model": str(onnx_file(store.parent / "mine.onnx"))}
    found = night(store, suite(workloads=[file, NETS], backends=["torch"]))
    (outcome,) = found.outcomes
    assert (outcome.measured, outcome.failed) == (NETS["n"], 0)
    assert "set 'file': 'mine.onnx@1x128' is not a torch module" in str(found.error)
