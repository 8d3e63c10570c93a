"""Every kind of device passes the suite, and so does a made-up one; none of its devices need be here."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from hwcost.devices import DEVICE_KINDS, DetectedDevice, DeviceHandle
from hwcost.devices.kinds.cuda import VISIBLE, visible
from hwcost.testing import fake_device
from hwcost.testing.device_kinds import DeviceKindSuite, State
from hwcost.testing.fake_device import FakeTelemetry
from hwcost.testing.plugins import registered
from hwcost.timing.telemetry import HostTelemetry, Telemetry
from hwcost.timing.telemetry.nvml import NvmlTelemetry
from tests.timing.fake_nvml import FakeNvml

H100 = "NVIDIA H100 80GB HBM3"
CARDS = [
    DetectedDevice("cuda", "nvidia", H100, index, f"GPU-{index}abc", 80 * 2**30, power_limit_w=700.0, driver_version="550.1")
    for index in range(2)
]


class TestCpu(DeviceKindSuite):
    name = "cpu"

    def telemetry(self, handle: DeviceHandle, state: State) -> Telemetry | None:
        return HostTelemetry(handle) if state == "ok" else None


class TestCuda(DeviceKindSuite):
    name = "cuda"

    def devices(self) -> list[DetectedDevice]:
        return visible(CARDS, os.environ.get(VISIBLE))

    def telemetry(self, handle: DeviceHandle, state: State) -> Telemetry | None:
        reasons, pids = (64 if state == "throttled" else 0), ([4242] if state == "shared" else [])
        return NvmlTelemetry(handle, FakeNvml(reasons=reasons, pids=pids, lost=state == "lost"))


class TestTpu(DeviceKindSuite):
    name = "tpu"

    def devices(self) -> list[DetectedDevice]:
        return [DetectedDevice("tpu", "google", "TPU v2-8", index) for index in range(4)]


class TestFake(DeviceKindSuite):
    name = "fake"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _registered(cls) -> Iterator[None]:
        with registered("hwcost.device_kinds", {"fake": f"{fake_device.__name__}:FakeKind"}):
            yield

    def telemetry(self, handle: DeviceHandle, state: State) -> Telemetry | None:
        made = FakeTelemetry(handle, state)
        made.blocks = fake_device.LOST_AFTER + 1
        return made


def test_every_kind_has_a_suite() -> None:
    assert set(DEVICE_KINDS.names()) <= {one.name for one in DeviceKindSuite.__subclasses__()}
