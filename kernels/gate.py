"""A kernel that holds a GPU's stream back until the host has queued all work behind it.

Work that is queued faster than it runs is timed by events as it is. Work of tiny kernels is not: the GPU waits for the
host between them. Behind a closed gate the host queues first, and the GPU then runs without waiting.
"""

from __future__ import annotations

from typing import Any

from hwcost.kernels.cuda_source import Kernel, load

MOST_MS = 1000
"""Milliseconds after which the kernel gives up: the host may be waiting for room in the queue, and so for the kernel."""


class Gate:
    """The gate of the present device's stream.

    Args:
        kernel: Kernel ``wait_for_host``; None compiles it.
        flags: Two 32-bit integers in pinned memory of the host; None makes them.

    Raises:
        MeasurementError: When the kernel cannot be compiled.
    """

    def __init__(self, kernel: Kernel | None = None, flags: Any = None) -> None:
        self._kernel = load("wait_for_host") if kernel is None else kernel
        self._flags = _pinned() if flags is None else flags
        self._words = self._flags.numpy()

    def shut(self) -> None:
        """Queues the kernel, behind which everything waits that is queued from now on; the stream is idle before."""
        self._words[:] = 0
        self._kernel(grid=(1, 1, 1), block=(1, 1, 1), args=[self._flags, MOST_MS])

    def open(self) -> None:
        """Lets the stream go on."""
        self._words[0] = 1

    @property
    def gave_up(self) -> bool:
        """Whether the kernel ended before the gate was opened; known once the stream is done."""
        return bool(self._words[1])


def _pinned() -> Any:
    import torch

    return torch.zeros(2, dtype=torch.int32).pin_memory()
