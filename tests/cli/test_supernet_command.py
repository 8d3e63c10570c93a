"""``hwcost supernet`` as a user meets it: train, go on, judge, take out; and what it refuses."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("tokenizers")

from hwcost.cli.main import invoke
from hwcost.files import held
from hwcost.supernets import subnet
from hwcost.supernets.checkpoint import FILE, Checkpoint
from hwcost.supernets.run import SETTINGS
from hwcost.supernets.training_log import LOG

pytestmark = pytest.mark.torch

SPACE = "supershaper:scale=mini"
WORDS = [
    "measure", "latency", "round", "level", "drift", "device", "token", "layer", "width", "head", "model", "cost", "space",
    "store", "visit", "block",
]  # fmt: skip


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Thirty small documents of made-up sentences."""
    folder = tmp_path_factory.mktemp("text")
    for document in range(30):
        lines = [
            " ".join(WORDS[(document * 7 + line * 5 + place * (1 + line % 3)) % len(WORDS)] for place in range(9)) + "."
            for line in range(60)
        ]
        (folder / f"part{document}.txt").write_text("\n".join(lines))
    return folder


def command(text, out, *more):
    return [
        "supernet", "train", SPACE, "--out", str(out), "--corpus", str(text), "--recipe", "smoke", "--threads", "1", *more
    ]  # fmt: skip


def unplanned(text, out, *more):
    """The same without the plan of its memory, which takes longer than a small training."""
    return command(text, out, "--no-memory-check", *more)


@pytest.fixture(scope="module")
def run(text, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    assert invoke(unplanned(text, out)) == 0
    return out


def answer(capsys, arguments):
    assert invoke([*arguments, "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


def test_training_again_finds_nothing_to_do(capsys, text, run) -> None:
    found = answer(capsys, command(text, run))
    assert (found["steps"], found["steps_now"], found["losses"]) == (4, 0, None)


def test_a_second_training_in_the_folder_is_refused_while_the_first_one_works(capsys, text, run) -> None:
    with held(run):
        assert invoke(command(text, run)) == 3
    assert "Wait until it ends, or give another folder" in capsys.readouterr().err
    assert invoke(command(text, run)) == 0


def test_subnets_are_judged_by_held_out_text(capsys, run) -> None:
    found = answer(capsys, ["supernet", "eval", str(run), "-n", "3"])
    sizes = [row["params"] for row in found["subnets"]]
    assert sizes[0] == min(sizes)
    assert sizes[-1] == max(sizes)
    assert all(1 < row["perplexity"] < 5000 for row in found["subnets"])
    chosen = answer(capsys, ["supernet", "eval", str(run), "--arch", "8_16_24_32"])
    assert [row["arch"] for row in chosen["subnets"]] == ["8_16_24_32"]


def test_nets_that_are_taken_out_give_the_same_perplexity(capsys, run, tmp_path) -> None:
    from hwcost.supernets.masked_lm import perplexity
    from hwcost.supernets.run import Run

    assert invoke(["supernet", "extract", str(run), "--arch", "8_16_24_32", "--out", str(tmp_path / "net")]) == 0
    capsys.readouterr()
    net = subnet.load(tmp_path / "net")
    judged = answer(capsys, ["supernet", "eval", str(run), "--arch", "8_16_24_32"])["subnets"][0]["perplexity"]
    assert perplexity(net, Run.open(run).held_out()) == pytest.approx(judged, rel=1e-5)
    described = answer(capsys, ["supernet", "info", str(tmp_path / "net")])
    assert (described["arch"], described["net"]["name"]) == ("8_16_24_32", "SuperShaperModel")
    assert (tmp_path / "net" / "tokenizer.json").exists()


def test_info_tells_how_far_a_training_is(capsys, run) -> None:
    found = answer(capsys, ["supernet", "info", str(run)])
    assert (found["space"], found["steps"], found["steps_done"], found["sampling"]) == ("supershaper", 4, 4, "sandwich")


def test_nets_that_are_taken_out_teach_others(capsys, run, text, tmp_path) -> None:
    folder = tmp_path / "net"
    assert invoke(["supernet", "extract", str(run), "--arch", "64_64_64_64", "--out", str(folder), "--head", "none"]) == 0
    arguments = unplanned(text, tmp_path / "student", "--teacher", str(folder), "--relation", "softmax-kl")
    arguments[2] = "transformer:layers=[2,3],hidden=[32,64],heads=[4],vocabulary=2048,positions=64"
    capsys.readouterr()
    found = answer(capsys, arguments)
    assert found["steps_now"] == 4
    assert set(found["losses"]) == {"largest", "smallest", "random 1"}


@pytest.mark.slow
def test_killed_trainings_end_in_the_same_weights(text, tmp_path) -> None:
    """kill -9 at some step, then the same command: bit-equal to a training that was never killed."""
    more = ["--steps", "60", "--save-every", "5"]
    assert invoke(unplanned(text, tmp_path / "whole", *more)) == 0
    killed = [sys.executable, "-m", "hwcost", *unplanned(text, tmp_path / "killed", *more)]
    process = subprocess.Popen(killed, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    log = tmp_path / "killed" / LOG
    while process.poll() is None and (not log.exists() or log.read_text().count("\n") < 13):
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the training was over before it was killed"
    assert invoke(unplanned(text, tmp_path / "killed", *more)) == 0
    whole, resumed = (Checkpoint.load(tmp_path / name).model for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert (tmp_path / "whole" / LOG).read_text() == log.read_text()


def test_training_within_a_budget(capsys, text, tmp_path) -> None:
    most = 230_000
    out = tmp_path / "run"
    limited = unplanned(text, out, "--constraint", f"params<={most}")
    assert invoke(limited) == 0
    capsys.readouterr()
    assert answer(capsys, ["supernet", "info", str(out)])["constraints"] == [f"params<={most}"]
    assert answer(capsys, limited)["steps_now"] == 0
    assert invoke(unplanned(text, out)) == 2
    assert "it has constraints=['params<=230000'], and constraints=[] was given" in capsys.readouterr().err
    assert invoke(command(text, tmp_path / "none", "--constraint", "params<=10")) == 2
    assert "no subnet of space 'supershaper' was found within the budget" in capsys.readouterr().err


@contextmanager
def small_disk(room: int) -> Iterator[None]:
    """No file grows beyond so many bytes meanwhile: the system refuses as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_loses_nothing(capsys, text, tmp_path) -> None:
    out = tmp_path / "run"
    more = ["--steps", "6", "--save-every", "2"]
    assert invoke(unplanned(text, tmp_path / "whole", *more)) == 0
    with small_disk(100_000):
        assert invoke(unplanned(text, out, *more)) == 5
    assert f"cannot write '{out / FILE}'" in (error := capsys.readouterr().err)
    assert "File too large" in error
    assert "run the same command again" in error
    assert not [path for path in out.iterdir() if path.name.endswith(".part")]
    assert invoke(unplanned(text, out, *more)) == 0
    whole, resumed = (Checkpoint.load(folder).model for folder in (tmp_path / "whole", out))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    with small_disk(100_000):
        assert invoke(["supernet", "extract", str(out), "--arch", "8_8_8_8", "--out", str(tmp_path / "net")]) == 5
    assert "cannot write" in capsys.readouterr().err
    assert not (tmp_path / "net" / subnet.CONFIG).exists(), "half a net is none"


@pytest.mark.parametrize(("place", "says"), [("run.json/net.onnx", "cannot make the folder"), (".", "is a folder")])
def test_wrong_places_for_onnx_files_are_told_before_anything_is_written(capsys, run, tmp_path, place, says) -> None:
    extract = ["supernet", "extract", str(run), "--arch", "8_8_8_8", "--out", str(tmp_path / "net")]
    assert invoke([*extract, "--onnx", str(run / place)]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "net").exists()


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (["--steps", "9"], 2, ["other settings: it has steps=4, and steps=9 was given"]),
        (["--seed", "3"], 2, ["it has seed=0, and seed=3 was given"]),
        (["--recipe", "bigg"], 2, ["unknown recipe 'bigg'", "supershaper-paper"]),
        (["--sampling", "best", "--out", "{new}"], 2, ["unknown sampling 'best'", "sandwich"]),
        (["--learning-rate", "-1", "--out", "{new}"], 2, ["learning_rate is a positive number"]),
        (["--save-every", "0", "--out", "{new}"], 2, ["'--save-every'"]),
        (["--save-every", "0"], 2, ["'--save-every'"]),
        (["--seq-len", "500", "--out", "{new}"], 2, ["at most 128 tokens", "500"]),
        (["--corpus", "/nowhere", "--out", "{new}"], 2, ["/nowhere"]),
        (["--corpus", "{empty}", "--out", "{new}"], 2, ["there is no text"]),
        (["--batch-size", "9", "--accumulate", "2", "--out", "{new}"], 2, ["2 micro batches do not divide"]),
        (["--device", "tpu"], 2, ["cpu or cuda", "tpu"]),
        (["--threads", "0"], 2, ["at least one thread"]),
        (["--teacher", "/nowhere", "--out", "{new}"], 2, ["/nowhere"]),
    ],
)
def test_bad_input_is_told(capsys, text, run, tmp_path, change, code, says) -> None:
    (tmp_path / "empty.txt").write_text("")
    places = {"new": tmp_path / "new", "empty": tmp_path / "empty.txt"}
    arguments = command(text, run, *[one.format(**places) for one in change])
    assert invoke(arguments) == code
    error = capsys.readouterr().err
    assert "Traceback" not in error
    for part in says:
        assert part in error
    assert not (tmp_path / "new").exists(), "a refused command claims no folder"


def test_damaged_folders_are_told(capsys, run, tmp_path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in (SETTINGS, FILE, "tokenizer.json"):
        (broken / name).write_bytes((run / name).read_bytes())
    (broken / FILE).write_bytes((run / FILE).read_bytes()[:5000])
    for arguments, text in (
        (["supernet", "eval", str(broken)], "damaged"),
        (["supernet", "eval", str(tmp_path / "none")], "holds no training of a supernet"),
        (["supernet", "extract", str(run), "--arch", "9_9_9_9", "--out", str(tmp_path / "x")], "cannot be 9"),
        (["supernet", "extract", str(run), "--arch", "8_8_8_8", "--head", "nsp", "--out", "x"], "one of mlm, pooler, none"),
    ):
        assert invoke(arguments) == 2
        assert text in capsys.readouterr().err
    (broken / SETTINGS).write_text("{}")
    assert invoke(["supernet", "info", str(broken)]) == 2
    assert "holds no settings of a training" in capsys.readouterr().err


def test_students_are_built_otherwise(capsys, tmp_path) -> None:
    assert invoke(["supernet", "train", "autodistill", "--out", str(tmp_path)]) == 2
    assert "hwcost.supernets.student" in capsys.readouterr().err
