"""What to do where a workload ran out of memory, whichever runtime reports it."""

from __future__ import annotations

import psutil

from hwcost.errors import MeasurementError
from hwcost.units import format_bytes
from hwcost.workloads.base import ITEMSIZES, Workload

_OF_DEVICES = ("cuda", "hbm", "that was not possible")
"""Parts of messages about the memory of a GPU or a TPU."""


def out_of_memory(workload: Workload, error: BaseException) -> MeasurementError:
    """Makes the error to raise: what the workload needs as far as is known, what is free, and what to do."""
    work = workload.work()
    weights = None if work is None else work.params * ITEMSIZES[workload.dtype]
    needs = "its need is unknown" if weights is None else f"its weights alone take {format_bytes(weights)}"
    is_device = any(sign in str(error).lower() for sign in _OF_DEVICES)
    left = "" if is_device else f", {format_bytes(psutil.virtual_memory().available)} of main memory are free"
    cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    than = "" if workload.batch_size is None else f" than {workload.batch_size}"
    return MeasurementError(
        f"'{workload.name}' ran out of memory: {needs}{left} ({cause}). "
        f"Take a smaller batch{than}, or a shorter sequence."
    )
