"""What does an export take, what does loading it, and does a net run alike whether its file holds its weights or not?

Nets are exported twice, to files that hold their weights and to files that name places in one file of weights, in a cache
folder of their own, which is removed. Then they are prepared from both by turns, as a process of a campaign does, and calls
of both are timed by turns. Shown are medians over nets: seconds of an export, its bytes, seconds until it is ready to run;
and the time of a call with shared weights over one with its own, with the 95 % interval of the sign test.

Run: ``python benchmarks/exports.py [--backend onnxruntime] [--nets 6] [--scale mini] [--turns 40]``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

from studies.sign_test import median_interval

from hwcost.backends import Backend, Runner, usable
from hwcost.devices import require
from hwcost.spaces import space
from hwcost.timing import timer
from hwcost.units import format_bytes
from hwcost.workloads import models
from hwcost.workloads.base import Workload

WAYS = {"own": False, "shared": True}
"""Whether weights are shared, by what the way is called."""


def main() -> None:
    """Exports, loads and runs the nets, and prints a row for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="onnxruntime", choices=("onnxruntime", "openvino"))
    parser.add_argument("--nets", type=int, default=6, help="number of nets")
    parser.add_argument("--scale", help="option of the space supershaper, such as mini; full size without it")
    parser.add_argument("--seq-len", type=int, default=128, help="tokens")
    parser.add_argument("--turns", type=int, default=40, help="calls of each net each way")
    given = parser.parse_args()
    searched = space("supershaper", **({} if given.scale is None else {"scale": given.scale}))
    nets = models(searched, searched.sample(given.nets, seed=0, design="spread"), batch_size=1, seq_len=given.seq_len)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HWCOST_CACHE_DIR"] = folder
        print(f"{given.backend:14s}{'export':>10s}{'bytes':>12s}{'ready':>10s}")
        backends = {way: made(given.backend, shares) for way, shares in WAYS.items()}
        for one in backends.values():
            one.export(nets[0])  # which pays for imports
        exports = {way: [seconds_of(one.export, net) for net in nets[1:]] for way, one in backends.items()}
        ratios, ready = compared(backends, nets, given.turns)
        for way in WAYS:
            bytes_ = format_bytes(statistics.median(sizes(Path(folder), way == "shared")))
            row = f"{statistics.median(exports[way]):10.2f}{bytes_:>12s}{statistics.median(ready[way]):10.2f}"
            print(f"{way:14s}{row}")
    low, high = median_interval(ratios)
    print(f"call, shared / own: {statistics.median(ratios):.4f} ({low:.4f} to {high:.4f})")


def made(name: str, shares_weights: bool) -> Backend:
    """Makes a backend that shares weights or does not."""
    backend = usable(name, "cpu")(1, {})
    backend.shares_weights = shares_weights
    return backend


def sizes(folder: Path, shared: bool) -> list[int]:
    """Returns the bytes of the exported files; those that hold their weights are the larger half."""
    found = sorted(path.stat().st_size for path in folder.rglob("*.onnx"))
    return found[: len(found) // 2] if shared else found[len(found) // 2 :]


def compared(
    backends: dict[str, Backend], nets: list[Workload], turns: int
) -> tuple[list[float], dict[str, list[float]]]:
    """Prepares each net both ways and times calls by turns.

    Returns:
        Time of a call with shared weights over one with its own, of every turn of every net, and the seconds until a net
        was ready, by way.
    """
    ratios: list[float] = []
    ready: dict[str, list[float]] = {way: [] for way in WAYS}
    for net in nets:
        runners: dict[str, Runner] = {}
        for way, backend in backends.items():
            runners[way] = prepared(backend, net, ready[way])
        for turn in range(turns):
            order = list(WAYS) if turn % 2 else list(WAYS)[::-1]
            took = {way: timed_s(runners[way]) for way in order}
            ratios.append(took["shared"] / took["own"])
        for runner in runners.values():
            runner.close()
    return ratios, ready


def prepared(backend: Backend, net: Workload, took: list[float]) -> Runner:
    """Prepares a net and notes the seconds."""
    watch = timer.stopwatch()
    runner = backend.prepare(net, require("cpu"))
    took.append(watch())
    return runner


def timed_s(runner: Runner) -> float:
    """Returns the seconds of two calls after one that finds the other net's data in the caches."""
    runner.run(1)
    return seconds_of(runner.run, 2)


def seconds_of(call: Any, argument: Any) -> float:
    """Returns the seconds of a call."""
    watch = timer.stopwatch()
    call(argument)
    return watch()


if __name__ == "__main__":
    main()
