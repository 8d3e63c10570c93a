"""Rate of square matrix products: the peak that a model's linear layers can come near to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._dtypes import stored
from hwcost.errors import UsageError
from hwcost.kernels.probe_base import Engine, Probe, default_engine, synchronize

TORCH_DTYPES = ("float32", "bfloat16", "float16")
"""Number formats that torch multiplies on every device."""

GPU_DTYPES = (*TORCH_DTYPES, "tfloat32")
"""Number formats that torch multiplies on a GPU; ``tfloat32`` is float32 with the flag of TF32, which the caller sets."""

CPU_SIZE = 1024
"""Rows of the matrices on a CPU: the three matrices exceed level 2 caches, and one product is 2.1 GFLOP."""

CUDA_SIZE = 8192
"""Rows of the matrices on a GPU: enough work to fill every multiprocessor."""


def prepare(dtype: str = "float32", size: int | None = None, device: str = "cpu", engine: Engine | None = None) -> Probe:
    """Prepares the product of two seeded normal matrices.

    Args:
        dtype: Number format; numpy knows float32 only.
        size: Rows and columns; None is ``CPU_SIZE`` or ``CUDA_SIZE``.
        device: torch's name of the device.
        engine: None is torch where it is installed, else numpy.

    Returns:
        A probe whose work is 2 x size^3 operations.

    Raises:
        UsageError: When the engine does not know the dtype.
    """
    engine = engine or default_engine()
    of_torch = TORCH_DTYPES if device == "cpu" else GPU_DTYPES
    known = of_torch if engine == "torch" else ("float32",)
    if dtype not in known:
        raise UsageError(f"{engine} multiplies no {dtype} matrices here. Known: {', '.join(known)}")
    rows = size or (CPU_SIZE if device == "cpu" else CUDA_SIZE)
    left, right = inputs(rows)
    make = _torch if engine == "torch" else _numpy
    run, output = make(left, right, dtype, device)
    return Probe("matmul", dtype, engine, 2.0 * rows**3, "FLOP", run, output)


def inputs(size: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns two seeded normal matrices, scaled so that the product's elements have variance 1."""
    pair = np.random.default_rng(seed).standard_normal((2, size, size), dtype=np.float32) / np.float32(size**0.25)
    return pair[0], pair[1]


def reference(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float64]:
    """The same product in double precision."""
    return left.astype(np.float64) @ right.astype(np.float64)


def _torch(left: NDArray[np.float32], right: NDArray[np.float32], dtype: str, device: str) -> tuple[Any, Any]:
    import torch

    a, b = (torch.from_numpy(matrix).to(device=device, dtype=getattr(torch, stored(dtype))) for matrix in (left, right))
    out = torch.empty_like(a)

    def run(n: int) -> None:
        for _ in range(n):
            torch.mm(a, b, out=out)
        synchronize(device)

    def output() -> NDArray[Any]:
        run(1)
        return np.asarray(out.float().cpu().numpy())

    return run, output


def _numpy(left: NDArray[np.float32], right: NDArray[np.float32], dtype: str, device: str) -> tuple[Any, Any]:
    out = np.empty_like(left)

    def run(n: int) -> None:
        for _ in range(n):
            np.matmul(left, right, out=out)

    def output() -> NDArray[Any]:
        run(1)
        return out.copy()

    return run, output
