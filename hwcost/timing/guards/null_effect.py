"""Whether configurations differ at all: a sub-network that was never applied costs the same whatever was asked for."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np

from hwcost._stats import kendall_tau
from hwcost.timing.measurement import Flag

LARGEST_P = 1e-3
"""The F test must be at least this sure that configurations differ."""

MIN_GROUPS = 20
"""Configurations below which the F test says nothing: a few may really cost the same."""

LEAST_TAU = 0.1
"""Kendall's tau of operations and latency below which size had no effect."""

MIN_SIZES = 50
"""Configurations below which tau says nothing."""

SIZE_RANGE = 1.2
"""Largest over smallest number of operations from which latency should follow it."""

REMEDY = "Was the configuration really applied to the model that ran?"


def null_effect(latencies: Sequence[Sequence[float]], flops: Sequence[float | None] = ()) -> Flag | None:
    """Tests whether configurations differ at all.

    Args:
        latencies: Latencies of the visits of each configuration, in seconds.
        flops: Operations per call of each configuration, None where unknown; empty for no test by size.

    Returns:
        E_NULL_EFFECT when twenty or more configurations with repeats cannot be distinguished (one-way analysis of variance
        of log latency), or when the latency of fifty or more does not follow their size.
    """
    return _all_alike(latencies) or _blind_to_size(latencies, flops)


def _all_alike(latencies: Sequence[Sequence[float]]) -> Flag | None:
    groups = [[math.log(value) for value in group] for group in latencies if len(group) > 1]
    if len(groups) < MIN_GROUPS:
        return None
    p = _f_test(groups)
    if p <= LARGEST_P:
        return None
    return Flag("E_NULL_EFFECT", f"{len(groups)} configurations cost the same (F test, p = {p:.2g}).", REMEDY)


def _f_test(groups: Sequence[Sequence[float]]) -> float:
    from scipy import stats

    if len({value for group in groups for value in group}) == 1:
        return 1.0
    if all(len(set(group)) == 1 for group in groups):
        return 0.0
    return float(stats.f_oneway(*groups).pvalue)


def _blind_to_size(latencies: Sequence[Sequence[float]], flops: Sequence[float | None]) -> Flag | None:
    pairs = [
        (size, statistics.median(group)) for size, group in zip(flops, latencies, strict=False) if size and len(group) > 0
    ]
    sizes = [size for size, _ in pairs]
    if len(pairs) < MIN_SIZES or max(sizes) < SIZE_RANGE * min(sizes):
        return None
    tau = kendall_tau(np.array(sizes, dtype=float), np.array([latency_s for _, latency_s in pairs]))
    if tau is not None and tau >= LEAST_TAU:
        return None
    reason = "it never varies" if tau is None else f"tau {tau:.2f}"
    text = f"latency does not follow the operations of {len(pairs)} configurations ({reason})."
    return Flag("E_NULL_EFFECT", text, REMEDY)
