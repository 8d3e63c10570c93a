"""What a run would do: its stages, what it measures at which shape, and the memory of its largest training."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import psutil

from hwcost.supernets.recipe import Recipe
from hwcost.units import format_bytes

if TYPE_CHECKING:
    from torch import nn

    from hwcost.supernets.memory import Memory, StepMemory
    from hwcost.supernets.objective import Phase

Plain = dict[str, Any]
Made = Callable[[Callable[[int], dict[str, Any]], Recipe], "tuple[nn.Module, Phase, Sequence[nn.Module]]"]


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Calls of nets, or of their components, that are measured at one shape.

    Attributes:
        stage: Name of the stage; None where it is not known.
        nets: Largest number of nets, or of stacks of components; None where it is not known.
        batch_size: Number of sequences in a call.
        seq_len: Number of tokens in a sequence.
        dtype: Number format of weights and activations.
        backend: Backend that executes them.
        device: Name of the device.
    """

    stage: str | None
    nets: int | None
    batch_size: int
    seq_len: int
    dtype: str
    backend: str
    device: str


@dataclass(frozen=True)
class Training:
    """A training of a system, as far as its memory is planned.

    Attributes:
        recipe: Settings of the training.
        vocabulary: Number of word pieces.
        make: Function of batches of text and a recipe that makes the module, the phase of its training, and further nets
            that it uses, such as a teacher.
    """

    recipe: Recipe
    vocabulary: int
    make: Made

    def memory(self) -> StepMemory:
        """Returns what a step allocates and frees, at any number of sequences in a micro batch."""
        from hwcost.supernets.memory import step_memory

        return step_memory(self.make, self.recipe, self.vocabulary)


@dataclass(frozen=True, kw_only=True)
class PlannedMemory:
    """The memory of the largest training.

    Attributes:
        training: Name of the training, which is the name of its recipe among the preset's fields.
        batch_size: Number of sequences in a step.
        micro_batch: Number of sequences in a micro batch.
        parameters_bytes: Bytes of parameters.
        optimizer_bytes: Bytes of the optimiser's moments.
        gradients_bytes: Bytes of gradients at the peak.
        activations_bytes: Bytes of everything else at the peak.
        gaps_bytes: Bytes that the allocator holds and that nothing can use.
        available_bytes: Bytes that are free where nets are trained; None where the device is not here.
        fits: Whether the training fits there; None where that is not known.
        accumulate: Least number of micro batches in a step with which it would fit; None where that is not known, or none
            would.
        advice: The same in words.
    """

    training: str
    batch_size: int
    micro_batch: int
    parameters_bytes: int
    optimizer_bytes: int
    gradients_bytes: int
    activations_bytes: int
    gaps_bytes: int
    available_bytes: int | None
    fits: bool | None
    accumulate: int | None
    advice: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run would do.

    Attributes:
        pipeline: Name of the pipeline.
        title: Its title.
        settings: The user's choices.
        preset: The preset's numbers, with the user's changes and the device's protocol.
        parts: Parts that the user gave.
        stages: Descriptions of the stages by name, in order.
        workloads: Calls that are measured; empty where nothing is.
        memory_bytes: Memory of the largest training at its peak; None for a system that plans none.
        memory: Its parts, and whether it fits; None likewise.
    """

    pipeline: str
    title: str
    settings: Plain
    preset: Plain
    parts: Plain
    stages: dict[str, str]
    workloads: list[Calls]
    memory_bytes: int | None
    memory: PlannedMemory | None

    def to_dict(self) -> Plain:
        """Returns plain JSON."""
        plain: Plain = json.loads(json.dumps(asdict(self)))
        return plain


def plan_of(trainings: Mapping[str, Training], train_on: str, **known: Any) -> Plan:
    """Makes a plan, with the memory of the largest training.

    Args:
        trainings: Trainings by name.
        train_on: Device that nets are trained on, ``cpu`` or ``cuda``.
        **known: Everything else of the plan.
    """
    steps = {name: one.memory() for name, one in trainings.items()}
    if not steps:
        return Plan(**known, memory_bytes=None, memory=None)
    peaks = {name: _at(one, trainings[name].recipe, trainings[name].recipe.accumulate) for name, one in steps.items()}
    largest = max(peaks, key=lambda name: peaks[name].total_bytes)
    memory = _planned(largest, trainings[largest].recipe, steps[largest], available_bytes(train_on), train_on)
    return Plan(**known, memory_bytes=peaks[largest].total_bytes, memory=memory)


def available_bytes(train_on: str) -> int | None:
    """Returns the memory that is free where nets are trained; None without such a device."""
    if train_on == "cpu":
        return int(psutil.virtual_memory().available)
    import torch

    return int(torch.cuda.mem_get_info()[0]) if torch.cuda.is_available() else None


def least_accumulation(step: StepMemory, recipe: Recipe, free: int) -> int | None:
    """Returns the least number of micro batches in a step with which a training fits; None where none does.

    Args:
        step: Record of what a step of the training allocates and frees.
        recipe: Recipe of the training, whose number of micro batches is the least that is tried.
        free: Bytes of memory that are free.
    """
    counts = (count for count in range(recipe.accumulate, recipe.batch_size + 1) if recipe.batch_size % count == 0)
    return next((count for count in counts if _at(step, recipe, count).total_bytes <= free), None)


def _planned(name: str, recipe: Recipe, step: StepMemory, free: int | None, train_on: str) -> PlannedMemory:
    found = _at(step, recipe, recipe.accumulate)
    fitting = None if free is None else least_accumulation(step, recipe, free)
    return PlannedMemory(
        training=name, batch_size=recipe.batch_size, micro_batch=recipe.micro_batch, **asdict(found),
        available_bytes=free, fits=None if free is None else found.total_bytes <= free, accumulate=fitting,
        advice=_advice(name, recipe, step, free, fitting, train_on),
    )  # fmt: skip


def _at(step: StepMemory, recipe: Recipe, accumulate: int) -> Memory:
    """Returns the memory at its peak, with another number of micro batches."""
    return step.at(recipe.batch_size // accumulate, accumulate > 1)


def _advice(
    name: str, recipe: Recipe, step: StepMemory, free: int | None, fitting: int | None, train_on: str
) -> str:
    def needing(accumulate: int) -> str:
        return format_bytes(_at(step, recipe, accumulate).total_bytes)

    needed = needing(recipe.accumulate)
    if free is None:
        return f"{name} takes {needed}; there is no {train_on} device here to compare that with"
    here = f"{format_bytes(free)} that are free on this machine's {train_on}"
    if fitting == recipe.accumulate:
        return f"{name} takes {needed} and fits into the {here}"
    if fitting is None:
        least = needing(recipe.batch_size)
        return f"{name} takes {needed} and does not fit into the {here}; one sequence at a time still takes {least}"
    return (
        f"{name} takes {needed} and does not fit into the {here}; with {fitting} micro batches a step it takes "
        f"{needing(fitting)} and does: --set {name}.accumulate={fitting}"
    )
