"""pyperf: every net in worker processes of its own, as ``pyperf.Runner.bench_func`` starts them, and the mean of its values.

Its interval is the one that it prints, mean +- standard deviation. Warnings are those of ``pyperf check``. Loops come from a
first look in the parent, which takes less time than a calibrating process per net; values fill the time.
"""

from __future__ import annotations

import argparse
import itertools
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyperf
import torch
from peer_tools.asked import Asked, Found, Reading, add_arguments, answer, asked_of
from peer_tools.nets import call_of, calls, measured
from peer_tools.setting import THREADS

PROCESSES = 2
"""Worker processes per net: each spends seconds on importing torch, so that a minute has room for few of them."""

VALUE_S = 0.1
"""Seconds of a value: pyperf's own least time."""

LEAST_VALUES = 2
"""Values of a process at the least: a standard deviation takes two."""

LOOKS = 5
"""Calls of a first look."""


def main() -> None:
    """Measures all nets, or, as a worker process of pyperf, one of them."""
    runner = pyperf.Runner(program_args=("-m", "peer_tools.pyperf_runner"), add_cmdline_args=pass_on)
    add_arguments(runner.argparser)
    given = runner.parse_args()
    if given.worker:
        work(runner, given)
    else:
        given.quiet = given.copy_env = True
        asked = asked_of(given)
        answer(asked, measure(runner, asked))


def pass_on(command: list[str], given: argparse.Namespace) -> None:
    """Adds to the command of a worker what it has to know."""
    command.extend(("--nets", str(given.nets), "--scale", given.scale, "--seq-len", str(given.seq_len)))


def work(runner: pyperf.Runner, given: argparse.Namespace) -> None:
    """Builds the net of a worker's task, and measures it."""
    torch.set_num_threads(THREADS)
    nets = measured(asked_of(given))
    call = call_of(nets[given.worker_task])
    with torch.inference_mode():
        for workload in nets:
            runner.bench_func(workload.key, call)


def measure(runner: pyperf.Runner, asked: Asked) -> Found:
    """Lets workers measure one net after another, each for an equal share of what is left of the time."""
    per_call_s = looks(asked)
    start_s = time.monotonic() - (asked.deadline - asked.seconds)  # as long as this process took, a worker takes too
    found = []
    for i, (key, seconds) in enumerate(per_call_s.items()):
        runner.args.loops = max(1, round(VALUE_S / seconds))
        runner.args.processes, runner.args.values = plan(asked.share_s(asked.nets - i), start_s)
        found.append(runner.bench_func(key, lambda: None))
    return Found({one.get_name(): reading(one) for one in found}, tuple(warned(found)))


def looks(asked: Asked) -> dict[str, float]:
    """Returns roughly how many seconds a call of each net takes, by key: the quickest of a few."""
    found = {}
    with torch.inference_mode():
        for key, call in calls(asked).items():
            marks = [time.perf_counter()]
            for _ in range(LOOKS):
                call()
                marks.append(time.perf_counter())
            found[key] = min(after - before for before, after in itertools.pairwise(marks))
    return found


def plan(share_s: float, start_s: float) -> tuple[int, int]:
    """Returns the processes of a net and the values of each of them, beside one to warm up, that fit into its share."""
    for processes in range(PROCESSES, 0, -1):
        values = math.floor((share_s / processes - start_s) / VALUE_S) - 1
        if values >= LEAST_VALUES:
            return processes, values
    return 1, LEAST_VALUES


def reading(benchmark: pyperf.Benchmark) -> Reading:
    """Returns mean +- standard deviation, as pyperf prints them."""
    mean, spread = benchmark.mean(), benchmark.stdev()
    return Reading(mean, mean - spread, mean + spread)


def warned(benchmarks: list[pyperf.Benchmark]) -> list[str]:
    """Returns the names of the benchmarks that ``pyperf check`` calls unstable."""
    names = [benchmark.get_name() for benchmark in benchmarks]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nets.json"
        pyperf.BenchmarkSuite(benchmarks).dump(str(path))
        command = [sys.executable, "-m", "pyperf", "check", str(path)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if len(names) == 1:  # a single benchmark is checked without its name
        return names if "may be unstable" in said else []
    return [name for name in names if name in said.splitlines()]


if __name__ == "__main__":
    main()
