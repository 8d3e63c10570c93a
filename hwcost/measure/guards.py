"""What a bad measurement looks like: every code, its trigger with the default, and what the user is told.

``E_`` makes a visit or a campaign void, ``W_`` warns, ``I_`` informs. Nothing void is deleted: it is kept with its reason
and never feeds an estimate. Every guard is a plain function: numbers in, a flag or None out. Those with more to compute have
files of their own: ``modes``, ``work``, ``cache``, ``null_effect`` and ``duplicates``.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from hwcost.measure.measurement import Flag
from hwcost.measure.modes import Mode, bands, modes
from hwcost.measure.null_effect import null_effect
from hwcost.measure.timer import Block
from hwcost.units import format_si

__all__ = [
    "CODES", "clock_ratio", "disturbed", "imprecise", "launch_bound", "mismatch", "null_effect", "of_item", "of_machine",
    "of_visit", "slowed",
]  # fmt: skip

CODES = {
    "E_COMPILE": "something was compiled inside the timed region",
    "E_NO_STEADY": "the workload never settled",
    "E_RESOLUTION": "the workload is too quick for the clock",
    "E_FOREIGN": "something else used the machine",
    "E_THROTTLED": "the processor was throttled",
    "E_ASYNC": "calls returned before their work was done",
    "E_FAILED": "the workload raised an error",
    "E_DIED": "the process that measured it was killed",
    "E_NULL_EFFECT": "all configurations cost the same",
    "E_DUPLICATE": "the same content stands under different labels",
    "W_DISTURBED": "the process was kept off the processor in many blocks",
    "W_MULTIMODAL": "the blocks, or the processes, fall into separate groups",
    "W_DRIFT": "the level of the machine moved",
    "W_CONFOUNDED": "order and size of the workloads cannot be told apart",
    "W_UNSTABLE_HOST": "the machine changed between states, or its level moved far",
    "W_IMPRECISE": "the interval is wider than asked for",
    "W_HOT_CACHE": "a component was timed from the cache alone",
    "W_LAUNCH_BOUND": "the host is busier with launching than the device with computing",
    "W_UNLOCKED": "the device's clock is not locked",
    "W_GOVERNOR": "the clock governor saves power",
    "W_VIRTUAL": "the machine is virtual",
    "W_NONADDITIVE": "the sum of components misses whole models",
    "W_ENV_MISMATCH": "two measurements come from different environments",
    "W_ONE_PASS": "a table knows no rounds, so the machine's level is in no interval",
    "I_PCTL_N": "there are too few isolated calls for a percentile",
}
"""Every code this library gives and what it means; codes are never renamed."""

DISTURBED_SHARE = 0.97
"""A block whose CPU share is below this part of the visit's usual one was kept off the processor."""

SLOW_CLOCK = 0.75
"""A block whose mean clock is below this part of the visit's usual one was throttled."""

MANY_BLOCKS = 0.2
"""Share of a visit's blocks that may be left out before the visit itself is in doubt."""

FOREIGN_STEAL = 0.05
"""Share of CPU time that a hypervisor may take away during a visit."""

HARD_REASONS = frozenset({"hw_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown", "sw_thermal_slowdown"})
"""Reasons of a GPU for a lower clock that void a visit. Its power cap is none of them: large matrix products live at it."""

LAUNCH_SHARE = 0.8
"""Seconds to launch a call, over the device's own, from which the device waits for the host."""


def disturbed(blocks: Sequence[Block]) -> list[bool]:
    """Says for each block whether the process was kept off the processor in it.

    The CPU seconds of a block over its wall seconds are compared with the visit's upper quartile. Workloads that sleep, wait
    for a device, or run on a virtual clock have no usable share and are never called disturbed.
    """
    shares = [0.0 if block.cpu_s is None else block.cpu_s / block.seconds for block in blocks]
    usual = _usual(shares)
    return [usual >= 0.5 and share < DISTURBED_SHARE * usual for share in shares]


def slowed(blocks: Sequence[Block]) -> list[bool]:
    """Says for each block whether the processor's clock was far below the visit's usual one, its upper quartile."""
    known = [block.clock_hz for block in blocks if block.clock_hz is not None]
    usual = _usual(known)
    return [block.clock_hz is not None and block.clock_hz < SLOW_CLOCK * usual for block in blocks]


def clock_ratio(blocks: Sequence[Block]) -> float | None:
    """Returns the lowest mean clock of a block over the usual one; None where clocks are unknown."""
    known = [block.clock_hz for block in blocks if block.clock_hz is not None]
    return min(known) / usual if (usual := _usual(known)) else None


def _usual(values: Sequence[float]) -> float:
    """Returns the upper quartile; 0 for too few values."""
    return statistics.quantiles(values, n=4)[2] if len(values) >= 4 else 0.0


def of_visit(
    samples: Sequence[float],
    conditions: Mapping[str, Any],
    *,
    name: str = "the workload",
    left_out: Mapping[str, Sequence[float]] | None = None,
    compiled: int = 0,
) -> list[Flag]:
    """Returns the doubts about one visit that settled.

    Args:
        samples: Seconds per call of the blocks that count.
        conditions: What ``conditions.between`` and the runner say of the machine meanwhile; unknown is None or absent.
        name: The workload with its shape.
        left_out: Seconds per call of the blocks that do not count, by reason: ``disturbed`` and ``throttled``.
        compiled: Compilations inside the timed region.
    """
    out = {reason: len(blocks) for reason, blocks in (left_out or {}).items()}
    total = len(samples) + sum(out.values())
    doubts = (
        _compiled(compiled, name),
        _foreign(conditions.get("cpu_steal_fraction"), conditions.get("foreign_pids")),
        _throttled(conditions, out.get("throttled", 0) / total),
        _disturbed(out.get("disturbed", 0) / total),
        _multimodal(modes(samples), "blocks", "Pin the process, and lock the clock where that is allowed."),
        launch_bound(conditions.get("enqueue_s"), conditions.get("device_s")),
    )
    return [doubt for doubt in doubts if doubt is not None]


def _compiled(count: int, name: str) -> Flag | None:
    if not count:
        return None
    text = f"{count} compilations happened inside the timed region of {name}."
    return Flag("E_COMPILE", text, "Fix the input shapes, or warm the model up for each shape.")


def _foreign(steal: float | None, pids: Sequence[int] | None) -> Flag | None:
    if pids:
        text = f"other processes computed on the device (PID {', '.join(map(str, pids))})."
        return Flag("E_FOREIGN", text, "Stop them, or take another device.")
    if steal is None or steal <= FOREIGN_STEAL:
        return None
    text = f"the hypervisor took {100 * steal:.0f} % of the CPU time."
    return Flag("E_FOREIGN", text, "Measure on a machine of your own, or at another hour.")


def _throttled(conditions: Mapping[str, Any], share: float) -> Flag | None:
    """Collects every sign of throttling into one flag, with the numbers that are known."""
    reasons = sorted(HARD_REASONS.intersection(conditions.get("throttle_reasons") or ()))
    signs = [f"reasons {', '.join(reasons)}"] if reasons else []
    if events := conditions.get("thermal_throttle_events"):
        signs.append(f"{events:g} thermal events")
    if (quota_s := conditions.get("cgroup_throttled_s") or 0.0) > 0:
        signs.append(f"{format_si(quota_s, 's')} without CPU quota")
    if share > MANY_BLOCKS:
        signs.append(f"{100 * share:.0f} % of the blocks at a low clock")
    if not signs:
        return None
    if (ratio := conditions.get("clock_ratio")) is not None:
        signs.append(f"lowest clock {100 * ratio:.0f} % of the usual one")
    if (temperature := conditions.get("temperature_celsius")) is not None:
        signs.append(f"{_hottest(temperature):.0f} °C")
    text = f"the processor was throttled: {'; '.join(signs)}."
    return Flag("E_THROTTLED", text, "Cool the machine, lock a lower clock, or lift the CPU quota of the container.")


def _hottest(temperature: float | Mapping[str, float]) -> float:
    return max(temperature.values()) if isinstance(temperature, Mapping) else temperature


def _disturbed(share: float) -> Flag | None:
    if share <= MANY_BLOCKS:
        return None
    text = f"{100 * share:.0f} % of the blocks lost the processor and were left out."
    return Flag("W_DISTURBED", text, "Stop what else runs on this machine.")


def _multimodal(found: Sequence[Mode], what: str, remedy: str) -> Flag | None:
    if not found:
        return None
    return Flag("W_MULTIMODAL", f"the {what} fall into separate groups: {' and '.join(map(str, found))}.", remedy)


def of_item(visits: Sequence[Sequence[float]]) -> Flag | None:
    """Returns W_MULTIMODAL when the processes that measured one workload fall into separate bands.

    Args:
        visits: For each visit its samples, in seconds per call, the machine's level taken out.
    """
    remedy = "Report both, or take more rounds: the layout of a process decides which one it is."
    return _multimodal(bands(visits), "processes", remedy)


def launch_bound(enqueue_s: float | None, device_s: float | None) -> Flag | None:
    """Returns W_LAUNCH_BOUND when launching a call takes almost as long as the device needs for it.

    Args:
        enqueue_s: Seconds until a call returned to the host; None where that is unknown.
        device_s: Seconds that the device was busy with it.
    """
    if enqueue_s is None or device_s is None or enqueue_s <= LAUNCH_SHARE * device_s:
        return None
    text = f"launching takes {format_si(enqueue_s, 's')}, the device {format_si(device_s, 's')} per call."
    return Flag("W_LAUNCH_BOUND", text, "Capture a graph, or take the latency as that of the host.")


def imprecise(half_width: float | None, wanted: float, rounds: int) -> Flag | None:
    """Returns W_IMPRECISE when an interval is wider than asked for.

    Args:
        half_width: Relative half-width that was reached; None where there is no interval.
        wanted: The one asked for.
        rounds: Rounds that were made; the error falls with their square root.
    """
    if half_width is None or half_width <= wanted:
        return None
    needed = math.ceil(rounds * (half_width / wanted) ** 2)
    text = f"the half-width is {100 * half_width:.2f} %, wanted {100 * wanted:g} %."
    return Flag("W_IMPRECISE", text, f"It takes about {needed} rounds on this machine, or a quieter one.")


def of_machine(virtualization: str | None, governor: str | None, clocks_locked: bool | None = None) -> list[Flag]:
    """Returns the doubts about a machine as a whole; unknown facts are no doubt.

    Args:
        virtualization: What the machine runs in; None for the bare metal.
        governor: Of the CPU's clock.
        clocks_locked: Whether an accelerator's clock is fixed.
    """
    flags = []
    if virtualization:
        flags.append(Flag("W_VIRTUAL", "this is a virtual machine: neighbours that cannot be seen may move its level.",
                          "Expect wider intervals than on a machine of your own; the strict tier may be out of reach."))
    if governor not in (None, "performance"):
        flags.append(Flag("W_GOVERNOR", f"the clock governor is '{governor}', so short visits see rising clocks.",
                          "Set it to performance for the campaign: cpupower frequency-set -g performance."))
    if clocks_locked is False:
        flags.append(Flag("W_UNLOCKED", "the device's clock is not locked, so its level follows temperature and power.",
                          "Lock it near 80 % of the maximum: nvidia-smi --lock-gpu-clocks. The strict tier needs that."))
    return flags


def mismatch(differing: Mapping[str, tuple[Any, Any]]) -> Flag | None:
    """Returns W_ENV_MISMATCH for facts of two environments that differ.

    Args:
        differing: Both values by the name of the fact.
    """
    if not differing:
        return None
    detail = "; ".join(f"{name}: {one} and {other}" for name, (one, other) in differing.items())
    return Flag("W_ENV_MISMATCH", f"the environments differ ({detail}).", "Measure both in the same environment.")
