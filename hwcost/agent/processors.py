"""The processors of this machine: which ones this process may use, which of them share a core, and how busy each one is."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Mapping, Sequence

from .files import text, text_or_empty

ROOT = Path("/")
TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
IDLE = (3, 4)
"""Fields of a CPU's line in ``/proc/stat`` in which it did nothing: idle, and waiting for a disk."""
STEAL = 7
INTEL_KINDS = ("sys/devices/cpu_core/cpus", "sys/devices/cpu_atom/cpus", "sys/devices/cpu_lowpower/cpus")
"""Files with the CPUs of each kind of core of Intel's hybrid processors, the quickest first; others have none of them."""
FIELDS = 8
"""Fields that add up to all of a CPU's time; the time of guests is part of the first two."""


@dataclass(frozen=True)
class Core:
    """A physical core.

    Attributes:
        usable: Its logical CPUs that this process may use, ascending.
        siblings: All its logical CPUs, ascending: what runs on one of them slows the others down. In a virtual machine that
            does not show which threads share a core, CPUs 2k and 2k + 1 may, and so they count as one core.
        quicker_kinds: Number of kinds of core here that are quicker, as the kernel says; 0 where all are alike.
    """

    usable: tuple[int, ...]
    siblings: tuple[int, ...]
    quicker_kinds: int = 0


@dataclass(frozen=True)
class CpuTimes:
    """Seconds of a logical CPU since the machine was started.

    Attributes:
        total_s: All seconds.
        busy_s: Seconds in which it worked, or was kept from working by a hypervisor.
        steal_s: Seconds that a hypervisor took.
    """

    total_s: float
    busy_s: float
    steal_s: float

    def busy_since(self, before: CpuTimes) -> float:
        """Returns the share of the time since an earlier reading in which the CPU was busy."""
        total_s = self.total_s - before.total_s
        return (self.busy_s - before.busy_s) / total_s if total_s > 0 else 0.0


def allowed() -> list[int]:
    """Returns the logical CPUs that this process may use, ascending; all of them where affinity is unknown."""
    try:
        return sorted(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # macOS has no affinity, and a container may refuse to tell
        return list(range(os.cpu_count() or 1))


def bind(cpus: Iterable[int]) -> str:
    """Binds this process to logical CPUs, where the system and the container let it.

    Args:
        cpus: Logical CPUs.

    Returns:
        Reason why it could not be bound, and goes on where it was; empty where it was bound.
    """
    try:
        os.sched_setaffinity(0, cpus)
    except AttributeError:
        return f"{sys.platform} binds no process to CPUs"
    except OSError as error:
        return f"the system refuses to bind a process to CPUs: {error.strerror}"
    return ""


def cores(cpus: Iterable[int], root: Path = ROOT) -> list[Core]:
    """Groups logical CPUs by the core that they are part of; where siblings are unknown each one is a core.

    Args:
        cpus: Logical CPUs that this process may use.
        root: Folder in which ``proc`` and ``sys`` lie; tests pass a tree of their own.
    """
    usable: dict[tuple[int, ...], list[int]] = {}
    for cpu in sorted(cpus):
        usable.setdefault(_siblings(cpu, root), []).append(cpu)
    kinds = _kinds([cpu for members in usable.values() for cpu in members], root)
    return [Core(tuple(members), siblings, kinds.get(members[0], 0)) for siblings, members in usable.items()]


def quickest(cores: Iterable[Core], wanted: int) -> list[Core]:
    """Returns the cores of the quickest kinds that have so many together; all of them where there are fewer.

    A latency on a slower kind of core is another one, whichever are idle at the moment.
    """
    found = sorted(cores, key=lambda core: core.quicker_kinds)
    return [core for core in found if core.quicker_kinds <= found[min(wanted, len(found)) - 1].quicker_kinds]


def times(root: Path = ROOT) -> dict[int, CpuTimes]:
    """Returns the times of every logical CPU that is on; empty where they are unknown."""
    lines = text_or_empty(root / "proc/stat").splitlines()
    named = [line.split() for line in lines if line.startswith("cpu") and line[3:4].isdigit()]
    return {int(fields[0][3:]): cpu_times(fields[1:]) for fields in named}


def cpu_times(fields: Iterable[str]) -> CpuTimes:
    """Reads the numbers of a CPU's line in ``/proc/stat``."""
    seconds = [float(field) / TICKS_PER_S for field in list(fields)[:FIELDS]]
    idle_s = sum(seconds[i] for i in IDLE if i < len(seconds))
    return CpuTimes(sum(seconds), sum(seconds) - idle_s, seconds[STEAL] if len(seconds) > STEAL else 0.0)


def steal_s(root: Path = ROOT) -> tuple[float, float]:
    """Returns the seconds that a hypervisor took of the CPUs that this process may use, and all of their seconds.

    Where these CPUs are not listed, the numbers are those of all CPUs together.

    Raises:
        OSError: When the times cannot be read.
        ValueError: When there are none.
    """
    by_cpu = times(root)
    own = [by_cpu[cpu] for cpu in allowed() if cpu in by_cpu]
    if not own:
        name, *fields = text(root / "proc/stat").split("\n", 1)[0].split() or [""]
        if name != "cpu":
            raise ValueError("no cpu line")
        own = [cpu_times(fields)]
    return sum(one.steal_s for one in own), sum(one.total_s for one in own)


def sibling_busy_s(root: Path = ROOT) -> tuple[float, float]:
    """Returns the busy and all seconds of the CPUs that share a core with one of this process's, but are not its own."""
    own = allowed()
    siblings = {cpu for core in cores(own, root) for cpu in core.siblings}.difference(own)
    by_cpu = times(root) if siblings else {}
    found = [by_cpu[cpu] for cpu in siblings if cpu in by_cpu]
    return sum(one.busy_s for one in found), sum(one.total_s for one in found)


def busy_shares(before: Mapping[int, CpuTimes], after: Mapping[int, CpuTimes]) -> dict[int, float]:
    """Returns the share of the time between two readings in which each logical CPU was busy."""
    return {cpu: now.busy_since(before[cpu]) for cpu, now in after.items() if cpu in before}


def cpu_list(text: str) -> tuple[int, ...]:
    """Reads a list of the kernel's, such as ``0-3,8``.

    Raises:
        ValueError: When the text is not such a list.
    """
    found: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(found))


def hides_siblings(root: Path = ROOT) -> bool:
    """Says whether this is a virtual x86 machine: where it shows one thread a core, a core of the host may hold two."""
    lines = text_or_empty(root / "proc/cpuinfo").splitlines()
    return any(line.startswith("flags") and "hypervisor" in line.split() for line in lines)


def _kinds(cpus: Sequence[int], root: Path) -> dict[int, int]:
    """Returns how many kinds of core are quicker than that of each CPU; nothing of those whose kind is unknown.

    ARM's kernels state what a CPU can do in a time, as a share of the largest, and Intel's name the CPUs of each kind.
    """
    found = {cpu: place for place, name in enumerate(INTEL_KINDS) for cpu in _listed(root / name)}
    if found:
        return found
    stated = {cpu: text_or_empty(root / f"sys/devices/system/cpu/cpu{cpu}/cpu_capacity") for cpu in cpus}
    capacity = {cpu: int(number) for cpu, number in stated.items() if number.isdecimal()}
    ordered = sorted(set(capacity.values()), reverse=True)
    return {cpu: ordered.index(number) for cpu, number in capacity.items()}


def _listed(path: Path) -> tuple[int, ...]:
    try:
        return cpu_list(text(path))
    except (OSError, ValueError):
        return ()


def _siblings(cpu: int, root: Path) -> tuple[int, ...]:
    shown = _shown_siblings(cpu, root)
    if len(shown) > 1 or not hides_siblings(root):
        return shown
    present = [one for one in (cpu & ~1, cpu | 1) if (root / f"sys/devices/system/cpu/cpu{one}").exists()]
    return tuple(present) if cpu in present else shown


def _shown_siblings(cpu: int, root: Path) -> tuple[int, ...]:
    topology = root / f"sys/devices/system/cpu/cpu{cpu}/topology"
    for name in ("core_cpus_list", "thread_siblings_list"):  # the second is the older name of the first
        try:
            found = cpu_list(text(topology / name))
        except (OSError, ValueError):
            continue
        if cpu in found:
            return found
    return (cpu,)
