"""The machine that runs a suite, as its runs know it: machines that share a store must not take over each other's runs."""

from __future__ import annotations

from hwcost.devices.host_cpu import detect_cpu
from hwcost.stores.runs import Run

__all__ = ["MACHINE", "is_of_machine", "machine"]

MACHINE = "machine"
"""Name, in the ``extra`` of a run, of the key of the machine that ran it."""


def machine() -> str:
    """Returns the key of this machine, which is that of its processor; equal machines have equal keys."""
    return detect_cpu().key


def is_of_machine(run: Run, key: str) -> bool:
    """Says whether a run is of the machine with a key, or does not know its machine."""
    return bool(run.extra.get(MACHINE, key) == key)
