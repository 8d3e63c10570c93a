"""Relation losses of a trained SuperLM's nets on held-out text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from statistics import median
from typing import Any

from hwcost.spaces import Architecture
from hwcost.supernets.run import Run
from hwcost.systems.intervals import Interval, ratio

PART = 4
"""Number of sequences in a part of the text on which nets are compared, so that their difference has an interval."""

Tensors = dict[str, Any]
"""Tensors by name, whose first dimension is that of sequences."""


class RelationLosses:
    """Relation losses on two parts of the held-out text: one to select nets on, one to evaluate the selection.

    Args:
        run: Training of the SuperLM.
        count: Number of batches in each part.
    """

    def __init__(self, run: Run, count: int) -> None:
        self.run, self.count = run, count

    @cached_property
    def _objective(self) -> Any:
        objective = self.run.objective  # which fills the supernet with the teacher's weights: read the trained ones after it
        self.run.trained()
        return objective

    @cached_property
    def _targets(self) -> tuple[list[Any], list[Any]]:
        first, second = self.run.held_out_parts(self.count)
        return self._objective.targets(first), self._objective.targets(second)

    @property
    def alike(self) -> float:
        """Loss, on the same text, of a net that relates all tokens alike."""
        return float(self._objective.alike(self._targets[0]))

    def untrained_loss(self, arch: Architecture) -> float:
        """Returns the loss that a net has before the SuperLM is trained; to be asked before its trained weights are read."""
        objective = self.run.objective
        return float(objective.loss(arch, objective.targets(self.run.held_out_parts(self.count)[0])))

    def loss(self, arch: Architecture) -> float:
        """Returns the loss that nets are selected by."""
        return float(self._objective.loss(arch, self._targets[0]))

    def unseen_losses(self, arch: Architecture) -> list[float]:
        """Returns the losses on parts of text that nothing was selected on, of :data:`PART` sequences each."""
        return [float(one) for one in self._objective.losses(arch, self._unseen_parts)]

    @cached_property
    def _unseen_parts(self) -> list[Any]:
        return [part for target in self._targets[1] for part in _parts(*target)]


def _parts(batch: Tensors, wanted: Tensors) -> Iterator[tuple[Tensors, Tensors]]:
    """Divides a batch, and what the teacher makes of it, by sequences."""
    for first in range(0, len(batch["input_ids"]), PART):
        rows = slice(first, first + PART)
        yield {name: one[rows] for name, one in batch.items()}, {name: one[rows] for name, one in wanted.items()}


def median_over(own: Sequence[float], others: Sequence[Sequence[float]]) -> Interval | None:
    """Returns the median loss of nets over that of one of them: the mean over parts of the text, with its interval.

    All nets see the same text, so that what is hard in a part of it cancels.

    Args:
        own: Losses of the net on each part.
        others: Those of the other nets, each as long.
    """
    if not others:
        return None
    return ratio([median(losses) for losses in zip(*others, strict=True)], own)
