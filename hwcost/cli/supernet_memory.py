"""The memory that ``hwcost supernet train`` takes on each process: shown by ``--dry-run``, and checked before a training."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console
from hwcost.errors import NotEnoughMemoryError
from hwcost.registry import is_own

if TYPE_CHECKING:
    from hwcost.supernets.memory import StepMemory
    from hwcost.supernets.memory_check import MemoryCheck
    from hwcost.supernets.recipe import Recipe
    from hwcost.supernets.run import Settings

WORDS = 8
"""Word pieces of the batches that are recorded: which ones they are takes no memory."""
OPTIONS = ("--accumulate ",)

Processes = Annotated[
    int | None, typer.Option("--processes", min=1, help="Number of processes of torchrun that --dry-run plans for.")
]
NoMemoryCheck = Annotated[
    bool, typer.Option("--no-memory-check", help="Train even if a training is planned to take more memory than is free.")
]


def show(settings: Settings, device: str, processes: int, json: str | None) -> None:
    """Shows the memory of a training; nothing is trained, read of the corpus, or written.

    Args:
        settings: Settings of the training.
        device: Device on which torch computes, ``cpu`` or ``cuda``.
        processes: Number of processes that the batch is divided among.
        json: File for the JSON document, or ``-``; None for words.

    Raises:
        UsageError: When a batch has fewer sequences than there are processes.
    """
    found = _checked(settings, device, processes)
    document = {
        "processes": processes, "batch_size": settings.recipe.batch_size, "micro_batch": found.micro_batch,
        "memory_bytes": found.total_bytes, **asdict(found.memory), "exchanged_bytes": found.exchanged_bytes,
        "available_bytes": found.available_bytes, "accumulate": found.accumulate,
        "processes_needed": found.processes_needed,
    }  # fmt: skip
    if not console.write_json(document, json):
        typer.echo(found.advice("the training", OPTIONS, device))


def check(settings: Settings, device: str, processes: int) -> None:
    """Refuses a training that takes more memory than is free; the arguments are those of :func:`show`.

    Raises:
        NotEnoughMemoryError: When it does not fit; the message says what would.
        UsageError: When a batch has fewer sequences than there are processes.
    """
    found = _checked(settings, device, processes)
    if found.fits is False:
        advice = found.advice("the training", OPTIONS, device)
        raise NotEnoughMemoryError(f"{advice}. Nothing was trained; --no-memory-check trains all the same")


def _checked(settings: Settings, device: str, processes: int) -> MemoryCheck:
    from hwcost.supernets.memory_check import available_bytes, check_memory
    from hwcost.supernets.registry import SUPERNETS, supernet

    _ = settings.recipe.over(processes)
    if settings.space in SUPERNETS and not is_own(SUPERNETS.load(settings.space)):
        supernet(settings.space, settings.seed, **settings.options)  # which names its slips
    return check_memory(_step(settings), settings.recipe, processes, available_bytes(device))


def _step(settings: Settings) -> StepMemory:
    """Records a step of one process; micro batches of another size follow from it."""
    from hwcost.supernets.backbone import teacher
    from hwcost.supernets.masked_lm import SupernetLm
    from hwcost.supernets.memory import step_memory
    from hwcost.supernets.objective import Phase
    from hwcost.supernets.registry import supernet
    from hwcost.supernets.relations import RelationDistillation
    from hwcost.supernets.sampling import planned_rule
    from hwcost.workloads import builder

    read = None if settings.teacher is None else teacher(settings.teacher)  # weights are read where tensors have values

    def make(batches: Any, own: Recipe) -> Any:
        net = supernet(settings.space, settings.seed, **settings.options)
        builder(net.space).check_seq_len(own.seq_len)
        drawn = planned_rule(own.sampling, net)
        if read is None:
            return net, Phase("training", SupernetLm(net, batches, drawn), own), ()
        taught, heads = read
        objective = RelationDistillation(net, taught, heads, batches, drawn, *own.relations)
        return net, Phase("training", objective, own), (taught,)

    return step_memory(make, settings.recipe, WORDS)
