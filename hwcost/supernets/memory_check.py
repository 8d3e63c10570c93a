"""Does a training fit into the memory that is free: as it is, with more micro batches, or on more processes?

The processes of a training hold all parameters, gradients and moments each (:mod:`hwcost.supernets.process_group`). What
they share are the sequences of a step, and so more processes help just where more micro batches do.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import psutil

from hwcost.agent import cgroups
from hwcost.supernets.recipe import Recipe
from hwcost.units import format_bytes

if TYPE_CHECKING:
    from hwcost.supernets.memory import Memory, StepMemory

__all__ = ["MemoryCheck", "available_bytes", "check_memory"]

MOST = 4096
"""Largest number of processes that is tried."""


def available_bytes(device: str) -> int | None:
    """Returns the bytes that are free to this process where nets are trained; None without such a device.

    Processes that ``torchrun`` started on one host share its main memory, and have a GPU of their own each.

    Args:
        device: ``cpu`` or ``cuda``.
    """
    if device == "cpu":
        sharing = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        return int(min([psutil.virtual_memory().available, *cgroups.memory_left()])) // sharing
    import torch

    return int(torch.cuda.mem_get_info(int(os.environ.get("LOCAL_RANK", "0")))[0]) if torch.cuda.is_available() else None


@dataclass(frozen=True, kw_only=True)
class MemoryCheck:
    """The memory that a training takes on every process, beside the memory that is free.

    Attributes:
        processes: Number of processes that the batch is divided among.
        micro_batch: Number of sequences in a micro batch.
        memory: Memory at the peak of a step.
        exchanged_bytes: Bytes of gradients that are copied to be exchanged; 0 for a process by itself.
        available_bytes: Bytes that are free; None where the device is not here.
        accumulate: Least number of micro batches, as the recipe of one process has it, with which it would fit; None where
            none would, or that is not known.
        processes_needed: Least number of processes with as much memory each on which it would fit as it is; None likewise.
        fitting_bytes: Bytes that it takes with ``accumulate`` micro batches; None likewise.
        fewest: Least number of sequences in a micro batch.
        least_bytes: Bytes that it takes with micro batches of that size.
    """

    processes: int
    micro_batch: int
    memory: Memory
    exchanged_bytes: int
    available_bytes: int | None
    accumulate: int | None
    processes_needed: int | None
    fitting_bytes: int | None
    fewest: int
    least_bytes: int

    @property
    def total_bytes(self) -> int:
        """Bytes at the peak."""
        return self.memory.total_bytes + self.exchanged_bytes

    @property
    def fits(self) -> bool | None:
        """Whether it fits as it is; None where that is not known."""
        return None if self.available_bytes is None else self.total_bytes <= self.available_bytes

    def advice(self, name: str, options: Sequence[str], device: str) -> str:
        """Returns what it takes, what is free, and what to do, in words.

        Args:
            name: Name of the training.
            options: Beginnings of the options that set its number of micro batches, such as ``--accumulate ``.
            device: Device that it runs on.
        """
        each = f" on each of {self.processes} processes" if self.processes > 1 else ""
        sequences = "1 sequence" if self.micro_batch == 1 else f"{self.micro_batch} sequences"
        needed = f"{name} takes {format_bytes(self.total_bytes)}{each}, with {sequences} in a micro batch"
        if self.available_bytes is None:
            return f"{needed}; there is no {device} device here to compare that with"
        here = f"{format_bytes(self.available_bytes)} that are free on this machine's {device}"
        return f"{needed}, and fits into the {here}" if self.fits else f"{needed}, {self._remedy(here, options)}"

    def _remedy(self, here: str, options: Sequence[str]) -> str:
        ways = []
        if self.accumulate is not None:
            chosen = " ".join(f"{option}{self.accumulate}" for option in options)
            ways.append(f"with {chosen}, which takes {format_bytes(self.fitting_bytes)}")
        if self.processes_needed is not None:
            ways.append(f"on {self.processes_needed} processes with as much memory each")
        if ways:
            return f"and does not fit into the {here}; it would {', or '.join(ways)}"
        smallest = "one sequence" if self.fewest == 1 else f"{self.fewest} sequences"
        return (
            f"and does not fit into the {here}; {smallest} at a time still take{'s' if self.fewest == 1 else ''} "
            f"{format_bytes(self.least_bytes)}, as every process holds all parameters, gradients and moments: it needs a "
            f"device of more memory, or a smaller net"
        )


def check_memory(
    step: StepMemory, recipe: Recipe, processes: int, available: int | None, *, fewest: int = 1,
    batch_sizes: Sequence[int] = (),
) -> MemoryCheck:  # fmt: skip
    """Compares the memory that a training takes with the memory that is free.

    Args:
        step: Record of what a step of the training allocates and frees.
        recipe: Recipe of the training, as one process divides its batch.
        processes: Number of processes that the batch is divided among.
        available: Bytes that are free to each of them; None where that is not known.
        fewest: Least number of sequences in a micro batch.
        batch_sizes: Further batches that the same number of micro batches has to divide.

    Raises:
        UsageError: When the batch has fewer sequences than there are processes.
    """
    from hwcost.supernets.process_group import BUCKET_BYTES

    bucket_bytes = min(BUCKET_BYTES, step.optimizer_bytes // 2)

    @cache
    def at(micro_batch: int, is_summed: bool) -> Memory:
        return step.at(micro_batch, is_summed)

    def over(accumulate: int, count: int) -> Recipe:
        return replace(recipe, accumulate=accumulate).over(count)

    def memory(accumulate: int, count: int) -> Memory:
        own = over(accumulate, count)
        return at(own.micro_batch, own.accumulate > count)

    def total(accumulate: int, count: int) -> int:
        return memory(accumulate, count).total_bytes + (bucket_bytes if count > 1 else 0)

    asked, sizes = recipe.accumulate, (recipe.batch_size, *batch_sizes)
    counts = [one for one in range(asked, recipe.batch_size + 1) if not any(size % one for size in sizes)]
    divided = [one for one in counts if over(one, processes).micro_batch >= fewest]
    more = range(processes, min(MOST, recipe.batch_size) + 1)
    shared = [count for count in more if over(asked, count).micro_batch >= fewest]
    room = -1 if available is None else available
    fitting = next((one for one in divided if total(one, processes) <= room), None)
    return MemoryCheck(
        processes=processes, micro_batch=over(asked, processes).micro_batch, memory=memory(asked, processes),
        exchanged_bytes=bucket_bytes if processes > 1 else 0, available_bytes=available, accumulate=fitting,
        processes_needed=next((count for count in shared if total(asked, count) <= room), None),
        fitting_bytes=None if fitting is None else total(fitting, processes), fewest=fewest,
        least_bytes=total(max(divided, default=asked), processes),
    )  # fmt: skip
