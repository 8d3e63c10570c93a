"""Trainings of several processes end where those of one process end, and either resumes the other's."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from hwcost.corpora.inputs import Segments
from hwcost.errors import InterruptedRunError, UsageError
from hwcost.objectives import Minimize
from hwcost.searchers.direct import Direct
from hwcost.searchers.problem import Problem
from hwcost.searchers.sampling import Sampling
from hwcost.spaces.autodistill import AutoDistill
from hwcost.spaces.components import Components
from hwcost.supernets.checkpoint import Checkpoint
from hwcost.supernets.components import ComponentSupernet
from hwcost.supernets.distillation import Distillation, Schedule
from hwcost.supernets.finetuning import TaskTraining, predictions
from hwcost.supernets.heads import TaskNet
from hwcost.supernets.masked_lm import SupernetLm, perplexity
from hwcost.supernets.process_group import ALONE, ProcessGroup, here
from hwcost.supernets.recipe import Recipe, recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.relations import RelationDistillation
from hwcost.supernets.run import Run, Settings
from hwcost.supernets.sampling import rule
from hwcost.supernets.student import student, teacher
from hwcost.supernets.text_quality import text_quality
from hwcost.supernets.training import Pass, Phase, SteppedObjective, read_log, train
from hwcost.systems.components import PAPER_SHARES, GateCosts
from hwcost.systems.components.gate_training import DirectTraining, Gated, SampledTraining
from hwcost.tasks import Classes, EncodedExamples, Tags
from tests.conftest import ROOT
from tests.corpora.synthetic import Words, synthetic
from tests.supernets.processes import together

pytestmark = pytest.mark.torch

STEPS = 20
RECIPE = Recipe(steps=STEPS, batch_size=4, seq_len=8, learning_rate=1e-3, accumulate=2, clip=1.0)
"""Two micro batches: one of each process, or two of one process alone."""
SHORT = replace(RECIPE, steps=10)

TINY = "transformer:layers=[1,2],hidden=[16,32],heads=[2],ffn_ratio=[2],vocabulary=2000,positions=16"


def text(number: int, size: int = 2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(number)
    ids = rng.integers(5, 2000, size=(size, 8))
    return {
        "input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids),
        "labels": np.where(rng.random(ids.shape) < 0.5, ids, -100), "is_next": rng.integers(2, size=size),
    }  # fmt: skip


def labelled(number: int) -> dict[str, np.ndarray]:
    return {**text(number), "labels": text(number)["is_next"]}


def supershaper(how: Recipe, folder: Path) -> tuple[Any, list[Phase]]:
    net = supernet("supershaper:scale=mini")
    return net, [Phase("training", SupernetLm(net, text, rule("sandwich", net)), how)]


def autodistil(how: Recipe, folder: Path) -> tuple[Any, list[Phase]]:
    net, taught = supernet("autodistil", subspace="tiny", scale="mini"), supernet(TINY, seed=1)
    taught = taught.extract(taught.largest(), "mlm").requires_grad_(False)
    return net, [Phase("training", RelationDistillation(net, taught, 2, text, rule("uniform", net, 2)), how)]


def autodistill(how: Recipe, folder: Path) -> tuple[Any, list[Phase]]:
    space = AutoDistill(scale="mini")
    pair = Distillation(student(space, space.mobilebert), teacher(space))
    return pair, pair.phases(text, Schedule(1, STEPS, 2), how)[-2:]


SPACE = Components("mini")
COST = GateCosts(SPACE, PAPER_SHARES["bert-base"])


def do(how: Recipe, folder: Path) -> tuple[Any, list[Phase]]:
    begun = np.array(SPACE.base().genes, dtype=np.float64).reshape(SPACE.grid.layers, -1)
    gated = Gated(ComponentSupernet(SPACE), Direct(COST.of_gates().reshape(begun.shape), 1.0, start=begun))
    return gated, [Phase("do", DirectTraining(gated, text, how, 0.5), how, lambda name: name.startswith("supernet."))]


def sdo(how: Recipe, folder: Path) -> tuple[Any, list[Phase]]:
    net = ComponentSupernet(SPACE)
    goals = [Minimize(lambda arch: 0.0, "loss"), Minimize(COST, "cost")]
    policy = Sampling(Problem(SPACE, goals), samples=2, rate=5.0, start=SPACE.base().genes, scale=1.0)
    return net, [Phase("sdo", SampledTraining(net, policy, COST, text, folder), how)]


def fine_tuning(how: Recipe, folder: Path) -> tuple[Any, list[Phase]]:
    net = supernet(TINY)
    model = TaskNet(net.extract(net.largest(), "none"), Classes(("no", "yes")))
    return model, [Phase("fine-tuning", TaskTraining(model, labelled), how)]


def stop_at(step: int) -> Callable[[Any], None]:
    """Interrupts the first process after a step."""

    def stop(state: Any) -> None:
        if state.done == step:
            raise KeyboardInterrupt

    return stop


def lines(folder: Path) -> Path:
    """A folder of small documents."""
    texts = folder / "text"
    texts.mkdir()
    for number in range(30):
        (texts / f"part{number}.txt").write_text("\n".join(f"Line {line} of document {number}." for line in range(120)))
    return texts


TRAININGS: dict[str, Callable[[Recipe, Path], tuple[Any, list[Phase]]]] = {
    "supershaper": supershaper, "autodistil": autodistil, "autodistill": autodistill, "do": do, "sdo": sdo,
    "fine-tuning": fine_tuning,
}  # fmt: skip


class Killed:
    """An objective whose process is killed at the beginning of a step, as soon as all of them are there.

    Args:
        objective: The objective.
        step: The step, from 0.
        folder: Folder in which every process leaves a sign.
        count: Number of processes.
    """

    def __init__(self, objective: Any, step: int, folder: Path, count: int) -> None:
        self.objective, self.step, self.folder, self.count = objective, step, folder, count

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        if step == self.step:
            (self.folder / f"{os.getpid()}.there").touch()
            while len(list(self.folder.glob("*.there"))) < self.count:
                sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)
        return self.objective.passes(step, number)


class KilledStepped(Killed):
    """The same of an objective that has something to do at both ends of a step."""

    def begin(self, step: int) -> None:
        self.objective.begin(step)

    def end(self, step: int, losses: dict[str, float]) -> None:
        self.objective.end(step, losses)

    def further(self) -> Any:
        return self.objective.further()


def run(name: str, folder: Path, how: Recipe = RECIPE, kill: int = 0, count: int = 1) -> None:
    """Trains; with ``kill``, each of ``count`` processes is killed at that step."""
    module, phases = TRAININGS[name](how, folder)
    if kill:
        last = phases[-1].objective
        kind = KilledStepped if isinstance(last, SteppedObjective) else Killed
        phases[-1] = replace(phases[-1], objective=kind(last, kill, folder.parent, count))
    train(module, phases, folder, {}, 5)


def apart(one: Path, other: Path) -> float:
    left, right = Checkpoint.load(one).model, Checkpoint.load(other).model
    assert left.keys() == right.keys()
    return max(float((left[name] - right[name]).abs().max()) for name in left)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Trainings that one process runs from beginning to end, by name."""
    found: dict[str, Path] = {}

    def trained(name: str) -> Path:
        if name not in found:
            found[name] = tmp_path_factory.mktemp(name) / "one"
            run(name, found[name])
        return found[name]

    return trained


def slow(*case: Any) -> Any:
    return pytest.param(*case, marks=pytest.mark.slow)


@pytest.mark.parametrize("name", [*map(slow, ("supershaper", "autodistil", "autodistill", "sdo")), "do", "fine-tuning"])
def test_two_processes_end_where_one_with_twice_the_micro_batches_ends(
    tmp_path: Path, whole: Callable[[str], Path], name: str
) -> None:
    together(2, tmp_path, lambda: run(name, tmp_path / "two"))
    assert apart(whole(name), tmp_path / "two") <= 1e-5
    alone, shared = list(read_log(whole(name))), list(read_log(tmp_path / "two"))
    assert [state.tokens for state in alone] == [state.tokens for state in shared]
    for own, other in zip(alone, shared, strict=True):
        assert own.losses == pytest.approx(other.losses, rel=1e-4)


CASES = [
    slow("supershaper", 2, 1), slow("autodistil", 2, 1), slow("autodistill", 2, 1), slow("do", 2, 1), slow("sdo", 2, 1),
    slow("sdo", 1, 2), ("fine-tuning", 2, 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "begins", "resumes"), CASES)
def test_a_training_that_is_killed_is_resumed_by_another_number_of_processes(
    tmp_path: Path, whole: Callable[[str], Path], name: str, begins: int, resumes: int
) -> None:
    """Killed in the eighth step of the last phase, whose checkpoint is of the fifth."""
    folder = tmp_path / "parts"
    together(begins, tmp_path, lambda: run(name, folder, kill=7, count=begins), ends=[-signal.SIGKILL] * begins)
    assert Checkpoint.load(folder).step == 5
    if resumes == 1:
        run(name, folder)
    else:
        together(resumes, tmp_path, lambda: run(name, folder))
    alone, resumed = list(read_log(whole(name))), list(read_log(folder))
    assert [(state.phase, state.done) for state in resumed] == [(state.phase, state.done) for state in alone]
    assert resumed[-1].done == resumed[-1].total >= STEPS
    assert apart(whole(name), folder) <= 1e-5


def test_micro_batches_that_processes_do_not_divide_are_each_run_once(tmp_path: Path) -> None:
    """Four micro batches among three processes: two, one and one."""
    how = replace(SHORT, batch_size=8, accumulate=4)
    run("fine-tuning", tmp_path / "one", how)
    together(3, tmp_path, lambda: run("fine-tuning", tmp_path / "three", how))
    assert apart(tmp_path / "one", tmp_path / "three") <= 1e-5


def test_evaluation_is_divided_and_added_up(tmp_path: Path) -> None:
    """Five batches among three processes, and examples of words in more processes than there are batches."""
    net = supernet(TINY)
    alone = perplexity(net.set(net.largest(), "mlm"), [text(number) for number in range(5)])
    words = EncodedExamples(
        np.arange(5, 45, dtype=np.int32), (Segments(np.array([0, 5, 9, 14]), np.array([5, 4, 5, 3])),),
        np.where(np.arange(40) % 3, -100, np.arange(40) % 2), True, 8, Words(synthetic()),
    )  # fmt: skip
    model = TaskNet(net.extract(net.largest(), "none"), Tags(("no", "yes")))
    expected = predictions(model, words, 2)

    def evaluate() -> None:
        found = perplexity(net.set(net.largest(), "mlm"), (text(number) for number in range(5)))
        assert found == pytest.approx(alone, rel=1e-6)
        np.testing.assert_array_equal(predictions(model, words, 2), expected)

    together(3, tmp_path, evaluate)


def test_losses_of_relations_and_qualities_of_text_are_divided_and_added_up(tmp_path: Path) -> None:
    """Five batches among three processes, none of which runs more than two."""
    held_out = [text(number) for number in range(5)]
    net, taught = supernet(TINY), supernet(TINY, seed=1)
    taught = taught.extract(taught.largest(), "mlm")
    relations = RelationDistillation(net, taught, 2, text, rule("uniform", net, 2))
    targets, runs = relations.targets(held_out), [0]
    taught.head.register_forward_hook(lambda *given: runs.append(1))
    classify = torch.nn.Linear(32, 2)
    alone = relations.loss(net.largest(), targets), asdict(text_quality(taught, held_out, classify))
    assert sum(runs) == 5

    def evaluate() -> None:
        runs.clear()
        assert relations.loss(net.largest(), targets) == pytest.approx(alone[0], rel=1e-9)
        assert asdict(text_quality(taught, held_out, classify)) == pytest.approx(alone[1], rel=1e-9)
        assert 1 <= sum(runs) <= 2

    together(3, tmp_path, evaluate)


def test_what_the_first_process_has_reaches_all(tmp_path: Path) -> None:
    cpu = torch.device("cpu")

    def exchange() -> None:
        group = here()
        assert group.announced({"a": [1, "ß"]} if group.is_first else None, cpu) == {"a": [1, "ß"]}
        given = [torch.full((2, 3), float(group.rank)), torch.full((4,), 10.0 * group.rank)]
        group.add(given, cpu)
        assert [float(one.mean()) for one in given] == [3.0, 30.0]
        rows = group.gather(torch.full((group.rank, 2), float(group.rank)))
        assert [one.tolist() for one in rows] == [[], [[1.0, 1.0]], [[2.0, 2.0], [2.0, 2.0]]]

    together(3, tmp_path, exchange)
    assert here() == ALONE


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 64), st.integers(1, 12))
def test_every_micro_batch_belongs_to_one_process(pieces: int, count: int) -> None:
    shares = [ProcessGroup(rank, count).share(pieces) for rank in range(count)]
    assert sorted(number for share in shares for number in share) == list(range(pieces))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 256), st.integers(1, 16), st.integers(1, 40))
def test_a_batch_keeps_its_size_over_processes(batch_size: int, accumulate: int, processes: int) -> None:
    assume(batch_size % accumulate == 0)
    how = replace(RECIPE, batch_size=batch_size, accumulate=accumulate)
    if processes > batch_size:
        with pytest.raises(UsageError, match=f"cannot be divided among {processes} processes"):
            how.over(processes)
        return
    divided = how.over(processes)
    assert divided.micro_batch * divided.accumulate == batch_size
    assert divided.accumulate >= min(batch_size, accumulate * processes)
    assert how.over(1) == how


def test_more_processes_than_micro_batches_are_refused(tmp_path: Path) -> None:
    def refused() -> None:
        with pytest.raises(UsageError, match="3 processes share .* 'fine-tuning' has 2"):
            run("fine-tuning", tmp_path / "three")

    together(3, tmp_path, refused)


def test_a_run_keeps_the_micro_batches_that_it_began_with(tmp_path: Path) -> None:
    """Begun by two processes, resumed by one, with the same settings."""
    how = replace(recipe("smoke"), steps=6)
    asked = Settings("transformer", supernet(TINY).space.options(), how, str(lines(tmp_path)), seed=3)

    def stopped() -> None:
        begun = Run.start(tmp_path / "run", asked)
        assert begun.recipe.accumulate == 2
        with contextlib.suppress(InterruptedRunError, RuntimeError):
            begun.train(stop_at(3), save_every=2)

    together(2, tmp_path, stopped)
    again = Run.start(tmp_path / "run", asked)
    assert (again.recipe.accumulate, again.settings.recipe.accumulate, again.steps_done()) == (2, 1, 2)
    again.train()
    whole = Run.start(tmp_path / "whole", replace(asked, recipe=how.over(2)))
    whole.train()
    assert apart(tmp_path / "run", tmp_path / "whole") <= 1e-5


@pytest.mark.slow
def test_torchrun_trains_and_evaluates_on_the_command_line(tmp_path: Path) -> None:
    def hwcost(*arguments: str, count: int = 2) -> dict[str, Any]:
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count), "-m", "hwcost"]
        command = [sys.executable, *(launcher if count > 1 else launcher[-2:]), *arguments, "--json", "-"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        assert done.stderr.count("step 1 of") <= 1
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    corpus = str(lines(tmp_path))
    started = ["supernet", "train", TINY, "--recipe", "smoke", "--corpus", corpus, "--out", str(tmp_path / "two")]
    shared = hwcost(*started)
    alone = hwcost(*started[:-1], str(tmp_path / "one"), "--accumulate", "2", count=1)
    assert shared["tokens_now"] == alone["tokens_now"]
    assert apart(tmp_path / "one", tmp_path / "two") <= 1e-5
    judged = [hwcost("supernet", "eval", str(tmp_path / "two"), "-n", "2", count=count) for count in (1, 2)]
    for own, other in zip(*(one["subnets"] for one in judged), strict=True):
        assert own["perplexity"] == pytest.approx(other["perplexity"], rel=1e-6)
