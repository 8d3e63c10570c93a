"""A process of a job folder's run: what all its workloads are measured with, and what becomes of one that raised."""

from __future__ import annotations

from typing import Any

from . import timer
from .arrival import Arrival
from .errors import DeviceError, MeasurementError, UsageError, first_line, is_out_of_memory
from .groups import Process
from .member import Member
from .memory import DeviceMemory, Memory
from .rules import JobRules


class JobProcess(Process):
    """A process of a job folder's run.

    Args:
        task: The task of the process: job, number of the round, limits.
        runtime: Runtime that executes.
        counters: Counters of host and device.
    """

    fatal = (UsageError, DeviceError)

    def __init__(self, task: dict[str, Any], runtime: Any, counters: Any) -> None:
        job = task["job"]
        self.runtime, self.counters, self.round, self.seed = runtime, counters, task["round"], job["seed"]
        self.protocol = JobRules(job["protocol"], Arrival(**job["arrival"]))
        self.cache_bytes = job["device"]["cache_bytes"]
        self.began_s, self.round_s, self.current_fd = task["began_s"], task["round_s"], task["current_fd"]
        self.memory, self.device_memory = Memory(task["memory_bytes"]), DeviceMemory(self._device_bytes)

    def age_s(self) -> float:
        """See the base class."""
        return timer.campaign_s() - self.began_s

    def now_s(self) -> float:
        """See the base class."""
        return timer.campaign_s()

    def prepare(self, workload: dict[str, Any], position: int) -> Member:
        """See the base class."""
        preparing = timer.stopwatch()
        runner = self.runtime.prepare(workload)
        try:
            return Member(self, workload, position, preparing(), runner)
        except BaseException:
            runner.close()
            raise

    def is_out_of_memory(self, error: Exception) -> bool:
        """See the base class."""
        return is_out_of_memory(error)

    def failed_visit(self, workload: dict[str, Any], position: int, error: Exception) -> dict[str, Any]:
        """Returns the event of a workload that raised.

        Raises:
            DeviceError: When it failed because the device is gone.
            ContextLostError: When nothing further can run on the device in this process.
        """
        self.counters.check()
        if hasattr(self.runtime, "check_alive"):
            self.runtime.check_alive()
        code, text = "E_FAILED", "'%s' failed: %s: %s" % (workload["name"], type(error).__name__, first_line(error))
        if is_out_of_memory(error):
            text = "'%s' ran out of memory: %s. Take a smaller batch, or a shorter sequence." % (
                workload["name"], first_line(error),
            )  # fmt: skip
        elif isinstance(error, MeasurementError):
            code, colon, rest = str(error).partition(": ")
            code, text = (code, rest) if colon and code.startswith("E_") else ("E_FAILED", str(error))
        return failure(workload["key"], self.round, position, code, text)

    def _device_bytes(self) -> int | None:
        """Returns the free bytes of a card, with those that the runtime keeps for later; None where they are unknown."""
        free = self.counters.free_bytes()
        kept = self.runtime.kept_bytes() if hasattr(self.runtime, "kept_bytes") else 0
        return None if free is None else free + kept


def failure(key: str, number: int, position: int, code: str, text: str, remedy: str = "") -> dict[str, Any]:
    """Returns the event of a visit without samples, with its reason."""
    flag = {"code": code, "text": text[:2000], "remedy": remedy}
    visit = {"workload_key": key, "round": number, "position": position, "started_at": timer.utc_now()}
    return {"event": "visit", "visit": {**visit, "status": "failed", "flags": [flag]}}
