"""What becomes of a workload that raised: a visit without samples, with the reason."""

from __future__ import annotations

from typing import Any

import psutil

from hwcost._imports import own_place
from hwcost.agent import errors
from hwcost.backends.causes import call_advice, plain_cause
from hwcost.errors import HwcostError, MeasurementError
from hwcost.timing import timer
from hwcost.timing.measurement import Flag, Visit
from hwcost.timing.setting import Setting
from hwcost.units import format_bytes
from hwcost.workloads.base import ITEMSIZES, Workload

_OF_DEVICES = ("cuda", "hbm", "that was not possible")
"""Parts of messages about the memory of a GPU or a TPU."""


def failed_visit(setting: Setting, workload: Workload, position: int, error: Exception) -> dict[str, Any]:
    """Returns the event of a workload that raised.

    Args:
        setting: Device, runtime and protocol of the process.
        workload: The workload.
        position: Its number in the round's order.
        error: Exception that it raised.

    Raises:
        DeviceLostError: When it failed because the device is gone, or can no longer be used in this process.
    """
    setting.telemetry.check()
    setting.backend.check_alive(setting.handle)
    flags = (_reason(workload, error),)
    visit = Visit(workload.key, setting.round, position, started_at=timer.utc_now(), status="failed", flags=flags)
    return {"event": "visit", "visit": visit.to_dict()}


def is_out_of_memory(error: Exception) -> bool:
    """Says whether a workload raised because memory ran out, whichever runtime reports it."""
    return errors.is_out_of_memory(_raised(error))


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


def _raised(error: Exception) -> BaseException:
    """Returns what a user's factory raised, where that is the cause."""
    return error.__cause__ if isinstance(error, MeasurementError) and error.__cause__ else error


def _of_code(error: Exception) -> str:
    """Returns what code that is not the library's raised: the reason, its place in the user's files, and what helps."""
    cause = plain_cause(error)
    helps = call_advice(cause)
    return f"{type(error).__name__}: {cause}{own_place(error)}" + (f".{helps}" if helps else "")


def _reason(workload: Workload, error: Exception) -> Flag:
    raised = _raised(error)
    if is_out_of_memory(error) and not isinstance(raised, HwcostError):
        error = out_of_memory(workload, raised)
    text = str(error) if isinstance(error, HwcostError) else _of_code(error)
    if isinstance(error, MeasurementError) and text.startswith("E_"):
        code, _, text = text.partition(": ")
        return Flag(code, text)
    return Flag("E_FAILED", f"'{workload.name}' failed: {text[:2000]}")
