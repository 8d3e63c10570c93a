"""Rate at which a GPU overwrites its last cache, all of it and no more: what every cold call costs beside itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.kernels.probe_base import Probe, synchronize


def prepare(nbytes: int, device: str) -> Probe:
    """Prepares a buffer of the cache's size.

    Args:
        nbytes: Size of the cache, in bytes.
        device: torch's name of the GPU.

    Returns:
        A probe whose work is nbytes.
    """
    import torch

    buffer = torch.ones(nbytes, dtype=torch.uint8, device=device)

    def run(n: int) -> None:
        for _ in range(n):
            buffer.zero_()
        synchronize(device)

    def output() -> NDArray[Any]:
        run(1)
        return np.asarray(buffer.cpu().numpy())

    return Probe("flush", "uint8", "torch", float(nbytes), "B", run, output)


def reference(nbytes: int) -> NDArray[np.uint8]:
    """Returns zeros."""
    return np.zeros(nbytes, dtype=np.uint8)
