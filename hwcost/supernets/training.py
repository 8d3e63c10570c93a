"""The one loop that trains: phases of steps, gradients of several passes summed, checkpoints that resume bit by bit.

Nothing random happens here. Batches and architectures are functions of the step, nets have no dropout, and so the state of
a training is its weights, the optimiser's moments and a number. Where several processes train together
(:mod:`hwcost.supernets.process_group`), the micro batches of a step are divided among them: every one is computed once, by
whichever process, and so the number of processes changes no more than the order in which gradients are added.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hwcost._jsonl import keep_first
from hwcost._log import logger
from hwcost.errors import DataError, MeasurementError, UsageError
from hwcost.supernets.checkpoint import FILE, Checkpoint, check_same
from hwcost.supernets.objective import Objective, Pass, Phase, SteppedObjective, device_of, moved
from hwcost.supernets.optimizers import optimizer
from hwcost.supernets.process_group import ALONE, ProcessGroup, here
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.training_log import LOG, Progress, Summary, keep, read_log

__all__ = [
    "Objective", "Pass", "Phase", "Progress", "SteppedObjective", "Summary", "device_of", "moved", "read_log", "stepping",
    "train",
]  # fmt: skip

_log = logger(__name__)


def train(
    module: nn.Module,
    phases: Iterable[Phase],
    folder: str | Path | None = None,
    about: dict[str, Any] | None = None,
    save_every: int = 200,
    progress: Callable[[Progress], None] = lambda state: None,
) -> Summary:
    """Trains a module, phase by phase; resumes where a checkpoint in the folder stands.

    Called by every process of torch's default process group, it divides the micro batches of each step among them; the
    first process reads and writes the folder and reports the progress.

    Args:
        module: Module to be trained; checkpoints hold all its parameters.
        phases: Phases of the training, in order.
        folder: Folder of the checkpoint and the log of losses; None keeps neither.
        about: Description of model and data, plain JSON; recipes are added. A checkpoint resumes only the same training.
        save_every: Steps between checkpoints; there is also one at the end of every phase.
        progress: Function that the first process calls after every step.

    Raises:
        DataError: When the folder's checkpoint is damaged or of another training.
        MeasurementError: When a loss is not a finite number.
        StoreError: When the disk is full; the last checkpoint stays.
        UsageError: When ``save_every`` is not positive, two phases have one name, or there are more processes than micro
            batches in a step.
    """
    group = here()
    stretch = list(phases)
    names = [phase.name for phase in stretch]
    if save_every < 1:
        raise UsageError(f"checkpoints lie at least one step apart, got {save_every}")
    if len(set(names)) < len(names):
        raise UsageError(f"phases have names of their own, by which checkpoints distinguish them; got {', '.join(names)}")
    known = {**(about or {}), "phases": {phase.name: {**_plain(phase.recipe), **phase.about} for phase in stretch}}
    _check_shares(stretch, group)
    place = None if folder is None or not group.is_first else Path(folder)
    start = _together(module, _resume(module, place, known) if group.is_first else None, known, group)
    done = sum(phase.recipe.steps for phase in stretch[: start.phase])
    total = sum(phase.recipe.steps for phase in stretch)
    summary = Summary()
    for index in range(start.phase, len(stretch)):
        run = _Run(module, stretch[index], start if index == start.phase else None, group)
        for step in range(run.first, run.recipe.steps):
            losses, tokens = run.step(step)
            state = Progress(stretch[index].name, step + 1, run.recipe.steps, done + step + 1, total, losses, tokens)
            summary = summary.after(state)
            if place is not None:
                keep(place, state)
                if (step + 1) % save_every == 0 and step + 1 < run.recipe.steps:
                    run.checkpoint(index, step + 1, known).save(place)
            if group.is_first:
                progress(state)
        done += run.recipe.steps
        if place is not None:
            run.checkpoint(index + 1, 0, known).save(place)
    group.wait()  # what the first process wrote can be read by all
    return summary


def _check_shares(phases: Iterable[Phase], group: ProcessGroup) -> None:
    for phase in phases:
        if phase.recipe.accumulate < group.count:
            raise UsageError(
                f"{group.count} processes share the micro batches of a step, and phase '{phase.name}' has "
                f"{phase.recipe.accumulate}. Start fewer processes, or begin anew with a batch that is divided further "
                f"(Recipe.over)"
            )


def _together(module: nn.Module, start: Checkpoint | None, about: dict[str, Any], group: ProcessGroup) -> Checkpoint:
    """Returns where the first process stands, and gives every process its weights."""
    if group.count == 1:
        assert start is not None
        return start
    device = device_of(module)
    kinds = {name: sorted(state) for name, state in start.moments.items()} if start else {}
    phase, step, kinds = group.announced([start.phase, start.step, kinds] if start else None, device)
    group.spread([one.data for one in module.parameters()], device)
    parameters = dict(module.named_parameters())
    moments = start.moments if start else {
        name: {kind: torch.zeros(()) if kind == "step" else torch.zeros_like(parameters[name]) for kind in found}
        for name, found in kinds.items()
    }
    group.spread([moments[name][kind] for name, found in kinds.items() for kind in found], device)
    return Checkpoint(phase, step, {}, moments, about)


def stepping(
    module: nn.Module, phase: Phase
) -> tuple[Callable[[int], Any], Callable[[int], None], torch.optim.Optimizer]:
    """Returns the two halves of a phase's step, and its optimiser.

    Args:
        module: Module to be trained.
        phase: Phase of the training.

    Returns:
        A function of the step that takes its forward and backward passes, one that moves the weights, and the optimiser,
        whose groups have the parameters that are trained.
    """
    run = _Run(module, phase)
    return run.gradients, run.move, run.optimizer


class _Run:
    """A phase under way: the parameters it trains and their optimiser."""

    def __init__(
        self, module: nn.Module, phase: Phase, start: Checkpoint | None = None, group: ProcessGroup = ALONE
    ) -> None:
        self.module, self.phase, self.recipe, self.group = module, phase, phase.recipe, group
        self.stepped = phase.objective if isinstance(phase.objective, SteppedObjective) else None
        self.parameters = {name: one for name, one in module.named_parameters() if phase.trained(name)}
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(name in self.parameters)
        self.optimizer = optimizer(self.parameters, self.recipe)
        self.first = start.step if start else 0
        if start:
            for name, state in start.moments.items():
                self.optimizer.state[self.parameters[name]] = _moved(state, self.parameters[name])

    def step(self, step: int) -> tuple[dict[str, float], int]:
        """Takes one step; returns the losses of its passes and the tokens they ran, on all ranks together."""
        losses, tokens = self._added(*self.gradients(step))
        self._check(losses, step)
        if self.stepped is not None:
            self.stepped.end(step, losses)
        self.move(step)
        return losses, tokens

    def move(self, step: int) -> None:
        """Moves the weights along their gradients, at the rate of a step."""
        if self.recipe.clip is not None:
            nn.utils.clip_grad_norm_(list(self.parameters.values()), self.recipe.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate(step)
        self.optimizer.step()

    def gradients(self, step: int) -> tuple[dict[str, float], int]:
        """Runs this rank's passes of a step, so that the parameters have gradients.

        Returns:
            The losses of the passes and the tokens they ran, this rank's share of them.
        """
        self.optimizer.zero_grad(set_to_none=True)
        if self.stepped is not None:
            self.stepped.begin(step)
        losses: dict[str, float] = {}
        tokens, share = 0, 1 / self.recipe.accumulate
        for micro in self.group.share(self.recipe.accumulate):
            for one in self._passes(step, step * self.recipe.accumulate + micro):
                (share * one.loss).backward()
                losses[one.name] = losses.get(one.name, 0.0) + share * float(one.loss.detach())
                tokens += one.tokens
        return losses, tokens

    def _added(self, losses: dict[str, float], tokens: int) -> tuple[dict[str, float], int]:
        """Adds up gradients, losses and tokens over all ranks, which run the same subnets and name the same losses."""
        if self.group.count == 1:
            return losses, tokens
        trained = [*self.parameters.values(), *(self.stepped.further() if self.stepped is not None else ())]
        self.group.add([one.grad for one in trained if one.grad is not None], device_of(self.module))
        *found, total = self.group.added([*losses.values(), float(tokens)], device_of(self.module))
        return dict(zip(losses, found, strict=True)), int(total)

    def _passes(self, step: int, number: int) -> Iterator[Pass]:
        """Yields the objective's passes, run in the recipe's precision; computations between passes are not."""
        passes = self.phase.objective.passes(step, number)
        while True:
            with self._precision():
                one = next(passes, None)
            if one is None:
                return
            yield one

    def checkpoint(self, phase: int, step: int, about: dict[str, Any]) -> Checkpoint:
        """Describes where the training stands; a phase that is finished leaves no moments."""
        moments = {
            name: {kind: torch.as_tensor(value) for kind, value in self.optimizer.state[parameter].items()}
            for name, parameter in self.parameters.items()
            if step and parameter in self.optimizer.state
        }
        return Checkpoint(phase, step, dict(self.module.named_parameters()), moments, about)

    def _precision(self) -> AbstractContextManager[Any]:
        if self.recipe.dtype == "float32":
            return nullcontext()
        context: AbstractContextManager[Any] = torch.autocast(
            device_of(self.module).type, dtype=getattr(torch, self.recipe.dtype)
        )
        return context

    def _check(self, losses: dict[str, float], step: int) -> None:
        for name, loss in losses.items():
            if not math.isfinite(loss):
                raise MeasurementError(
                    f"the loss of {name} is {loss} in step {step + 1} of phase '{self.phase.name}'. A smaller learning rate "
                    f"or a limit on the gradient's norm may help"
                )


def _resume(module: nn.Module, folder: Path | None, about: dict[str, Any]) -> Checkpoint:
    """Loads the folder's checkpoint into the module, or returns an empty one; the log is cut to where it stands."""
    if folder is None or not (folder / FILE).exists():
        if folder is not None:
            (folder / LOG).unlink(missing_ok=True)
        return Checkpoint(0, 0, {}, {}, about)
    found = Checkpoint.load(folder)
    check_same(found.about, about, folder)
    fill(module, found.model, folder)
    finished = list(about["phases"].values())[: found.phase]
    done = sum(recipe["steps"] for recipe in finished) + found.step
    keep_first(folder / LOG, done)
    _log.info("resuming the training in %s after %d steps", folder, done)
    return found


def fill(module: nn.Module, tensors: dict[str, torch.Tensor], folder: Path) -> None:
    """Overwrites a module's parameters with those of a checkpoint.

    Raises:
        DataError: When names or shapes differ.
    """
    own = dict(module.named_parameters())
    differing = [name for name in own.keys() | tensors.keys() if name not in own or name not in tensors]
    differing += [name for name in own.keys() & tensors.keys() if own[name].shape != tensors[name].shape]
    if differing:
        raise DataError(f"the checkpoint in '{folder}' is of another net: '{min(differing)}' differs")
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(tensors[name])


def _moved(state: dict[str, torch.Tensor], parameter: torch.Tensor) -> dict[str, torch.Tensor]:
    """Moves moments to where their parameter is; counts of steps stay where optimisers keep them, on the CPU."""
    return {kind: value.to(parameter.device) if value.ndim else value for kind, value in state.items()}


def _plain(recipe: Recipe) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))
    return plain
