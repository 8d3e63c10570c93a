"""What NVML reports of a card or a slice: clocks, reasons, energy, processes, and a card that is gone."""

from __future__ import annotations

import os

import pytest

from hwcost.devices import DeviceHandle, find, load, matches, require
from hwcost.devices.kinds.cuda import from_nvml, visible
from hwcost.devices.schema import profile_from
from hwcost.devices.telemetry import BlockReading
from hwcost.errors import DeviceError, DeviceLostError
from hwcost.timing import timer
from hwcost.timing.telemetry import Combined, Telemetry
from hwcost.timing.telemetry.nvml import NvmlTelemetry
from tests.timing.fake_nvml import FakeNvml

H100 = DeviceHandle(load("h100"), 1, "GPU-1")


def test_it_is_asked_for_the_card_of_the_handle() -> None:
    nvml = FakeNvml()
    telemetry = NvmlTelemetry(H100, nvml)
    telemetry.begin()
    telemetry.before_block()
    assert telemetry.after_block() == BlockReading(clock_hz=1.98e9)
    assert telemetry.end() == {
        "throttle_reasons": (), "power_w": 300.0, "device_memory_used_bytes": 2**30, "visit_energy_j": 2.5,
        "energy_source": "counter",
    }  # fmt: skip
    nvml.reasons = 4 | 64
    telemetry.after_block()
    assert telemetry.end()["throttle_reasons"] == ("hw_thermal_slowdown", "sw_power_cap")
    nvml.reasons = 0
    telemetry.begin()
    telemetry.after_block()
    assert telemetry.end()["throttle_reasons"] == ()
    nvml.reasons = None  # a virtual card does not tell
    telemetry.begin()
    telemetry.after_block()
    assert "throttle_reasons" not in telemetry.end()
    assert telemetry.settings() == {"ecc": True}
    telemetry.check()
    nvml.lost = True
    with pytest.raises(DeviceLostError, match=r"E_DEVICE_LOST: device h100:1 \(GPU-1\) is gone: GPU is lost"):
        telemetry.check()


def test_a_slowdown_that_is_reported_while_the_clock_changes_is_none() -> None:
    nvml = FakeNvml()
    telemetry = NvmlTelemetry(H100, nvml)
    found = []
    for reasons in (8, 4, 8, 8, 72):  # 8: a slowdown by hardware, which one of heat, 64, is told with
        nvml.reasons = reasons
        telemetry.begin()
        telemetry.after_block()
        found.append(telemetry.end()["throttle_reasons"])
    slow = ("hw_slowdown",)
    assert found == [(), ("sw_power_cap",), (), slow, (*slow, "hw_thermal_slowdown")]


def test_the_counter_of_energy_is_read_between_blocks() -> None:
    telemetry = Combined(H100, [NvmlTelemetry(H100, FakeNvml()), Telemetry(H100)])
    first, second = telemetry.energy_j(), telemetry.energy_j()
    assert first is not None
    assert second == pytest.approx(first + 2.5)
    assert telemetry.power_w() == 300.0
    assert Telemetry(H100).energy_j() is Telemetry(H100).power_w() is None


def test_without_a_counter_power_is_polled_between_blocks_and_integrated(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(100))
    monkeypatch.setattr(timer, "stopwatch", lambda: lambda: next(seconds))
    telemetry = NvmlTelemetry(H100, FakeNvml(counts=False))
    assert telemetry.energy_j() is None
    telemetry.begin()
    for _ in range(4):
        telemetry.after_block()
    found = telemetry.end()
    assert (found["visit_energy_j"], found["energy_source"]) == (4 * 300.0, "polled power")


def test_processes_of_others_are_told_from_this_one_also_in_a_container() -> None:
    nvml = FakeNvml(pids=[4_000_000_001])
    telemetry = NvmlTelemetry(H100, nvml)
    nvml.pids = [4_000_000_001, os.getpid()]
    assert telemetry.end()["foreign_pids"] == [4_000_000_001]
    nvml.pids = [4_000_000_001, 4_000_000_002]  # the machine's number of this process names none that is seen here
    contained = NvmlTelemetry(H100, FakeNvml(pids=[4_000_000_001]))
    contained._nvml.pids = nvml.pids
    assert contained.end()["foreign_pids"] == [4_000_000_001]
    nvml.pids = [os.getppid()]
    assert NvmlTelemetry(H100, FakeNvml(pids=[])).end()["foreign_pids"] == []
    other = NvmlTelemetry(H100, FakeNvml(pids=[]))
    other._nvml.pids = nvml.pids
    assert other.end()["foreign_pids"] == [os.getppid()]


def test_a_card_that_is_lost_or_not_allowed_hides_no_other() -> None:
    found = from_nvml(FakeNvml(cards=("GPU-0", "GPU-1", "GPU-2"), hidden=("GPU-0",)))
    assert [(one.index, one.uuid) for one in found] == [(1, "GPU-1"), (2, "GPU-2")]
    assert visible(found, "0") == found[:1]  # CUDA counts those that it may use
    assert visible(found, "1,0") == found
    assert visible(found, "2") == []
    assert visible(found, "GPU-2") == found[1:]
    assert [one.index for one in from_nvml(FakeNvml(slices=("MIG-a",), hidden=("GPU-1",)))] == [0, 2]


def test_slices_are_listed_behind_the_cards_and_are_no_such_card() -> None:
    found = from_nvml(FakeNvml(slices=("MIG-a", "MIG-b")))
    assert [(one.index, one.uuid, one.partition) for one in found] == [
        (0, "GPU-0", "MIG"), (1, "GPU-1", None), (2, "MIG-a", "1g.10gb"), (3, "MIG-b", "1g.10gb"),
    ]  # fmt: skip
    part = found[2]
    assert (part.product, part.memory_bytes, part.clock_hz) == ("NVIDIA H100 80GB HBM3", 10 * 2**30, 1.98e9)
    assert (part.compute_capability, part.power_limit_w) == ("9.0", 700.0)
    h100 = load("h100")
    assert [one.index for one in found if matches(h100, one)] == [1]
    with pytest.raises(DeviceError, match="no 'h100' with the index 2 is here"):
        require("h100:2", found)
    document = {name: value for name, value in h100.to_dict().items() if value is not None}
    own = profile_from({**document, "match": {**document["match"], "partition": "1g.10gb"}}, "mine")
    handle = require(own, found)
    assert (handle.uuid, find(handle, found)) == ("MIG-a", part)
    assert not matches(own, found[1])
    assert visible(found, "MIG-b") == [found[3]]
    assert visible(found, "1") == [found[1]]
    assert visible(found, "2") == []


def test_of_a_slice_clock_and_reasons_are_the_cards_and_its_energy_is_unknown() -> None:
    telemetry = NvmlTelemetry(DeviceHandle(load("h100"), 2, "MIG-a"), FakeNvml(slices=("MIG-a",), reasons=64))
    telemetry.begin()
    telemetry.before_block()
    assert telemetry.after_block() == BlockReading(clock_hz=1.98e9)
    assert telemetry.end() == {"throttle_reasons": ("hw_thermal_slowdown",), "device_memory_used_bytes": 2**30}
    assert telemetry.energy_j() is telemetry.power_w() is None
