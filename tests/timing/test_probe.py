"""Probing on a virtual clock, and the file that keeps the figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwcost.devices import DetectedDevice
from hwcost.errors import DataError, MeasurementError, StoreError, UsageError
from hwcost.kernels import copy_probe, dispatch_probe, flush_probe, gate_probe, launch_probe, matmul_probe
from hwcost.kernels.probe_base import Probe
from hwcost.timing import probe
from hwcost.timing.probe import ProbeReport, ProbeResult, load_probe, probe_path, run_probes, save_probe

CPU = DetectedDevice("cpu", "intel", "Some Xeon", memory_bytes=2**33, cores=2, l3_bytes=2**20)
RESULT = ProbeResult("matmul", "float32", 1, "torch", "FLOP/s", 1e11, 0.9e11, 1.1e11, 10, "2026-01-01T00:00:00Z")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HWCOST_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Kernels that take 1 ms of virtual time per call."""
    now = [0]

    def fake(name: str, work: float, unit: str) -> Callable[..., Probe]:
        def prepare(dtype: str = "float32", *_: object, **__: object) -> Probe:
            def run(n: int) -> None:
                now[0] += n * 1_000_000

            return Probe(name, dtype if name == "matmul" else "float32", "torch", work, unit, run, lambda: np.zeros(1))

        return prepare

    monkeypatch.setattr(matmul_probe, "prepare", fake("matmul", 2e9, "FLOP"))
    monkeypatch.setattr(copy_probe, "prepare", fake("copy", 1e7, "B"))
    monkeypatch.setattr(dispatch_probe, "prepare", fake("dispatch", 1.0, "call"))
    return lambda: now[0]


def test_figures_are_work_over_time(clock: Callable[[], int]) -> None:
    told: list[str] = []
    report = run_probes(CPU, dtypes=("float32", "bfloat16"), clock=clock, progress=told.append)
    assert told == ["matmul float32", "matmul bfloat16", "copy", "dispatch"]
    assert [result.unit for result in report.results] == ["FLOP/s", "FLOP/s", "B/s", "s"]
    assert [result.value for result in report.results] == pytest.approx([2e12, 2e12, 1e10, 1e-3])
    assert all(result.q1 <= result.value <= result.q3 for result in report.results)
    assert all(result.blocks >= 10 for result in report.results)
    assert report.device_key == CPU.key


def test_a_gpu_is_probed_further_and_what_cannot_be_is_left_out_with_the_reason(
    clock: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> Probe:
        raise MeasurementError("torch 2.6.0 cannot compile CUDA source")

    monkeypatch.setattr(probe, "_place", lambda device, threads: "cuda:0")
    monkeypatch.setattr(probe, "_l2_bytes", lambda device, place: 50)
    for name in ("_present", "_precision"):
        monkeypatch.setattr(probe, name, lambda *_: nullcontext())
    launch, flush = replace(dispatch_probe.prepare(), name="launch", work=100.0), replace(copy_probe.prepare(), name="flush")
    monkeypatch.setattr(launch_probe, "prepare", lambda place: launch)
    monkeypatch.setattr(flush_probe, "prepare", lambda nbytes, place: replace(flush, work=nbytes))
    monkeypatch.setattr(gate_probe, "prepare", refused)
    told: list[str] = []
    card = DetectedDevice("cuda", "nvidia", "NVIDIA H100 80GB HBM3", 1, "GPU-1")
    report = run_probes(card, dtypes=("tfloat32",), clock=clock, progress=told.append)
    assert [result.name for result in report.results] == ["matmul", "copy", "dispatch", "launch", "flush"]
    assert [result.value for result in report.results[3:]] == pytest.approx([1e-5, 5e4])
    assert told[-1] == "gate is left out: torch 2.6.0 cannot compile CUDA source"


def test_a_probe_that_a_device_has_no_memory_for_is_left_out(
    clock: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> Probe:
        raise RuntimeError("CUDA out of memory. Tried to allocate 1.00 GiB.\nmore")

    monkeypatch.setattr(copy_probe, "prepare", full)
    told: list[str] = []
    report = run_probes(CPU, clock=clock, progress=told.append)
    assert [result.name for result in report.results] == ["matmul", "dispatch"]
    assert "copy is left out: CUDA out of memory. Tried to allocate 1.00 GiB." in told
    for module in (matmul_probe, dispatch_probe):
        monkeypatch.setattr(module, "prepare", full)
    with pytest.raises(MeasurementError, match="nothing of 'Some Xeon' can be probed: CUDA out of memory"):
        run_probes(CPU, clock=clock)


def test_torch_threads_are_put_back(clock: Callable[[], int]) -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    run_probes(CPU, threads=before + 1, clock=clock)
    assert torch.get_num_threads() == before


def test_what_cannot_be_probed_is_said() -> None:
    with pytest.raises(UsageError, match="TPU cannot be probed"):
        run_probes(DetectedDevice("tpu", "google", "TPU v2-8"))
    with pytest.raises(UsageError, match="threads must be at least 1"):
        run_probes(CPU, threads=0)


def test_tfloat32_of_a_gpu_that_has_none_is_not_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_place", lambda device, threads: "cuda:0")
    monkeypatch.setattr(probe, "_present", lambda place: nullcontext())
    card = DetectedDevice("cuda", "nvidia", "Tesla T4", compute_capability="7.5")
    with pytest.raises(UsageError, match=r"a GPU of 7\.5 computes in float32"):
        run_probes(card, dtypes=("tfloat32",))


def test_saved_figures_come_back(home: Path) -> None:
    report = ProbeReport(CPU.key, CPU.product, (RESULT,))
    path = save_probe(report)
    assert path == home / "probes" / f"{CPU.key}.json"
    assert load_probe(CPU.key) == report
    assert load_probe("0" * 16) is None
    assert list(path.parent.iterdir()) == [path], "no temporary file is left"


def test_newer_figures_replace_older_ones_of_their_kind_only() -> None:
    save_probe(ProbeReport(CPU.key, CPU.product, (RESULT, replace(RESULT, threads=2, value=2e11))))
    save_probe(ProbeReport(CPU.key, CPU.product, (replace(RESULT, value=3e11),)))
    report = load_probe(CPU.key)
    assert report is not None
    assert {(result.threads, result.value) for result in report.results} == {(1, 3e11), (2, 2e11)}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 2}', '{"schema_version": 1, "results": [{}]}'])
def test_a_damaged_file_is_a_data_error(text: str) -> None:
    path = probe_path(CPU.key)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(DataError, match=r"[Pp]robe again"):
        load_probe(CPU.key)


def test_a_folder_that_cannot_be_written_is_a_store_error(home: Path) -> None:
    (home / "probes").write_text("a file in the way")
    with pytest.raises((StoreError, DataError)):
        save_probe(ProbeReport(CPU.key, CPU.product, (RESULT,)))


def test_the_file_is_plain_json() -> None:
    document = json.loads(save_probe(ProbeReport(CPU.key, CPU.product, (RESULT,))).read_text())
    assert document["schema_version"] == 1
    assert document["results"][0]["value"] == 1e11


def test_real_probes_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matmul_probe, "CPU_SIZE", 128)
    monkeypatch.setattr(copy_probe, "MIN_BYTES", 2**20)
    report = run_probes(CPU)
    assert {result.name for result in report.results} == {"matmul", "copy", "dispatch"}
    assert all(result.value > 0 for result in report.results)
