"""hwcost beside ``torch.utils.benchmark`` and Triton's ``do_bench``: how far two runs of a tool are apart, at equal time."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from gpu_parts.figure import Figure
from gpu_parts.setting import Setting, measured

from hwcost.backends import backend
from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.plans.plan import Item
from hwcost.devices import DeviceHandle, device_kind
from hwcost.spaces import space
from hwcost.workloads import models
from hwcost.workloads.base import Workload

NETS = 12
TOOLS = {"hwcost": "hwcost", "torch.utils.benchmark": "torch", "do_bench": "triton"}
"""Tools, each with the package that it needs."""


def nets() -> list[Workload]:
    """Returns what every tool measures."""
    made = space("supershaper")
    return list(models(made, made.sample(NETS, seed=1, design="spread"), batch_size=128, seq_len=128, dtype="bfloat16"))


def peers(setting: Setting) -> Iterator[Figure]:
    """Runs every tool twice, each time in fresh processes and for the same time."""
    tools = [name for name, package in TOOLS.items() if find_spec(package)]
    for name in set(TOOLS) - set(tools):
        print(f"{name} is left out: {TOOLS[name]} is not installed", file=sys.stderr)
    share_s = setting.seconds / (2 * len(tools))
    runs = {name: [_run(setting, name, share_s, number) for number in range(2)] for name in tools}
    apart = {name: _apart(*two) for name, two in runs.items()}
    for name, found in apart.items():
        if name != "hwcost":
            yield Figure(f"{name}: 95th percentile of run to run difference, %", found)
    others = [found for name, found in apart.items() if name != "hwcost"]
    yield Figure("hwcost: the same, %", apart["hwcost"], "<=", min(others) / 2 if others else None, f"{share_s:.0f} s each")


def _apart(one: dict[str, float], other: dict[str, float]) -> float:
    return float(100 * np.quantile([abs(math.log(one[key] / other[key])) for key in one.keys() & other.keys()], 0.95))


def _run(setting: Setting, tool: str, seconds: float, number: int) -> dict[str, float]:
    """Returns the latency of each net by its key, from one run of a tool."""
    if tool == "hwcost":
        options = MeasureOptions(setting.device, "torch", tier="standard", seed=number)
        result, _ = measured(setting, [Item(work) for work in nets()], options, seconds)
        return {found.workload.key: found.latency_s for found in result.measurements if found.latency_s}
    command = [sys.executable, __file__, tool, str(seconds), json.dumps(setting.device.to_dict())]
    pinned = os.environ | device_kind(setting.device.kind).environment(setting.device)
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(command, env={**pinned, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _alone(tool: str, seconds: float, handle: DeviceHandle) -> dict[str, float]:
    """Measures one net after another in this process."""
    ends, works, found = time.monotonic() + seconds, nets(), {}
    made = backend("torch")
    for left, work in zip(range(len(works), 0, -1), works, strict=True):
        share_s = max(0.2, (ends - time.monotonic()) / left)
        runner: Any = made.prepare(work, handle)
        found[work.key] = _WAYS[tool](runner, 0.8 * share_s)
        runner.close()
    return found


def _timer(runner: Any, seconds: float) -> float:
    from torch.utils.benchmark import Timer

    timer = Timer("run(1)", globals={"run": runner.run})
    return float(timer.blocked_autorange(min_run_time=seconds).median)


def _do_bench(runner: Any, seconds: float) -> float:
    from triton.testing import do_bench

    with runner._mode():
        return float(do_bench(lambda: runner._issue(1), rep=1000 * seconds, return_mode="median")) / 1e3


_WAYS: dict[str, Callable[[Any, float], float]] = {"torch.utils.benchmark": _timer, "do_bench": _do_bench}

if __name__ == "__main__":
    print(json.dumps(_alone(sys.argv[1], float(sys.argv[2]), DeviceHandle.from_dict(json.loads(sys.argv[3])))))
