"""A kind of device that is made up: two or more accelerators, of which each may throttle, be shared or get lost.

A further kind of device looks like this: one file with a :class:`DeviceKind` and its provider of counters, and one line in
the entry-point group ``hwcost.device_kinds``::

    fake = hwcost.testing.fake_device:FakeKind

``HWCOST_FAKE_DEVICES`` lists the devices that are here by their behaviour, such as ``ok,throttled,shared,lost``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hwcost.devices import DetectedDevice, DeviceHandle, DeviceKind
from hwcost.devices.telemetry import BlockReading, Telemetry
from hwcost.errors import DeviceLostError

DEVICES = "HWCOST_FAKE_DEVICES"
"""Environment variable with the behaviour of each device."""

VISIBLE = "FAKE_VISIBLE_DEVICES"
"""Environment variable with the UUID of the only device that a process sees."""

LOST_AFTER = 120
"""Blocks after which a device that gets lost is gone."""

GONE = "HWCOST_FAKE_DEVICES_GONE"
"""Environment variable with a file that a device makes when it gets lost, and while which it is not here."""

USUAL_HZ = 1.5e9
FOREIGN_PID = 4242
BLOCK_J = 0.5
"""Energy of a block."""

PROFILE = """name = "fake"
title = "Fake accelerator"
kind = "fake"
l2_bytes = 1_000_000

[match]
fake = ["*"]

[protocol]
batch_size = 1
seq_len = 16
dtype = "float32"
threads = 1

[sources]
l2_bytes = "made up"
protocol = "made up"
"""
"""Profile for any fake device, the content of ``fake.toml``."""


class FakeKind(DeviceKind):
    """Fake accelerators, counted from 0, with blocks of 5 ms."""

    name = "fake"
    min_block_s = 0.005
    telemetry = "hwcost.testing.fake_device:FakeTelemetry"

    def detect(self, root: Path = Path("/")) -> list[DetectedDevice]:
        """Returns the devices that this process sees."""
        found = [_device(index) for index, behaviour in enumerate(_behaviours()) if behaviour != "lost" or not _is_gone()]
        only = os.environ.get(VISIBLE)
        return [one for one in found if only in (None, one.uuid)]

    def environment(self, handle: DeviceHandle) -> dict[str, str]:
        """Shows a process this device alone."""
        return {VISIBLE: str(handle.uuid)}


class FakeTelemetry(Telemetry):
    """Counters of a fake device.

    Args:
        handle: The device.
        behaviour: ``ok``, ``throttled``, ``shared`` or ``lost``; None for the one that the environment gives this device.
    """

    def __init__(self, handle: DeviceHandle, behaviour: str | None = None) -> None:
        super().__init__(handle)
        self.behaviour = behaviour or _behaviours()[handle.index]
        self.blocks = 0
        self._begun_at = 0

    def begin(self) -> None:
        """See the base class."""
        self._begun_at = self.blocks

    def after_block(self) -> BlockReading:
        """See the base class.

        Raises:
            RuntimeError: When the device is gone, as its runtime would.
        """
        self.blocks += 1
        if self._is_lost:
            raise RuntimeError("fake runtime: unspecified launch failure")
        slow = self.behaviour == "throttled" and self.blocks % 3 == 0
        return BlockReading(clock_hz=USUAL_HZ / 2 if slow else USUAL_HZ)

    def end(self) -> dict[str, Any]:
        """See the base class."""
        return {
            "throttle_reasons": ("hw_thermal_slowdown",) if self.behaviour == "throttled" else (),
            "foreign_pids": [FOREIGN_PID] if self.behaviour == "shared" else [],
            "temperature_celsius": {"fake": 91.0 if self.behaviour == "throttled" else 50.0},
            "visit_energy_j": BLOCK_J * (self.blocks - self._begun_at),
        }

    def settings(self) -> dict[str, Any]:
        """See the base class."""
        return {"clocks_locked": True}

    def check(self) -> None:
        """See the base class."""
        if self._is_lost:
            if GONE in os.environ:
                Path(os.environ[GONE]).touch()
            raise DeviceLostError(f"E_DEVICE_LOST: device {self.handle} is gone. Reset it.")

    @property
    def _is_lost(self) -> bool:
        return self.behaviour == "lost" and self.blocks > LOST_AFTER


def _is_gone() -> bool:
    return GONE in os.environ and os.path.exists(os.environ[GONE])


def _behaviours() -> list[str]:
    return os.environ.get(DEVICES, "ok,ok").split(",")


def _device(index: int) -> DetectedDevice:
    return DetectedDevice("fake", "hwcost", "Fake accelerator", index, f"FAKE-{index}", driver_version="1.0")
