"""Runs other benchmark tools at small size, for tests of how their files are read.

``python -m tests.exchange.tools`` makes the files in ``tests/exchange/data`` anew; tests marked ``slow`` run the
tools afresh. Each function takes an empty folder, runs the tool there, and returns the file or folder that it wrote.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

DATA = Path(__file__).with_name("data")

ANY_PATH = re.compile(r"/(?:root|home|tmp|usr|opt|work)/[^\s\"',;:\\]*")
ANY_ENVIRONMENT = re.compile(r"existing-py_\w+_python")
"""Name of an environment of asv, which has the path of its interpreter in it."""

ASV_MODULE = '''
class Suite:
    params = ([10, 100], ["sum", "max"])
    param_names = ["n", "how"]

    def setup(self, n, how):
        if n == 100 and how == "max":
            raise NotImplementedError

    def time_reduce(self, n, how):
        {"sum": sum, "max": max}[how](range(n))


def time_broken():
    raise ValueError("broken on purpose")


def peakmem_list():
    return [0] * 100_000


def track_ratio():
    return 0.75


track_ratio.unit = "ratio"
'''

PYTEST_MODULE = '''
import pytest


@pytest.mark.parametrize("n", [10, 1000])
def test_sum(benchmark, n):
    benchmark.pedantic(sum, args=(range(n),), rounds=5, iterations=20)
'''

PYPERF_SCRIPT = '''
import pyperf

runner = pyperf.Runner(values=2, warmups=1, processes=3, loops=2000)
runner.metadata["purpose"] = "test"
runner.bench_func("sum", sum, range(100))
'''

GOOGLE_SOURCE = '''
#include <benchmark/benchmark.h>
#include <numeric>
#include <vector>

static void Sum(benchmark::State& state) {
  std::vector<int> values(state.range(0), 1);
  for (auto _ : state) benchmark::DoNotOptimize(std::accumulate(values.begin(), values.end(), 0));
  state.counters["bytes"] = 4.0 * state.range(0);
}
BENCHMARK(Sum)->Arg(64)->Arg(4096)->Unit(benchmark::kMicrosecond);

static void Broken(benchmark::State& state) {
  state.SkipWithError("broken on purpose");
  for (auto _ : state) {}
}
BENCHMARK(Broken);
BENCHMARK_MAIN();
'''

ONNXRUNTIME_SCRIPT = """
import sys
from onnxruntime.transformers.benchmark_helper import get_latency_result, output_details

common = {
    "engine": "onnxruntime", "version": "1.20.0", "providers": "CPUExecutionProvider", "device": "cpu",
    "optimizer": "by_ort", "precision": "fp32", "io_binding": "False", "model_name": "bert-base-cased", "inputs": 1,
    "threads": 2, "custom_layer_num": "", "datetime": "2025-03-04 05:06:07.890123",
}
measured = [(1, 8, [2.1e-3, 2.2e-3, 2.0e-3]), (1, 128, [15.1e-3, 14.9e-3, 15e-3]), (4, 128, [61.2e-3, 59.8e-3, 60.5e-3])]
rows = [
    {**common, "batch_size": batch, "sequence_length": length, **get_latency_result(latencies, batch)}
    for batch, length, latencies in measured
]
output_details(rows[:2], sys.argv[1])
output_details(rows[2:], sys.argv[1])  # the tool appends to its file, header and all
"""
"""Writes a CSV by the functions of onnxruntime's benchmark, of given latencies, without a model to download."""

GOOGLE_ARGUMENTS = ("--benchmark_min_time=0.001", "--benchmark_repetitions=3", "--benchmark_out_format=json")


def run(*command: object, at: Path) -> None:
    """Runs a program in a folder, with that folder as its home, and shows what it said where it fails."""
    environment = {**os.environ, "HOME": str(at), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run([str(part) for part in command], cwd=at, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def git_commit(folder: Path) -> str:
    """Makes a repository with one commit, and returns the commit."""
    identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    run("git", "init", "-q", "-b", "main", at=folder)
    run("git", "add", ".", at=folder)
    run("git", *identity, "commit", "-q", "-m", "benchmarks", at=folder)
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def asv(folder: Path, program: str = "asv") -> Path:
    """Runs asv once on the commit of a new repository; a benchmark that fails is meant to."""
    (folder / "benchmarks").mkdir()
    (folder / "benchmarks" / "__init__.py").write_text("")
    (folder / "benchmarks" / "suite.py").write_text(ASV_MODULE)
    (folder / "asv.conf.json").write_text(
        '{"version": 1, "project": "example", "repo": ".", "branches": ["main"], "benchmark_dir": "benchmarks", '
        '"results_dir": "results", "environment_type": "virtualenv"}'
    )
    commit = git_commit(folder)
    run(program, "machine", "--yes", "--machine", "bench-1", "--os", "Linux", "--cpu", "Example CPU", at=folder)
    environment = {**os.environ, "HOME": str(folder)}
    command = [program, "run", "--python=same", "--machine", "bench-1", "--set-commit-hash", commit, "-a", "repeat=3"]
    subprocess.run(
        [*command, "-a", "warmup_time=0", "-a", "sample_time=0.001"], cwd=folder, env=environment, capture_output=True
    )
    return folder / "results"


def pytest_benchmark(folder: Path, python: str = sys.executable) -> Path:
    """Runs two benchmarks under pytest, in a repository."""
    (folder / "test_sums.py").write_text(PYTEST_MODULE)
    git_commit(folder)
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_sums.py", "--benchmark-json=results.json")
    run(python, *command, at=folder)
    return folder / "results.json"


def pyperf(folder: Path, python: str = sys.executable) -> Path:
    """Runs one benchmark in three processes."""
    (folder / "bench.py").write_text(PYPERF_SCRIPT)
    run(python, "bench.py", "-q", "-o", "results.json", at=folder)
    return folder / "results.json"


def onnxruntime(folder: Path, python: str = sys.executable) -> Path:
    """Writes the detail CSV of onnxruntime's benchmark by its own functions."""
    run(python, "-c", ONNXRUNTIME_SCRIPT, "detail.csv", at=folder)
    return folder / "detail.csv"


def google_benchmark(folder: Path, compiler: str = "g++") -> Path:
    """Compiles and runs benchmarks in C++, one of which reports an error on purpose."""
    (folder / "bench.cpp").write_text(GOOGLE_SOURCE)
    run(compiler, "-O2", "bench.cpp", "-o", "bench", "-lbenchmark", "-lpthread", at=folder)
    run("./bench", *GOOGLE_ARGUMENTS, "--benchmark_out=results.json", at=folder)
    return folder / "results.json"


def without_paths(text: str) -> str:
    """Returns a text without paths of the machine that made it, which are of no interest."""
    return ANY_ENVIRONMENT.sub("existing-py_python", ANY_PATH.sub("/bench", text))


def main(scratch: Path) -> None:
    """Makes the files of all tools anew; the programs are found on PATH."""
    python = shutil.which("python") or sys.executable
    for tool, suffix in ((asv, ""), (pytest_benchmark, ".json"), (pyperf, ".json"), (google_benchmark, ".json")):
        folder = scratch / tool.__name__
        folder.mkdir()
        made = tool(folder, python) if tool in (pytest_benchmark, pyperf) else tool(folder)
        target = DATA / f"{tool.__name__}{suffix}"
        if made.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(made, target)
        else:
            shutil.copy(made, target)
        for file in [target, *target.rglob("*.json")]:
            if file.is_file():
                file.write_text(without_paths(file.read_text()))
                file.rename(file.with_name(without_paths(file.name)))


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        main(Path(scratch))
