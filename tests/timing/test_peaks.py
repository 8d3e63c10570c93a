"""Peaks of the device beside a visit: of its probes, else of the data sheet, else the reason and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from hwcost.backends.null import Null
from hwcost.devices import DetectedDevice, DeviceHandle, load
from hwcost.timing import peaks
from hwcost.timing.execution.visit import VisitIndex, visit
from hwcost.timing.probe import ProbeReport, ProbeResult, save_probe
from hwcost.timing.protocol import protocol
from hwcost.timing.setting import Setting
from hwcost.timing.telemetry import Telemetry
from hwcost.workloads import SyntheticWorkload

H100 = DeviceHandle(load("h100"))
FOUND = DetectedDevice("cuda", "nvidia", "H100")
RATE = ProbeResult("matmul", "float32", 1, "torch", "FLOP/s", 4e13, 4e13, 4e13, 10, "2026-01-01T00:00:00Z")
COPY = replace(RATE, name="copy", unit="B/s", value=2e12)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.setenv("HWCOST_HOME", str(tmp_path))
    monkeypatch.setattr(peaks, "find", lambda handle: FOUND)
    peaks._probed.cache_clear()
    yield
    peaks._probed.cache_clear()


def setting(realtime: bool = True, handle: DeviceHandle = H100, threads: int = 1) -> Setting:
    return Setting(Null(threads, {"realtime": realtime}), handle, protocol("quick"), Telemetry(handle))


def test_without_a_probe_the_data_sheet_counts() -> None:
    found = peaks.peaks(setting(), "bfloat16")
    assert (found["peak_flops_per_s"], found["peak_flops_source"]) == (H100.profile.peak("bfloat16"), "the data sheet")
    assert (found["peak_bytes_per_s"], found["unavailable"]) == (H100.profile.memory_bytes_per_s, {})


def test_the_best_probe_of_that_format_and_so_many_threads_counts() -> None:
    others = (replace(RATE, engine="numpy", threads=None, value=3e13), replace(RATE, threads=8, value=9e13))
    save_probe(ProbeReport(FOUND.key, FOUND.product, (RATE, COPY, *others)))
    found = peaks.peaks(setting(), "float32")
    assert (found["peak_flops_per_s"], found["peak_bytes_per_s"]) == (4e13, 2e12)
    assert found["peak_flops_source"] == "the probe of 2026-01-01 (torch)"
    assert peaks.peaks(setting(), "bfloat16")["peak_flops_source"] == "the data sheet"
    assert peaks.peaks(setting(realtime=False), "float32")["peak_flops_source"] == "the data sheet", "a law has no probe"


def test_a_damaged_file_of_probes_does_not_end_a_campaign(tmp_path) -> None:
    path = save_probe(ProbeReport(FOUND.key, FOUND.product, (RATE,)))
    path.write_text("{")
    assert peaks.peaks(setting(), "float32")["peak_flops_source"] == "the data sheet"


def test_an_unknown_peak_is_in_the_record_with_its_remedy() -> None:
    bare = replace(H100, profile=replace(H100.profile, flops_per_s={}, memory_bytes_per_s=None))
    seen = visit(Null(), SyntheticWorkload("x", flops=10**9), bare, protocol("quick"), VisitIndex(0, 0), Telemetry(bare))
    reasons = seen.conditions["unavailable"]
    assert "hwcost devices probe --device h100 --dtype float32 --threads 1" in reasons["peak_flops_per_s"]
    assert "memory bandwidth" in reasons["peak_bytes_per_s"]
    assert "peak_flops_per_s" not in seen.conditions
