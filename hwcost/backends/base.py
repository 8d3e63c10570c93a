"""The contract of a backend: it prepares a workload once and then runs it, without any statistics.

A worker process makes one backend, prepares one workload at a time, and closes each runner before the next. All timing,
warming up and judging is done by ``hwcost.timing``; a backend never reads a clock.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from time import sleep
from typing import TYPE_CHECKING, Any, ClassVar

from hwcost.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from hwcost.devices.profile import DeviceProfile
    from hwcost.workloads.base import Workload


class Runner(ABC):
    """A workload that is ready to run.

    Attributes:
        clock: None for real time. A backend on a virtual clock sets a function that returns nanoseconds.
        clock_step_s: Seconds by which that clock moves on at the least.
        facts: Plain JSON about what really runs (providers, precision, graph rewrites), kept in the record.
    """

    clock: Callable[[], int] | None = None
    clock_step_s: float = 1e-9
    facts: dict[str, Any]

    def __init__(self) -> None:
        self.facts = {}

    @abstractmethod
    def run(self, n: int) -> None:
        """Executes the workload n times and returns when the device is done."""

    @abstractmethod
    def outputs(self) -> list[np.ndarray[Any, Any]]:
        """Executes once and returns all outputs as float32 (or integer) numpy arrays, for comparing backends."""

    def idle(self, seconds: float) -> None:
        """Lets time pass between two calls; a backend on a virtual clock lets that clock move on instead."""
        sleep(seconds)

    def compile_events(self) -> int:
        """Counts compilations so far; a rise inside a timed region makes the visit void."""
        return 0

    def state(self) -> dict[str, Any]:
        """Tells what the device is doing at this moment; asked for between timed blocks, never within one.

        Returns:
            What the backend can tell quickly, of: ``clock_hz``, ``temperature_celsius``, ``throttle_reasons``,
            ``foreign_pids`` (other processes that compute on the device), ``enqueue_s`` and ``device_s`` (host and device
            seconds per call), and counters by the names in ``hwcost.timing.conditions``.
        """
        return {}

    def close(self) -> None:  # noqa: B027 - a runner may have nothing to free
        """Frees what the runner holds; it is not used afterwards."""


class Backend(ABC):
    """A runtime that executes workloads.

    Args:
        threads: Intra-operator threads.
        options: The backend's own options by name, from ``--backend-option``.

    Raises:
        UsageError: When an option is unknown; lists the known ones.
        MissingExtraError: When the runtime is not installed; names the extra.
    """

    name: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]] = ("cpu",)
    """Kinds of device it runs on."""
    extra: ClassVar[str | None] = None
    """The extra that installs it."""
    option_names: ClassVar[tuple[str, ...]] = ()
    uses_processor: ClassVar[bool] = True
    """Whether it keeps CPUs of this machine busy; campaigns of a synthetic backend do not, so they hold no CPUs."""
    round: int = 0
    """Number of the campaign's round that this process belongs to; synthetic backends seed their noise with it."""

    def __init__(self, threads: int = 1, options: dict[str, Any] | None = None) -> None:
        self.threads = threads
        if threads < 1:
            raise UsageError(f"the number of threads must be at least 1, got {threads}")
        self.options = dict(options or {})
        self.check_options(self.options)

    @classmethod
    def check_options(cls, options: dict[str, Any]) -> None:
        """Raises UsageError for an option that the backend does not have; lists those it has."""
        unknown = sorted(set(options) - set(cls.option_names))
        if unknown:
            known = ", ".join(cls.option_names) or "none"
            raise UsageError(f"backend '{cls.name}' has no option '{unknown[0]}'. Known: {known}")

    @classmethod
    @abstractmethod
    def availability(cls) -> tuple[bool, str]:
        """Says whether the runtime is installed, and if not why, without importing anything heavy."""

    @abstractmethod
    def version(self) -> dict[str, str]:
        """Returns the versions that matter for comparing results, by package name."""

    @abstractmethod
    def prepare(self, workload: Workload, device: DeviceProfile) -> Runner:
        """Builds, compiles and places a workload.

        Raises:
            UsageError: When the backend cannot run this kind of workload, dtype or device.
            MeasurementError: When it runs, but not as asked for (another provider, another precision).
        """
