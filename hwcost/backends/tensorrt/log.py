"""What TensorRT reports while it starts, parses, builds and runs: the reasons of failures."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from hwcost.errors import DeviceError


@lru_cache(maxsize=2)
def log_of(trt: Any) -> Any:
    """Returns the logger of a package; TensorRT takes one a process and ignores further ones.

    Its ``errors`` are the texts of what went wrong since ``forget()``.
    """

    class Log(trt.ILogger):  # type: ignore[misc]
        """Keeps errors and drops the rest."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, text: str) -> None:
            """Takes one report of TensorRT's."""
            if severity in (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR):
                self.errors.append(text)

        def forget(self) -> None:
            """Forgets what was reported."""
            self.errors.clear()

        def reason(self) -> str:
            """Returns the first error since then."""
            return self.errors[0].strip() if self.errors else "TensorRT gives no reason"

    return Log()


def started(make: Callable[[Any], Any], log: Any) -> Any:
    """Makes a builder or a runtime of TensorRT's, which uses the GPU.

    Args:
        make: Its class, which raises TypeError for want of an object where TensorRT makes none.
        log: Logger of the package.

    Raises:
        DeviceError: When CUDA does not start, as with a driver that is older than TensorRT's release of CUDA.
    """
    try:
        return make(log)
    except TypeError:
        raise DeviceError(
            f"TensorRT cannot start: {log.reason()}. Look whether the driver is new enough for its release of CUDA "
            "(nvidia-smi); tensorrt-cu12 and tensorrt-cu13 are for CUDA 12 and 13."
        ) from None
