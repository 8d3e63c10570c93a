"""A device on a virtual clock whose latency is a law times a moving level, with faults put in.

What real machines do now and then, this one does on demand and the same way every time, so that steady state, guards,
stopping and estimates can be tested by what they make of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.backends import options as read
from hwcost.backends.base import Backend, Runner
from hwcost.backends.null import Null
from hwcost.backends.virtual import VirtualClock
from hwcost.testing.faults import Faults, LevelPath, draw_blocks
from hwcost.testing.neighbour import Neighbour
from hwcost.timing.telemetry import BlockReading, Telemetry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hwcost.devices import DeviceHandle
    from hwcost.workloads.base import Workload

IGNORED_S = 0.03
"""Seconds of every workload whose configuration is not applied."""

USUAL_HZ = 3e9
BLOCKS_AHEAD = 1024
"""Blocks for which noise is drawn at once; a visit of more begins again."""


class SimDevice(Backend):
    """The law times the level at the present virtual time, and whatever faults there are.

    Options:
        seed: Seed of level and noise (0).
        round_s: Virtual seconds from one round to the next, where rounds are processes of their own (0).
        class_flops: FLOPs from which workloads belong to the next class (none: all are of one class).

        Every field of :class:`hwcost.testing.faults.Faults` is an option too.

    Args:
        threads: Not used.
        options: Options as above.
        faults: All faults at once; options come on top.
        law: Seconds per call of a workload; None for the one of the null backend.
    """

    name = "sim"
    kinds = ("*",)
    uses_processor = False
    option_names = ("seed", "round_s", "class_flops", *(field.name for field in fields(Faults)))

    def __init__(
        self,
        threads: int = 1,
        options: dict[str, Any] | None = None,
        *,
        faults: Faults | None = None,
        law: Callable[[Workload], float] | None = None,
    ) -> None:
        super().__init__(threads, options)
        chosen = {name: value for name, value in self.options.items() if name in {field.name for field in fields(Faults)}}
        self.faults = replace(faults or Faults(), **chosen)
        self.seed = read.integer(self.options, "seed", 0)
        self.round_s = read.number(self.options, "round_s", 0.0)
        self.class_flops = sorted(self.options.get("class_flops", ()))
        self.law_s = law or Null().law_s
        self.time = VirtualClock()
        self.neighbour = Neighbour(self.seed, self.faults.neighbour, self.faults.busy_s, self.faults.idle_s)
        self.runner: SimRunner | None = None

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        """Always available."""
        return True, ""

    def version(self) -> dict[str, str]:
        """The simulation's own version."""
        return {"sim": "1"}

    def level(self, workload: Workload) -> LevelPath:
        """Returns the level that a workload feels."""
        work = workload.work()
        group = 0 if work is None else bisect_right(self.class_flops, work.flops)
        return LevelPath(self.faults, self.seed, group)

    def telemetry(self, handle: DeviceHandle) -> SimTelemetry:
        """Returns the provider of this device's counters; hand it to the visits."""
        return SimTelemetry(handle, self)

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """See the base class."""
        missing_s = self.round * self.round_s - self.time() * 1e-9
        if missing_s > 0:
            self.time.advance(missing_s)
        self.runner = None
        return SimRunner(self, workload)


class SimRunner(Runner):
    """Lets the clock move on by what each run of calls takes; such a run is a block."""

    def __init__(self, device: SimDevice, workload: Workload) -> None:
        super().__init__()
        item = int(workload.key[:16], 16)
        self._device, self._faults = device, device.faults
        self._level = device.level(workload)
        self._law_s = IGNORED_S if device.faults.ignored else device.law_s(workload)
        rng = np.random.default_rng([device.seed, item, device.round, 3])
        self._draws = draw_blocks(device.faults, rng, (1, BLOCKS_AHEAD))
        self._time = device.time
        self._calls = self._blocks = self._since = 0
        self._outputs = [np.random.default_rng(item).standard_normal(4, dtype=np.float32)]
        self.clock = self._read
        self.clock_step_s = device.faults.tick_s or 1e-9
        self.facts = {"law_s": self._law_s}

    def _read(self) -> int:
        step = max(1, round(self._faults.tick_s * 1e9))
        return self._time() // step * step

    def run(self, n: int) -> None:
        """See the base class."""
        if self._device.runner is not self:
            self._device.runner, self._since = self, 0
        log = self._draws.log[0, self._blocks % BLOCKS_AHEAD] + self._level(np.array([self._time() * 1e-9]))[0]
        order = np.arange(n)
        calls = float((self._paces(self._calls + order) * self._after_switch(self._since + order)).sum())
        work_s, now_s = self._law_s * calls * float(np.exp(log)) / (1.0 - self._faults.steal), self._time() * 1e-9
        self._time.advance(self._device.neighbour.ends_s(now_s, work_s) - now_s if self._faults.neighbour else work_s)
        self._calls += n
        self._since += n
        self._blocks += 1

    def idle(self, seconds: float) -> None:
        """See the base class."""
        self._time.advance(seconds)

    def _paces(self, calls: NDArray[np.intp]) -> NDArray[np.float64]:
        """Returns how much longer than usual each call takes by its number."""
        faults = self._faults
        warm = faults.warmup_size * np.exp(-4.0 * calls / faults.warmup) if faults.warmup else 0.0
        swing = np.exp(faults.swing * np.sin(2 * np.pi * calls / faults.swing_calls))
        return np.asarray((1.0 + warm) * swing * (1.0 + faults.slowdown * calls))

    def _after_switch(self, calls: NDArray[np.intp]) -> NDArray[np.float64]:
        """Returns how much longer each call takes by its number since another workload ran."""
        return np.asarray(1.0 + self._faults.switch_size * (calls < self._faults.switch))

    def compile_events(self) -> int:
        """See the base class."""
        return int(0 < self._faults.recompile_at < self._calls)

    def outputs(self) -> list[NDArray[Any]]:
        """Returns four numbers that depend on the workload alone."""
        self.run(1)
        return list(self._outputs)

    def clock_hz(self) -> float | None:
        """Returns the clock of the last block; None where it never drops."""
        if not self._faults.drops:
            return None
        slow = self._blocks > 0 and bool(self._draws.is_dropped[0, (self._blocks - 1) % BLOCKS_AHEAD])
        return USUAL_HZ * (1.0 - self._faults.drop_size * slow)


class SimTelemetry(Telemetry):
    """The clock and the steal of a simulated device, as its faults have them.

    Args:
        handle: Any device.
        device: The simulated device.
    """

    def __init__(self, handle: DeviceHandle, device: SimDevice) -> None:
        super().__init__(handle)
        self._device = device

    def after_block(self) -> BlockReading:
        """See the base class."""
        return BlockReading(clock_hz=None if self._device.runner is None else self._device.runner.clock_hz())

    def end(self) -> dict[str, Any]:
        """See the base class."""
        return {"cpu_steal_fraction": self._device.faults.steal} if self._device.faults.steal else {}
