"""Whether configurations differ at all: a sub-network that was never applied costs the same whatever was asked for."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np

from hwcost._stats import kendall_tau
from hwcost._types import Floats, Indices
from hwcost.timing.measurement import Flag

LARGEST_P = 1e-3
"""The F test must be at least this sure that configurations differ."""

MIN_GROUPS = 20
"""Configurations below which the F test says nothing: a few may really cost the same."""

FOLLOWING = 3.1
"""Standard deviations of Kendall's tau by chance (one in a thousand) beyond which latency follows size."""

LEAST_TAU = 0.1
"""Kendall's tau of operations and latency below which size had no effect."""

MIN_SIZES = 50
"""Configurations below which tau says nothing."""

SIZE_RANGE = 1.2
"""Largest over smallest number of operations from which latency should follow it."""

ROUNDING = 1e-24
"""Mean square of log latencies below which there is nothing but rounding."""

REMEDY = "Was the configuration really applied to the model that ran?"


def null_effect(
    latencies: Sequence[Sequence[float]], flops: Sequence[float | None] = (), rounds: Sequence[Sequence[int]] = ()
) -> Flag | None:
    """Tests whether configurations differ at all.

    Args:
        latencies: Latencies of the visits of each configuration, in seconds.
        flops: Operations per call of each configuration, None where unknown; empty for no test by size.
        rounds: Number of the round of each visit, in the order of ``latencies``, whose levels do not count as noise; empty
            for visits of one round.

    Returns:
        E_NULL_EFFECT when twenty or more configurations with repeats cannot be distinguished (analysis of variance of log
        latency by configurations and rounds) and do not follow their size beyond chance either, as they do where a neighbour
        makes visits noisy; or when the latency of fifty or more does not follow their size.
    """
    alike = _all_alike(latencies, rounds or [[0] * len(group) for group in latencies])
    return (None if alike and _follows_size(latencies, flops) else alike) or _blind_to_size(latencies, flops)


def _all_alike(latencies: Sequence[Sequence[float]], rounds: Sequence[Sequence[int]]) -> Flag | None:
    repeated = [number for number, group in enumerate(latencies) if len(group) > 1]
    if len(repeated) < MIN_GROUPS:
        return None
    sizes = [len(latencies[number]) for number in repeated]
    p = _p_of_no_difference(
        np.log(np.concatenate([latencies[number] for number in repeated])),
        np.repeat(np.arange(len(repeated)), sizes),
        np.unique(np.concatenate([rounds[number] for number in repeated]), return_inverse=True)[1],
    )
    if p is None or p <= LARGEST_P:
        return None
    return Flag("E_NULL_EFFECT", f"{len(repeated)} configurations cost the same (F test, p = {p:.2g}).", REMEDY)


def _p_of_no_difference(logs: Floats, groups: Indices, rounds: Indices) -> float | None:
    """Returns the p value of the F test that all groups are equal but for the levels of rounds; None without repeats.

    The sum of squares of rounds alone is compared with that of groups and rounds, which need not be balanced.

    Args:
        logs: Log latency of each visit, shape (n,).
        groups: Number of its group, shape (n,), without gaps.
        rounds: Number of its round, shape (n,), without gaps.
    """
    from scipy import stats

    of_rounds = np.eye(int(rounds.max()) + 1)[rounds]
    columns = np.column_stack([logs, of_rounds])
    means = np.stack([np.bincount(groups, column) for column in columns.T], axis=1) / np.bincount(groups)[:, None]
    inside = columns - means[groups]
    shifts, _, rank, _ = np.linalg.lstsq(inside[:, 1:], inside[:, 0])
    both = float(np.sum((inside[:, 0] - inside[:, 1:] @ shifts) ** 2))
    levels = np.bincount(rounds, logs) / np.bincount(rounds)
    alone = float(np.sum((logs - levels[rounds]) ** 2))
    more, left = len(means) + rank - len(levels), len(logs) - len(means) - rank
    if more <= 0 or left <= 0:
        return None
    if alone <= ROUNDING * len(logs):
        return 1.0
    if both <= ROUNDING * len(logs):
        return 0.0
    return float(stats.f.sf((alone - both) / more / (both / left), more, left))


def _blind_to_size(latencies: Sequence[Sequence[float]], flops: Sequence[float | None]) -> Flag | None:
    sizes, medians = _by_size(latencies, flops)
    n = len(sizes)
    if n < MIN_SIZES or max(sizes) < SIZE_RANGE * min(sizes):
        return None
    tau = kendall_tau(sizes, medians)
    if tau is not None and tau >= LEAST_TAU:
        return None
    reason = "it never varies" if tau is None else f"tau {tau:.2f}"
    return Flag("E_NULL_EFFECT", f"latency does not follow the operations of {n} configurations ({reason}).", REMEDY)


def _follows_size(latencies: Sequence[Sequence[float]], flops: Sequence[float | None]) -> bool:
    """Whether larger configurations take longer, beyond what chance makes of that (Kendall, "Rank correlation methods")."""
    sizes, medians = _by_size(latencies, flops)
    n = len(sizes)
    tau = kendall_tau(sizes, medians) if n > 1 else None
    return tau is not None and tau > FOLLOWING * math.sqrt(2 * (2 * n + 5) / (9 * n * (n - 1)))


def _by_size(latencies: Sequence[Sequence[float]], flops: Sequence[float | None]) -> tuple[Floats, Floats]:
    """Returns operations and median latencies of the configurations of which both are known, each of shape (n,)."""
    pairs = [(size, statistics.median(group)) for size, group in zip(flops, latencies, strict=False) if size and len(group)]
    sizes, medians = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    return sizes, medians
