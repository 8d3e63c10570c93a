"""Single kernels: matrix products beside a published file, the peak, and energy by counter and by polled power."""

from __future__ import annotations

import csv
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gpu_parts.figure import Figure
from gpu_parts.setting import Setting

from hwcost.devices import find
from hwcost.errors import DataError, DeviceError
from hwcost.timing.probe import run_probes, save_probe
from hwcost.timing.telemetry.nvml import NvmlTelemetry
from hwcost.timing.timer import time_blocks

SHAPES = 40
"""Shapes of the published file that are swept, spread over its operations."""

POLL_S = 0.02
WARM_S = 2.0
ROWS = 8192


def peak(setting: Setting) -> Iterator[Figure]:
    """Probes the device, and compares the matrix products' rate with the datasheet."""
    here = find(setting.device)
    if here is None:
        raise DeviceError(f"{setting.device} is not here any more")
    report = run_probes(here, dtypes=("bfloat16", "float16", "tfloat32", "float32"), progress=print)
    save_probe(report)
    for result in report.results:
        wanted = setting.device.profile.peak(result.dtype) if result.name == "matmul" else None
        note = f"{result.value:.4g} {result.unit}"
        if wanted is None:
            yield Figure(f"{result.name} {result.dtype}, {result.unit}", result.value)
        elif result.dtype == "bfloat16":
            yield Figure("bfloat16 products: share of the datasheet's peak", result.value / wanted, ">=", 0.6, note)
        else:
            yield Figure(f"{result.dtype} products: share of the datasheet's peak", result.value / wanted, note=note)


def gemm(setting: Setting, published: Path) -> Iterator[Figure]:
    """Times bfloat16 products of published shapes, and prints both figures of each."""
    import torch

    rows = chosen(published)
    share_s, ratios = setting.seconds / len(rows), []
    print(f"{'m':>7s} {'n':>7s} {'k':>7s} {'here, us':>12s} {'published, us':>14s} {'ratio':>7s}")
    for m, n, k, there_s in rows:
        left = torch.randn(m, k, dtype=torch.bfloat16, device=setting.place)
        right = torch.randn(k, n, dtype=torch.bfloat16, device=setting.place)
        out = torch.empty(m, n, dtype=torch.bfloat16, device=setting.place)
        here_s = timed(torch, left, right, out, min(0.5, share_s / 2))
        ratios.append(here_s / there_s)
        print(f"{m:7d} {n:7d} {k:7d} {1e6 * here_s:12.1f} {1e6 * there_s:14.1f} {here_s / there_s:7.2f}", flush=True)
    yield Figure("products: median of time here over published", statistics.median(ratios), note=f"{len(rows)} shapes")


def timed(torch: Any, left: Any, right: Any, out: Any, seconds: float) -> float:
    """Returns the median seconds of a product."""

    def run(n: int) -> None:
        for _ in range(n):
            torch.mm(left, right, out=out)
        torch.cuda.synchronize()

    run(3)
    return statistics.median(time_blocks(run, min_block_s=0.01, min_total_s=seconds).seconds_per_call)


def chosen(published: Path) -> list[tuple[int, int, int, float]]:
    """Returns shapes of the file that are spread evenly over its operations, each with its seconds."""
    try:
        with published.open(encoding="utf-8", newline="") as file:
            rows = [(int(r["m"]), int(r["n"]), int(r["k"]), float(r["latency_s"])) for r in csv.DictReader(file)]
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"'{published}' cannot be read as a table of m, n, k and latency_s: {error}") from None
    ordered = sorted(rows, key=lambda row: row[0] * row[1] * row[2])
    places = np.unique(np.linspace(0, len(ordered) - 1, SHAPES).round().astype(int))
    return [ordered[place] for place in places]


def energy(setting: Setting) -> Iterator[Figure]:
    """Multiplies matrices for a while, and compares the counter of energy with power that is polled meanwhile."""
    import torch

    telemetry = NvmlTelemetry(setting.device)
    if telemetry.energy_j() is None:
        raise DeviceError(f"{setting.device} has no counter of energy, or NVML (pip install 'hwcost[gpu]') is missing")
    matrix = torch.randn(ROWS, ROWS, dtype=torch.bfloat16, device=setting.place)
    out = torch.empty_like(matrix)
    _busy(torch, matrix, out, WARM_S)
    before_j, began = telemetry.energy_j() or 0.0, time.monotonic()
    powers = _busy(torch, matrix, out, max(2.0, min(30.0, setting.seconds - WARM_S)), telemetry)
    counted_j, seconds = (telemetry.energy_j() or 0.0) - before_j, time.monotonic() - began
    polled_j = statistics.fmean(powers) * seconds
    yield Figure("energy by counter, J", counted_j, note=f"in {seconds:.1f} s")
    yield Figure("energy by polled power, J", polled_j, note=f"{len(powers)} readings")
    yield Figure("difference, %", 100 * abs(counted_j / polled_j - 1), "<=", 5)


def _busy(torch: Any, matrix: Any, out: Any, seconds: float, telemetry: NvmlTelemetry | None = None) -> list[float]:
    """Multiplies for so many seconds; returns the powers that were polled."""
    powers, ends = [], time.monotonic() + seconds
    while time.monotonic() < ends:
        for _ in range(20):
            torch.mm(matrix, matrix, out=out)
        if telemetry is not None and (power_w := telemetry.power_w()) is not None:
            powers.append(power_w)
        torch.cuda.synchronize()
    return powers
