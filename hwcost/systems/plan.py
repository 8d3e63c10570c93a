"""What a run would do: its stages, what it measures at which shape, and the memory of its trainings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from hwcost.errors import NotEnoughMemoryError
from hwcost.supernets import memory_check
from hwcost.supernets.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

    from hwcost.supernets.memory import StepMemory
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
        fewest: Least number of sequences in a micro batch.
        batch_sizes: Further batches that are divided into as many micro batches.
        alike: Names of further recipes whose trainings take the same.
        gaps: Share of its tensors by which the allocator holds more; None for that of most trainings.
    """

    recipe: Recipe
    vocabulary: int
    make: Made
    fewest: int = 1
    batch_sizes: tuple[int, ...] = ()
    alike: tuple[str, ...] = ()
    gaps: float | None = None

    def memory(self) -> StepMemory:
        """Returns what a step allocates and frees, at any number of sequences in a micro batch."""
        from hwcost.supernets.memory import step_memory

        found = step_memory(self.make, self.recipe, self.vocabulary)
        return found if self.gaps is None else replace(found, gaps=self.gaps)


@dataclass(frozen=True, kw_only=True)
class PlannedMemory:
    """The memory of a training, on every process.

    Attributes:
        training: Name of the training, which is the name of its recipe among the preset's fields.
        alike: Names of further trainings that take the same.
        batch_size: Number of sequences in a step.
        micro_batch: Number of sequences in a micro batch.
        memory_bytes: Bytes at the peak, which are the sum of those that follow.
        parameters_bytes: Bytes of parameters.
        optimizer_bytes: Bytes of the optimiser's moments.
        gradients_bytes: Bytes of gradients at the peak.
        activations_bytes: Bytes of everything else at the peak.
        gaps_bytes: Bytes that the allocator holds and that nothing can use.
        exchanged_bytes: Bytes of gradients that are copied to be exchanged; 0 for a process by itself.
        available_bytes: Bytes that are free where nets are trained; None where the device is not here.
        fits: Whether the training fits there; None where that is not known.
        accumulate: Least number of micro batches in a step, as the preset has it, with which it would fit; None where that
            is not known, or none would.
        processes_needed: Least number of processes with as much memory each on which it would fit; None likewise.
        advice: The same in words.
    """

    training: str
    alike: tuple[str, ...]
    batch_size: int
    micro_batch: int
    memory_bytes: int
    parameters_bytes: int
    optimizer_bytes: int
    gradients_bytes: int
    activations_bytes: int
    gaps_bytes: int
    exchanged_bytes: int
    available_bytes: int | None
    fits: bool | None
    accumulate: int | None
    processes_needed: int | None
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
        processes: Number of processes that trainings are divided among.
        memory_bytes: Memory of the largest training at its peak, on every process; None for a system that plans none.
        memory: Its parts, and whether it fits; None likewise.
        trainings: The same of every training.
    """

    pipeline: str
    title: str
    settings: Plain
    preset: Plain
    parts: Plain
    stages: dict[str, str]
    workloads: list[Calls]
    processes: int
    memory_bytes: int | None
    memory: PlannedMemory | None
    trainings: list[PlannedMemory]

    def to_dict(self) -> Plain:
        """Returns plain JSON."""
        plain: Plain = json.loads(json.dumps(asdict(self)))
        return plain


def plan_of(trainings: Mapping[str, Training], train_on: str, processes: int, **known: Any) -> Plan:
    """Makes a plan, with the memory of the trainings.

    Args:
        trainings: Trainings by name, with recipes as one process divides them.
        train_on: Device that nets are trained on, ``cpu`` or ``cuda``.
        processes: Number of processes that they are divided among.
        **known: Everything else of the plan.
    """
    planned = planned_memory(trainings, train_on, processes)
    largest = max(planned, key=lambda one: one.memory_bytes, default=None)
    return Plan(
        **known, processes=processes, memory_bytes=None if largest is None else largest.memory_bytes, memory=largest,
        trainings=planned,
    )  # fmt: skip


def planned_memory(trainings: Mapping[str, Training], train_on: str, processes: int) -> list[PlannedMemory]:
    """Returns the memory of every training; the arguments are those of :func:`plan_of`."""
    if not trainings:
        return []
    free = memory_check.available_bytes(train_on)
    return [_planned(name, one, free, train_on, processes) for name, one in trainings.items()]


def refuse_what_does_not_fit(planned: Sequence[PlannedMemory]) -> None:
    """Refuses trainings that take more memory than is free.

    Raises:
        NotEnoughMemoryError: When there are any; the message says of each what it takes, and what to do.
    """
    found = [one.advice for one in planned if one.fits is False]
    if found:
        raise NotEnoughMemoryError(
            f"{'. '.join(found)}. Nothing was trained or written; --no-memory-check runs all the same, and so does "
            "run(check_memory=False) in Python"
        )


def _planned(name: str, training: Training, free: int | None, train_on: str, processes: int) -> PlannedMemory:
    found = memory_check.check_memory(
        training.memory(), training.recipe, processes, free, fewest=training.fewest, batch_sizes=training.batch_sizes
    )
    options = [f"--set {one}.accumulate=" for one in (name, *training.alike)]
    return PlannedMemory(
        training=name, alike=training.alike, batch_size=training.recipe.batch_size, micro_batch=found.micro_batch,
        memory_bytes=found.total_bytes, **asdict(found.memory), exchanged_bytes=found.exchanged_bytes,
        available_bytes=found.available_bytes, fits=found.fits, accumulate=found.accumulate,
        processes_needed=found.processes_needed, advice=found.advice(name, options, train_on),
    )  # fmt: skip
