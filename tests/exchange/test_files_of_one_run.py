"""Files that hold one run, a log, a trace or text beside a table: what is said of each, and what is read all the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwcost.errors import DataError
from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import LatencyTable, read_table

EVENT = {"ph": "X", "name": "aten::linear", "cat": "cpu_op", "ts": 12.5, "dur": 3.25, "pid": 1, "tid": 1}
RUN = {"elapsed_time": 31.5, "num_requests": 200, "requests_per_second": 6.35, "tokens_per_second": 2600.5}
LAYER = {"timeMs": 12.0, "averageMs": 0.12, "medianMs": 0.11}


def read(folder: Path, text: str, **options: str) -> LatencyTable:
    (folder / "file").write_text(text)
    return read_table(folder / "file", "table", TableOptions(**options))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps({"traceEvents": [EVENT] * 3, "deviceProperties": [{"id": 0}]}), "this is a trace of a profiler"),
        (json.dumps([EVENT] * 3), "this is a trace of a profiler"),
        ("Conv-input:56x56x16-output:28x28x24:\n  count: 1\n  mean: 2.5\n", "this is YAML"),
        ("Conv-input:56x56x16: {count: 1, mean: 2.5}\nFC-input:16: {count: 1, mean: 0.5}\n", "this is YAML"),
        (" iteration  10/  500 | elapsed time per iteration (ms): 905.4 | loss: 8.1 |\n" * 3, "a log of a program"),
        ("loop_count = 8\n   net-1  min =  2.60  avg =  2.65\n   net-2  min =  1.60\n", "ncnn's benchncnn printed"),
        ("Name   Self CPU %   CPU time avg\nop   1.5%   3.25us\nop-2   2.5%   2.25ms   1\n", "does not look like a table"),
        (json.dumps(RUN), "the JSON holds an object with elapsed_time, num_requests"),
        ("Metric,avg,p99\nLatency (ms),2.5,3.5\n\nMetric,Value\n", "line 4: 2 values where .* An empty line stands before"),
        (json.dumps([{"count": 100}, {"name": "a", **LAYER}, {"name": "b", **LAYER}]), "looks like results of trtexec"),
        ("command,mean,stddev\na,2.5,0.1\nb,3.5,0.1\n", "Name the column: --latency mean --unit s, ms"),
        ("gmacs,latency_ms\n1,2\n,3\n", "column 'gmacs': the value is missing. .* leave the column out: --drop gmacs"),
    ],
)
def test_what_a_file_is_and_what_to_do_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_text_below_a_table_of_markdown_is_skipped(tmp_path: Path) -> None:
    table = "| model | layers | latency_ms |\n| --- | ---: | ---: |\n| a | 2 | 2.5 |\n| b | 4 | 4.5 |\n"
    held = read(tmp_path, f"{table}\nbuild: 12345 (678)\n")
    assert held.latency_s.tolist() == pytest.approx([0.0025, 0.0045])
    assert "line 6 skipped: text below the table." in held.remarks
    with pytest.raises(DataError, match="line 6: 1 values where the header has"):
        read(tmp_path, f"{table}\nanother one:\n{table}")


def test_settings_of_one_value_are_remarked_with_the_option_that_leaves_them_out() -> None:
    rows = {"layers": [2, 4, 8], "build": ["a"] * 3, "n_batch": [512] * 3, "my device": ["x"] * 3, "latency_ms": [2, 4, 8]}
    held = read_table(rows, "table")
    assert any(remark.endswith("--drop 'build,n_batch,my device' leaves them out.") for remark in held.remarks)
    assert len(held.space.genes) == 4
    left = read_table(rows, "table", TableOptions(drop="build,n_batch,my device"))
    assert [gene.name for gene in left.space.genes] == ["layers"]
    assert not any("one value" in remark for remark in left.remarks)
