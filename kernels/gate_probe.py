"""Seconds to hold a GPU's stream back and to let it go on: what timing behind a gate costs the host."""

from __future__ import annotations

from hwcost.kernels.gate import Gate
from hwcost.kernels.launch_probe import nothing
from hwcost.kernels.probe_base import Probe, synchronize


def prepare(device: str) -> Probe:
    """Prepares a gate that is shut and opened at once.

    Args:
        device: torch's name of the GPU, which is the present one.

    Returns:
        A probe whose work is one call.

    Raises:
        MeasurementError: When the kernel cannot be compiled.
    """
    gate = Gate()

    def run(n: int) -> None:
        for _ in range(n):
            gate.shut()
            gate.open()
            synchronize(device)

    return Probe("gate", "none", "torch", 1.0, "call", run, nothing)
