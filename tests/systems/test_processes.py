"""A pipeline in two processes: trainings are divided, all else is the first one's, and what ends one ends both."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import sleep
from typing import Any, ClassVar

import psutil
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from hwcost.errors import DataError, InterruptedRunError, UsageError
from hwcost.supernets.process_group import here
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.training import Pass, Phase, Progress, train
from hwcost.supernets.tuning import Grid, Tuning
from hwcost.systems import Claim, Event, Measuring, Parts, Pipeline, Preset, Settings, pipeline, stage
from hwcost.systems.division import divided
from hwcost.systems.parts import NONE
from hwcost.systems.processes import EndedError, Processes, together
from tests.conftest import PATIENCE_S, ROOT
from tests.supernets.processes import together as in_processes
from tests.systems.comparing import differing

pytestmark = pytest.mark.torch

RECIPE = Recipe(steps=8, batch_size=4, seq_len=8, learning_rate=0.1)
TUNING = Tuning(Grid(RECIPE))
NULL = Settings("small", backend="null")
TWICE = Parts(sizes={"recipe.accumulate": 2, "tuning.other.base.accumulate": 2})


@dataclass(frozen=True, kw_only=True)
class Small(Preset):
    recipe: Recipe
    tuning: Tuning = TUNING


@dataclass(frozen=True)
class Seconds:
    seconds: list[float | None]


@dataclass(frozen=True)
class Weights:
    weights: list[float]


@dataclass(frozen=True)
class Losses:
    losses: list[float]


class Line:
    """Fits numbers that follow from the micro batch."""

    def __init__(self, net: torch.nn.Linear, size: int) -> None:
        self.net, self.size = net, size

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        given = torch.arange(number * self.size, (number + 1) * self.size)[:, None] % 7 / 7
        yield Pass("line", ((self.net(given) - 2 * given - 1) ** 2).mean(), self.size)


class Lines(Pipeline[Small]):
    """Trains a line, and searches for a rate by training again, in steps that a study or a cache would ask for."""

    name = "lines"
    title = "A pipeline that trains lines"
    presets: ClassVar[Mapping[str, Small]] = {
        "small": Small(recipe=RECIPE, measuring=Measuring(batch_size=1, seq_lens=(32,), rounds=2))
    }
    fails: ClassVar[Callable[[Lines], None]] = lambda self: None

    @stage
    def times(self) -> Seconds:
        """Stands for what is measured, by the first process alone."""
        assert self.processes.is_first
        return Seconds([1.0])

    @stage
    @together
    def line(self) -> Weights:
        """Trains a line in all processes."""
        return Weights(self.trained("line", 1.0))

    @stage
    def rates(self) -> Losses:
        """Trains as often as the first process wants, each time in all processes."""
        assert self.processes.is_first
        self.fails()
        return Losses([self.cached_map("rates", [factor], str, self.loss)[0] for factor in (0.5, 2.0)])

    @together
    def loss(self, factor: float) -> float:
        """Returns the loss of the last step at another rate, relative to the first weight, which is a stage's result."""
        return abs(self.trained(f"rate-{factor}", factor)[0] / self.line.weights[0])

    def trained(self, name: str, factor: float) -> list[float]:
        torch.manual_seed(0)
        net, recipe = torch.nn.Linear(1, 1), self.preset.recipe
        recipe = replace(recipe, learning_rate=factor * recipe.learning_rate)
        phase = Phase("line", Line(net, recipe.micro_batch), recipe)
        train(net, [phase], self.folder / name, {"what": name}, 2, self.tell)
        return [float(one.detach()) for one in net.parameters()]

    def tell(self, state: Progress) -> None:
        self.say("training", state.done, state.total)

    def claims(self) -> list[Claim]:
        return []


def made(folder: Path, parts: Parts = NONE, tell: Callable[[Event], None] = lambda event: None) -> Lines:
    return Lines(folder, NULL, tell, parts)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return made(tmp_path_factory.mktemp("whole") / "run", TWICE).run()


def test_two_processes_end_where_one_with_twice_the_micro_batches_ends(tmp_path: Path, whole: dict[str, Any]) -> None:
    def run() -> None:
        one = made(tmp_path / "run")
        report = one.run()
        assert one.preset.recipe.accumulate == 2
        assert not list(differing(report["stages"], whole["stages"]))
        (tmp_path / f"worked-{one.processes.is_first}").write_text(json.dumps(list(one._finished)))

    in_processes(2, tmp_path, run)
    assert json.loads((tmp_path / "run" / "pipeline.json").read_text())["processes"] == 2
    assert json.loads((tmp_path / "worked-True").read_text()) == ["times", "line", "rates"]
    assert json.loads((tmp_path / "worked-False").read_text()) == ["times", "line"]  # what the last work needed
    assert len((tmp_path / "run" / "rates.jsonl").read_text().splitlines()) == 2


def interrupted_at(number: int) -> Callable[[Event], None]:
    seen = 0

    def tell(event: Event) -> None:
        nonlocal seen
        seen += event.doing == "training"
        if seen == number:
            raise KeyboardInterrupt

    return tell


@pytest.mark.parametrize("stop", [5, 14])
def test_a_run_is_interrupted_in_two_and_resumed_by_one(tmp_path: Path, whole: dict[str, Any], stop: int) -> None:
    """In a stage that all processes run, and in work that the first one asks for."""

    def run() -> None:
        one = made(tmp_path / "run", tell=interrupted_at(stop))
        expected = InterruptedRunError if one.processes.is_first else EndedError
        with pytest.raises(expected) as caught:
            one.run()
        assert caught.value.exit_code == 130

    in_processes(2, tmp_path, run)
    assert not list(differing(made(tmp_path / "run").run()["stages"], whole["stages"]))


def test_a_run_of_one_process_is_resumed_by_two(tmp_path: Path, whole: dict[str, Any]) -> None:
    with pytest.raises(InterruptedRunError):
        made(tmp_path / "run", TWICE, interrupted_at(5)).run()
    in_processes(2, tmp_path, lambda: made(tmp_path / "run", TWICE).run())
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert not list(differing(report["stages"], whole["stages"]))


def test_more_processes_than_a_run_has_micro_batches_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InterruptedRunError):
        made(tmp_path / "run", tell=interrupted_at(2)).run()

    def run() -> None:
        with pytest.raises(UsageError, match="begun by 1 processes, .* 1 micro batches: 2 processes"):
            made(tmp_path / "run")

    in_processes(2, tmp_path, run)


@pytest.mark.parametrize("place", [0, 1])
def test_an_error_of_one_process_ends_both(tmp_path: Path, place: int) -> None:
    """In the first process between trainings, or in the other one within its part of a training."""

    class Failing(Lines):
        fails = lambda self: place or self.fail()  # noqa: E731
        tell = lambda self, state: None  # noqa: E731

        def trained(self, name: str, factor: float) -> list[float]:
            if place and not self.processes.is_first and name == "line":
                self.fail()
            return super().trained(name, factor)

        def fail(self) -> None:
            raise DataError("the disk of this host has no corpus")

    def run() -> None:
        one = Failing(tmp_path / "run", NULL)
        is_own = one.processes.is_first == (place == 0)
        with pytest.raises(DataError if is_own else EndedError) as caught:
            one.run()
        assert caught.value.exit_code == DataError.exit_code
        assert "the disk of this host has no corpus" in str(caught.value)
        if not is_own:
            assert f"process {place + 1} of 2 ended" in str(caught.value)

    in_processes(2, tmp_path, run)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", ["line", "rate-2.0"])
def test_a_process_that_is_killed_leaves_a_run_that_can_be_resumed(
    tmp_path: Path, whole: dict[str, Any], place: int, name: str
) -> None:
    """In a stage that all processes run, and in work that the first one asks for; the other one says what happened."""

    class Killed(Lines):
        tell = lambda self, state: None  # noqa: E731

        def trained(self, training: str, factor: float) -> list[float]:
            if training == name and self.processes.is_first == (place == 0):
                (self.folder / "killed").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().trained(training, factor)

    def run() -> None:
        one = Killed(tmp_path / "run", NULL)
        with pytest.raises(InterruptedRunError, match="another process is gone without a word") as caught:
            one.run()
        assert caught.value.exit_code == 130
        assert "the same command resumes" in str(caught.value).lower()

    in_processes(2, tmp_path, run, [-9, 0] if place == 0 else [0, -9])
    assert (tmp_path / "run" / "killed").exists()
    assert not list(differing(made(tmp_path / "run").run()["stages"], whole["stages"]))


def test_a_batch_smaller_than_the_processes_is_refused() -> None:
    small = Lines.presets["small"]
    assert divided(small, 1) is small
    assert divided(small, 4).recipe.accumulate == 4
    with pytest.raises(UsageError, match="a batch of 4 sequences cannot be divided among 5 processes"):
        divided(small, 5)
    with pytest.raises(UsageError, match="a batch of 2 sequences cannot be divided"):
        divided(replace(small, tuning=Tuning(Grid(RECIPE, batch_sizes=(2, 4)))), 3)


EVALUATED = {
    "autodistil": {"relation_loss", "unseen_losses"}, "autodistill": {"distil"},
    "components": {"searched_quality", "_quality"}, "supershaper": {"perplexity"},
}  # fmt: skip
"""Evaluations beside trainings that all processes take part in."""


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(EVALUATED))
def test_the_systems_end_where_one_process_with_twice_the_micro_batches_ends(text: Path, tmp_path: Path, name: str) -> None:
    given = Settings("smoke", corpus=str(text), backend="null", tasks=("function-length",))
    torch.set_num_threads(1)

    def run(folder: str, sizes: Mapping[str, Any]) -> dict[str, Any]:
        return pipeline(name, tmp_path / folder, given, sizes=sizes, **searched).run()

    def divided_run() -> None:
        within, worked = Processes._within, set()

        def noted(self: Processes, owner: Any, work: str, *rest: Any) -> Any:
            worked.add(work.split(".")[-1])
            return within(self, owner, work, *rest)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Processes, "_within", noted)
            run("two", {})
        (tmp_path / f"worked-{here().rank}").write_text(json.dumps(sorted(worked)))

    searched = {"searcher": "random"} if name == "components" else {}
    in_processes(2, tmp_path, divided_run)
    assert EVALUATED[name] <= set(json.loads((tmp_path / "worked-1").read_text()))
    shared = json.loads((tmp_path / "two" / "report.json").read_text())
    alone = run("one", twice(pipeline(name, tmp_path / "x", given, dry_run=True).preset))
    assert not list(differing(shared["stages"], alone["stages"], scores=1e-3))


def twice(preset: Any) -> dict[str, int]:
    """The sizes by which one process divides its batches as two do."""
    recipes = [name for name in vars(preset) if isinstance(getattr(preset, name), Recipe)]
    return {f"{name}.accumulate": 2 for name in (*recipes, "tuning.other.base")}


def started(out: Path, corpus: Path) -> subprocess.Popen[str]:
    """Starts a pipeline in two processes of torchrun."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "hwcost"]
    command = [*launcher, "pipeline", "autodistill", "--preset", "smoke", "--backend", "null", "--corpus", str(corpus)]
    return subprocess.Popen(
        [*command, "--out", str(out), "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )  # fmt: skip


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None
        sleep(0.1)


@pytest.mark.slow
def test_torchrun_runs_a_pipeline_on_the_command_line(text: Path, tmp_path: Path) -> None:
    """One report; a wrong input is said once, and ends all; so does Ctrl-C, and the same command ends the run."""
    wrong = started(tmp_path / "wrong", tmp_path / "gone.txt")
    assert wrong.communicate(timeout=PATIENCE_S)[1].count("gone.txt: No such file") == 1
    assert wrong.returncode
    assert not (tmp_path / "wrong").exists()
    stopped = started(tmp_path / "run", text)
    wait_for(tmp_path / "run" / "stages" / "1-teacher.json", stopped)
    stopped.send_signal(signal.SIGINT)
    assert "the same command resumes the run" in stopped.communicate(timeout=PATIENCE_S)[1]
    done = started(tmp_path / "run", text)
    found, said = done.communicate(timeout=PATIENCE_S)
    assert done.returncode == 0, said
    assert json.loads(found)["pipeline"] == "autodistill"
    assert said.count("stage 3 of 6, search: begins") <= 1


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_of_torchrun_is_killed_and_the_same_command_ends_the_run(text: Path, tmp_path: Path, rank: int) -> None:
    """The other one ends as interrupted, by its own word or by torchrun's, and not by an internal error."""
    killed = started(tmp_path / "run", text)
    wait_for(tmp_path / "run" / "stages" / "1-teacher.json", killed)
    by_rank = {one.environ()["RANK"]: one for one in psutil.Process(killed.pid).children() if "RANK" in one.environ()}
    by_rank[str(rank)].kill()
    said = killed.communicate(timeout=PATIENCE_S)[1]
    assert killed.returncode
    assert "internal error" not in said
    done = started(tmp_path / "run", text)
    found, said = done.communicate(timeout=PATIENCE_S)
    assert done.returncode == 0, said
    assert json.loads(found)["pipeline"] == "autodistill"
