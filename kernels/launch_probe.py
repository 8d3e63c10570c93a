"""Seconds of an empty kernel in a CUDA graph: the floor under every kernel of a captured model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.kernels.cuda_source import load
from hwcost.kernels.probe_base import Probe, synchronize

KERNELS = 100
"""Empty kernels in a graph."""


def prepare(device: str) -> Probe:
    """Captures kernels that compute nothing.

    Args:
        device: torch's name of the GPU, which is the present one.

    Returns:
        A probe whose work is ``KERNELS`` calls.

    Raises:
        MeasurementError: When the kernel cannot be compiled.
    """
    import torch

    kernel = load("nothing")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(KERNELS):
            kernel(grid=(1, 1, 1), block=(1, 1, 1), args=[])

    def run(n: int) -> None:
        for _ in range(n):
            graph.replay()
        synchronize(device)

    return Probe("launch", "none", "torch", float(KERNELS), "call", run, nothing)


def nothing() -> NDArray[Any]:
    """Returns the result of a kernel that computes nothing."""
    return np.zeros(0, dtype=np.float32)
