"""Whether a process of a campaign that says nothing is still at work, by looks at it and its children."""

from __future__ import annotations

from contextlib import suppress

from hwcost.agent import silence
from hwcost.agent.silence import Look
from hwcost.devices import device_kind

__all__ = ["Silence"]


class Silence(silence.Silence):
    """How long a process has said nothing and made no progress; see :mod:`hwcost.agent.silence`."""

    @classmethod
    def of_host(cls, pid: int) -> Silence:
        """Returns that of a process that works for a campaign on the processor, whatever is measured."""
        stall_s = device_kind("cpu").stall_s
        assert stall_s is not None
        return cls(pid, stall_s)

    def look(self) -> Look:
        """See the base class; a process that has ended does nothing."""
        return seen(self._pid)


def seen(pid: int) -> Look:
    """Looks at a process and its children; one that has ended does nothing."""
    import psutil

    try:
        process = psutil.Process(pid)
        status, family = process.status(), [process, *process.children(recursive=True)]
    except psutil.Error:
        return Look(False, False, 0.0)
    cpu_s = 0.0
    for one in family:
        with suppress(psutil.Error):
            times = one.cpu_times()
            cpu_s += times.user + times.system + times.children_user + times.children_system
    is_stopped = status in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    return Look(is_stopped, status in (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP), cpu_s)
