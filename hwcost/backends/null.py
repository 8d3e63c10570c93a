"""A device that exists only as a law: for tests, and for trying a campaign without measuring anything.

One call takes ``overhead_s + max(flops / flops_per_s, bytes / bytes_per_s)``, times log-normal noise. The first call after
an idle time ``t`` takes ``1 + idle_penalty * (1 - exp(-t / idle_s))`` times as long.
"""

from __future__ import annotations

from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.backends import options as read
from hwcost.backends.base import Backend, Runner
from hwcost.backends.cache import cache_dir
from hwcost.backends.virtual import VirtualClock
from hwcost.errors import MeasurementError, UnsuitedError
from hwcost.workloads.base import ITEMSIZES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hwcost.devices.handle import DeviceHandle
    from hwcost.spaces.accounting import Work
    from hwcost.workloads.base import Workload


class Null(Backend):
    """The law on a virtual clock; equal options and rounds give equal numbers.

    Options:
        seed: Seed of the noise (0).
        noise: Standard deviation of the logarithm of every call (0.01).
        process_noise: Standard deviation of the logarithm of a factor that a workload keeps through a round, that is,
            through a process (0).
        overhead_s: Time of a call that does nothing (1e-5).
        flops_per_s: Rate of operations (1e11).
        bytes_per_s: Rate of memory traffic (2e10).
        idle_penalty: Share by which the first call after a long idle time takes longer (0).
        idle_s: Idle seconds after which 63 % of that are reached (0.01).
        realtime: Really sleep that long, on the real clock (false).
        fail: Name of a workload that cannot be prepared (none).
        export_s: Real seconds that the export of a workload takes, whose file is kept as that of a real runtime (0, no
            exports).
    """

    name = "null"
    kinds = ("*",)
    uses_processor = False
    fork_imports = ()
    option_names = (
        "seed",
        "noise",
        "process_noise",
        "overhead_s",
        "flops_per_s",
        "bytes_per_s",
        "idle_penalty",
        "idle_s",
        "realtime",
        "fail",
        "export_s",
    )

    def __init__(self, threads: int = 1, options: dict[str, Any] | None = None) -> None:
        super().__init__(threads, options)
        given = self.options
        self.seed = read.integer(given, "seed", 0)
        self.noise = read.number(given, "noise", 0.01)
        self.process_noise = read.number(given, "process_noise", 0.0)
        self.overhead_s = read.number(given, "overhead_s", 1e-5)
        self.flops_per_s = read.number(given, "flops_per_s", 1e11, least=1.0)
        self.bytes_per_s = read.number(given, "bytes_per_s", 2e10, least=1.0)
        self.idle_penalty = read.number(given, "idle_penalty", 0.0)
        self.idle_s = read.number(given, "idle_s", 0.01, least=1e-9)
        self.realtime = read.switch(given, "realtime", False)
        self.export_s = read.number(given, "export_s", 0.0)
        self.clock = VirtualClock()

    @classmethod
    def is_virtual(cls, options: dict[str, Any]) -> bool:
        """Whether the option ``realtime`` is off."""
        return not read.switch(options, "realtime", False)

    @classmethod
    def check_workload(cls, workload: Workload) -> None:
        """See the base class; the law is one of the work of a call."""
        _work(workload)

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        """Always available."""
        return True, ""

    def version(self) -> dict[str, str]:
        """The law's own version."""
        return {"null": "1"}

    def law_s(self, workload: Workload) -> float:
        """Returns the latency without noise.

        Raises:
            UnsuitedError: When the workload's amount of work is unknown.
        """
        work = _work(workload)
        traffic_s = work.bytes(ITEMSIZES[workload.dtype]) / self.bytes_per_s
        return self.overhead_s + max(work.flops / self.flops_per_s, traffic_s)

    def needs_export(self, workload: Workload) -> bool:
        """See the base class."""
        return self.export_s > 0 and not self._file(workload).exists()

    def export(self, workload: Workload) -> None:
        """Takes the time of an export, and keeps an empty file; the workload that fails cannot be exported either."""
        if workload.name == self.options.get("fail"):
            raise MeasurementError(f"'{workload.name}' cannot be exported, as option 'fail' asks for")
        sleep(self.export_s)
        self._file(workload).touch()

    def _file(self, workload: Workload) -> Path:
        return cache_dir("null") / f"{workload.key[:32]}.export"

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """See the base class."""
        if self.needs_export(workload):
            self.export(workload)
        if workload.name == self.options.get("fail"):
            raise MeasurementError(f"'{workload.name}' failed, as option 'fail' asks for")
        return NullRunner(self, workload)


def _work(workload: Workload) -> Work:
    """Returns the work of a call.

    Raises:
        UnsuitedError: When it is unknown.
    """
    work = workload.work()
    if work is None:
        raise UnsuitedError(f"the null backend needs to know the work of '{workload.name}', which is unknown")
    return work


class NullRunner(Runner):
    """Draws every call's latency and lets the clock move on by it."""

    def __init__(self, backend: Null, workload: Workload) -> None:
        super().__init__()
        item = int(workload.key[:16], 16)
        self._rng = np.random.default_rng([backend.seed, item, backend.round])
        factor = self._rng.standard_normal() * backend.process_noise
        law_s = backend.law_s(workload)
        self._latency_s = law_s * float(np.exp(factor))
        self._noise = backend.noise
        self._clock = backend.clock
        self._penalty, self._idle_s, self._rested = backend.idle_penalty, backend.idle_s, 0.0
        self._sleeps = backend.realtime
        self._outputs = [np.random.default_rng(item).standard_normal(4, dtype=np.float32)]
        if not backend.realtime:
            self.clock, self.clock_step_s = backend.clock, 1e-9
        self.facts = {"law_s": law_s, "realtime": backend.realtime}

    def run(self, n: int) -> None:
        """See the base class."""
        factors = np.exp(self._rng.standard_normal(n) * self._noise)
        factors[0] *= 1.0 + self._penalty * -np.expm1(-self._rested / self._idle_s)
        self._rested = 0.0
        self._pass(float(factors.sum()) * self._latency_s)

    def idle(self, seconds: float) -> None:
        """See the base class."""
        self._rested += seconds
        self._pass(seconds)

    def _pass(self, seconds: float) -> None:
        if self._sleeps:
            sleep(seconds)
        else:
            self._clock.advance(seconds)

    def outputs(self) -> list[NDArray[Any]]:
        """Returns four numbers that depend on the workload alone."""
        self.run(1)
        return list(self._outputs)
