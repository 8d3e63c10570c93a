"""What every probe kernel hands out: something to run, the work of one call, and its result for comparison."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

Engine = Literal["torch", "numpy"]


@dataclass(frozen=True)
class Probe:
    """A kernel that is ready to be timed; timing is the caller's.

    Attributes:
        name: ``matmul``, ``copy`` or ``dispatch``, and on a GPU ``launch``, ``flush`` or ``gate`` too.
        dtype: Number format.
        engine: The library that executes.
        work: Operations, bytes or calls of one call.
        unit: ``FLOP``, ``B`` or ``call``.
        run: Executes n times and returns when the device is done.
        output: Executes once and returns the result, as float32.
    """

    name: str
    dtype: str
    engine: Engine
    work: float
    unit: str
    run: Callable[[int], None]
    output: Callable[[], NDArray[Any]]


def default_engine() -> Engine:
    """Returns torch where it is installed, else numpy; imports neither."""
    return "torch" if importlib.util.find_spec("torch") else "numpy"


def synchronize(device: str) -> None:
    """Waits until a torch device is done; a CPU always is."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize(device)
