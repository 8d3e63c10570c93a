"""Bandwidth of a copy between two buffers that no cache holds: what element-wise work can come near to.

On a CPU the copy is numpy's, one slice per thread; numpy lets go of the interpreter's lock while it copies.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.kernels.probe_base import Engine, Probe, synchronize

MIN_BYTES = 64 * 1024**2
MAX_BYTES = 1024**3


def buffer_bytes(l3_bytes: int | None, memory_bytes: int | None, threads: int = 1) -> int:
    """Returns how large each of the two buffers is: four level 3 caches per thread, within sane memory.

    Args:
        l3_bytes: Level 3 cache that one core sees; None is unknown.
        memory_bytes: Memory of the device; at most an eighth of it is taken for a buffer.
        threads: Threads, each of which may have a level 3 cache of its own.
    """
    limit = MAX_BYTES if memory_bytes is None else min(MAX_BYTES, memory_bytes // 8)
    wanted = max(MIN_BYTES, 4 * (l3_bytes or 0) * threads)
    return min(wanted, limit) // 4 * 4


def prepare(nbytes: int = MIN_BYTES, threads: int = 1, device: str = "cpu") -> Probe:
    """Prepares a copy of seeded float32 numbers.

    Args:
        nbytes: Size of each buffer.
        threads: Threads that copy, on a CPU.
        device: torch's name of the device; only other devices than ``cpu`` need torch.

    Returns:
        A probe whose work is 2 x nbytes: each byte is read once and written once.
    """
    source = inputs(nbytes // 4)
    engine: Engine = "numpy" if device == "cpu" else "torch"
    run, output = _numpy(source, threads) if engine == "numpy" else _torch(source, device)
    return Probe("copy", "float32", engine, 2.0 * source.nbytes, "B", run, output)


def inputs(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Returns seeded numbers between 0 and 1."""
    return np.random.default_rng(seed).random(count, dtype=np.float32)


def reference(source: NDArray[np.float32]) -> NDArray[np.float32]:
    """The copy itself."""
    return source.copy()


def _numpy(source: NDArray[np.float32], threads: int) -> tuple[Any, Any]:
    target = np.zeros_like(source)  # written once, so that its pages exist before anything is timed
    target[:] = 1
    parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))

    def run(n: int) -> None:
        if threads == 1:
            for _ in range(n):
                np.copyto(target, source)
            return
        with ThreadPoolExecutor(threads) as pool:
            for _ in range(n):
                list(pool.map(lambda part: np.copyto(*part), parts))

    def output() -> NDArray[Any]:
        target[:] = 0
        run(1)
        return target.copy()

    return run, output


def _torch(source: NDArray[np.float32], device: str) -> tuple[Any, Any]:
    import torch

    origin = torch.from_numpy(source).to(device)
    target = torch.zeros_like(origin)

    def run(n: int) -> None:
        for _ in range(n):
            target.copy_(origin)
        synchronize(device)

    def output() -> NDArray[Any]:
        target.zero_()
        run(1)
        return np.asarray(target.cpu().numpy())

    return run, output
