"""The memory that a workload takes while it is prepared and run: of this process, of the device, and of its allocator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.agent.files import text
from hwcost.agent.memory import give_back

if TYPE_CHECKING:
    from hwcost.timing.setting import Setting

ROOT = Path("/")
RESET = "5"
"""Text that is written to ``clear_refs`` to make the present resident memory the peak."""

NOT_HERE = "the resident memory of the process is not known on this system: there is no /proc/self/status."
VIRTUAL = "this backend computes nothing, and so takes no memory."


class WatchedMemory:
    """Watches memory from now on, after whatever was freed before has been given back.

    Args:
        setting: Device and runtime of the process.
        root: Folder in which ``proc`` lies; tests pass a tree of their own.
    """

    def __init__(self, setting: Setting, root: Path = ROOT) -> None:
        self._setting, self._root = setting, root
        give_back()
        self._allocator_peak = setting.backend.watched_allocator(setting.handle)
        self._device_bytes = setting.telemetry.memory_bytes()
        self._is_reset = self._reset()
        self._peak_bytes = self._status("VmHWM")
        self._resident_bytes = self._status("VmRSS")

    def facts(self) -> dict[str, Any]:
        """Returns what was added so far as facts of a visit; what cannot be known is left out, with its reason."""
        found = {
            "resident_peak_bytes": self._resident_peak_bytes(),
            "allocator_peak_bytes": None if self._allocator_peak is None else self._allocator_peak(),
            "device_growth_bytes": self._device_growth_bytes(),
        }
        known = {name: max(0, value) for name, value in found.items() if value is not None}
        why = NOT_HERE if self._setting.backend.uses_processor else VIRTUAL
        return known | ({} if "resident_peak_bytes" in known else {"unavailable": {"resident_peak_bytes": why}})

    def _resident_peak_bytes(self) -> int | None:
        """Returns the growth to the peak; where the peak could not be reset and is of before, the growth by now."""
        peak, now = self._status("VmHWM"), self._status("VmRSS")
        if peak is None or now is None or self._resident_bytes is None or not self._setting.backend.uses_processor:
            return None
        is_of_now = self._is_reset or self._peak_bytes is None or peak > self._peak_bytes
        return (peak if is_of_now else now) - self._resident_bytes

    def _device_growth_bytes(self) -> int | None:
        now = self._setting.telemetry.memory_bytes()
        return None if now is None or self._device_bytes is None else now - self._device_bytes

    def _reset(self) -> bool:
        try:
            (self._root / "proc/self/clear_refs").write_text(RESET)
        except OSError:
            return False
        return True

    def _status(self, name: str) -> int | None:
        """Returns a size of ``/proc/self/status`` in bytes; None where it is not known."""
        try:
            lines = text(self._root / "proc/self/status").splitlines()
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
        except (OSError, StopIteration, ValueError):
            return None
