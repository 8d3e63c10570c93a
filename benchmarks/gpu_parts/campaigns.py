"""Campaigns: sixty architectures of SuperShaper, a second campaign on them, and every student and sub-net in one."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

import numpy as np
from gpu_parts.figure import Figure
from gpu_parts.setting import Setting, measured

from hwcost.api import fit
from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.plans.plan import Item
from hwcost.campaign.run import Result
from hwcost.spaces import space
from hwcost.workloads import models

TEST = 20
"""Architectures that are kept aside to test the lookup table."""

DTYPES = ("bfloat16", "float32")
WANTED = 0.01
SUBSPACES = ("tiny", "small", "base")


def supershaper(setting: Setting, backend: str = "torch-cudagraph") -> Iterator[Figure]:
    """Measures the architectures in both precisions at batch 128 and 128 tokens, and fits a lookup table on most."""
    for dtype in DTYPES:
        result, seconds = one(setting, dtype, backend, seed=0, seconds=setting.seconds / len(DTYPES))
        found = [one for one in result.measurements if one.half_width is not None]
        precise = sum(one.half_width <= WANTED for one in found if one.half_width is not None)
        yield Figure(f"{dtype}: architectures to 1 %", precise, ">=", 60, f"of {len(result.measurements)}")
        yield Figure(f"{dtype}: minutes of the campaign", seconds / 60, "<=", 8)
        yield Figure(f"{dtype}: MAPE of the lookup table on {TEST} others, %", table_error(result), "<=", 1.5)


def one(setting: Setting, dtype: str, backend: str, seed: int, seconds: float) -> tuple[Result, float]:
    """Runs one campaign on the architectures."""
    made = space("supershaper")
    archs = list(dict.fromkeys(made.sample(2 * setting.nets, seed=0, design="spread")))[: setting.nets]
    rng = np.random.default_rng(0)
    tested = set(rng.choice(len(archs), size=min(TEST, len(archs) // 3), replace=False).tolist())
    works = models(made, archs, batch_size=128, seq_len=128, dtype=dtype)
    items = [Item(work, "test" if index in tested else "fit") for index, work in enumerate(works)]
    options = MeasureOptions(
        setting.device, backend, batch_size=128, seq_len=128, dtype=dtype, tier="standard", seed=seed
    )  # fmt: skip
    return measured(setting, items, options, seconds)


def table_error(result: Result) -> float | None:
    """Returns the mean absolute error, in percent, of a lookup table on the architectures that were kept aside."""
    cost = fit(result, model="lut")
    tested = [one for one in result.measurements if one.role == "test" and one.latency_s is not None]
    if not tested:
        return None
    predicted = cost.predict([one.workload.architecture for one in tested]).latency_s
    truth = np.array([one.latency_s for one in tested])
    return float(100 * np.abs(predicted / truth - 1).mean())


def again(setting: Setting, backend: str = "torch-cudagraph") -> Iterator[Figure]:
    """Measures the architectures twice in campaigns of their own, and compares the two."""
    dtype, half = DTYPES[0], setting.seconds / 2
    runs = [one(setting, dtype, backend, seed, half)[0] for seed in (1, 2)]
    yield Figure("two campaigns: median difference, %", 100 * statistics.median(differences(*runs)), "<=", 1)


def differences(one: Result, other: Result) -> list[float]:
    """Returns the absolute log ratios of the latencies that both campaigns found."""
    known = {found.workload.key: found.latency_s for found in other.measurements}
    return [
        abs(math.log(found.latency_s / known[found.workload.key]))
        for found in one.measurements
        if found.latency_s and known.get(found.workload.key)
    ]


def every(setting: Setting) -> Iterator[Figure]:
    """Measures all students of AutoDistill and all sub-nets of AutoDistil at batch 1 in one campaign."""
    shape = {"batch_size": 1, "seq_len": 128, "dtype": DTYPES[0]}
    spaces = [space("autodistill"), *(space("autodistil", subspace=name) for name in SUBSPACES)]
    works = [work for made in spaces for work in models(made, list(made.architectures()), **shape)]
    options = MeasureOptions(setting.device, "torch-cudagraph", tier="quick", **shape)
    result, seconds = measured(setting, [Item(work) for work in works], options, setting.seconds)
    known = sum(found.latency_s is not None for found in result.measurements)
    yield Figure("students and sub-nets with a latency", known, ">=", 576 + 768, f"in {seconds / 60:.1f} minutes")
