"""The device on which torch computes, for commands that train or run nets."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hwcost.errors import DeviceError, MissingExtraError, UsageError

Device = Annotated[str, typer.Option("--device", "-d", help="Device on which torch computes: cpu or cuda.")]


def check_torch() -> None:
    """Raises MissingExtraError where torch is not installed."""
    try:
        import torch  # noqa: F401
    except ImportError:
        raise MissingExtraError("torch", "torch") from None


def check_device(device: str) -> None:
    """Checks that torch can compute on a device.

    Raises:
        DeviceError: When it is ``cuda``, and no CUDA device is here.
        MissingExtraError: When torch is not installed.
        UsageError: When it is another one.
    """
    check_torch()
    import torch

    if device not in ("cpu", "cuda"):
        raise UsageError(f"torch computes on cpu or cuda here, got '{device}'")
    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceError("no CUDA device is here, or torch was built without CUDA; --device cpu works everywhere")


def set_threads(threads: int | None) -> None:
    """Sets torch's number of threads; None leaves it.

    Raises:
        UsageError: When it is below 1.
    """
    import torch

    if threads is None:
        return
    if threads < 1:
        raise UsageError(f"torch needs at least one thread, got {threads}")
    torch.set_num_threads(threads)


def peak_memory_bytes(device: str) -> int:
    """Returns the most memory that was in use: on the GPU, or by this process."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
