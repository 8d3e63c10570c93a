"""What a bad measurement looks like: every code, its trigger with the default, and what the user is told.

``E_`` makes a visit or a campaign void, ``W_`` warns, ``I_`` informs. Nothing void is deleted: it is kept with its reason
and never feeds an estimate.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import Any

from hwcost.measure.measurement import Flag
from hwcost.measure.timer import Block

CODES = {
    "E_COMPILE": "something was compiled inside the timed region",
    "E_NO_STEADY": "the workload never settled",
    "E_RESOLUTION": "the workload is too quick for the clock",
    "E_FOREIGN": "something else used the machine",
    "E_THROTTLED": "the processor was throttled",
    "E_FAILED": "the workload raised an error",
    "E_DIED": "the process that measured it was killed",
    "E_NULL_EFFECT": "all configurations cost the same",
    "E_DUPLICATE": "the same content stands under different labels",
    "W_DISTURBED": "the process was kept off the processor in many blocks",
    "W_MULTIMODAL": "the blocks fall into separate groups",
    "W_UNSTABLE_HOST": "the machine changed between an undisturbed and a slower state",
    "W_IMPRECISE": "the interval is wider than asked for",
    "W_VIRTUAL": "the machine is virtual",
    "W_GOVERNOR": "the clock governor saves power",
    "W_NONADDITIVE": "the sum of components misses whole models",
}
"""Every code this library gives and what it means; codes are never renamed."""

DISTURBED_SHARE = 0.97
"""A block whose CPU share is below this part of the visit's usual one was kept off the processor."""

FOREIGN_STEAL = 0.05
"""Share of CPU time that a hypervisor may take away during a visit."""

NULL_EFFECT_P = 1e-3
NULL_EFFECT_GROUPS = 20
"""Configurations below which the test says nothing: a few may really cost the same."""

MULTIMODAL_GAP = 8.0
"""Gap between neighbouring samples, in usual gaps on both sides, that separates two groups."""


def disturbed(blocks: Sequence[Block]) -> list[bool]:
    """Says for each block whether the process was kept off the processor in it.

    The CPU seconds of a block over its wall seconds are compared with the visit's upper quartile. Workloads that sleep, wait
    for a device, or run on a virtual clock have no usable share and are never called disturbed.
    """
    shares = [0.0 if block.cpu_s is None else block.cpu_s / block.seconds for block in blocks]
    if len(shares) < 4:
        return [False] * len(shares)
    usual = statistics.quantiles(shares, n=4)[2]
    return [usual >= 0.5 and share < DISTURBED_SHARE * usual for share in shares]


def of_visit(samples: Sequence[float], left_out: int, conditions: dict[str, Any], compiled: int) -> list[Flag]:
    """Returns the doubts about one visit that settled.

    Args:
        samples: Seconds per call of the blocks that count.
        left_out: Blocks that were disturbed and left out.
        conditions: What ``conditions.between`` returned.
        compiled: Compilations inside the timed region.
    """
    flags = []
    if compiled:
        flags.append(Flag("E_COMPILE", f"{compiled} compilations happened inside the timed region.",
                          "Fix the input shapes, or warm the model up for each shape."))
    steal = conditions.get("cpu_steal_fraction")
    if steal is not None and steal > FOREIGN_STEAL:
        flags.append(Flag("E_FOREIGN", f"the hypervisor took {100 * steal:.0f} % of the CPU time.",
                          "Measure on a machine of your own, or at another hour."))
    throttled = (conditions.get("thermal_throttle_events") or 0) + (conditions.get("cgroup_throttled_s") or 0)
    if throttled > 0:
        flags.append(Flag("E_THROTTLED", f"throttling was counted ({throttled:g}).",
                          "Cool the machine, or lift the CPU quota of the container."))
    share = left_out / (left_out + len(samples))
    if share > 0.2:
        flags.append(Flag("W_DISTURBED", f"{100 * share:.0f} % of the blocks lost the processor and were left out.",
                          "Stop what else runs on this machine."))
    if is_multimodal(samples):
        flags.append(Flag("W_MULTIMODAL", "the blocks fall into two separate groups.",
                          "Look at the samples; pin the process or the clock."))
    return flags


def of_machine(virtualization: str | None, governor: str | None) -> list[Flag]:
    """Returns the doubts about a machine as a whole; unknown facts are no doubt."""
    flags = []
    if virtualization:
        flags.append(Flag("W_VIRTUAL", "this is a virtual machine: neighbours that cannot be seen may move its level.",
                          "Expect wider intervals than on a machine of your own; the strict tier may be out of reach."))
    if governor not in (None, "performance"):
        flags.append(Flag("W_GOVERNOR", f"the clock governor is '{governor}'.",
                          "Set it to performance for the campaign: cpupower frequency-set -g performance."))
    return flags


def is_multimodal(samples: Sequence[float]) -> bool:
    """Says whether samples fall into two groups with an empty gap between them, each with a fifth of them or more."""
    n = len(samples)
    fifth = max(2, math.ceil(n / 5))
    if n < 10:
        return False
    ordered = sorted(samples)
    gaps = [b - a for a, b in itertools.pairwise(ordered)]
    inner = range(fifth - 1, n - fifth)
    widest = max(inner, key=lambda i: gaps[i])
    others = statistics.mean(gaps[:widest] + gaps[widest + 1 :])
    return gaps[widest] > 0.01 * ordered[n // 2] and gaps[widest] > MULTIMODAL_GAP * others


def null_effect(latencies: Sequence[Sequence[float]]) -> Flag | None:
    """Tests whether configurations differ at all, by one-way analysis of variance of log latency.

    Args:
        latencies: For each configuration its visits' latencies, in seconds.

    Returns:
        E_NULL_EFFECT when twenty or more configurations with repeats cannot be told apart.
    """
    groups = [[math.log(value) for value in group] for group in latencies if len(group) > 1]
    if len(groups) < NULL_EFFECT_GROUPS:
        return None
    from scipy import stats

    everything = [value for group in groups for value in group]
    if len(set(everything)) == 1:
        p = 1.0
    elif all(len(set(group)) == 1 for group in groups):
        p = 0.0
    else:
        p = float(stats.f_oneway(*groups).pvalue)
    if p <= NULL_EFFECT_P:
        return None
    return Flag("E_NULL_EFFECT", f"{len(groups)} configurations cost the same (F test, p = {p:.2g}).",
                "Was the configuration really applied to the model that ran?")
