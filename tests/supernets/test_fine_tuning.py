"""Fine-tuning nets and supernets on every kind of task, grids of settings, and starts from other tasks."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.spaces import space as make_space
from hwcost.supernets.finetuning import ElasticTaskTraining, fine_tune, predictions, scores, task_loss
from hwcost.supernets.heads import ElasticTaskNet, TaskNet
from hwcost.supernets.recipe import RECIPES, Recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.student import student
from hwcost.supernets.training import Phase, train
from hwcost.supernets.tuned_folder import load_tuned, save_tuned
from hwcost.supernets.tuning import TUNINGS, Grid, Tuning, tuning
from hwcost.tasks import Classes, EncodedTask, Examples, Number, Spans, Tags, Target, Task, encode

pytestmark = pytest.mark.torch

HOW = replace(RECIPES["smoke"], steps=60, batch_size=16, learning_rate=4e-3)
SUPERNETS = ("supershaper:scale=mini", "autodistil:scale=mini", "components:grid=mini")


class Numbers:
    """A tokenizer of texts that are numbers of tokens."""

    pad, unknown, start, separator, mask = 0, 1, 2, 3, 4

    def encode(self, texts):
        return [list(map(int, text.split())) for text in texts]

    def encode_with_offsets(self, texts):
        """Tokens of two digits."""
        return [(ids, [(3 * place, 3 * place + 2) for place in range(len(ids))]) for ids in self.encode(texts)]


def made(target: Target, count: int = 48) -> EncodedTask:
    """Returns a task whose answer is the size of a text's token, in pairs of the second text's, or the largest token."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(10, 30, (2, count))
    texts: tuple[tuple[str, ...], ...] = (tuple(f"{one} {one}" for one in first),)
    words = None
    answers = None
    if isinstance(target, Spans):
        places, rows = rng.integers(0, 10, count), rng.integers(10, 30, (count, 10))
        rows[np.arange(count), places] += 40
        texts = (("77",) * count, tuple(" ".join(map(str, row)) for row in rows))
        targets = np.stack([3 * places, 3 * places + 2], axis=1)
        answers = tuple((str(row.max()),) for row in rows)
    elif isinstance(target, Number):
        targets = (first / 10).astype(np.float32)
    elif isinstance(target, Tags):
        texts, words = (tuple(f"{one} 5" for one in np.repeat(first, 2)),), np.full(count, 2)
        targets = np.repeat((first >= 20).astype(np.int64), 2)
    elif len(target.names) == 2:  # type: ignore[attr-defined]
        targets = (first >= 20).astype(np.int64)
    else:
        texts = (*texts, tuple(map(str, second)))
        targets = (second >= 15).astype(np.int64) + (second >= 22)
    examples = Examples(texts, targets, words, answers)
    return encode(Task("made", "here", target, examples, {"validation": examples}, target.metrics), Numbers(), 12)  # type: ignore[arg-type]


TARGETS = {
    "sentence": Classes(("small", "large")), "pair": Classes(("a", "b", "c")), "regression": Number(),
    "tagging": Tags(("small", "large"), is_closed=True), "span": Spans(),
}  # fmt: skip


@cache
def elastic(name: str):
    return supernet(name)


def largest(name: str) -> torch.nn.Module:
    return elastic(name).extract(elastic(name).largest(), "none")


def small() -> torch.nn.Module:
    net = elastic("autodistil:subspace=tiny,scale=mini")
    return net.extract(net.smallest(), "none")


@pytest.mark.parametrize("kind", TARGETS)
def test_fine_tuning_finds_the_answers(kind: str) -> None:
    task = made(TARGETS[kind])
    tuned = fine_tune(lambda: TaskNet(small(), task.task.target), task, [HOW])
    assert tuned.scores["validation"][task.task.metric] >= 0.7
    assert scores(tuned.model, task, batch_size=5)["validation"] == pytest.approx(tuned.scores["validation"], abs=0.01)
    predicted = predictions(tuned.model, task.validation["validation"])
    assert len(predicted) == len(task.task.train.targets)
    assert task.task.scores(task.task.train, predicted) == pytest.approx(tuned.scores["validation"], abs=0.01)


@pytest.mark.parametrize("kind", ["pair", "tagging", "span"])
def test_nets_of_all_four_systems_take_every_head(kind: str) -> None:
    task = made(TARGETS[kind], 6)
    space = make_space("autodistill", scale="mini")
    nets = [*map(largest, SUPERNETS), student(space, space.sample(1, seed=0)[0])]
    for net in nets:
        before = [parameter.detach().clone() for parameter in net.parameters()]
        found = fine_tune(lambda net=net: TaskNet(net, task.task.target), task, [replace(HOW, steps=1)])
        assert set(found.scores["validation"]) == set(task.task.metrics)
        assert any(not torch.equal(one, other) for one, other in zip(before, net.parameters(), strict=True))


@pytest.mark.parametrize("name", SUPERNETS)
def test_a_supernet_is_fine_tuned_with_one_head_for_all_of_its_nets(name: str) -> None:
    task = made(TARGETS["sentence"], 16)
    net = supernet(name)
    model = ElasticTaskNet(net, task.task.target)
    drawn = {"largest": net.largest(), "smallest": net.smallest(), "random": net.space.sample(1, seed=3)[0]}
    objective = ElasticTaskTraining(model, lambda step: task.batch(step, 8), lambda step: drawn)
    summary = train(model, [Phase("elastic", objective, replace(HOW, steps=3))])
    assert summary.last is not None
    assert set(summary.last.losses) == set(drawn)
    batch = {one: torch.from_numpy(values) for one, values in task.batch(0, 4).items()}
    inputs = (batch["input_ids"], batch["attention_mask"], batch["token_type_ids"])
    for arch in drawn.values():
        with torch.no_grad():
            assert torch.allclose(model.extract(arch)(*inputs), model.set(arch)(*inputs), atol=1e-5)


def test_losses() -> None:
    outputs = torch.tensor([[0.0, 2.0], [1.0, 1.0]])
    assert task_loss(outputs, torch.tensor([1, 0])) == pytest.approx((np.log(1 + np.exp(-2)) + np.log(2)) / 2)
    assert task_loss(outputs[:, :1], torch.tensor([1.0, 3.0])) == pytest.approx((1 + 4) / 2)
    by_word = torch.stack([outputs, outputs])
    assert task_loss(by_word, torch.tensor([[1, -100], [-100, -100]])) == pytest.approx(np.log(1 + np.exp(-2)))
    of_span = torch.tensor([[[0.0, 2.0, 0.0], [1.0, 0.0, 0.0]]])  # scores of three positions as the first, and as the last
    expected = np.log(2 + np.exp(2)) - 2 + np.log(2 + np.e)
    assert task_loss(of_span, torch.tensor([[1, 2]])) == pytest.approx(expected / 2)


def test_the_best_of_a_grid_is_taken_and_the_first_of_equals() -> None:
    task = made(TARGETS["sentence"])
    recipes = [replace(HOW, steps=30, learning_rate=rate) for rate in (1e-30, 4e-3, 1e-30)]
    found = fine_tune(lambda: TaskNet(small(), task.task.target), task, recipes)
    assert found.recipe is recipes[int(np.argmax(found.tried))]
    assert found.scores["validation"]["accuracy"] == max(found.tried)
    assert found.tried[0] == found.tried[2] < found.tried[1]
    with pytest.raises(UsageError, match="one setting at least"):
        fine_tune(lambda: TaskNet(small(), task.task.target), task, [])


def test_a_start_from_another_task_replaces_the_last_layer_where_targets_differ() -> None:
    three, same, two, number = (
        TaskNet(largest(SUPERNETS[0]), target, seed)
        for seed, target in enumerate((TARGETS["pair"], TARGETS["pair"], TARGETS["sentence"], TARGETS["regression"]))
    )
    with torch.no_grad():
        for parameter in three.parameters():
            parameter.add_(0.25)
    fresh = two.head.dense.weight.clone()
    for model in (same, two, number):
        model.start_from(three)
        assert torch.equal(model.head.pooler.dense.weight, three.head.pooler.dense.weight)
        for own, given in zip(model.net.parameters(), three.net.parameters(), strict=True):
            assert torch.equal(own, given)
    assert torch.equal(same.head.dense.weight, three.head.dense.weight)
    assert torch.equal(two.head.dense.weight, fresh)


def test_a_fine_tuned_net_on_disk(tmp_path: Path) -> None:
    one, other = (TaskNet(largest(SUPERNETS[0]), TARGETS["pair"], seed) for seed in (0, 1))
    save_tuned(tmp_path / "mnli", one, {"task": "mnli"})
    assert load_tuned(tmp_path / "mnli", other)["task"] == "mnli"
    assert torch.equal(one.head.dense.weight, other.head.dense.weight)
    with pytest.raises(DataError, match="is of another net"):
        load_tuned(tmp_path / "mnli", TaskNet(largest(SUPERNETS[0]), TARGETS["sentence"]))
    with pytest.raises(DataError, match="holds no fine-tuned net"):
        load_tuned(tmp_path, other)


def test_the_papers_grids() -> None:
    """SuperShaper's Table 2, AutoDistil's Table 10, and appendix D.1 of Finding Fast Transformers."""
    shaper = tuning("supershaper-paper")
    cola, rte = shaper.grid("cola").recipes(8551), shaper.grid("rte").recipes(2490)
    assert {(one.batch_size, one.weight_decay, one.warmup_steps) for one in cola} == {
        (size, decay, warmup) for size in (16, 32) for decay in (0.0, 0.1) for warmup in (0, 400)
    }
    assert len(cola) == 8
    for one in (*cola, *rte):
        assert (one.learning_rate, one.seq_len, one.optimizer, one.epsilon, one.betas, one.clip) == (
            5e-5, 128, "adamw", 1e-6, (0.9, 0.999), None,
        )  # fmt: skip
    assert [(one.steps, one.batch_size, one.weight_decay, one.warmup_steps) for one in rte] == [(779, 32, 0.0, 0)]
    assert shaper.starts == {"rte": "mnli", "mrpc": "mnli", "stsb": "mnli"}
    printed = {
        "mnli": (2e-5, 5),
        "qnli": (2e-5, 5),
        "qqp": (2e-5, 5),
        "sst2": (2e-5, 10),
        "cola": (1e-5, 20),
        "mrpc": (2e-5, 10),
    }
    for task, (rate, epochs) in {**printed, "rte": (2e-5, 10)}.items():
        (one,) = tuning("autodistil-paper").grid(task).recipes(3200)
        assert (one.learning_rate, one.batch_size, one.steps, one.warmup_steps) == (rate, 32, 100 * epochs, 0)
    found = tuning("components-paper").grid("mnli").recipes(32)
    assert [(one.learning_rate, one.steps) for one in found] == [
        (rate, steps) for steps in (6, 7) for rate in (2e-5, 3e-5, 4e-5)
    ]
    printed = {"xnli": [(2e-5, 3), (3e-5, 3), (5e-5, 3)], "wikiann": [(3e-5, 10)]}  # Table 9
    for task, rows in printed.items():
        found = tuning("components-paper").grid(task).recipes(32)
        assert [(one.learning_rate, one.steps) for one in found] == rows
    for task in ("squad", "squad_v2"):
        assert {one.seq_len for one in tuning("autodistill").grid(task).recipes(32)} == {384}
    assert set(tuning("autodistill").of(["squad", "mnli"]).tasks) == {"squad"}


def test_grids_take_from_their_recipe_what_they_do_not_vary() -> None:
    base = Recipe(steps=7, batch_size=4, warmup_steps=2)
    assert Grid(base).recipes(100) == [base]
    (short,) = Grid(base, epochs=(1,), warmups=(400,)).recipes(5)
    assert (short.steps, short.warmup_steps) == (2, 2)
    assert Tuning(Grid(base)).grid("anything") == Grid(base)
    with pytest.raises(UnknownNameError, match=f"Known: {', '.join(sorted(TUNINGS))}"):
        tuning("paper")
    with pytest.raises(UsageError, match="an example at least, got 0"):
        Grid(base).recipes(0)
