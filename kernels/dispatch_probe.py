"""Seconds to issue one tiny operation: the floor under every operation that runs one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.kernels.probe_base import Engine, Probe, default_engine, synchronize

SIZE = 8
"""Numbers in the operands: too few to cost anything themselves."""


def prepare(device: str = "cpu", engine: Engine | None = None) -> Probe:
    """Prepares the sum of two tiny vectors.

    Args:
        device: torch's name of the device.
        engine: None is torch where it is installed, else numpy.

    Returns:
        A probe whose work is one call.
    """
    engine = engine or default_engine()
    left, right = inputs()
    run, output = _torch(left, right, device) if engine == "torch" else _numpy(left, right)
    return Probe("dispatch", "float32", engine, 1.0, "call", run, output)


def inputs(seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns two seeded normal vectors."""
    pair = np.random.default_rng(seed).standard_normal((2, SIZE), dtype=np.float32)
    return pair[0], pair[1]


def reference(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sum itself."""
    return left + right


def _torch(left: NDArray[np.float32], right: NDArray[np.float32], device: str) -> tuple[Any, Any]:
    import torch

    a, b = (torch.from_numpy(vector).to(device) for vector in (left, right))
    out = torch.empty_like(a)

    def run(n: int) -> None:
        for _ in range(n):
            torch.add(a, b, out=out)
        synchronize(device)

    def output() -> NDArray[Any]:
        run(1)
        return np.asarray(out.cpu().numpy())

    return run, output


def _numpy(left: NDArray[np.float32], right: NDArray[np.float32]) -> tuple[Any, Any]:
    out = np.empty_like(left)

    def run(n: int) -> None:
        for _ in range(n):
            np.add(left, right, out=out)

    def output() -> NDArray[Any]:
        run(1)
        return out.copy()

    return run, output
