"""Times of commands from hyperfine, and names that stand twice in files of other tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hwcost.errors import DataError
from hwcost.exchange.benchmarks.base import Given, Imported
from hwcost.exchange.benchmarks.hyperfine import Hyperfine
from hwcost.exchange.benchmarks.reading import read
from hwcost.exchange.table import read_table
from hwcost.testing.formats import FormatSuite

HERE = Given(device="bench-1", measured_at="2025-03-04T00:00:00Z")


def result(command: str, times: list[float], **more: Any) -> dict[str, Any]:
    mean = sum(times) / len(times)
    stats = {"mean": mean, "stddev": None, "median": sorted(times)[len(times) // 2], "min": min(times), "max": max(times)}
    more = {"exit_codes": [0] * len(times), **more}
    return {"command": command, **stats, "user": 0.9 * mean, "system": 0.1 * mean, "times": times, **more}


def imported(path: Path, document: Any) -> Imported:
    path.write_text(json.dumps(document))
    found, [run] = read(path, None, HERE)
    assert found.name == ("hyperfine" if "results" in document else "google-benchmark")
    return run


def test_hyperfine(tmp_path: Path) -> None:
    results = [
        result("bench --n 1", [0.3, 0.1, 0.2], parameters={"n": "1"}), result("bench --n 2", [0.4, 0.4]),
        result("broken", [0.01, 0.02], exit_codes=[0, 3]), result("killed", [0.01], exit_codes=[None]),
        result("true", [0.0, 0.0]),
    ]  # fmt: skip
    run = imported(tmp_path / "h.json", {"results": results})
    values = {series.name: (one.value, one.status) for series, one in zip(run.series, run.estimates, strict=True)}
    failed = (None, "failed")
    assert values == {"bench --n 1": (0.2, "ok"), "bench --n 2": (0.4, "ok"), "broken": failed, "killed": failed}
    assert run.series[0].spec == {"params": {"n": "1"}}
    assert run.estimates[2].reason == "the command ended with exit code 3 in 1 of its runs"
    assert "'true' is left out: it takes no longer than an empty shell." in run.remarks
    assert run.run.extra["columns"][run.series[0].series_key]["user"] == pytest.approx(0.18)


def test_a_summary_of_hyperfine_has_no_times(tmp_path: Path) -> None:
    short = result("bench", [0.1, 0.2, 0.6])
    del short["times"], short["exit_codes"]
    assert imported(tmp_path / "h.json", {"results": [short]}).estimates[0].value == 0.2
    (tmp_path / "h.json").write_text(json.dumps({"results": [short, {**short, "command": "other"}]}))
    assert read_table(tmp_path / "h.json", "table").latency_s.tolist() == [0.2, 0.2]


@pytest.mark.parametrize("wrong", [{"times": ["x"]}, {"times": [-1.0]}, {"exit_codes": 3}, {"command": None}])
def test_what_is_damaged_is_refused_with_its_place(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"results\[0\]"):
        imported(tmp_path / "h.json", {"results": [{**result("bench", [0.1]), **wrong}]})


class TestHyperfine(FormatSuite):
    kind = Hyperfine
    content = Path(__file__).with_name("data").joinpath("hyperfine.json").read_bytes()
    values = (0.002592774, None, 0.005968642, None)


def test_two_benchmarks_of_one_name_are_not_taken_for_repetitions(tmp_path: Path) -> None:
    def entry(family: int, time: float, repetition: int) -> dict[str, Any]:
        indexes = {"family_index": family, "per_family_instance_index": 0, "repetition_index": repetition}
        return {"name": "BM_x", "run_name": "BM_x", "run_type": "iteration", **indexes, "real_time": time, "time_unit": "ms"}

    context = {"date": "2025-03-04T05:06:07+00:00", "host_name": "bench-1"}
    repeated = [entry(0, 1.0, 0), entry(0, 3.0, 1), entry(0, 2.0, 2)]
    assert imported(tmp_path / "g.json", {"context": context, "benchmarks": repeated}).estimates[0].value == 2e-3
    with pytest.raises(DataError, match="'BM_x' has two results of latency_s with the same settings"):
        imported(tmp_path / "g.json", {"context": context, "benchmarks": [*repeated, entry(1, 500.0, 0)]})


def test_names_that_stand_twice_in_a_file_of_a_tool_are_refused(tmp_path: Path) -> None:
    """A counter of the user's that is called ``real_time`` would take the place of the time."""
    bench = '{"name": "BM_x", "run_type": "iteration", "real_time": 2.0, "time_unit": "ms", "real_time": 4e9}'
    (tmp_path / "g.json").write_text(f'{{"context": {{"date": "2025-03-04T05:06:07Z"}}, "benchmarks": [{bench}]}}')
    with pytest.raises(DataError, match="'real_time' stands twice in one object"):
        read(tmp_path / "g.json", "google-benchmark", HERE)
    (tmp_path / "o.csv").write_text("engine,model_name,average_latency_ms,average_latency_ms\ntorch,bert,1.5,2.5\n")
    with pytest.raises(DataError, match="the column 'average_latency_ms' stands twice"):
        read(tmp_path / "o.csv", None, HERE)
