"""What a run would do: shapes as the device's profile has them, sizes that are set, and memory before a training begins."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import numpy as np
import pytest

from hwcost.cli.main import invoke
from hwcost.errors import NotEnoughMemoryError, UsageError
from hwcost.supernets import memory_check
from hwcost.supernets.memory_check import check_memory
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.tuning import Grid, Tuning
from hwcost.systems import Measuring, Settings, pipeline
from hwcost.systems.sizes import resized
from hwcost.testing.plugins import registered
from tests.systems.test_base import MEASURING, Counts
from tests.tasks.squad import write_squad


def planned(name: str, device: str, preset: str = "paper", **parts: Any) -> list[tuple[int, int, str]]:
    pytest.importorskip("torch")
    made = pipeline(name, "nowhere", Settings(preset), device=device, dry_run=True, **parts)
    return sorted({(one.batch_size, one.seq_len, one.dtype) for one in made.calls()})


@pytest.mark.torch
def test_shapes_are_those_of_the_devices_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert planned("supershaper", "k80") == [(128, 128, "float32")]
    assert planned("components", "tpu-v2") == [(16, length, "bfloat16") for length in (32, 128, 512)]
    assert planned("autodistill", "tpu-v4i") == [(1, 128, "bfloat16")]
    assert planned("autodistil", "xeon") == [(1, 128, "float32")]
    assert planned("supershaper", "k80", "quick") == [(16, 64, "float32")]
    assert planned("supershaper", "k80", sizes={"measuring.batch_size": 8, "measuring.dtype": "float16"}) == [
        (8, 128, "float16")
    ]
    assert not list(tmp_path.iterdir())


def test_a_protocol_without_lengths_asks_for_a_device() -> None:
    with pytest.raises(UsageError, match=r"leaves lengths to the device"):
        _ = Measuring().seq_len


@dataclass(frozen=True, kw_only=True)
class Trained(Counts):
    recipe: Recipe


@dataclass(frozen=True, kw_only=True)
class Tuned(Counts):
    tuning: Tuning


PRESET = Trained(numbers=5, measuring=MEASURING, recipe=Recipe(steps=100, warmup_steps=10, clip=1.0))


def test_fields_are_set_together_and_keep_their_types() -> None:
    """Fewer steps than the warm-up has would be refused by themselves."""
    texts = {"numbers": 7, "recipe.steps": 4, "recipe.warmup_steps": 1, "recipe.clip": None, "measuring.seq_lens": "32,128"}
    found = resized(PRESET, texts)
    assert (found.numbers, found.recipe.steps, found.recipe.clip, found.measuring.seq_lens) == (7, 4, None, (32, 128))
    assert found.recipe.learning_rate == PRESET.recipe.learning_rate
    assert resized(PRESET, {"recipe.learning_rate": 1}).recipe.learning_rate == 1.0
    for wrong, told in (
        ({"recipe.steps": True}, "integer"), ({"numbers": "many"}, "cannot be 'many'"),
        ({"recipe.dtype": "float8"}, "unknown dtype"), ({"number": 3}, "no field 'number' of the preset. Known: measuring"),
        ({"recipe.steps": 4}, "at most its 4 steps"), ({"numbers.more": 4}, "cannot be"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=told):
            resized(PRESET, wrong)


@pytest.mark.torch
def test_a_layer_that_the_teacher_has_not_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    changed = {"relations.relation_layer": 13, "relations.relation_weights": "1,0,1"}
    given = {**changed, "relations.relation_layer": -12}
    made = pipeline("autodistil", "nowhere", Settings("smoke"), sizes=given, dry_run=True)
    assert made.preset.relations.relations == ("softmax-mse", (1.0, 0.0, 1.0), -12)
    with pytest.raises(UsageError, match="the teacher has 12 layers, and relations.relation_layer is 13"):
        pipeline("autodistil", tmp_path / "run", Settings("smoke"), sizes=changed)
    assert not (tmp_path / "run").exists()


def test_grids_of_fine_tuning_are_set_by_the_name_of_their_task() -> None:
    tuning = Tuning(Grid(Recipe(steps=4)), {"cola": Grid(Recipe(steps=4), epochs=(5,))}, {"rte": "mnli"})
    preset = Tuned(numbers=5, measuring=MEASURING, tuning=tuning)
    changes = {"tuning.tasks.cola.learning_rates": "1e-5,2e-5", "tuning.other.epochs": 3, "tuning.starts.mrpc": "mnli"}
    found = resized(preset, {**changes, "tasks": "docstring"})
    assert found.tuning.grid("cola") == replace(tuning.grid("cola"), learning_rates=(1e-5, 2e-5))
    assert found.tuning.grid("rte").epochs == (3,)
    assert found.tuning.starts == {"rte": "mnli", "mrpc": "mnli"}
    assert found.tasks == ("docstring",)
    for wrong, told in (
        ({"tuning.tasks.qqp.epochs": 3}, r"no field 'tuning.tasks.qqp' of the preset. Known in tuning.tasks: cola"),
        ({"tuning.other.epochs": 0}, "epochs of a grid are 1 at least"), ({"tuning.starts.rte": 3}, "string"),
        ({"tuning.other.learning_rates": -1}, "learning_rate is a positive number"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=told):
            resized(preset, wrong)


@pytest.fixture
def _counting() -> Iterator[None]:
    with registered("hwcost.systems", {"counting": "tests.systems.test_base:Counting"}):
        yield


def test_what_is_registered_in_place_of_a_pipeline_is_named(tmp_path, capsys) -> None:
    with registered("hwcost.systems", {"odd": "tests.systems.test_base:MEASURING"}):
        assert invoke(["pipeline", "odd", "--out", str(tmp_path / "run"), "--dry-run"]) == 2
    assert "'odd' is registered as a system, and is not a subclass of hwcost.systems.Pipeline" in capsys.readouterr().err


@pytest.mark.usefixtures("_counting")
def test_a_dry_run_writes_one_document_and_nothing_else(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["pipeline", "counting", "--preset", "small", "--device", "k80", "--set", "numbers=3", "--dry-run"]
    assert invoke([*asked, "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["stages"]) == ["squares", "times", "sum"]
    assert found["preset"]["numbers"] == 3
    assert found["workloads"] == [
        {
            "stage": None, "nets": None, "batch_size": 1, "seq_len": 32, "dtype": "float32", "backend": "torch",
            "device": "k80",
        }
    ]
    assert found["memory_bytes"] is None
    assert invoke(asked) == 0
    assert "Nothing was trained, measured or written" in capsys.readouterr().out
    assert invoke([*asked, "--cost", "k80.csv"]) == 2
    assert "takes no cost: leave it out" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("name", ["supershaper", "autodistil", "autodistill", "components"])
def test_memory_is_planned_for_every_system(name: str) -> None:
    pytest.importorskip("torch")
    made = pipeline(name, "nowhere", Settings("smoke"), dry_run=True)
    plan = made.plan()
    assert plan.memory is not None
    parts = ("parameters_bytes", "optimizer_bytes", "gradients_bytes", "activations_bytes", "gaps_bytes")
    assert plan.memory_bytes == sum(getattr(plan.memory, part) for part in parts)
    assert plan.memory.fits
    assert plan.memory.training in plan.preset
    assert "fits into" in plan.memory.advice


@pytest.mark.torch
def test_the_nets_of_a_sweep_are_among_what_is_measured() -> None:
    """They are measured beside the base net at every length, in a campaign of their own; without a grid there is none."""
    pytest.importorskip("torch")
    lengths, none = (32, 64), {"sweep.direct_penalties": (), "sweep.sampled_penalties": ()}
    grid = {"sweep.direct_penalties": (1e-3, 1e-2), "sweep.sampled_penalties": (1.0, 2.0)}
    for sizes, wanted in ((grid, [(length, 5) for length in lengths]), (none, [])):
        asked = {**sizes, "measuring.seq_lens": lengths}
        made = pipeline("components", "nowhere", Settings("smoke"), dry_run=True, sizes=asked)
        assert [(one.seq_len, one.nets) for one in made.calls() if one.stage == "sweep"] == wanted


@pytest.mark.torch
@pytest.mark.once
def test_trainings_of_gates_are_planned_with_wider_gaps(monkeypatch) -> None:
    """Processes that train gates hold 1.11 to 1.49 times as much as their tensors."""
    pytest.importorskip("torch")
    from hwcost.supernets.memory import StepMemory

    made = pipeline("components", "nowhere", Settings("smoke"), dry_run=True).trainings()
    assert {name: one.gaps for name, one in made.items() if one.gaps is not None} == {"direct": 0.4, "sampled": 0.4}

    def unplanned(*given: object) -> StepMemory:
        one, none = np.array([0, 0]), np.array([False])
        return StepMemory(100, 200, one, np.array([1, -1]), one > 0, np.array([[400.0], [800.0]]), none)

    monkeypatch.setattr("hwcost.supernets.memory.step_memory", unplanned)
    assert {name: made[name].memory().at(4, is_summed=False).gaps_bytes for name in ("base", "direct")} == {
        "base": 110, "direct": 440,
    }  # fmt: skip


@pytest.mark.torch
@pytest.mark.once
def test_fine_tuning_is_planned_where_there_is_a_task() -> None:
    """Those of tasks that are not given are not; number of micro batches divides all batches of a grid."""
    pytest.importorskip("torch")
    assert list(pipeline("supershaper", "nowhere", Settings("paper"), dry_run=True).trainings()) == ["recipe"]
    given = Settings("paper", tasks=("docstring",))
    made = pipeline("supershaper", "nowhere", given, dry_run=True, sizes={"tuning.tasks.cola.batch_sizes": "16,4096"})
    assert list(made.trainings()) == ["recipe", "tuning.other.base"]
    small = replace(given, preset="smoke")
    made = pipeline("components", "nowhere", small, dry_run=True, sizes={"tuning.other.batch_sizes": "64,4096"})
    planned = made.trainings()["tuning.other.base"]
    assert (planned.recipe.batch_size, planned.batch_sizes) == (4096, (64, 4))
    step = planned.memory()
    free = step.at(4096 // 64, True).total_bytes
    assert check_memory(step, planned.recipe, 1, free).accumulate == 64
    assert check_memory(step, planned.recipe, 1, free, batch_sizes=planned.batch_sizes).accumulate is None
    with pytest.raises(UsageError, match="task"):
        pipeline("components", "nowhere", Settings("smoke", tasks=("docstrin",)), dry_run=True).plan()


@pytest.mark.torch
@pytest.mark.once
def test_squad_is_planned_at_a_length_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    lengths = {}
    for name in ("docstring", str(write_squad(tmp_path / "squad"))):
        made = pipeline("autodistill", "nowhere", Settings("paper", tasks=(name,)), dry_run=True)
        lengths[name] = {key: one.recipe.seq_len for key, one in made.trainings().items() if key.startswith("tuning")}
    other = {"tuning.other.base": 128}
    assert list(lengths.values()) == [other, {**other, "tuning.tasks.squad.base": 384}]


LARGE = {"recipe.batch_size": 2048, "recipe.seq_len": 128, "teacher.batch_size": 2048, "teacher.seq_len": 128}


@pytest.mark.torch
@pytest.mark.once
@pytest.mark.usefixtures("planned_runs")
def test_a_run_that_does_not_fit_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every training that does not; what the message says is then enough, or the run goes on without the check."""
    pytest.importorskip("torch")
    monkeypatch.setattr(memory_check, "available_bytes", lambda device: 150_000_000)
    made = pipeline("autodistill", tmp_path / "run", Settings("smoke", backend="null"), sizes=LARGE)
    with pytest.raises(NotEnoughMemoryError) as caught:
        made.run()
    assert not (tmp_path / "run").exists()
    advice = {name: int(count) for name, count in re.findall(r"--set (\S+)=(\d+)", str(caught.value))}
    assert list(advice) == ["teacher.accumulate", "recipe.accumulate"]
    assert "--no-memory-check" in str(caught.value)
    enough = pipeline("autodistill", "nowhere", Settings("smoke"), sizes={**LARGE, **advice}, dry_run=True).plan()
    assert [one.fits for one in enough.trainings] == [True, True]
    monkeypatch.setattr(made, "read_inputs", lambda: 1 / 0)  # what comes next, and trains nothing
    with pytest.raises(ZeroDivisionError):
        made.run(check_memory=False)


@pytest.mark.torch
@pytest.mark.slow
def test_a_dry_run_plans_for_several_processes(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    """By an option, or where torchrun starts it, of which the first process answers."""
    pytest.importorskip("torch")
    asked = ["pipeline", "autodistill", "--preset", "smoke", "--dry-run", "--json", "-"]

    def found(*more: str) -> dict[str, Any]:
        assert invoke([*asked, *more]) == 0
        plan: dict[str, Any] = json.loads(capsys.readouterr().out)
        return plan

    two = found("--processes", "2")
    assert (two["processes"], two["preset"]["recipe"]["accumulate"]) == (2, 2)
    assert [one["micro_batch"] for one in two["trainings"]] == [2, 2]
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert found()["trainings"] == [{**one, "available_bytes": ANY, "advice": ANY} for one in two["trainings"]]
    monkeypatch.setenv("RANK", "1")
    assert invoke(asked) == 0
    assert not capsys.readouterr().out
    monkeypatch.undo()
    assert invoke([*asked, "--processes", "9"]) == 2
    assert "a batch of 4 sequences cannot be divided among 9 processes" in capsys.readouterr().err
    assert invoke([*asked[:4], "--processes", "2"]) == 2
    assert "--processes goes with --dry-run" in capsys.readouterr().err


USED = """
import psutil, sys, threading, time
import torch
torch.set_num_threads(1)
from dataclasses import replace
from pathlib import Path
from hwcost.supernets.masked_lm import SupernetLm
from hwcost.supernets.memory import step_memory, text_batch
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.sampling import rule
from hwcost.supernets.training import Phase, train

recipe = Recipe(steps=3, batch_size=192, seq_len=128, dtype=sys.argv[1], accumulate=int(sys.argv[2]))
def make(batches, own):
    net = supernet("supershaper", 0, scale="mini")
    return net, Phase("training", SupernetLm(net, batches, rule("sandwich", net, 1, 0)), own), ()
vocabulary = len(supernet("supershaper", 0, scale="mini").weights.embeddings.word.weight)
planned = step_memory(make, recipe, vocabulary).at(recipe.micro_batch, recipe.accumulate > 1).alive_bytes
small = replace(recipe, batch_size=recipe.accumulate, steps=1)
module, phase, _ = make(lambda number: text_batch(vocabulary, 1, 128), small)
train(module, [phase])  # what libraries allocate once
del module, phase
before, most = psutil.Process().memory_info().rss, [0]
def watch():
    while True:
        most[0] = max(most[0], psutil.Process().memory_info().rss)
        time.sleep(0.0005)
threading.Thread(target=watch, daemon=True).start()
module, phase, _ = make(lambda number: text_batch(vocabulary, recipe.micro_batch, 128), recipe)
train(module, [phase])
print(planned, most[0] - before)
"""


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the allocator's thresholds are glibc's")
@pytest.mark.parametrize(("dtype", "accumulate"), [("float32", 1), ("float32", 2), ("bfloat16", 1)])
def test_planned_memory_is_what_a_training_uses(dtype: str, accumulate: int) -> None:
    """Large blocks are returned to the system at once, so that the process grows by what is alive."""
    pytest.importorskip("torch")
    done = subprocess.run(
        [sys.executable, "-c", USED, dtype, str(accumulate)], check=True, capture_output=True, text=True,
        env={"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536", "PATH": "", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    planned_bytes, used = map(float, done.stdout.split())
    assert planned_bytes == pytest.approx(used, rel=0.15)
