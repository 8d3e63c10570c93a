"""What a training lowers: objectives, the forward passes that they are made of, and the phases that they are trained in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import nn

from hwcost.supernets.recipe import Recipe

__all__ = ["Batch", "Objective", "Pass", "Phase", "SteppedObjective", "device_of", "moved"]

Batch = dict[str, torch.Tensor]


class Pass(NamedTuple):
    """A forward pass.

    Attributes:
        name: Name of the pass in logs, the same in every step.
        loss: Loss of the pass, a scalar.
        tokens: Number of tokens of the pass.
    """

    name: str
    loss: torch.Tensor
    tokens: int


class Objective(Protocol):
    """What a phase lowers."""

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """Yields the forward passes of a micro batch; each is differentiated before the next one is asked for.

        Args:
            step: The step, counted from 0 in the phase.
            number: The micro batch, counted from 0 in the phase.
        """


@runtime_checkable
class SteppedObjective(Objective, Protocol):
    """An objective that chooses something before a step, or learns from it as a whole."""

    def further(self) -> list[torch.Tensor]:
        """Returns tensors beside the module's parameters whose gradients the passes of a step add to."""

    def begin(self, step: int) -> None:
        """Prepares a step, before its first pass.

        Args:
            step: The step, counted from 0 in the phase.
        """

    def end(self, step: int, losses: dict[str, float]) -> None:
        """Learns from a step, when all its passes have been differentiated, and before the optimiser moves the weights.

        Args:
            step: The step, counted from 0 in the phase.
            losses: Loss of every pass by its name, the mean over all micro batches of the step.
        """


@dataclass(frozen=True)
class Phase:
    """One stretch of a training, with a fresh optimiser and its own rates.

    Attributes:
        name: Name of the phase in logs.
        objective: Objective that is minimised.
        recipe: Steps, batches, optimiser and rates.
        trained: Whether a parameter is trained, by its name; the others stay as they are.
        about: Settings of the objective's own, plain JSON; a checkpoint resumes only where they are equal.
    """

    name: str
    objective: Objective
    recipe: Recipe
    trained: Callable[[str], bool] = field(default=lambda name: True)
    about: dict[str, Any] = field(default_factory=dict)


def device_of(module: nn.Module) -> torch.device:
    """Returns where a module's parameters are."""
    device: torch.device = next(module.parameters()).device
    return device


def moved(batch: dict[str, Any], device: torch.device | str) -> Batch:
    """Turns a batch of numpy arrays into tensors on a device."""
    return {name: torch.from_numpy(array).to(device) for name, array in batch.items()}
