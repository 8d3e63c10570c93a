"""The memory of a process that measures for a campaign, see :mod:`hwcost.agent.memory`; it is read by psutil."""

from __future__ import annotations

import psutil

from hwcost.agent import cgroups, memory


class Memory(memory.Memory):
    """The growth of this process's resident memory; see the base class."""

    def resident_bytes(self) -> int:
        """See the base class."""
        return int(psutil.Process().memory_info().rss)

    def free_bytes(self) -> int:
        """See the base class."""
        return free_bytes()


def free_bytes() -> int:
    """Returns the bytes that are free to this process: on this machine, and within the limits of its control groups."""
    return min([psutil.virtual_memory().available, *cgroups.memory_left()])
