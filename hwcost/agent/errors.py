"""What goes wrong on purpose, each with the exit status of the runner; the statuses are those of hwcost's command line."""

from __future__ import annotations


class AgentError(Exception):
    """Base of the runner's errors."""

    exit_code = 5


class UsageError(AgentError):
    """The job, or an argument, is wrong; or the runtime cannot execute it."""

    exit_code = 2


class DeviceError(AgentError):
    """The device is absent, lost, or busy."""

    exit_code = 3


class ContextLostError(AgentError):
    """The process can use its device no more; another process may."""

    exit_code = 3


class MeasurementError(AgentError):
    """A workload was executed otherwise than asked for, or cannot be timed; a code may stand first in its text."""

    exit_code = 4


class InterruptedRunError(AgentError):
    """The user stopped the run, which can be resumed."""

    exit_code = 130


SIGNS = (
    "out of memory", "outofmemory", "could not be allocated", "can't allocate memory", "cannot allocate memory", "bad_alloc",
    "failed to allocate memory", "alloc_failed", "is smaller than requested bytes", "resource_exhausted",
    "resource exhausted",
)  # fmt: skip
"""Parts of messages by which runtimes say that memory ran out."""


def is_out_of_memory(error: BaseException) -> bool:
    """Says whether an error means that memory ran out.

    Known are Python's own MemoryError, torch's allocators on CPU and CUDA, the libraries of CUDA, TensorRT, XLA, and ONNX
    Runtime and OpenVINO (``bad_alloc``).
    """
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in SIGNS)


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's text, or the name of its class."""
    lines = str(error).strip().splitlines()
    return lines[0][:400] if lines else type(error).__name__
