"""``hwcost supernet train --dry-run``: the memory that a training takes on each process, and whether that is here."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import typer

from hwcost.cli import console

if TYPE_CHECKING:
    from hwcost.supernets.memory import Memory, StepMemory
    from hwcost.supernets.recipe import Recipe
    from hwcost.supernets.run import Settings

MOST = 4096
"""Largest number of processes that is tried."""
WORDS = 8
"""Word pieces of the batches that are recorded: which ones they are takes no memory."""


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
    from hwcost.supernets.process_group import BUCKET_BYTES
    from hwcost.systems.plan import available_bytes

    recipe, free = settings.recipe, available_bytes(device)
    _ = recipe.over(processes)
    step = _step(settings)
    exchanged = min(BUCKET_BYTES, step.optimizer_bytes // 2)  # gradients, copied to be exchanged

    def memory(given: Recipe, count: int) -> Memory:
        own = given.over(count)
        return step.at(own.micro_batch, own.accumulate > count)

    def total(given: Recipe, count: int) -> int:
        return memory(given, count).total_bytes + (exchanged if count > 1 else 0)

    needed = total(recipe, processes)
    divided = [count for count in range(recipe.accumulate, recipe.batch_size + 1) if recipe.batch_size % count == 0]
    fitting = next((a for a in divided if free and total(replace(recipe, accumulate=a), processes) <= free), None)
    more = range(processes, min(MOST, recipe.batch_size) + 1)
    devices = next((count for count in more if free and total(recipe, count) <= free), None)
    document = {
        "processes": processes, "batch_size": recipe.batch_size, "micro_batch": recipe.over(processes).micro_batch,
        "memory_bytes": needed, **asdict(memory(recipe, processes)),
        "exchanged_bytes": exchanged if processes > 1 else 0,
        "available_bytes": free, "accumulate": fitting, "processes_needed": devices,
    }  # fmt: skip
    if not console.write_json(document, json):
        typer.echo(_advice(document, recipe, device))


def _step(settings: Settings) -> StepMemory:
    """Records a step of one process; micro batches of another size follow from it."""
    from hwcost.supernets.backbone import teacher
    from hwcost.supernets.masked_lm import SupernetLm
    from hwcost.supernets.memory import step_memory
    from hwcost.supernets.objective import Phase
    from hwcost.supernets.registry import supernet
    from hwcost.supernets.relations import RelationDistillation
    from hwcost.supernets.sampling import planned_rule

    def make(batches: Any, own: Recipe) -> Any:
        net = supernet(settings.space, settings.seed, **settings.options)
        drawn = planned_rule(own.sampling, net)
        if settings.teacher is None:
            return net, Phase("training", SupernetLm(net, batches, drawn), own), ()
        taught, heads = teacher(settings.teacher)
        objective = RelationDistillation(net, taught, heads, batches, drawn, *own.relations)
        return net, Phase("training", objective, own), (taught,)

    return step_memory(make, settings.recipe, WORDS)


def _advice(found: dict[str, Any], recipe: Recipe, device: str) -> str:
    from hwcost.units import format_bytes

    each = f" on each of {found['processes']} processes" if found["processes"] > 1 else ""
    size = f"{found['micro_batch']} sequences in a micro batch"
    needed = f"the training takes {format_bytes(found['memory_bytes'])}{each}, with {size}"
    if found["available_bytes"] is None:
        return f"{needed}; there is no {device} device here to compare that with"
    here = f"{format_bytes(found['available_bytes'])} that are free on this machine's {device}"
    if found["memory_bytes"] <= found["available_bytes"]:
        return f"{needed}, and fits into the {here}"
    ways = [f"--accumulate {found['accumulate']}"] if found["accumulate"] else []
    ways += [f"{found['processes_needed']} processes with as much memory each"] if found["processes_needed"] else []
    remedy = f"it would with {' or '.join(ways)}" if ways else "one sequence at a time does not either"
    return f"{needed}, and does not fit into the {here}; {remedy}"
