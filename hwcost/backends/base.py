"""The contract of a backend: it prepares a workload once and then runs it, without any statistics.

A worker process makes one backend and prepares as many workloads as memory holds; they run in turn, a block each, and are
closed before others are prepared. Warming up, block lengths, statistics and what the machine does meanwhile belong to
``hwcost.timing``, which also hands over the clock.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from time import sleep
from typing import TYPE_CHECKING, Any, ClassVar

from hwcost.agent.blocks import BlockTiming
from hwcost.agent.timer import sliced_timing
from hwcost.errors import UnsuitedError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from hwcost.devices.handle import DeviceHandle
    from hwcost.workloads.base import Workload

__all__ = ["Backend", "BlockTiming", "Runner"]


class Runner(ABC):
    """A workload that is ready to run.

    Attributes:
        clock: Function that returns nanoseconds. A backend on a virtual clock sets its own; for the others ``hwcost.timing``
            sets the machine's monotonic clock before the first block.
        clock_step_s: Seconds by which a virtual clock moves on at the least; None on the machine's, whose step is measured.
        facts: Plain JSON about what really runs (providers, precision, graph rewrites), kept in the record.
        first_run_s: Seconds of the first run, where the backend made it to check the outputs; None before any run.
    """

    clock: Callable[[], int] | None = None
    clock_step_s: float | None = None
    facts: dict[str, Any]
    first_run_s: float | None = None
    _is_sliced = False

    def __init__(self) -> None:
        self.facts = {}

    @abstractmethod
    def run(self, n: int) -> None:
        """Executes the workload n times and returns when the device is done."""

    def time_block(self, n: int) -> BlockTiming:
        """Executes the workload n times and returns how long that took.

        A runner of a device with a clock of its own extends this one, and returns that clock's seconds too.
        """
        assert self.clock is not None, "hwcost.timing.timer.clock_of(runner) hands a runner its clock"
        if self._is_sliced:
            return self._in_slices(self.run, n)
        start = self.clock()
        self.run(n)
        return BlockTiming((self.clock() - start) * 1e-9)

    def _in_slices(self, run: Callable[[int], None], n: int) -> BlockTiming:
        """Times n calls slice by slice."""
        assert self.clock is not None
        return sliced_timing(run, n, self.clock)

    def time_slices(self) -> None:
        """Lets blocks be timed slice by slice from now on, where a call has returned only when the device is done with it.

        Then blocks have the seconds per call of the quick slices as well (``quick_s``, ``quickest_s``).
        """
        self._is_sliced = True

    def time_layers(self) -> None:  # noqa: B027 - most runtimes do not tell
        """Lets blocks of a single call tell the seconds of its layers from now on, where that costs next to nothing."""

    @abstractmethod
    def outputs(self) -> list[np.ndarray[Any, Any]]:
        """Executes once and returns all outputs as float32 (or integer) numpy arrays, for comparing backends."""

    def idle(self, seconds: float) -> None:
        """Lets time pass between two calls; a backend on a virtual clock lets that clock move on instead."""
        sleep(seconds)

    def compile_events(self) -> int:
        """Counts compilations so far; a rise inside a timed region makes the visit void."""
        return 0

    def empty_caches(self, cache_bytes: int) -> bool:
        """Lets the next call find nothing of its own in the device's caches; never called within a timed block.

        Args:
            cache_bytes: Size of the device's last cache.

        Returns:
            Whether that was done; false where there is no way to, or no cache.
        """
        return False

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
    """Names of the kinds of device that it runs on; ``*`` is any kind, for a synthetic backend."""
    extra: ClassVar[str | None] = None
    """The extra that installs it."""
    option_names: ClassVar[tuple[str, ...]] = ()
    uses_processor: ClassVar[bool] = True
    """Whether it keeps CPUs of this machine busy. A synthetic backend does not: its campaigns hold no CPUs, and the
    counters of the CPUs are not read while it is timed."""
    holds_many: ClassVar[bool] = True
    """Whether several workloads can be ready to run at once; if not, they are measured one after another."""
    fork_imports: ClassVar[tuple[str, ...] | None] = None
    """Modules that a process imports before workers are forked from it; None where they cannot be forked, and each is
    started anew. Modules that start threads, or use a device, are left out, and so imported by the workers. Subclasses do
    not inherit it: each says for itself that forked workers measure what others do."""
    runs_modules_only: ClassVar[bool] = False
    """Whether it runs torch modules alone, and no files."""
    shares_weights: bool = True
    """Whether nets of the library's own spaces may have matrices in common, as they may where nobody watches memory. A
    runtime that loads files may then find other numbers in them than eager torch does."""
    export_s: float = 4.0
    """Seconds that an export takes beside others on one core, for forecasts; see :meth:`needs_export`."""
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
    def is_virtual(cls, options: dict[str, Any]) -> bool:
        """Says whether measured time passes on a virtual clock, so that a visit takes next to none of the real one."""
        return False

    def watched_allocator(self, handle: DeviceHandle) -> Callable[[], int] | None:
        """Begins to watch the runtime's allocator of a device's memory.

        Args:
            handle: Device whose memory it is.

        Returns:
            Function that returns the most bytes that it has held since, beyond what it held before; None where the runtime
            does not tell.
        """
        return None

    @classmethod
    @abstractmethod
    def availability(cls) -> tuple[bool, str]:
        """Says whether the runtime is installed, and if not why, without importing anything heavy."""

    @classmethod
    def check_kind(cls, kind: str) -> None:
        """Raises UsageError for a kind of device that the backend does not run on; lists those that it does."""
        if kind not in cls.kinds and "*" not in cls.kinds:
            raise UsageError(f"backend '{cls.name}' runs on {' and '.join(cls.kinds)}, not on a device of kind {kind}")

    @classmethod
    def check_workload(cls, workload: Workload) -> None:
        """Checks before anything is measured that the backend runs workloads of this kind.

        Raises:
            UnsuitedError: When it runs none of them, whatever their size.
        """
        if cls.runs_modules_only and not workload.is_module:
            known = f": {', '.join(workload.runtimes)}" if workload.runtimes else ""
            raise UnsuitedError(
                f"'{workload.name}' is not a torch module, and backend '{cls.name}' runs nothing else; use a backend that "
                f"runs {workload.kind} workloads{known}"
            )

    def free_bytes(self) -> int | None:
        """Returns the bytes that further workloads may take of the device's own memory; None where it has none."""
        return None

    def check_alive(self, handle: DeviceHandle) -> None:  # noqa: B027 - most runtimes outlive a workload that failed
        """Checks that the runtime can carry on in this process; asked for after a workload has failed.

        Raises:
            DeviceLostError: When no further workload can run in this process.
        """

    def needs_export(self, workload: Workload) -> bool:
        """Says whether preparing a workload would first make a file that is kept for later processes, and is not there."""
        return False

    def export(self, workload: Workload) -> None:  # noqa: B027 - most runtimes keep no files
        """Makes that file without a device, so that a process that prepares the workload finds it.

        Raises:
            MeasurementError: When the workload cannot be exported.
        """

    @abstractmethod
    def version(self) -> dict[str, str]:
        """Returns the versions that matter for comparing results, by package name."""

    @abstractmethod
    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """Builds and compiles a workload on a device.

        Args:
            workload: Workload that is to run.
            handle: Device that it runs on. A process that measures is pinned to it, so that a runtime sees it as the first,
                and only, device of its kind.

        Raises:
            UsageError: When the backend cannot run this kind of workload, dtype or device.
            MeasurementError: When it runs, but not as asked for (another provider, another precision).
        """
