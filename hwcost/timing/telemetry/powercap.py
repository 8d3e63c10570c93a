"""Energy of a CPU by the kernel's power capping (RAPL counters of Intel and AMD processors)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.agent import processors
from hwcost.agent.files import text
from hwcost.devices.telemetry import BlockReading, Telemetry
from hwcost.timing import timer

if TYPE_CHECKING:
    from hwcost.devices import DeviceHandle

ROOT = Path("/")
FOLDER = "sys/class/powercap"
ZONES = "intel-rapl:*"
"""Folders of the counters; AMD's have the same name, and those of ``intel-rapl-mmio`` count the same joules again."""

PACKAGE = re.compile(r"package-(\d+)(?:-die-\d+)?")
MEMORY = "dram"
WITHIN = re.compile(r"(intel-rapl:\d+):\d+")
"""A zone within another one: its memory is not part of the package's own count."""

OFTEN_S = 60.0
"""Seconds after which counters are read again within a pass, so that none wraps around twice in between."""

ABSENT = (
    f"this machine shows no energy counters (no /{FOLDER}/{ZONES}); virtual machines and containers often hide them. "
    "Measure on the machine itself."
)
UNREADABLE = (
    f"the energy counters in /{FOLDER} cannot be read by this user. Allow it with: "
    f"sudo chmod a+r /{FOLDER}/{ZONES}/energy_uj"
)
MOVED = "an energy counter could not be read, or ran backwards without saying where it wraps around. Measure again."


@dataclass(frozen=True, slots=True)
class Zone:
    """A counter of joules.

    Attributes:
        name: Name that the kernel gives it, such as ``package-0``.
        folder: Folder of its files.
        range_uj: Microjoules after which it begins again at 0; None where unknown.
    """

    name: str
    folder: Path
    range_uj: int | None

    def read_uj(self) -> int:
        """Returns the counter in microjoules; raises OSError or ValueError where it cannot be read."""
        return int(text(self.folder / "energy_uj"))

    def since_uj(self, before: int, now: int) -> int | None:
        """Returns the microjoules between two readings, wrapped around once at the most; None where that is not known."""
        if now >= before:
            return now - before
        return None if self.range_uj is None else now + self.range_uj - before


def zones(root: Path = ROOT) -> list[Zone]:
    """Returns the counters of the packages that this process may run on, and of their memory; what overlaps is left out.

    Args:
        root: Folder in which ``sys`` lies; tests pass a tree of their own.
    """
    found = [_zone(folder) for folder in sorted((root / FOLDER).glob(ZONES))]
    own = _own_packages(root)
    packages = [one for one in found if (match := PACKAGE.fullmatch(one.name)) and (not own or int(match[1]) in own)]
    kept = {one.folder.name for one in packages}
    within = [one for one in found if (match := WITHIN.fullmatch(one.folder.name)) and match[1] in kept]
    return [*packages, *(one for one in within if one.name == MEMORY)]


class PowercapTelemetry(Telemetry):
    """Joules of the process's packages and their memory, whoever computes on them.

    Args:
        handle: The CPU.
        root: Folder in which ``sys`` lies; tests pass a tree of their own.
    """

    def __init__(self, handle: DeviceHandle, root: Path = ROOT) -> None:
        super().__init__(handle)
        found = zones(root)
        self._reason = _reason(found)
        self._zones = [] if self._reason else found
        self._last_uj = self._read()
        self._total_uj: int | None = 0 if self._zones else None
        self._begun_j: float | None = None
        self._since = timer.stopwatch()

    def begin(self) -> None:
        """See the base class."""
        self._begun_j = self.energy_j()

    def after_block(self) -> BlockReading:
        """See the base class; counters are read rarely, since they wrap around after minutes."""
        if self._zones and self._since() > OFTEN_S:
            self._note()
        return BlockReading()

    def end(self) -> dict[str, Any]:
        """See the base class."""
        now_j = self.energy_j()
        if now_j is None or self._begun_j is None:
            return {}
        source = f"counters of the processor: {', '.join(zone.name for zone in self._zones)}"
        return {"visit_energy_j": now_j - self._begun_j, "energy_source": source}

    def energy_j(self) -> float | None:
        """Returns the joules since this provider was made; None where they cannot be read."""
        self._note()
        return None if self._total_uj is None else self._total_uj * 1e-6

    def unavailable(self) -> dict[str, str]:
        """See the base class."""
        reason = self._reason or (MOVED if self._total_uj is None else "")
        return {"visit_energy_j": reason} if reason else {}

    def _note(self) -> None:
        """Adds what was used since the last reading; unknown from then on when a counter cannot be read."""
        now = self._read()
        if now is None or self._last_uj is None or self._total_uj is None:
            self._total_uj = None
            return
        readings = zip(self._zones, self._last_uj, now, strict=True)
        parts = [zone.since_uj(before, after) for zone, before, after in readings]
        known = [part for part in parts if part is not None]
        self._total_uj = self._total_uj + sum(known) if len(known) == len(parts) else None
        self._last_uj, self._since = now, timer.stopwatch()

    def _read(self) -> list[int] | None:
        try:
            return [zone.read_uj() for zone in self._zones]
        except (OSError, ValueError):
            return None


def _zone(folder: Path) -> Zone:
    try:
        largest: int | None = int(text(folder / "max_energy_range_uj"))
    except (OSError, ValueError):
        largest = None
    try:
        name = text(folder / "name")
    except OSError:
        name = ""
    return Zone(name, folder, largest)


def _reason(found: Sequence[Zone]) -> str:
    """Returns why energy cannot be read; empty where it can."""
    if not found:
        return ABSENT
    try:
        for zone in found:
            zone.read_uj()
    except (OSError, ValueError):
        return UNREADABLE
    return ""


def _own_packages(root: Path) -> set[int]:
    """Returns the numbers of the packages of this process's CPUs; empty where they are unknown."""
    cpus = root / "sys/devices/system/cpu"
    try:
        return {int(text(cpus / f"cpu{cpu}/topology/physical_package_id")) for cpu in processors.allowed()}
    except (OSError, ValueError):
        return set()
