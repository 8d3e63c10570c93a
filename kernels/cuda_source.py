"""Loads kernels of CUDA source in this folder: compiled on first use in a process, by the compiler that torch brings along."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from hwcost.errors import MeasurementError

PROBES = Path(__file__).with_name("cuda_probes.cu")
"""Source of the kernels that compute nothing."""

Kernel = Callable[..., None]
"""A function that launches a kernel on the present stream; takes ``grid``, ``block`` and ``args`` as torch's loader does."""


@lru_cache(maxsize=None)
def load(name: str, source: Path = PROBES) -> Kernel:
    """Compiles one kernel for the present device.

    Args:
        name: Name of the kernel in the source.
        source: File of CUDA source.

    Raises:
        MeasurementError: When this torch has no compiler of CUDA source (NVRTC, through torch 2.8 or later), or it fails.
    """
    import torch

    compiler: Any = getattr(torch.cuda, "_compile_kernel", None)
    if compiler is None:
        raise MeasurementError(f"torch {torch.__version__} cannot compile CUDA source; releases from 2.8 on can")
    try:
        compiled: Kernel = compiler(source.read_text(encoding="utf-8"), name)
    except (RuntimeError, OSError, AttributeError) as error:  # no NVRTC, or one that is older than the device
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MeasurementError(f"kernel '{name}' cannot be compiled: {first}") from None
    return compiled
