"""How well nets do on labelled tasks, as results of a stage, and their figures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from hwcost.report import Drawing, bars

if TYPE_CHECKING:
    from hwcost.tasks import Task

Z = 1.96
"""Half-width of the middle 95 % of a normal distribution, in standard deviations."""


@dataclass(frozen=True, kw_only=True)
class TaskUsed:
    """A task, and how nets are judged by it.

    Attributes:
        task: Name of the task.
        kind: Kind of the task: ``classification``, ``regression``, ``tagging`` or ``span``.
        metric: Metric that nets and settings are selected by.
        split: Split that it is computed on.
        train_examples: Number of training examples.
        examples: Number of examples of that split.
        digest: SHA-256 of texts and targets, in hexadecimal.
    """

    task: str
    kind: str
    metric: str
    split: str
    train_examples: int
    examples: int
    digest: str

    @classmethod
    def of(cls, task: Task) -> TaskUsed:
        """Describes a task."""
        return cls(
            task=task.name, kind=task.target.kind, metric=task.metric, split=task.split, train_examples=len(task.train),
            examples=len(task.validation[task.split]), digest=task.digest,
        )  # fmt: skip

    def half_width(self, score: float) -> float | None:
        """Returns the half-width of a score's 95 % interval over other examples; None where no share of examples is scored.

        Args:
            score: Value of the metric.
        """
        if self.kind != "classification" or self.metric != "accuracy":
            return None
        return Z * math.sqrt(score * (1 - score) / self.examples)

    @property
    def text(self) -> str:
        """Metric, task and split in words."""
        return f"{self.metric} on {self.task} ({self.split})"


@dataclass(frozen=True, kw_only=True)
class TaskScore:
    """A net, fine-tuned on a task with the best of several settings.

    Attributes:
        net: Name of the net.
        task: Name of the task.
        metric: Metric that settings are selected by.
        split: Split that it is computed on.
        score: Its value.
        others: Values of the other metrics, and of all on the other splits, by split and name.
        start: Task whose fine-tuned net it started from; None for the net as it was extracted.
        learning_rate: Peak learning rate of the best settings.
        batch_size: Number of examples in a step of the best settings.
        steps: Number of steps of the best settings.
        weight_decay: Weight decay of the best settings.
        warmup_steps: Number of warm-up steps of the best settings.
        tried: Number of settings that were tried.
    """

    net: str
    task: str
    metric: str
    split: str
    score: float
    others: dict[str, float]
    start: str | None
    learning_rate: float
    batch_size: int
    steps: int
    weight_decay: float
    warmup_steps: int
    tried: int


@dataclass(frozen=True)
class TaskScores:
    """Selected nets on the tasks that the user gave.

    Attributes:
        tasks: The tasks.
        nets: One row per net and task.
    """

    tasks: list[TaskUsed]
    nets: list[TaskScore]

    def of_net(self, net: str, every_split: bool = False) -> dict[str, float]:
        """Returns the metric of each task by the task's name, as a row of the papers' tables has them.

        Args:
            net: Name of the net.
            every_split: Whether further splits to judge by, such as MNLI's mismatched one, are columns of their own.
        """
        found = {}
        for row in [one for one in self.nets if one.net == net]:
            found[row.task] = row.score
            for name, value in row.others.items() if every_split else ():
                split, _, metric = name.partition(" ")
                if metric == row.metric:
                    found[f"{row.task} ({split})"] = value
        return found


def task_drawings(found: TaskScores) -> Iterator[Drawing]:
    """Yields the figure of the scores, a group of bars per net; nothing where there are none."""
    names = {(one.task, f"{one.task}\n{one.metric}") for one in found.tasks}
    groups: dict[str, dict[str, float]] = {}
    for row in found.nets:
        groups.setdefault(row.net, {})[dict(names)[row.task]] = row.score
    if groups:
        yield Drawing(
            "fine-tuned", partial(bars, groups=groups, ylabel="validation metric", title="Selected nets, fine-tuned")
        )
