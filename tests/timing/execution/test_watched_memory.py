"""Memory that a workload takes: from made-up files, from this very process, and from a GPU that is not here."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwcost.backends.cuda_allocator import watched_cuda_allocator
from hwcost.backends.null import Null
from hwcost.backends.torch_eager import TorchEager
from hwcost.devices import DeviceHandle, load
from hwcost.timing.execution.watched_memory import WatchedMemory
from hwcost.timing.protocol import protocol
from hwcost.timing.setting import Setting
from hwcost.timing.telemetry import Combined, Telemetry
from tests.timing.trees import tree

XEON = DeviceHandle(load("xeon"))


def setting(backend: Any = TorchEager, telemetry: Telemetry | None = None) -> Setting:
    return Setting(backend(), XEON, protocol("quick"), telemetry or Telemetry(XEON))


def status(root: Path, resident_kb: int, peak_kb: int) -> Path:
    return tree(root, {"proc/self/status": f"VmPeak:\t1 kB\nVmHWM:\t{peak_kb} kB\nVmRSS:\t{resident_kb} kB\n"})


def test_the_peak_counts_and_not_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    watched = WatchedMemory(setting(), status(tmp_path, 1000, 1000))
    assert (tmp_path / "proc/self/clear_refs").read_text() == "5", "the kernel was asked to begin a new peak"
    status(tmp_path, 1500, 4000)
    assert watched.facts() == {"resident_peak_bytes": 3000 * 1024}


def test_an_old_peak_that_cannot_be_reset_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "proc/self/clear_refs").mkdir(parents=True)  # writing fails, also for root
    watched = WatchedMemory(setting(), status(tmp_path, 1000, 9000))
    status(tmp_path, 1500, 9000)
    assert watched.facts()["resident_peak_bytes"] == 500 * 1024
    status(tmp_path, 1500, 9500)
    assert watched.facts()["resident_peak_bytes"] == 8500 * 1024


def test_where_nothing_is_known_the_reason_is(tmp_path: Path) -> None:
    assert "/proc/self/status" in WatchedMemory(setting(), tmp_path).facts()["unavailable"]["resident_peak_bytes"]
    assert "computes nothing" in WatchedMemory(setting(Null)).facts()["unavailable"]["resident_peak_bytes"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc/self/status")
def test_this_processs_own_growth_is_seen() -> None:
    watched = WatchedMemory(setting())
    held = np.ones(8 * 2**20)  # 64 MiB
    del held
    assert 60 * 2**20 < watched.facts()["resident_peak_bytes"] < 200 * 2**20
    assert WatchedMemory(setting()).facts()["resident_peak_bytes"] < 16 * 2**20


class Card(Telemetry):
    """A device that has more and more of its memory in use."""

    used = 0

    def memory_bytes(self) -> int:
        self.used += 500
        return self.used


def test_the_devices_own_memory_is_read_by_its_provider() -> None:
    both = Combined(XEON, [Telemetry(XEON), Card(XEON), Telemetry(XEON)])
    assert WatchedMemory(setting(telemetry=both)).facts()["device_growth_bytes"] == 500


def test_torchs_allocator_counts_from_what_is_held_already() -> None:
    held = {"now": 100, "peak": 100}
    cuda = SimpleNamespace(
        memory_allocated=lambda place: held["now"],
        reset_peak_memory_stats=lambda place: held.update(peak=held["now"]),
        max_memory_allocated=lambda place: held["peak"],
    )
    held["peak"] = 10_000
    peak = watched_cuda_allocator(cuda, "cuda:0")
    held.update(now=300, peak=700)
    assert peak() == 600
    assert TorchEager().watched_allocator(XEON) is None
