"""The backend ``simulator``: a board that is not here, run by the law of its data sheet on a virtual clock."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwcost.backends import Backend, Runner
from hwcost.backends.options import number
from hwcost.backends.virtual import VirtualClock
from hwcost.devices import DeviceHandle, load
from hwcost.errors import UsageError
from hwcost.workloads.base import ITEMSIZES, Workload


class Simulator(Backend):
    """A call takes the longer of its arithmetic and its memory traffic at the board's peak rates, with some noise.

    Options:
        board: Name of the board's profile (example-board).
        noise: Standard deviation of the logarithm of a call's time (0.01).
    """

    name = "simulator"
    kinds = ("cpu",)
    uses_processor = False
    option_names = ("board", "noise")

    def __init__(self, threads: int = 1, options: dict[str, Any] | None = None) -> None:
        super().__init__(threads, options)
        self.board = load(str(self.options.get("board", "example-board")))
        self.noise = number(self.options, "noise", 0.01)
        self.clock = VirtualClock()

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        """Says that nothing needs to be installed; a backend of a runtime looks for its package here."""
        return True, ""

    def version(self) -> dict[str, str]:
        """Returns the versions on which results depend."""
        return {"hwcost-example": "1.0"}

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """Makes a workload ready to run on a device; compiling belongs here."""
        self.check_kind(handle.kind)
        return SimulatedRun(self, workload, self.law_s(workload))

    def law_s(self, workload: Workload) -> float:
        """Returns the seconds of one call without noise."""
        work, peak, bandwidth = workload.work(), self.board.peak(workload.dtype), self.board.memory_bytes_per_s
        if work is None or peak is None or bandwidth is None:
            raise UsageError(
                f"'{workload.name}' cannot be simulated on '{self.board.name}': its work, or the board's peak rates for "
                f"{workload.dtype}, are not known"
            )
        return max(work.flops / peak, work.bytes(ITEMSIZES[workload.dtype]) / bandwidth)


class SimulatedRun(Runner):
    """One workload; the clock moves when it runs."""

    def __init__(self, backend: Simulator, workload: Workload, law_s: float) -> None:
        super().__init__()
        item = int(workload.key[:16], 16)
        self._rng = np.random.default_rng([item, backend.round])
        self._law_s, self._noise, self._advance = law_s, backend.noise, backend.clock.advance
        self._outputs = np.random.default_rng(item).standard_normal(4, dtype=np.float32)
        self.clock, self.clock_step_s = backend.clock, 1e-9
        self.facts = {"board": backend.board.name, "law_s": law_s}

    def run(self, n: int) -> None:
        """Runs the workload n times and returns when the device is done."""
        self._advance(self._law_s * float(np.exp(self._noise * self._rng.standard_normal(n)).sum()))

    def outputs(self) -> list[np.ndarray[Any, Any]]:
        """Returns the outputs of one call, with which backends are compared; here numbers without a meaning."""
        self.run(1)
        return [self._outputs]

    def idle(self, seconds: float) -> None:
        """Lets the clock move; a backend on the real clock leaves this method out."""
        self._advance(seconds)
