"""Relation losses of a trained SuperLM's nets on held-out text."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from hwcost.spaces import Architecture
from hwcost.supernets.run import Run


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

    def unseen_loss(self, arch: Architecture) -> float:
        """Returns the loss on text that nothing was selected on."""
        return float(self._objective.loss(arch, self._targets[1]))
