"""Several processes that train one module together: which of them this one is, and what they exchange.

``torchrun`` starts the processes (torch calls each a rank) on one host or several; :mod:`torch.distributed` connects them,
with NCCL between GPUs and gloo between CPUs. A training divides the micro batches of every step among the ranks and sums
their gradients once, with :func:`torch.distributed.all_reduce`, before the optimiser's step. That is data parallelism as in
torch's tutorial "Writing Distributed Applications with PyTorch", and not ``DistributedDataParallel`` or FSDP around the
module, for these reasons:

- A step runs several subnets forward and backward, each on views of the weights (:func:`torch.func.functional_call`), and
  never calls the module that would be wrapped. DDP prepares its reduction in the wrapper's ``forward``, once for every
  backward pass, and has to search each graph for parameters that take no part.
- Where gradients of several passes are summed, DDP exchanges those of the last pass alone unless each earlier one runs in
  ``no_sync``. One exchange of what is summed already is the same arithmetic with less of it.
- FSDP keeps a part of every weight on each rank; a subnet's weights are slices of whole ones.

Every rank therefore holds all weights and moments, and takes the same step from the same summed gradient.

Work that is one rank's own runs :func:`apart`. What ranks tell each other beside trainings stands on a
:class:`~hwcost.supernets.board.Board`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import distributed

from hwcost.supernets.board import Board, GoneError, hung

__all__ = ["ALONE", "ProcessGroup", "apart", "connected", "here", "joined", "launched"]

BUCKET_BYTES = 64 * 2**20
"""Bytes of gradients that are exchanged at a time; a copy of that size is made of them."""
PATIENCE = timedelta(days=2)
"""Time that ranks wait for another one, which may be preparing a corpus, before they give up."""


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """The processes that train together.

    Attributes:
        rank: Number of this process, from 0.
        count: Number of processes.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that prints and writes files."""
        return self.rank == 0

    def share(self, number: int) -> range:
        """Returns which of so many pieces of work are this rank's; shares differ by one piece at most."""
        return range(self.rank, number, self.count)

    def add(self, tensors: Sequence[torch.Tensor], device: torch.device) -> None:
        """Replaces tensors by their sums over all ranks; every rank has the same ones in the end.

        Args:
            tensors: Tensors of one dtype, as many and of the same shapes on every rank.
            device: Device on which the ranks compute.
        """
        if self.count == 1:
            return
        for bucket in _buckets(tensors):
            flat = torch.cat([one.reshape(-1).to(device) for one in bucket])
            with _exchanging():
                distributed.all_reduce(flat)
            for one, found in zip(bucket, flat.split([one.numel() for one in bucket]), strict=True):
                one.copy_(found.view_as(one))

    def added(self, values: Sequence[float], device: torch.device) -> list[float]:
        """Returns the sums of numbers over all ranks, in float64.

        Args:
            values: Numbers of this rank, as many as on every other one.
            device: Device on which the ranks compute.
        """
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=device)
        with _exchanging():
            distributed.all_reduce(total)
        found: list[float] = total.tolist()
        return found

    def spread(self, tensors: Sequence[torch.Tensor], device: torch.device) -> None:
        """Overwrites tensors by those of the first rank.

        Args:
            tensors: Tensors, as many and of the same shapes on every rank.
            device: Device on which the ranks compute.
        """
        if self.count == 1:
            return
        for one in tensors:
            sent = one.detach().to(device).contiguous()
            with _exchanging():
                distributed.broadcast(sent, src=0)
            one.detach().copy_(sent)

    def announced(self, plain: Any, device: torch.device) -> Any:
        """Returns the first rank's value, which is plain JSON; what the other ranks give is not used."""
        if self.count == 1:
            return plain
        text = list(json.dumps(plain).encode()) if self.is_first else []
        length = torch.tensor([len(text)], device=device)
        with _exchanging():
            distributed.broadcast(length, src=0)
            data = torch.tensor(text or [0] * int(length), dtype=torch.uint8, device=device)
            distributed.broadcast(data, src=0)
        return json.loads(bytes(data.tolist()))

    def gather(self, rows: torch.Tensor) -> list[torch.Tensor]:
        """Returns the rows of every rank, in the order of ranks.

        Args:
            rows: Shape (n, ...), with an n of its own on each rank.
        """
        if self.count == 1:
            return [rows]
        counts = [torch.zeros(1, dtype=torch.int64, device=rows.device) for _ in range(self.count)]
        with _exchanging():
            distributed.all_gather(counts, torch.tensor([len(rows)], device=rows.device))
        most = max(int(one) for one in counts)
        padded = rows.new_zeros((most, *rows.shape[1:]))
        padded[: len(rows)] = rows
        found = [torch.empty_like(padded) for _ in range(self.count)]
        with _exchanging():
            distributed.all_gather(found, padded)
        return [one[: int(held)] for one, held in zip(found, counts, strict=True)]

    def wait(self) -> None:
        """Waits until every rank is here."""
        if self.count > 1:
            with _exchanging():
                distributed.barrier()


ALONE = ProcessGroup()
"""A process by itself."""


@contextmanager
def _exchanging() -> Iterator[None]:
    """Says that a process is gone where torch cannot exchange anything with it."""
    try:
        yield
    except RuntimeError as error:
        raise GoneError(str(error).split("\n")[0]) from error


def _buckets(tensors: Sequence[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    """Yields tensors in runs that are exchanged together."""
    bucket: list[torch.Tensor] = []
    for one in tensors:
        if bucket and sum(held.nbytes for held in bucket) + one.nbytes > BUCKET_BYTES:
            yield bucket
            bucket = []
        bucket.append(one)
    if bucket:
        yield bucket


_is_apart = False


def here() -> ProcessGroup:
    """Returns the processes that train together: those of torch's default process group, or this one by itself."""
    if not _is_apart and distributed.is_available() and distributed.is_initialized():
        return ProcessGroup(distributed.get_rank(), distributed.get_world_size())
    return ALONE


@contextmanager
def apart(is_apart: bool = True) -> Iterator[None]:
    """Makes this process one by itself, for as long as the block runs: what trains or evaluates then does so alone.

    Args:
        is_apart: Whether it is; False joins the other ranks again, within a block that does not.
    """
    global _is_apart
    before, _is_apart = _is_apart, is_apart
    try:
        yield
    finally:
        _is_apart = before


def joined() -> AbstractContextManager[None]:
    """Joins the other ranks again, for as long as the block runs."""
    return apart(False)


@contextmanager
def connected(store: Any, rank: int, count: int, backend: str = "gloo") -> Iterator[ProcessGroup]:
    """Connects processes by a store of torch, for as long as the block runs; they have a board then.

    Args:
        store: The store, which all of them can reach.
        rank: Number of this process, from 0.
        count: Number of processes.
        backend: Backend of torch that connects them, or several by the kind of device.
    """
    store.set_timeout(PATIENCE)
    distributed.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=PATIENCE)
    made = Board(store, rank, count)
    try:
        with hung(made):
            yield here()
    except BaseException as error:
        made.fail(error)
        raise
    finally:
        distributed.destroy_process_group()


@contextmanager
def launched(device: str) -> Iterator[ProcessGroup]:
    """Connects the processes that ``torchrun`` started, for as long as the block runs; a process by itself needs nothing.

    Args:
        device: Device on which torch computes: ``cpu``, or ``cuda`` for the GPU of this process's number on its host.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or distributed.is_initialized():
        yield here()
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    store, rank, count = next(distributed.rendezvous("env://", timeout=PATIENCE))
    with connected(store, rank, count, "nccl" if device == "cuda" else "gloo") as group:
        yield group
