"""What the runner finds out about a machine is what hwcost finds out about it; the library of cards is faked."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

import pytest

from hwcost.agent import counters, devices, machine, nvidia
from hwcost.agent.blocks import BlockReading
from hwcost.agent.errors import DeviceError
from hwcost.devices import load
from hwcost.devices.host_cpu import detect_cpu
from hwcost.facts import BY_GROUP, Process, checked, read_process
from hwcost.timing import conditions

GROUPS = ("host", "software", "settings")


def test_facts_of_this_process_are_the_same() -> None:
    mine = machine.facts(machine.cpu(), {"torch": "1.4.0"}, {})
    own = read_process(Process(versions={"torch": "1.4.0"}))
    assert {group: mine[group] for group in GROUPS} == {group: own[group] for group in GROUPS}
    for group in (*GROUPS, "device"):
        assert set(mine[group]) <= set(BY_GROUP[group])
        checked(group, mine[group])


@pytest.mark.parametrize("root", ["/", "absent"])
def test_the_cpu_is_the_same(root: str) -> None:
    mine, own = machine.cpu(root), detect_cpu(Path(root))
    for name in ("vendor", "product", "memory_bytes", "cores", "threads", "l1d_bytes", "l2_bytes", "l3_bytes", "clock_hz"):
        if root == "/" or name == "vendor":
            assert mine.get(name) == getattr(own, name), name


def test_counters_have_the_same_names() -> None:
    host = counters.HostCounters()
    host.begin()
    host.before_block()
    host.after_block()
    seen = host.end()
    assert set(seen) == set(conditions.between({}, {})) | set(conditions.state()) | {"shares_host"}
    checked("conditions", seen)


class FakeNvml:
    """NVIDIA's library with two cards: a GTX 1080 Ti, then a K80 that is throttled and shared."""

    names = (b"NVIDIA GeForce GTX 1080 Ti", b"Tesla K80")
    capabilities = ((6, 1), (3, 7))

    def __init__(self) -> None:
        self.lost, self.pids, self.hidden = False, [4242, os.getpid()], ()
        self.energy = iter(range(1_000, 100_000, 500))

    def nvmlInit_v2(self) -> int:  # noqa: N802
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:  # noqa: N802
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: Any, handle: Any) -> int:  # noqa: N802
        handle._obj.value = index.value + 1
        return 4 if index.value in self.hidden else 0

    def nvmlDeviceGetName(self, handle: Any, buffer: Any, size: Any) -> int:  # noqa: N802
        buffer.value = self.names[handle.value - 1]
        return 0

    def nvmlDeviceGetUUID(self, handle: Any, buffer: Any, size: Any) -> int:  # noqa: N802
        buffer.value = b"GPU-%d" % handle.value
        return 15 if self.lost else 0

    def nvmlSystemGetDriverVersion(self, buffer: Any, size: Any) -> int:  # noqa: N802
        buffer.value = b"470.256"
        return 0

    def nvmlDeviceGetMemoryInfo(self, handle: Any, memory: Any) -> int:  # noqa: N802
        memory._obj.total, memory._obj.free, memory._obj.used = 12 << 30, 11 << 30, 1 << 30
        return 0

    def nvmlDeviceGetCudaComputeCapability(self, handle: Any, major: Any, minor: Any) -> int:  # noqa: N802
        major._obj.value, minor._obj.value = self.capabilities[handle.value - 1]
        return 0

    def nvmlDeviceGetClockInfo(self, handle: Any, kind: Any, clock: Any) -> int:  # noqa: N802
        clock._obj.value = 875
        return 0

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: Any, bits: Any) -> int:  # noqa: N802
        bits._obj.value = 0x20 | 0x4
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: Any, energy: Any) -> int:  # noqa: N802
        energy._obj.value = next(self.energy)
        return 0

    def nvmlDeviceGetComputeRunningProcesses(self, handle: Any, count: Any, found: Any) -> int:  # noqa: N802
        count._obj.value = len(self.pids)
        for place, pid in enumerate(self.pids):
            found[place].pid = pid
        return 0


K80 = {"name": "k80", "kind": "cuda", "index": None, "match": load("k80").to_dict()["match"]}


def test_a_card_that_is_cut_into_slices_is_named_as_such() -> None:
    class Cut(FakeNvml):
        def nvmlDeviceGetMigMode(self, handle: Any, now: Any, later: Any) -> int:  # noqa: N802
            now._obj.value = 1
            return 0

    with pytest.raises(DeviceError, match=r"Here: .*Tesla K80 \(index 1, cut into slices \(MIG\)\)"):
        devices.find(K80, lambda: nvidia.Nvml(Cut()))


def test_reasons_that_a_card_does_not_tell_are_unknown() -> None:
    class Virtual(FakeNvml):
        def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: Any, bits: Any) -> int:  # noqa: N802
            return 3  # not supported

    for library, known in ((FakeNvml(), True), (Virtual(), False)):
        card = nvidia.CardCounters(nvidia.Nvml(library), 1)
        card.begin()
        card.after_block()
        assert ("throttle_reasons" in card.end()) is known


def test_the_card_of_the_profile_is_taken_and_shown_alone() -> None:
    device = devices.find(K80, lambda: nvidia.Nvml(FakeNvml()))
    assert (device.facts["product"], device.facts["index"]) == ("Tesla K80", 1)
    assert device.facts["driver_version"] == "470.256"
    assert device.environment() == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "GPU-2"}


def test_a_queue_that_shows_a_job_some_cards_hides_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert devices.find(K80, lambda: nvidia.Nvml(FakeNvml())).facts["index"] == 1
    for others in ("0", "", "GPU-1", "7,1", "²"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", others)
        with pytest.raises(DeviceError, match="'k80' is not here"):
            devices.find(K80, lambda: nvidia.Nvml(FakeNvml()))


def test_a_card_that_is_lost_or_not_allowed_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeNvml()
    library.hidden = (0,)
    for shown in (None, "0", "GPU-2"):  # CUDA counts the cards that it may use
        if shown is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
        device = devices.find(K80, lambda: nvidia.Nvml(library))
        assert (device.facts["product"], device.facts["index"]) == ("Tesla K80", 1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    with pytest.raises(DeviceError, match="'k80' is not here"):
        devices.find(K80, lambda: nvidia.Nvml(library))


def test_a_card_that_is_not_the_profiles_is_refused() -> None:
    with pytest.raises(DeviceError, match=r"'k80' is not here.*GTX 1080 Ti \(index 0\)"):
        devices.find({**K80, "index": 7}, lambda: nvidia.Nvml(FakeNvml()))
    with pytest.raises(DeviceError, match="no NVIDIA driver|cannot"):
        devices.find(K80) if not os.path.exists("/dev/nvidiactl") else pytest.skip("there is a driver here")


def test_counters_of_a_card_feed_the_guards() -> None:
    library = FakeNvml()
    card = nvidia.CardCounters(nvidia.Nvml(library), 1)
    card.begin()
    card.before_block()
    assert card.after_block() == BlockReading(clock_hz=875e6)
    seen = card.end()
    assert seen["throttle_reasons"] == ["sw_power_cap", "sw_thermal_slowdown"]
    assert seen["foreign_pids"] == [4242]
    assert seen["visit_energy_j"] == 0.5
    checked("conditions", seen)
    assert devices.Counters([counters.HostCounters(), card]).free_bytes() == 11 << 30
    assert devices.Counters([counters.HostCounters()]).free_bytes() is None
    library.lost = True
    with pytest.raises(DeviceError, match="E_DEVICE_LOST"):
        card.check()


def test_in_a_container_this_process_is_the_one_that_came() -> None:
    """The driver counts the machine's processes, and names this one by a number that is none here."""
    library = FakeNvml()
    library.pids = [4242]
    card = nvidia.CardCounters(nvidia.Nvml(library), 1)
    card.begin()
    library.pids = [4242, 4_000_000_001]
    assert card.end()["foreign_pids"] == [4242]
    library.pids += [4_000_000_002]
    assert card.end()["foreign_pids"] == [4242, 4_000_000_002]


def test_structures_are_those_of_the_library() -> None:
    assert ctypes.sizeof(nvidia._Memory) == 24
    assert ctypes.sizeof(nvidia._Process) == 16
