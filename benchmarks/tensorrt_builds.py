"""Does TensorRT-RTX build engines of BERT-base and of SuperShaper's extremes, for GPUs that are not here?

Each net is exported, parsed and built for each target, and asked for a second time. Nothing is run: a line is plain JSON
with ``executed`` false, the seconds of both times, the bytes of the engine and whether the second came from the cache.

Run: ``python benchmarks/tensorrt_builds.py [--targets sm80 sm89] [--cache FOLDER]`` where ``hwcost[trt-rtx]`` is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile

from hwcost.backends import backend
from hwcost.backends.onnx_export import exported
from hwcost.spaces import space
from hwcost.timing.timer import stopwatch
from hwcost.workloads import Workload, models

NETS = {
    "BERT-base": ("autodistil", {"subspace": "reference"}, [12, 768, 4, 12]),
    "SuperShaper's narrowest": ("supershaper", {}, [120] * 12),
    "SuperShaper's widest": ("supershaper", {}, [768] * 12),
}
"""Space, its options, and genes of every net."""


def workload_of(name: str) -> Workload:
    """Returns a net at batch 1 and 128 tokens."""
    searched = space(NETS[name][0], **NETS[name][1])
    return models(searched, [searched.architecture(NETS[name][2])])[0]


def line_of(name: str, target: str) -> dict[str, object]:
    """Builds a net twice, after it was exported."""
    workload, made = workload_of(name), backend("tensorrt", options={"package": "tensorrt-rtx"})
    exported(workload)
    watch = stopwatch()
    first = made.built(workload, target)
    first_s = watch()
    again = made.built(workload, target)
    return {
        "net": name,
        "target": target,
        "executed": first["executed"],
        "tensorrt_rtx": first["tensorrt_rtx"],
        "engine_mb": round(first["engine"]["bytes"] / 1e6, 1),
        "first_s": round(first_s, 2),
        "first_from_cache": first["engine"]["from_cache"],
        "second_s": round(watch() - first_s, 2),
        "second_from_cache": again["engine"]["from_cache"],
    }


def main() -> None:
    """Prints a line for each net and target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", nargs="+", default=["sm80", "sm89"], help="compute capabilities")
    parser.add_argument("--cache", help="folder of models and engines; a new one by default, so that each is built")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HWCOST_CACHE_DIR"] = given.cache or folder
        for name in NETS:
            for target in given.targets:
                print(json.dumps(line_of(name, target)), flush=True)


if __name__ == "__main__":
    main()
