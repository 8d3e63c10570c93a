"""Bad input gives a clear message and the documented exit code, and never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from time import sleep

import pytest

from hwcost.cli.main import invoke
from tests.conftest import PATIENCE_S, import_anew
from tests.workloads.in_process import probe_in_process

ARCH = "_".join(["360"] * 12)
HEADER = ",".join(f"l{i}" for i in range(1, 13)) + ",latency_s"
ROW = ",".join(["360"] * 12) + ",0.1"
OTHER = ",".join(["120"] * 12) + ",0.05"


def table(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


def refused(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, *says: str) -> None:
    assert invoke(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    for text in says:
        assert text in captured.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["measure", "--device", "h200"], 3, ["'h200'", "is not here", "hwcost import"]),
        (["measure", "--device", "k80"], 3, ["'k80'", "is not here", "torch 2.3.1", "hwcost fit FILE.csv"]),
        (["measure", "--device", "./none.toml"], 2, ["cannot read the device profile 'none.toml'"]),
        (["measure", "--backend", "null", "--cache", "warm"], 2, ["unknown cache policy 'warm'", "cold"]),
        (["measure", "--backend", "null", "--stopping", "luck"], 2, ["unknown stopping criterion 'luck'", "median-error"]),
        (["measure", "--backend", "null", "--stopping", "fixed-count:blocks=x"], 2, ["'fixed-count'", "blocks"]),
        (["measure", "--backend", "null", "--space-option", "merge=true"], 2, ["'merge' is unknown", "'merged'"]),
        (["measure", "--device", "k8"], 2, ["unknown device", "'k8'", "k80"]),
        (["measure", "--space", "bert"], 2, ["unknown space 'bert'", "supershaper"]),
        (["measure", "--backend", "tensrt"], 2, ["unknown backend 'tensrt'", "onnxruntime"]),
        (["measure", "--backend", "null", "--arch", "361_" + ARCH[4:]], 2, ["'l1'", "361", "120, 240, 360"]),
        (["measure", "--backend", "null", "--arch", "360_360"], 2, ["12 genes", "got 2"]),
        (["measure", "--backend", "null", "--backend-option", "speed"], 2, ["NAME=VALUE"]),
        (["measure", "--backend", "null", "--backend-option", "speed=3"], 2, ["no option 'speed'", "noise"]),
        (["measure", "--backend", "null", "-n", "0"], 2, ["no architectures"]),
        (["measure", "--backend", "null", "-n", "-3"], 2, ["-3"]),
        (["measure", "--backend", "null", "--budget", "soon"], 2, ["'soon' is not a duration", "8m"]),
        (["measure", "--backend", "null", "--tier", "best"], 2, ["unknown tier 'best'", "standard"]),
        (["measure", "--backend", "null", "--dtype", "int3"], 2, ["unknown dtype 'int3'", "float32"]),
        (["measure", "--backend", "null", "--batch-size", "0"], 2, ["batch size", "got 0"]),
        (["measure", "--backend", "null", "--batch-size", "9" * 20], 2, ["batch size must be at most 2147483647"]),
        (["devices", "probe", "--dtype", "int9", "--dry-run"], 2, ["unknown dtype 'int9'", "bfloat16"]),
        (["spaces", "show", "./mine.tml"], 2, ["unknown space './mine.tml'", "such as ./myspace.toml"]),
        (["measure", "--backend", "null", "--seq-len", "1000"], 2, ["1000", "512"]),
        (["measure", "--space", "table"], 2, ["table"]),
        (["measure", "--model", "missing.onnx"], 2, ["missing.onnx"]),
        pytest.param(
            ["measure", "--model", "no.such.module:make", "--backend", "torch"],
            2,
            ["no.such.module"],
            marks=pytest.mark.torch,
        ),
        (["measure", "--campaign", "x"], 2, ["--resume"]),
        (["measure", "--model", "missing.onnx", "-n", "3"], 2, ["-n has no effect on a --model without a --space"]),
        (["measure", "--model", "missing.onnx", "--components"], 2, ["--components has no effect"]),
        (["measure", "--backend", "null", "--arch", ARCH, "-n", "3"], 2, ["-n has no effect with --arch"]),
        (["fit", "ops.csv", "--operators", "--model", "ridge", "--out", "m"], 2, ["--model has no effect with --operators"]),
        (["fit", "ops.csv", "--operators", "--drift", "none", "--out", "m"], 2, ["--drift has no effect with --operators"]),
        (["measure", "--backend", "null", "--parts"], 2, ["--parts has no effect without --components"]),
        (["measure", "--backend", "null", "--components", "--test-rows", "3"], 2, ["--test-rows has no effect with --comp"]),
        (["spaces", "show", "bert"], 2, ["unknown space 'bert'"]),
        (["spaces", "show", "supershaper", "--arch", "1_2"], 2, ["12 genes"]),
        (["devices", "show", "k8"], 2, ["unknown device", "k80"]),
        (["fit", "no.csv", "--space", "supershaper", "--out", "x"], 2, ["no.csv"]),
        (["evaluate", "no.csv", "--space", "supershaper"], 2, ["no.csv"]),
        (["predict", "no-such-model", "--arch", ARCH], 2, ["no-such-model"]),
        (["predict", "m", "--arch", ARCH, "--device", "k80"], 2, ["--device has no effect without --roofline"]),
        (["search", "--minimize", "params", "--space", "supershaper", "--probability", "2"], 2, ["between 0 and 1, got 2"]),
        (["compare", "a.csv", "b.csv", "--format", "markdown", "--json", "-"], 2, ["both want stdout"]),
        (["compare", "a.csv", "b.csv", "--format", "json", "--json", "x.json"], 2, ["--json 'x.json'", "Give one of them"]),
        (["check", "--format", "github", "--json", "-"], 2, ["both want stdout"]),
        (["evaluate", "no.csv", "--space", "table", "--plot", "p.pdf"], 2, ["PNG and SVG, not as '.pdf'"]),
        (["evaluate", "no.db", "--train", "0.5"], 2, ["--train has no effect on a campaign"]),
        (["fit", "no.db", "--drift", "none", "--out", "m"], 2, ["--drift has no effect on a campaign"]),
        (["audit", "no.csv", "--space", "table", "--plot", "p.pdf"], 2, ["PNG and SVG, not as '.pdf'"]),
        (["audit", "no.csv", "--space", "table", "--campaign", "c1"], 2, ["a table holds no campaigns", "'c1'"]),
        (["fit", "no.csv", "--space", "table", "--campaign", "c1", "--out", "x"], 2, ["a table holds no campaigns"]),
        (["import", "no.jsonl"], 2, ["no.jsonl"]),
        (["nonsense"], 2, ["nonsense"]),
        (["measure", "--nonsense"], 2, ["--nonsense"]),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None,
)
def test_arguments(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    says: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(capsys, arguments, code, *says)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", ["empty"]),
        (HEADER.encode(), ["no row"]),
        (table(ROW).encode(), ["row"]),
        (bytes(range(256)) * 20, ["text"]),
        ((table(ROW, OTHER) + "360,360").encode(), ["line 4"]),
        (table(ROW, OTHER.replace("0.05", "nan")).encode(), ["line 3", "latency_s", "nan"]),
        (table(ROW, OTHER.replace("0.05", "0")).encode(), ["line 3", "latency_s", "0"]),
        (table(ROW, OTHER.replace("0.05", "-1")).encode(), ["line 3", "latency_s", "-1"]),
        (table(ROW, OTHER.replace("0.05", "fast")).encode(), ["line 3", "latency_s", "fast"]),
        (table(ROW, OTHER.replace("120", "121", 1)).encode(), ["line 3", "l1", "121"]),
        (table(ROW, OTHER).replace("l7", "m7").encode(), ["l7"]),
        (table(ROW, OTHER).replace("latency_s", "value").encode(), ["latency_s"]),
    ],
    ids=["empty", "header", "one-row", "binary", "truncated", "nan", "zero", "negative", "text", "gene", "column", "time"],
)
@pytest.mark.parametrize("command", ["fit", "evaluate"])
def test_tables(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, content: bytes, says: list[str]
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    out = ["--out", str(tmp_path / "model")] if command == "fit" else []
    refused(capsys, [command, str(path), "--space", "supershaper", *out], 2, "t.csv", *says)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("place", [".", "t.csv/found.json"])
@pytest.mark.parametrize("command", [["measure", "--backend", "null", "-n", "2", "--store", "s.db"], ["version"]])
def test_a_document_that_could_not_be_written_is_refused_before_the_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("")
    refused(capsys, [*command, "--json", place], 2, f"cannot write '{place}'", "Give --json another file, or -")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_a_model_that_could_not_be_written_is_refused_before_the_fit(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(table(ROW, OTHER))
    command = ["fit", str(path), "--space", "supershaper", "--out", str(path)]
    refused(capsys, command, 2, "Not a directory", "Give --out another folder")


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "no.csv", "--space", "table", "--plot", "p.png"],
        ["audit", "no.csv", "--space", "table", "--plot", "p.png"],
        ["search", "--space", "supershaper", "--minimize", "params", "-n", "2", "--plot", "figures"],
        ["pipeline", "supershaper", "--preset", "smoke"],
    ],
    ids=lambda command: command[0],
)
def test_work_whose_figures_could_not_be_drawn_is_refused_before(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hwcost._extras.find_spec", lambda module: None)
    refused(capsys, command, 2, "is not installed", "pip install 'hwcost[report]'")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_onnx_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    path = tmp_path / "m.onnx"
    path.write_bytes(b"this is no model" * 10)
    refused(capsys, ["measure", "--model", str(path), "--backend", "onnxruntime"], 2, "m.onnx", "ONNX")


def test_a_store_that_is_no_store(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"nothing of the kind" * 100)
    refused(capsys, ["measure", "--backend", "null", "-n", "2", "--store", str(path)], 5, "s.db")
    assert path.read_bytes() == b"nothing of the kind" * 100


def test_a_store_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, ["measure", "--backend", "null", "-n", "2", "--store", "/proc/nowhere/s.db"], 5, "/proc/nowhere")


def test_resuming_where_there_is_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    refused(capsys, ["measure", "--resume", "--store", str(tmp_path / "none.db")], 2, "none.db")


HUNGRY = """
import os, signal, torch

def hungry(batch_size):
    class Hungry(torch.nn.Module):
        def forward(self, input_ids):
            return torch.ones(batch_size, 1 << 50)
    return Hungry().eval()

def killed(batch_size):
    class Killed(torch.nn.Module):
        def forward(self, input_ids):
            os.kill(os.getpid(), signal.SIGKILL)
    return Killed().eval()
"""


@pytest.mark.torch
@pytest.mark.parametrize(("factory", "says"), [("hungry", "ran out of memory"), ("killed", "signal 9")])
def test_a_model_that_runs_out_of_memory(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factory: str, says: str
) -> None:
    """Once with an error of the allocator, once killed by the system; both are kept in the store."""
    pytest.importorskip("torch")
    (tmp_path / "glutton.py").write_text(HUNGRY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    import_anew(monkeypatch, "glutton")
    probe_in_process(monkeypatch)
    assert invoke(["measure", "--model", f"glutton:{factory}", "--rounds", "1", "--store", "s.db", "-q"]) == 4
    captured = capsys.readouterr()
    assert says in captured.err
    assert "Traceback" not in captured.err
    from hwcost.stores import open_store

    with open_store("s.db") as store:
        assert [record.visit.status for record in store.records()] == ["failed"]


@pytest.mark.parametrize("is_term", [False, True])
def test_ctrl_c_says_how_to_go_on_and_resuming_repeats_nothing(tmp_path: Path, is_term: bool) -> None:
    """So does SIGTERM, which a queue or ``timeout`` sends to the command alone; pressed again, it hides nothing."""
    command = [sys.executable, "-m", "hwcost", "measure", "--backend", "null", "--backend-option", "realtime=true"]
    command += ["--space", "supershaper:scale=mini", "-n", "3", "--rounds", "2", "--tier", "quick"]
    command += ["--store", str(tmp_path / "s.db")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("process 1 of 2, pass"):
            break
    press = process.terminate if is_term else partial(os.killpg, process.pid, signal.SIGINT)
    press()
    sleep(0.005)
    press()
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "visits are kept" in err
    assert "--resume" in err
    assert "Traceback" not in err
    assert invoke(["measure", "--resume", "--store", str(tmp_path / "s.db"), "-q"]) == 0
    from hwcost.campaign.rounds.journal import is_counted
    from hwcost.stores import open_store

    with open_store(tmp_path / "s.db") as store:
        visits = [record.visit for record in store.records()]
    assert len({(visit.round, visit.workload_key) for visit in visits}) == len(visits)
    assert set(Counter(visit.workload_key for visit in visits if is_counted(visit)).values()) == {2}


@pytest.mark.usefixtures("laws_here")
def test_resuming_with_other_options_than_planned_is_refused(capsys, tmp_path: Path) -> None:
    store = ["--store", str(tmp_path / "s.db")]
    planned = ["--backend", "null", "--space", "supershaper:scale=mini", "-n", "3", "--rounds", "2", "--arrival", "gap=1ms"]
    assert invoke(["measure", *planned, *store, "-q"]) == 0
    assert invoke(["measure", *planned, *store, "-q", "--resume"]) == 0
    capsys.readouterr()
    for changed in (["-n", "9"], ["--backend", "torch"], ["--arrival", "gap=2ms"], ["--seq-len", "64"], ["--model", "a:b"]):
        refused(capsys, ["measure", "--resume", *changed, *store], 2, f"was planned with {changed[0]}", changed[1], "leave")
    assert invoke(["measure", "--resume", "--dry-run", *store]) == 0
    assert "Nothing was measured" in capsys.readouterr().out
