"""Tables that tools write: their latencies and units are known, and what else they measured is no feature."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hwcost.errors import DataError
from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import LatencyTable, read_table
from hwcost.spaces.layouts import LAYOUTS, find_layout

N = 12
WIDTH = [64 * (i % 7 + 1) + i for i in range(N)]
SECONDS = [0.0015 + 0.0003 * i for i in range(N)]


def genes(read: LatencyTable) -> list[str]:
    return [gene.name for gene in read.space.genes]


def written(path: Path, columns: dict[str, list[Any]]) -> Path:
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


def times(factor: float) -> list[float]:
    return [factor * one for one in SECONDS]


def test_a_csv_of_hyperfine_is_in_seconds(tmp_path: Path) -> None:
    columns = {
        "command": [f"bench {width}" for width in WIDTH], "mean": times(1.01), "stddev": times(0.01), "median": SECONDS,
        "user": times(0.7), "system": times(0.2), "min": times(0.9), "max": times(1.3), "parameter_width": WIDTH,
    }  # fmt: skip
    read = read_table(written(tmp_path / "h.csv", columns), "table")
    assert genes(read) == ["parameter_width"]
    assert read.latency_s.tolist() == pytest.approx(SECONDS)
    assert read.latency_std_s is not None
    assert read.latency_std_s.tolist() == pytest.approx(times(0.01))
    assert "these are hyperfine's columns: latency is median, in s." in read.remarks


def test_commands_of_hyperfine_that_failed_are_refused(tmp_path: Path) -> None:
    result = {"mean": 0.2, "stddev": 0.1, "median": 0.2, "user": 0.1, "system": 0.1, "min": 0.1, "max": 0.3}
    results = [{"command": f"bench {w}", **result, "exit_codes": [0, 3 * (w == WIDTH[2])]} for w in WIDTH]
    (tmp_path / "h.json").write_text(json.dumps({"results": results}))
    with pytest.raises(DataError, match=r"record 3, column 'exit_codes.1': it says '3', and a run that failed"):
        read_table(tmp_path / "h.json", "table")


def test_a_csv_of_pytest_benchmark_is_in_seconds(tmp_path: Path) -> None:
    columns = {
        "name": [f"test_net[{width}]" for width in WIDTH], "param:width": WIDTH, "min": times(0.9), "max": times(1.3),
        "mean": times(1.1), "stddev": times(0.01), "median": SECONDS, "iqr": times(0.02), "outliers": ["1;2"] * N,
        "ops": [1 / one for one in SECONDS], "rounds": [int(1 / one) for one in SECONDS], "iterations": [1] * N,
    }  # fmt: skip
    read = read_table(written(tmp_path / "p.csv", columns), "table")
    assert (genes(read)[0], read.latency_s.tolist()) == ("param:width", pytest.approx(SECONDS))
    assert {"ops", "rounds", "iterations", "stddev"}.isdisjoint(genes(read))
    del columns["param:width"]
    assert genes(read_table(written(tmp_path / "p.csv", columns), "table")) == ["args.0"]


def test_latencies_of_perf_analyzer_are_in_microseconds(tmp_path: Path) -> None:
    columns = {
        "Concurrency": [1, 2, 4], "Inferences/Second": [69.2, 87.2, 84.2], "Client Send": [225, 235, 279],
        "Server Queue": [64, 9151, 33669], "Client Recv": [0, 0, 1], "p50 latency": [13891, 21874, 47045],
        "p99 latency": [21018, 34766, 64886], "Avg latency": [14443, 22912, 47600],
    }  # fmt: skip
    read = read_table(written(tmp_path / "perf.csv", columns), "table")
    assert (genes(read), read.latency_s.tolist()) == (["Concurrency"], pytest.approx([0.013891, 0.021874, 0.047045]))
    mean = read_table(tmp_path / "perf.csv", "table", TableOptions(latency="Avg latency", unit="us"))
    assert mean.latency_s[0] == pytest.approx(0.014443)


def test_a_table_of_google_benchmark_needs_a_unit(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {"width": WIDTH, "iterations": [1000 - i for i in range(N)], "real_time": times(1e3),
                                     "cpu_time": times(1e3), "time_unit": ["ms"] * N}  # fmt: skip
    read = read_table(written(tmp_path / "g.csv", columns), "table")
    assert (genes(read), read.latency_s.tolist()) == (["width"], pytest.approx(SECONDS))
    del columns["time_unit"]
    with pytest.raises(DataError, match="the column 'real_time' does not say in which unit"):
        read_table(written(tmp_path / "g.csv", columns), "table")


def test_every_layout_is_found_by_its_own_columns() -> None:
    for layout in LAYOUTS:
        assert find_layout(layout.needed) == layout
        assert find_layout(layout.needed[:-1]) != layout
