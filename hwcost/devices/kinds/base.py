"""The contract of a kind of device: everything that hwcost needs to know of all devices of one kind."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from hwcost.devices.detected import DetectedDevice
    from hwcost.devices.handle import DeviceHandle
    from hwcost.devices.profile import DeviceProfile


class DeviceKind(ABC):
    """One kind of device, such as CPUs. Subclasses hold no state; hwcost makes one object of each in a process.

    Attributes:
        name: Name of the kind in profiles, as in ``kind = "cuda"`` and ``[match] cuda = [...]``.
        is_host: Whether it is the processor that this process itself runs on.
        min_block_s: Least seconds of a timed block: a device with a clock of its own, or without interrupts, needs less.
        stall_s: Seconds without any progress after which a process that measures counts as wedged, and is killed; ten times
            as many where it computes all the while on the host, or beside a device while it prepares a workload. None where
            calls may take any time.
        clock_lock: Module that locks a device's clock and resets it, run as a program by
            :mod:`hwcost.campaign.processes.clocks`; empty where hwcost locks no clock.
        match_facts: Names of facts of a detected device that a profile may ask for under ``[match]`` beside words.
        detected_facts: Facts that a profile for any device of the kind (``["*"]``) takes from the one that is here, each
            with its source.
        telemetry: Provider of the device's counters, a subclass of ``hwcost.devices.telemetry.Telemetry``, as
            ``module:attribute``: it is imported by the process that measures, never to look which devices are here. Empty
            where nothing can be read.
    """

    name: ClassVar[str]
    is_host: ClassVar[bool] = False
    min_block_s: ClassVar[float] = 0.020
    stall_s: ClassVar[float | None] = None
    clock_lock: ClassVar[str] = ""
    match_facts: ClassVar[tuple[str, ...]] = ()
    detected_facts: ClassVar[Mapping[str, str]] = {}
    telemetry: ClassVar[str] = ""

    @abstractmethod
    def detect(self, root: Path = Path("/")) -> list[DetectedDevice]:
        """Returns the devices of this kind that are here, each with its index and, where it has one, its UUID.

        Nothing is imported or started on a machine without such devices.

        Args:
            root: Folder in which ``proc``, ``sys`` and ``dev`` lie; tests pass a tree of their own.
        """

    def environment(self, handle: DeviceHandle) -> dict[str, str]:
        """Returns the environment variables under which a process sees this device alone, as its first one."""
        return {}

    def matches(self, profile: DeviceProfile, device: DetectedDevice) -> bool:
        """Says whether a detected device is the one that a profile describes.

        A slice of a device is not that device: only a profile that names it under ``[match]``, as ``partition``, matches.
        """
        rule = profile.match
        if profile.kind != device.kind or device.partition != dict(rule.facts).get("partition"):
            return False
        if any(has_words(device.product, text) for text in rule.excluded):
            return False
        for name, wanted in rule.facts:
            if getattr(device, name) not in (None, wanted):
                return False
        return any(text == "*" or has_words(device.product, text) for text in rule.words)


def has_words(name: str, text: str) -> bool:
    """Says whether a name holds a text as whole words, in any case."""
    return re.search(rf"(?<![a-z0-9]){re.escape(text)}(?![a-z0-9])", name, re.IGNORECASE) is not None
