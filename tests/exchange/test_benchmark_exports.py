"""Measurements as other tools take them: values survive the way, missing ones are never zero, and names do no harm."""

from __future__ import annotations

import csv
import io
import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.errors import DataError, UsageError
from hwcost.exchange.benchmarks.base import Given, History
from hwcost.exchange.benchmarks.openmetrics import escaped, text
from hwcost.exchange.benchmarks.reading import read, writer, writers
from hwcost.stores.runs import Code, Run
from hwcost.stores.series import Estimate, Series

STORABLE = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
EVIL = ['<img src=x onerror=1>', '=cmd|"/c calc"!A1', 'a"b\\c\nd', "../../etc/passwd", "\u202egnp.exe", "x" * 3000, ""]


def series(name="net", **fields):
    defaults = {"workload_key": f"{name[:900]}-key", "kind": "model", "device": "k80", "backend": "torch"}
    return Series(name=name, **{**defaults, **fields})


def commit(night):
    return f"{night:08x}" * 5


def history(*all_series, nights=3, half_width=0.01):
    """One run a night, in which the values grow by 1 %."""
    runs = [
        Run(
            run_id=f"run-{n}", suite="nightly", started_at=f"2025-01-{n + 1:02d}T00:00:00Z", status="done",
            code=Code(commit=commit(n), commit_time=f"2025-01-{n + 1:02d}T00:00:00Z"),
        )
        for n in range(nights)
    ]  # fmt: skip
    estimates = [
        Estimate(one.series_key, None, run.run_id, run.started_at, (i + 1) * 1.25e-3 * 1.01**n, half_width)
        for n, run in enumerate(runs)
        for i, one in enumerate(all_series)
    ]
    return History(runs, {one.series_key: one for one in all_series}, estimates)


def failed(one, at="2025-02-01T00:00:00Z"):
    return Estimate(one.series_key, None, None, at, None, None, status="failed", reason="no memory")


def test_bencher() -> None:
    made = history(series("a"), series("b", quantity="energy_j", unit="J"))
    document = json.loads(writer("bencher").write(made).files[""])
    latest = made.latest[series("a").series_key]
    metric = document["a, on k80 by torch"]["latency"]
    assert metric["value"] == pytest.approx(latest.value * 1e9)  # nanoseconds
    assert math.log(metric["upper_value"] / metric["value"]) == pytest.approx(0.01)
    assert "energy-j" in document["b, on k80 by torch"]


def test_github_action_benchmark() -> None:
    rate = series("c", quantity="throughput_per_s", unit="1/s")
    exported = writer("github-action-benchmark").write(history(series("a"), rate))
    [entry] = json.loads(exported.files[""])
    assert set(entry) == {"name", "unit", "value", "range", "extra"}
    assert (entry["value"], entry["unit"], entry["range"]) == (1.25e-3 * 1.01**2, "s", "± 1.01 %")
    assert any("more is better" in remark for remark in exported.remarks)


def test_a_missing_value_is_absent_and_never_zero() -> None:
    lost, kept = series("lost"), series("kept")
    made = history(lost, kept)
    made = History(made.runs, made.series, [*made.estimates, failed(lost)])
    assert "lost" not in writer("github-action-benchmark").write(made).files[""]
    assert "lost" not in writer("openmetrics").write(made).files[""]
    assert writer("otava").write(made).files["lost-on-k80-by-torch-latency_s.csv"].count("\n") == 4
    with pytest.raises(UsageError, match="nothing to export"):
        writer("bencher").write(History(made.runs, made.series, [failed(lost)]))


def test_asv_out_and_in_again(tmp_path) -> None:
    exported = writer("asv").write(history(series("net, 2 layers"), series("b"), nights=2))
    for name, content in exported.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    _, runs = read(tmp_path, "asv", Given())
    assert [run.run.code.commit for run in runs] == [commit(n) for n in range(2)]
    assert [run.run.started_at for run in runs] == [f"2025-01-0{n + 1}T00:00:00.000000+00:00" for n in range(2)]
    for n, run in enumerate(runs):
        assert sorted(estimate.value for estimate in run.estimates) == [1.25e-3 * 1.01**n, 2 * 1.25e-3 * 1.01**n]
        assert [estimate.half_width for estimate in run.estimates] == pytest.approx([0.01, 0.01])
        assert {one.device for one in run.series} == {"k80"}
        assert {one.quantity for one in run.series} == {"latency_s"}


def test_asv_needs_commits() -> None:
    made = history(series("a"))
    with pytest.raises(UsageError, match="commit"):
        writer("asv").write(History([], made.series, made.estimates))


def test_otava_gets_a_csv_per_series() -> None:
    made = history(series("a"), series("b", quantity="throughput_per_s", unit="1/s"))
    exported = writer("otava").write(made)
    rows = list(csv.DictReader(io.StringIO(exported.files["a-on-k80-by-torch-latency_s.csv"])))
    assert [float(row["value"]) for row in rows] == [1.25e-3 * 1.01**n for n in range(3)]
    assert [row["commit"] for row in rows] == [commit(n) for n in range(3)]
    config = exported.files["otava.yaml"]
    assert [int(one) for one in re.findall(r"direction: (-?1)", config)] == [-1, 1]


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\S+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"')


def unescaped(label: str) -> str:
    return re.sub(r'\\([\\"n])', lambda found: "\n" if found[1] == "n" else found[1], label)


def parsed(metrics: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Reads OpenMetrics text as its specification says, and checks its form."""
    lines = metrics.split("\n")
    assert lines[-2:] == ["# EOF", ""]
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    described: set[str] = set()
    for line in lines[:-2]:
        if line.startswith("# "):
            kind, name = line.split(" ", 3)[1:3]
            assert kind in ("TYPE", "UNIT", "HELP")
            assert kind != "TYPE" or name not in described, "a family stands in one piece"
            described.add(name)
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert match[1] in described
        labels = {key: unescaped(value) for key, value in LABEL.findall(match[2])}
        found.setdefault(match[1], []).append((labels, float(match[3])))
    return found


def test_openmetrics() -> None:
    made = history(series("a", batch_size=8), series("b", quantity="energy_j", unit="J"), series("c"))
    metrics = parsed(writer("openmetrics").write(made).files[""])
    assert set(metrics) == {
        f"hwcost_{name}"
        for name in (
            "latency_seconds", "latency_low_seconds", "latency_high_seconds", "latency_measured_timestamp_seconds",
            "energy_joules", "energy_low_joules", "energy_high_joules", "energy_measured_timestamp_seconds",
        )
    }  # fmt: skip
    for labels, value in metrics["hwcost_latency_seconds"]:
        assert value == made.latest[labels["series"]].value
    [of_a] = [labels for labels, _ in metrics["hwcost_latency_seconds"] if labels["workload"] == "a"]
    assert (of_a["device"], of_a["backend"], of_a["batch_size"]) == ("k80", "torch", "8")
    assert metrics["hwcost_latency_measured_timestamp_seconds"][0][1] == 1735862400.0  # 2025-01-03
    assert parsed(text({}, [])) == {}


@settings(max_examples=30)
@given(name=st.text(STORABLE, max_size=30), more=st.sampled_from(EVIL))
def test_hostile_names_do_no_harm(name, more) -> None:
    one = series(name, workload_key="x", component=more, device=more or "d")
    made = history(one, series("b"))
    for label, value in parsed(text(made.series, made.latest.values()))["hwcost_latency_seconds"]:
        assert value == made.latest[label["series"]].value
    for format in writers().values():
        for path, content in format.write(made).files.items():
            assert re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._\-]*/?)*", path)
            assert ".." not in path.split("/")
            if path.endswith(".csv"):
                cells = [cell for row in csv.reader(io.StringIO(content)) for cell in row]
                assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
            content.encode()


@given(st.text())
def test_escaped_texts_come_back(value) -> None:
    clean = escaped(value)
    assert "\n" not in clean
    clean.encode()
    back = unescaped(clean)
    printable = not re.search("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]", value)
    assert not printable or back == value


def test_a_file_that_is_only_exported_is_named_when_it_is_imported(tmp_path) -> None:
    path = tmp_path / "bencher.json"
    path.write_text(writer("bencher").write(history(series("a"))).files[""])
    with pytest.raises(DataError, match=r"looks like Bencher.*'bencher' can be exported, not imported\. Imported are: asv"):
        read(path)
