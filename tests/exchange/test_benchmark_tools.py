"""The tools themselves: what they write today is read, and what is written for them they read; see ``make test-tools``."""

from __future__ import annotations

import subprocess

import pytest

from hwcost.exchange.benchmarks.base import Given, History
from hwcost.exchange.benchmarks.reading import read, writer
from hwcost.stores.series import Estimate
from tests.conftest import require_package, require_program
from tests.exchange import tools
from tests.exchange.test_benchmark_exports import commit, history, series
from tests.other_tools import missing, python_with, tool

pytestmark = [pytest.mark.slow, pytest.mark.once]


def test_asv(tmp_path) -> None:
    _, [run] = read(tools.asv(tmp_path, tool("asv")))
    assert len(run.estimates) == 6
    assert sum(one.status == "failed" for one in run.estimates) == 1


def test_pytest_benchmark(tmp_path) -> None:
    _, [run] = read(tools.pytest_benchmark(tmp_path, python_with("pytest_benchmark")))
    assert len(run.estimates) == 2


def test_pyperf(tmp_path) -> None:
    _, [run] = read(tools.pyperf(tmp_path, python_with("pyperf")))
    assert run.estimates[0].n_rounds == 3


def test_google_benchmark(tmp_path) -> None:
    compiler = require_program("g++")
    (tmp_path / "probe.cpp").write_text("#include <benchmark/benchmark.h>\nint main() {}\n")
    if subprocess.run([compiler, "-fsyntax-only", str(tmp_path / "probe.cpp")], capture_output=True).returncode:
        missing("google/benchmark (Debian's libbenchmark-dev)")
    _, [run] = read(tools.google_benchmark(tmp_path, compiler))
    assert [one.status for one in run.estimates] == ["ok", "ok", "failed"]


def test_onnxruntime(tmp_path) -> None:
    require_package("onnxruntime")
    require_package("transformers")
    _, [run] = read(tools.onnxruntime(tmp_path), None, Given(device="bench-1"))
    assert [one.value for one in run.estimates] == pytest.approx([2.1e-3, 15e-3, 60.5e-3])


def write(exported, folder) -> None:
    for name, content in exported.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def test_otava_finds_the_change_in_what_is_written_for_it(tmp_path) -> None:
    otava = tool("otava")
    quiet, shifted = series("quiet"), series("shifted")
    made = history(quiet, shifted, nights=28)
    wobble = [1.001, 0.999, 1.002, 0.998]
    estimates = []
    for one in made.estimates:
        night = int(one.run_id[4:])
        level = 1.2 if one.series_key == shifted.series_key and night >= 14 else 1.0
        estimates.append(
            Estimate(one.series_key, None, one.run_id, one.measured_at, level * wobble[night % 4], None)
        )
    write(writer("otava").write(History(made.runs, made.series, estimates)), tmp_path)
    between = ("--since", "2024-12-01", "--until", "2025-12-01")
    for name, is_changed in (("quiet", False), ("shifted", True)):
        command = [otava, "analyze", "--config-file", "otava.yaml", *between, f"{name}-on-k80-by-torch-latency_s"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert ("+20.0%" in done.stdout) == is_changed


def test_asv_shows_what_is_written_for_it(tmp_path) -> None:
    asv = tool("asv")
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").write_text("")
    (tmp_path / "asv.conf.json").write_text('{"version": 1, "project": "x", "repo": ".", "results_dir": "results"}')
    head = tools.git_commit(tmp_path)
    made = history(series("net"), nights=1)
    run = made.runs[0].model_copy(update={"code": made.runs[0].code.model_copy(update={"commit": head})})
    write(writer("asv").write(History([run], made.series, made.estimates)), tmp_path / "results")
    done = subprocess.run([asv, "show", head[:8]], cwd=tmp_path, capture_output=True, text=True)
    assert commit(0) != head
    assert "net.torch.latency_s" in done.stdout, done.stdout + done.stderr
    assert "1.25" in done.stdout
