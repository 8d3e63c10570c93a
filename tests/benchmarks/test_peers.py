"""The comparison with other tools: its arithmetic on runs that are made up, its plan and its command line."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

import hwcost as hc
from hwcost.backends import usable
from hwcost.workloads import SyntheticWorkload
from tests.conftest import ROOT

pytestmark = pytest.mark.once

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def peers() -> Iterator[SimpleNamespace]:
    """The modules of the benchmark by name."""
    sys.path.insert(0, str(BENCHMARKS))
    names = ("agreement", "asked", "bars", "model_errors", "plan", "runs", "tables", "tools")
    yield SimpleNamespace(**{name: import_module(f"peer_tools.{name}") for name in names}, script=import_module("peers"))
    sys.path.remove(str(BENCHMARKS))


def made_run(peers, letter, latencies, half=None, tool="hwcost", warned=(), **piece):  # type: ignore[no-untyped-def]
    Reading = peers.asked.Reading  # noqa: N806
    readings = {
        key: Reading(s) if half is None else Reading(s, s * (1 - half), s * (1 + half)) for key, s in latencies.items()
    }
    asked = peers.plan.Piece(tool, True, 0, letter, 65.0, 4, **piece)
    return peers.runs.Run(asked, 66.0, peers.asked.Found(readings, tuple(warned)))


A = {"a": 1e-3, "b": 1e-3, "c": 2e-3, "d": 4e-3}
B = {"a": 1.01e-3, "b": 1.02e-3, "c": 2.08e-3}


def test_figures_of_a_pair(peers: SimpleNamespace) -> None:
    pair = made_run(peers, "A", A, 0.01, warned=["a", "b"]), made_run(peers, "B", B, 0.03)
    found = peers.agreement.agreement([pair])
    differences = sorted(math.log(x) for x in (1.01, 1.02, 1.04))
    assert found.median == pytest.approx(differences[1])
    assert found.p95 == pytest.approx(differences[1] + 0.9 * (differences[2] - differences[1]))
    middle, spread = differences[1], [differences[1] - differences[0], differences[2] - differences[1]]
    assert found.apart == pytest.approx(sorted([0.0, *spread])[1])
    level = {name: 1.2 * value for name, value in B.items()}  # a machine that is slower throughout
    moved = peers.agreement.agreement([(pair[0], made_run(peers, "B", level))])
    assert (moved.apart, moved.apart_p95) == (pytest.approx(found.apart), pytest.approx(found.apart_p95))
    assert moved.median == pytest.approx(middle + math.log(1.2))
    assert found.half_width == pytest.approx(0.01)  # of 0.01 four times and 0.03 three times
    assert found.held == 2 / 4  # within hypot(0.01, 0.03), of four nets
    assert (found.warned, found.without, found.seconds, found.pairs) == (2 / 8, 1 / 4, 66.0, 1)
    swapped = peers.agreement.agreement([(pair[1], pair[0])])
    assert (swapped.median, swapped.held) == (pytest.approx(found.median), found.held)


def test_what_states_no_interval_has_none_and_a_missing_interval_holds_nothing(peers: SimpleNamespace) -> None:
    plain = peers.agreement.agreement([(made_run(peers, "A", A), made_run(peers, "B", B))])
    assert plain.half_width is None
    assert plain.held is None
    one_sided = peers.agreement.agreement([(made_run(peers, "A", A, 0.5), made_run(peers, "B", B))])
    assert (one_sided.held, one_sided.unbounded) == (0, 3 / 7)
    assert one_sided.half_width == pytest.approx(0.5)  # four of seven
    mostly = peers.agreement.agreement([(made_run(peers, "A", B, 0.5), made_run(peers, "B", A))])
    assert mostly.half_width == math.inf
    assert peers.script.finite({"a": math.inf, "b": 1.0, "c": math.nan}) == {"a": None, "b": 1.0, "c": None}


def test_a_run_without_numbers_is_counted_and_shown(peers: SimpleNamespace) -> None:
    found = peers.agreement.agreement([(made_run(peers, "A", A, 0.01), made_run(peers, "B", {}))])
    assert math.isnan(found.median)
    assert found.without == 1
    assert "| – / – | – / – | 1.0 % | 0 % | 0 % | 100 % / 0 % |" in peers.tables.agreement_table({("hwcost", True): found})


def test_runs_are_kept_without_loss_and_shown_as_a_table(
    peers: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "peers.jsonl"
    runs = [made_run(peers, letter, A, 0.01) for letter in "AB"]
    for run in runs:
        peers.runs.keep(path, run)
        with path.open("a") as file:
            file.write('{"piece": {"tool"')  # a run that was killed while it was written
    kept = peers.runs.kept(path)
    assert list(kept.values()) == runs
    assert list(kept) == [run.piece for run in runs]
    peers.script.show(list(kept.values()), tmp_path / "stores", tmp_path / "figures.json")
    row = "| in bursts | hwcost | 1 | 0.0 % / 0.0 % | 0.0 % / 0.0 % | 1.0 % | 100 % | 0 % | 0 % / 0 % | 66 |"
    shown = capsys.readouterr().out
    assert row in shown
    assert peers.plan.SAME_LAW in shown
    assert "| in bursts | hwcost | median half-width | ≤ 3.0 % | 1.0 % | yes |" in shown
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["agreement"][0]["held"] == 1.0
    assert figures["neighbour"] == peers.plan.SAME_LAW
    assert figures["compared"] == []  # no stores are there
    assert [(one["figure"], one["met"]) for one in figures["bars"]][-1] == ("half_width", True)


def test_two_runs_are_compared_by_their_stores(peers: SimpleNamespace, tmp_path: Path) -> None:
    runs = [made_run(peers, letter, A, 0.01) for letter in "AB"]
    for run in runs:
        works = [SyntheticWorkload(f"w{n}", flops=int(1e9 * (1 + n))) for n in range(4)]
        hc.measure(works, backend="null", store=tmp_path / f"{run.piece.stem}.db", rounds=3)
    pieces = [run.piece for run in runs]
    (found,) = import_module("peer_tools.comparisons").compared_runs(pieces, tmp_path)
    expected = hc.compare(*(str(tmp_path / f"{piece.stem}.db") for piece in pieces))
    assert (found.log_ratio, found.half_width) == (expected.overall.log_ratio, expected.overall.half_width)
    assert found.nets == 4
    assert found.held == sum(one.low <= 1.0 <= one.high for one in expected.workloads)
    row = peers.tables.comparisons_table([found]).splitlines()[-1]
    assert row.startswith("| in bursts | hwcost | 0 | ")
    assert row.endswith(f"| {found.held} of 4 |")
    assert list(import_module("peer_tools.comparisons").compared_runs(pieces[:1], tmp_path)) == []


def test_bars_depend_on_scale_and_neighbour_and_are_missed_without_a_figure(peers: SimpleNamespace) -> None:
    close = peers.agreement.agreement([(made_run(peers, "A", B, 0.05), made_run(peers, "B", B, 0.05))])
    none = peers.agreement.agreement([(made_run(peers, "A", B), made_run(peers, "B", {}))])
    figures = {("hwcost", True): close, ("torch", True): close, ("hwcost", False): none}
    found = {(one.has_bursts, one.bar.name): one.is_met for one in peers.bars.judged(figures, "mini")}
    assert found == {
        (True, "median"): True,
        (True, "p95"): True,
        (True, "held"): False,  # three of four nets have two numbers
        (True, "half_width"): False,
        (False, "p95"): False,
    }
    full = [(one.tool, one.bar.name, one.bar.limit) for one in peers.bars.judged({("hwcost", True): close}, "paper")]
    assert full == [("hwcost", "p95", 0.08), ("hwcost", "held", 0.9)]
    assert list(peers.bars.judged(figures, "small")) == []
    unbounded = peers.agreement.agreement([(made_run(peers, "A", B, 0.5), made_run(peers, "B", A))])
    wide = next(one for one in peers.bars.judged({("hwcost", True): unbounded}, "mini") if one.bar.name == "half_width")
    assert (wide.figure, wide.is_met, wide.to_dict()["found"]) == (math.inf, False, None)


def test_runs_of_another_scale_are_other_runs_with_stores_of_their_own(peers: SimpleNamespace) -> None:
    shapes: list[tuple[object, ...]] = [(), ("paper", 128)]
    pieces = [piece for shape in shapes for piece in peers.plan.pairs(["hwcost"], (True,), 2, 65.0, 12, *shape)]
    assert len({piece.stem for piece in pieces}) == len(set(pieces)) == 8
    earlier = {"tool": "hwcost", "has_bursts": True, "pair": 0, "letter": "A", "seconds": 65.0, "nets": 12, "tested": 0}
    assert peers.plan.Piece(**earlier) == pieces[0]  # a file of runs that knows neither scale nor tokens


def test_plan_meets_every_tool_with_the_same_bursts_and_other_ones_in_each_run(peers: SimpleNamespace) -> None:
    tools = ["hwcost", "torch", "loop"]
    pieces = list(peers.plan.pairs(tools, (True, False), 2, 65.0, 12))
    assert len(set(pieces)) == len(pieces) == 3 * 2 * 2 * 2
    runs = [pieces[i : i + 3] for i in range(0, len(pieces), 3)]
    assert all({piece.tool for piece in one} == set(tools) for one in runs)
    seeds = [{piece.burst_seed for piece in one} for one in runs]
    assert seeds == [{0}, {1}, {None}, {None}, {2}, {3}, {None}, {None}]


def test_time_to_a_model_is_that_from_which_on_errors_stay_small(peers: SimpleNamespace) -> None:
    reference = made_run(peers, "A", {"x": 1e-3, "y": 2e-3}, tool="reference", tested=2)
    runs = [reference]
    for seconds, off in ((30.0, 0.02), (60.0, 0.05), (120.0, 0.03), (240.0, 0.01)):
        found = peers.asked.Found({}, predicted={"x": 1e-3 * (1 + off), "y": 2e-3 * (1 - off)})
        runs.append(peers.runs.Run(peers.plan.Piece("loop", True, 0, "A", seconds, 4, 2), seconds, found))
    errors = peers.model_errors.errors(runs)
    assert errors["loop", True] == pytest.approx({30.0: 0.02, 60.0: 0.05, 120.0: 0.03, 240.0: 0.01})
    assert peers.model_errors.time_to(errors["loop", True], 0.031) == 120.0
    assert peers.model_errors.time_to({30.0: 0.02, 60.0: 0.05}) is None
    assert peers.model_errors.errors(runs[1:]) == {}
    assert "| 2.0 % | 5.0 % |" in peers.tables.model_table(errors)


def test_hwcost_is_read_from_its_document(peers: SimpleNamespace) -> None:
    found_in = import_module("peer_tools.hwcost_command").found_in
    one = {"workload_key": "a", "latency_s": 1.0, "low_s": 0.9, "high_s": 1.1, "flags": [{"code": "W_IMPRECISE"}]}
    void = {"workload_key": "b", "latency_s": None, "low_s": None, "high_s": None, "flags": [{"code": "W_DISTURBED"}]}
    found = found_in({"flags": [{"code": "W_VIRTUAL"}], "measurements": [one, void]})
    assert found.readings == {"a": peers.asked.Reading(1.0, 0.9, 1.1)}
    assert found.warned == ("b",)
    assert found_in({"flags": [{"code": "W_UNSTABLE_HOST"}], "measurements": [one]}).warned == ("a",)


def test_help_and_unknown_tools() -> None:
    script = [sys.executable, str(BENCHMARKS / "peers.py")]
    shown = subprocess.run([*script, "--help"], capture_output=True, text=True, check=True)
    assert "--at-most" in shown.stdout
    wrong = subprocess.run([*script, "--tools", "perf"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "unknown tool 'perf'. Known: hwcost" in wrong.stderr


def test_a_store_takes_the_place_of_what_an_interrupted_run_left(peers: SimpleNamespace, tmp_path: Path) -> None:
    store = tmp_path / "stores" / "hwcost-alone.db"
    make_room = import_module("peer_tools.hwcost_command").make_room
    make_room(store)
    for name in ("hwcost-alone.db", "hwcost-alone.db-wal", "hwcost-bursts.db"):
        (store.parent / name).touch()
    make_room(store)
    assert [path.name for path in store.parent.iterdir()] == ["hwcost-bursts.db"]


@pytest.mark.slow
@pytest.mark.torch
def test_what_is_exported_beforehand_is_what_both_tools_on_onnxruntime_load(
    peers: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxscript")
    monkeypatch.setenv("HWCOST_CACHE_DIR", str(tmp_path))
    exports, nets = import_module("peer_tools.exports"), import_module("peer_tools.nets")
    asked = peers.asked.Asked(1, 0, 1.0, 0.0, tmp_path / "found.json", "mini", 16, tmp_path / "nets.db")
    workload = nets.measured(asked)[0]
    backend = usable("onnxruntime", "cpu")(1, {})
    assert backend.needs_export(workload)
    exports.export(asked)
    assert not backend.needs_export(workload)
    kept = sorted(tmp_path.rglob("*.onnx"))
    import_module("peer_tools.onnx_loop").average_s(workload, 0.0)
    assert sorted(tmp_path.rglob("*.onnx")) == kept  # the loop exported nothing more


@pytest.mark.slow
@pytest.mark.torch
def test_every_tool_measures_the_same_nets(tmp_path: Path) -> None:
    out = tmp_path / "peers.jsonl"
    command = ["--seconds", "12", "--nets", "2", "--pairs", "1", "--no-bursts", "--out", str(out)]
    subprocess.run([sys.executable, str(BENCHMARKS / "peers.py"), *command], check=True)
    runs = [json.loads(line) for line in out.read_text().splitlines()]
    assert len({frozenset(run["found"]["readings"]) for run in runs}) == 1
    stores = {path.name.partition("-alone")[0] for path in (tmp_path / "peers-stores").glob("*.db")}
    assert stores == {"hwcost", "hwcost-onnxruntime"}
