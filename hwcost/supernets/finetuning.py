"""Fine-tuning nets and supernets on labelled tasks, and how well they do.

Source: SuperShaper, section 3.3: a subnet is fine-tuned as it is taken out (direct), after some more pre-training of its own
(partial), or after pre-training from the beginning (scratch). Only what comes before differs; :func:`prepare` does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture
from hwcost.supernets.base import Supernet
from hwcost.supernets.heads import ElasticTaskNet, TaskNet
from hwcost.supernets.masked_lm import Batches, NetLm, inputs
from hwcost.supernets.objective import Pass, Phase, device_of, moved
from hwcost.supernets.process_group import here
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.sampling import Rule
from hwcost.supernets.training import Progress, train
from hwcost.tasks import EncodedExamples, EncodedTask
from hwcost.tasks.encoded import SKIPPED

__all__ = [
    "STARTS", "ElasticTaskTraining", "TaskTraining", "Tuned", "fine_tune", "predictions", "prepare", "scores", "task_loss",
]

STARTS = ("direct", "partial", "scratch")
"""Weights that fine-tuning starts from: the supernet's, these trained further, or random ones trained alone."""


def prepare(
    supernet: Supernet, arch: Architecture, start: str, batches: Batches, recipe: Recipe, folder: Path | None = None
) -> nn.Module:
    """Takes a net out and, unless it is fine-tuned directly, pre-trains it on masked tokens.

    Args:
        supernet: Trained supernet; where the net starts from scratch, only its space and its seed matter.
        arch: The net.
        start: One of ``STARTS``.
        batches: Batches of text.
        recipe: Settings of the pre-training.
        folder: Folder of the checkpoint; None keeps none.

    Returns:
        The net, which ends in a masked-language-model head.

    Raises:
        UsageError: When there is no such start.
    """
    if start not in STARTS:
        raise UsageError(f"a net is fine-tuned {', '.join(STARTS)}; got '{start}'")
    source = type(supernet)(supernet.space, supernet.seed) if start == "scratch" else supernet
    net = source.extract(arch, "mlm").to(device_of(supernet))
    if start != "direct":
        about = {"arch": supernet.space.key(arch)}
        train(net, [Phase(start, NetLm(net, batches), recipe)], folder, about, save_every=recipe.steps)
    return net


def task_loss(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Returns the mean cross-entropy of classes, in nats, or the mean squared error of numbers.

    Args:
        outputs: Outputs of a net, (B, outputs), (B, S, outputs) or, where answers are spans, (B, 2, S): positions are
            classes then.
        labels: Targets, (B,), (B, S) or (B, 2): integers, negative where there is none, or floating-point numbers.
    """
    if labels.is_floating_point():
        return functional.mse_loss(outputs[..., 0].float(), labels)
    return functional.cross_entropy(outputs.flatten(0, -2).float(), labels.flatten(), ignore_index=SKIPPED)


class TaskTraining:
    """The objective of fine-tuning a net.

    Args:
        model: The net with the task's head.
        batches: Function that returns the numpy batch of a step, with ``labels``.
    """

    def __init__(self, model: TaskNet, batches: Batches) -> None:
        self.model, self.batches = model, batches

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.objective.Objective`."""
        batch = moved(self.batches(number), device_of(self.model))
        yield Pass("task", task_loss(self.model(*inputs(batch)), batch["labels"]), batch["input_ids"].numel())


class ElasticTaskTraining:
    """The objective of fine-tuning a supernet: the nets that a rule draws, all with one head.

    Args:
        model: The supernet with the task's head.
        batches: Function that returns the numpy batch of a step; all subnets of a step see the same one.
        rule: Rule that chooses the subnets of a step.
    """

    def __init__(self, model: ElasticTaskNet, batches: Batches, rule: Rule) -> None:
        self.model, self.batches, self.rule = model, batches, rule

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.objective.Objective`."""
        batch = moved(self.batches(number), device_of(self.model))
        for name, arch in self.rule(step).items():
            loss = task_loss(self.model.set(arch)(*inputs(batch)), batch["labels"])
            yield Pass(name, loss, batch["input_ids"].numel())


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned net, the best of all settings that were tried.

    Attributes:
        model: The net.
        recipe: Settings that it was fine-tuned with.
        scores: Metrics by split and by name.
        tried: Value of the selecting metric with each of the settings, in their order.
    """

    model: TaskNet
    recipe: Recipe
    scores: dict[str, dict[str, float]]
    tried: list[float]


def fine_tune(
    make: Callable[[], TaskNet], task: EncodedTask, recipes: Sequence[Recipe],
    progress: Callable[[Progress], None] = lambda state: None, processes: int | None = None,
) -> Tuned:  # fmt: skip
    """Fine-tunes a net with each of several settings, and returns the best on the split that selects; the first of equals.

    Called by every process of torch's default process group, it divides each step and each evaluation among them.

    Args:
        make: Function that returns the net to start from, anew each time.
        task: The task.
        recipes: Settings to try.
        progress: Function that is called after every step.
        processes: Number of processes that batches are divided for, see :meth:`~hwcost.supernets.recipe.Recipe.over`; None
            for those that are here.

    Raises:
        MeasurementError: When a loss is not a finite number.
        UsageError: When there are no settings to try, or a batch has fewer examples than there are processes.
    """
    if not recipes:
        raise UsageError("fine-tuning needs one setting at least, got none")
    best: Tuned | None = None
    tried: list[float] = []
    for recipe in recipes:
        model, own = make(), recipe.over(here().count if processes is None else processes)
        train(model, [Phase("fine-tuning", TaskTraining(model, _micro_batches(task, own)), own)], progress=progress)
        found = scores(model, task)
        tried.append(found[task.task.split][task.task.metric])
        if best is None or tried[-1] > best.scores[task.task.split][task.task.metric]:
            best = Tuned(model, recipe, found, tried)
    assert best is not None
    return best


def scores(model: TaskNet, task: EncodedTask, batch_size: int = 64) -> dict[str, dict[str, float]]:
    """Returns the metrics of a net on every split to judge by, by split and by name.

    Args:
        model: The net with the task's head.
        task: The task.
        batch_size: Examples at a time.
    """
    return {
        split: task.task.scores(task.task.validation[split], predictions(model, one, batch_size))
        for split, one in task.validation.items()
    }


def predictions(model: TaskNet, examples: EncodedExamples, batch_size: int = 64) -> NDArray[Any]:
    """Returns predictions: one per example, per word where words have targets, or per question where answers are spans.

    Called by every process of torch's default process group, it divides the batches among them; all have all in the end.

    Args:
        model: The net with the task's head.
        examples: Examples.
        batch_size: Examples at a time.
    """
    group, device = here(), device_of(model)
    outputs: list[torch.Tensor] = []
    share = -(-len(examples) // (batch_size * group.count))  # batches of a process; the last processes may have fewer
    with torch.no_grad():
        for number, one in enumerate(examples.batches(batch_size)):
            kept = one["labels"] != SKIPPED if examples.is_per_word else np.ones(len(one["labels"]), dtype=bool)
            if number // share == group.rank or number == 0:  # the first tells a process without batches the shape of none
                found = model(*inputs(moved(one, device))).float()[torch.from_numpy(kept).to(device)]
                outputs.append(found if number // share == group.rank else found[:0])
    every = torch.cat(group.gather(torch.cat(outputs))).cpu().numpy()
    return examples.predicted(every, model.target)


def _micro_batches(task: EncodedTask, recipe: Recipe) -> Batches:
    return lambda number: dict(task.batch(number, recipe.micro_batch))
