"""Distillation of a tagger by silver and gold labels: the ramp, the teacher's labels, and what the loss is made of."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hwcost.errors import UsageError
from hwcost.supernets.finetuning import task_loss
from hwcost.supernets.heads import TaskNet
from hwcost.supernets.masked_lm import inputs
from hwcost.supernets.recipe import RECIPES
from hwcost.supernets.registry import supernet
from hwcost.supernets.silver_gold import GOLD, SILVER, SilverGold, gold_weight, silver_labels
from hwcost.supernets.training import Phase, moved, train
from hwcost.tasks import Classes, Tags

pytestmark = pytest.mark.torch

TAGS = Tags(("small", "large"), is_closed=True)
RECIPE = replace(RECIPES["smoke"], steps=10, batch_size=8, learning_rate=4e-3)


def net(seed: int, target: Any = TAGS) -> TaskNet:
    made = supernet("components:grid=mini", seed=seed)
    return TaskNet(made.extract(made.largest(), "none"), target, seed)


def batch(number: int, size: int = 4) -> dict[str, Any]:
    """Two words of two pieces each; the first piece of a word has its label, by the size of its number."""
    rng = np.random.default_rng(number)
    ids = rng.integers(10, 2000, (size, 4))
    labels = np.where(np.arange(4) % 2 == 0, ids >= 1000, -100)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids), "labels": labels}


def test_the_weight_of_gold_is_zero_until_80_percent_and_one_at_the_end() -> None:
    """Appendix A.4, p = 80 and q = 100."""
    weights = [gold_weight(step, 1000) for step in range(1, 1001)]
    assert weights[:800] == [0.0] * 800
    assert weights[799:] == pytest.approx(np.linspace(0, 1, 201))
    assert weights[-1] == 1.0
    assert [gold_weight(step, 10, (0.5, 0.9)) for step in (5, 7, 9, 10)] == pytest.approx([0, 0.5, 1, 1])


def test_the_printed_recipe() -> None:
    recipe = RECIPES["minibert-paper"]
    assert (recipe.steps, recipe.learning_rate, recipe.warmup_steps) == (2_000_000, 5e-4, 10_000)
    assert recipe.batch_size == SILVER + GOLD == 768
    assert (recipe.optimizer, recipe.weight_decay) == ("adamw", 0.0)  # Adam


def test_silver_labels_are_the_teachers_where_words_begin() -> None:
    teacher, one = net(1), moved(batch(0), "cpu")
    found = silver_labels(teacher, one)
    own = teacher(*inputs(one)).argmax(-1)
    assert torch.equal(found[:, ::2], own[:, ::2])
    assert (found[:, 1::2] == -100).all()


def test_a_step_weighs_both_losses() -> None:
    student, teacher = net(2), net(1)
    objective = SilverGold(student, teacher, batch, lambda number: batch(100 + number), RECIPE)
    for step, weight in ((0, 0.0), (7, 0.0), (8, 0.5), (9, 1.0)):
        passes = {one.name: one.loss for one in objective.passes(step, step)}
        silver, gold = moved(batch(step), "cpu"), moved(batch(100 + step), "cpu")
        own = task_loss(student(*inputs(silver)), silver_labels(teacher, silver))
        assert passes["silver"].detach() == pytest.approx((1 - weight) * own.item(), rel=1e-5)
        given = task_loss(student(*inputs(gold)), gold["labels"]).item()
        assert passes["gold"].detach() == pytest.approx(weight * given, rel=1e-5)


def test_a_student_learns_its_teachers_labels_and_the_teacher_stays() -> None:
    student, teacher = net(2), net(1)
    before = [parameter.clone() for parameter in teacher.parameters()]
    recipe = replace(RECIPE, steps=40)
    objective = SilverGold(student, teacher, batch, batch, recipe)
    summary = train(student, [Phase("distillation", objective, recipe)])
    assert summary.first is not None
    assert summary.last is not None
    assert summary.first.losses["gold"] == 0.0
    assert summary.last.losses["silver"] == 0.0
    assert all(torch.equal(one, other) for one, other in zip(before, teacher.parameters(), strict=True))


def test_what_does_not_fit_is_refused() -> None:
    other = Tags(("a", "b", "c"), is_closed=True)
    for student, teacher, ramp, message in (
        (net(1), net(2, other), (0.8, 1.0), "a teacher's labels are its student's"),
        (net(1, Classes(("a", "b"))), net(2, Classes(("a", "b"))), (0.8, 1.0), "those of words"),
        (net(1), net(2), (1.0, 0.8), "a ramp rises"),
    ):
        with pytest.raises(UsageError, match=message):
            SilverGold(student, teacher, batch, batch, RECIPE, ramp)
