"""No runtime at all: calls take the time of a law on a virtual clock, for trying a job out and for tests."""

from __future__ import annotations

import math
import random
from time import sleep
from typing import Any

from .blocks import BlockTiming
from .errors import MeasurementError
from .timer import Clock


class NullRuntime:
    """Draws every call's latency around the law that the job holds for each workload.

    Args:
        job: The job; its backend's options ``seed``, ``noise``, ``realtime`` and ``fail`` apply.
        folder: Folder of the job.
        device: Device that is measured on.
    """

    uses_processor = False

    def __init__(self, job: dict[str, Any], folder: str, device: Any) -> None:
        self.options = job["backend_options"]
        self.is_real = str(self.options.get("realtime", False)).lower() in ("true", "1", "yes")
        self.now_ns, self.round = 0.0, 0

    def versions(self) -> dict[str, str]:
        """Version of the law."""
        return {"null": "1"}

    def prepare(self, workload: dict[str, Any]) -> NullRunner:
        """Makes a runner of the workload's law."""
        if workload["name"] == self.options.get("fail"):
            raise MeasurementError("'%s' failed, as option 'fail' asks for" % workload["name"])
        return NullRunner(self, workload)


class NullRunner:
    """Lets the clock move on by the time of every call."""

    def __init__(self, runtime: NullRuntime, workload: dict[str, Any]) -> None:
        options = runtime.options
        self._runtime, self._latency_s, self._noise = runtime, workload["law_s"], float(options.get("noise", 0.01))
        self._random = random.Random("%s/%s/%d" % (options.get("seed", 0), workload["key"], runtime.round))
        self.facts = {"law_s": self._latency_s, "realtime": runtime.is_real}
        self.read_ns = None if runtime.is_real else self._read_ns

    def run(self, calls: int) -> None:
        """Lets the time of a number of calls pass."""
        spread = self._noise / math.sqrt(calls)
        self.idle(calls * self._latency_s * math.exp(self._random.gauss(0.0, spread)))

    def time_block(self, calls: int) -> BlockTiming:
        """Lets the time of a number of calls pass, and returns it."""
        read_ns = Clock(self.read_ns).read_ns
        start = read_ns()
        self.run(calls)
        return BlockTiming((read_ns() - start) * 1e-9)

    def idle(self, seconds: float) -> None:
        """Lets time pass."""
        if self._runtime.is_real:
            sleep(seconds)
        else:
            self._runtime.now_ns += seconds * 1e9

    def empty_caches(self, cache_bytes: int) -> bool:
        """There are no caches."""
        return False

    def close(self) -> None:
        """Frees nothing."""

    def _read_ns(self) -> int:
        return int(self._runtime.now_ns)
