"""Trainings whose nets are evaluated on their way: perplexity against steps, resumable like any other training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hwcost.supernets.objective import Objective, Pass, Phase, device_of
from hwcost.supernets.training import train
from hwcost.systems.result_cache import ResultCache
from hwcost.systems.supershaper.trajectory import Trajectory
from hwcost.systems.training import reporting

if TYPE_CHECKING:
    from hwcost.systems.base import Pipeline

TRAININGS = "trainings"
"""Folder of the trainings of a run."""


class _Watched:
    """An objective before whose steps nets are evaluated, which moves no weight and so leaves the training as it is."""

    def __init__(self, objective: Objective, at: Callable[[int], None]) -> None:
        self.objective, self.at = objective, at

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.objective.Objective`."""
        self.at(step)
        yield from self.objective.passes(step, number)


def follow(
    pipeline: Pipeline[Any], name: str, module: nn.Module, phase: Phase, about: dict[str, Any],
    evaluate: Callable[[], dict[str, float]], points: int,
) -> Trajectory:  # fmt: skip
    """Trains a module in a folder of the run, from its last checkpoint, and evaluates nets at evenly spaced steps.

    Args:
        pipeline: The pipeline; progress is reported as its own.
        name: Name of the training, and of its folder.
        module: Module to be trained; it has the weights of the end when this returns.
        phase: Objective and recipe of the training.
        about: Description of model and data for the checkpoint, plain JSON.
        evaluate: Function that returns perplexity by the name of a net, with the weights as they stand.
        points: Number of evaluations after the first one; they lie evenly over the steps.
    """
    folder, total = pipeline.folder / TRAININGS / name, phase.recipe.steps
    cache = ResultCache(folder / "perplexity.jsonl", pipeline.processes.is_first)
    marks = sorted({round(total * point / points) for point in range(points + 1)})

    def at(step: int) -> None:
        if step in marks:
            cache.get(str(step), lambda: _precisely(module, evaluate))

    folder.mkdir(parents=True, exist_ok=True)
    watched = Phase(phase.name, _Watched(phase.objective, at), phase.recipe, phase.trained, phase.about)
    train(module, [watched], folder, about, max(1, total // points), reporting(pipeline, f"training {name}"))
    at(total)
    found = [cache.get(str(step), lambda: _precisely(module, evaluate)) for step in marks]
    return Trajectory(marks, {net: [point[net] for point in found] for net in found[0]})


def _precisely(module: nn.Module, evaluate: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Evaluates in float32, in the midst of a training in mixed precision too."""
    with torch.no_grad(), torch.autocast(device_of(module).type, enabled=False):
        return evaluate()
