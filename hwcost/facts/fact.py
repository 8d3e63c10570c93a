"""What a fact is: its name, group, type and unit, how it is found, and whether two measurements must agree on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hwcost._cached import cached_property
from hwcost.devices.detected import DetectedDevice
from hwcost.devices.host_cpu import detect_cpu
from hwcost.facts.agreement import FREE, Agreement
from hwcost.facts.values import Value

ROOT = Path("/")

Group = Literal["tool", "device", "host", "software", "settings", "protocol", "conditions"]
Moment = Literal["process", "span", "state"]


@dataclass(frozen=True)
class Process:
    """The process whose facts are read.

    Attributes:
        root: Folder in which ``proc`` and ``sys`` lie; tests pass a tree of their own.
        versions: Versions that the backend reports about itself.
        device: Facts of the device that the process measures on; empty where it is not known.
    """

    root: Path = ROOT
    versions: Mapping[str, str] = field(default_factory=dict)
    device: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def cpu(self) -> DetectedDevice:
        """The processor of this machine."""
        return detect_cpu(self.root)


Reader = Callable[[Process], Any]
"""Function that finds a fact. It returns None, or raises OSError or ValueError, where the machine does not offer it."""


def of_machine(read: Callable[[Path], Any]) -> Reader:
    """Returns the reader of a fact that a function finds in the folder in which ``proc`` and ``sys`` lie."""
    return lambda process: read(process.root)


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of the table.

    Attributes:
        name: Name under which it is kept.
        group: Group of the record that holds it.
        value: Type of its value.
        meaning: One line that says what it is.
        agree: Condition under which two measurements agree on it; FREE where they need not.
        read: Function that finds it; None where whoever measures writes it.
        when: ``process`` (once a process), ``span`` (before and after a visit: the difference is kept, or, where the reader
            returns a part and a whole, the share) or ``state`` (after a visit).
    """

    name: str
    group: Group
    value: Value
    meaning: str
    agree: Agreement = FREE
    read: Reader | None = None
    when: Moment = "process"

    @property
    def label(self) -> str:
        """The name in messages; facts of the device carry the group's name, since the host has some of the same name."""
        return self.name if self.group != "device" or self.name.startswith("device_") else f"device.{self.name}"

    def find(self, process: Process) -> Any:
        """Returns the fact, or None where it cannot be found."""
        if self.read is None:
            return None
        try:
            return self.read(process)
        except (OSError, ValueError, KeyError, IndexError, AttributeError):
            return None
