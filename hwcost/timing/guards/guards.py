"""Guards against bad measurements: every code with its trigger and the message that the user gets.

``E_`` makes a visit or a campaign void, ``W_`` warns, ``I_`` informs. Nothing void is deleted: it is kept with its reason
and never feeds an estimate. Every guard is a plain function: numbers in, a flag or None out. Those with more to compute have
files of their own: ``modes``, ``work``, ``cache``, ``null_effect`` and ``duplicates``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hwcost.agent.contention import usual
from hwcost.timing.guards.modes import Mode, bands, modes
from hwcost.timing.measurement import Flag
from hwcost.timing.timer import Block
from hwcost.units import format_half_width, format_si

__all__ = [
    "CODES", "clock_ratio", "cpu_fraction", "has_lost_much", "imprecise", "launch_bound", "mismatch",
    "not_exclusive", "of_item", "of_machine", "of_visit", "taken_fraction", "wait_fraction",
]  # fmt: skip

CODES = {
    "E_COMPILE": "something was compiled inside the timed region",
    "E_NO_STEADY": "the workload never became steady",
    "E_RESOLUTION": "the workload is too quick for the clock",
    "E_FOREIGN": "something else computed on the device",
    "E_THROTTLED": "the processor was throttled",
    "E_ASYNC": "calls returned before their work was done",
    "E_FAILED": "the workload raised an error",
    "E_DEVICE_LOST": "the device was gone in the middle of a visit",
    "E_DIED": "the process that measured it was killed",
    "E_JOB": "the queue ended the job that was to measure it, or the job failed",
    "E_TIMEOUT": "a call, or a preparation, did not end in time",
    "E_NULL_EFFECT": "all configurations cost the same",
    "E_DUPLICATE": "the same content stands under different labels",
    "W_DISTURBED": "the process was kept off the processor, by others or by a hypervisor, or its core was shared",
    "W_NOT_EXCLUSIVE": "the CPUs measured on could not be held for one campaign alone",
    "W_MULTIMODAL": "the blocks, or the processes, fall into separate groups",
    "W_DRIFT": "the level of the machine moved",
    "W_CONFOUNDED": "order and size of the workloads cannot be distinguished",
    "W_UNSTABLE_HOST": "the machine changed between states, or its level moved far",
    "W_OTHER_LEVEL": "the machine was slower or quicker throughout than in former campaigns",
    "W_IMPRECISE": "the interval is wider than asked for, or there is none",
    "W_QUEUED": "calls arrive faster than they are served",
    "W_PRICE": "a component's price is negative, or its interval holds zero and is wide",
    "W_HOT_CACHE": "a component was timed from the cache alone",
    "W_LAUNCH_BOUND": "the host is busier with launching than the device with computing",
    "W_UNLOCKED": "the device's clock is not locked",
    "W_GOVERNOR": "the clock governor saves power",
    "W_VIRTUAL": "the machine is virtual",
    "W_NONADDITIVE": "the sum of components misses whole models",
    "W_ENV_MISMATCH": "two measurements come from different environments",
    "W_ONE_PASS": "a table has no rounds, so the machine's level is in no interval",
    "I_BUDGET": "fewer processes fit into the budget than were asked for",
    "I_UNTIL": "the campaign ended before its goals were met",
    "I_PCTL_N": "there are too few isolated calls for a percentile",
}
"""Every code this library gives and what it means; codes are never renamed."""

CLEAR_WAIT = 0.01
"""Share of the time of all counted blocks without a CPU from which their visit is in doubt, even if no single block is."""

MUCH_WAIT = 0.25
"""Share of that time from which a visit without uncontended blocks is wrong by it: a third of its latency or more."""

LOW_CPU = 0.9
"""CPU seconds over wall seconds below which a process may have been kept off the processor, where waits are unknown."""

PREEMPTIONS_PER_S = 5.0
"""Involuntary switches per second from which such a process was kept off: one that sleeps or waits switches by itself."""

BUSY_SIBLING = 0.1
"""Share of time in which another CPU of the same core may be busy: it slows this one by 30 to 60 % while it is."""

MANY_BLOCKS = 0.2
"""Share of a visit's blocks that may be left out before the visit itself is in doubt."""

MANY_QUEUED = 0.5
"""Share of calls without a pause from which they are not the calls with pauses that were asked for."""

MUCH_TAKEN = 0.05
"""Share of the time that a hypervisor or a CPU quota takes away during a visit from which its latency may be wrong by it."""

HARD_REASONS = frozenset({"hw_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown", "sw_thermal_slowdown"})
"""Reasons of a GPU for a lower clock that void a visit. Its power cap is none of them: large matrix products live at it."""

LAUNCH_SHARE = 0.8
"""Seconds to launch a call, over the device's own, from which the device waits for the host."""


def wait_fraction(blocks: Sequence[Block]) -> float | None:
    """Returns the share of the blocks' time in which the process was ready and had no CPU; None where it is unknown."""
    known = [(block.wait_s, block.seconds) for block in blocks if block.wait_s is not None]
    return sum(wait_s for wait_s, _ in known) / sum(seconds for _, seconds in known) if known else None


def cpu_fraction(blocks: Sequence[Block]) -> float | None:
    """Returns CPU seconds over wall seconds of blocks; None on a virtual clock."""
    known = [(block.cpu_s, block.seconds) for block in blocks if block.cpu_s is not None]
    return sum(cpu_s for cpu_s, _ in known) / sum(seconds for _, seconds in known) if known else None


def clock_ratio(blocks: Sequence[Block]) -> float | None:
    """Returns the lowest mean clock of a block over the usual one; None where clocks are unknown."""
    known = [block.clock_hz for block in blocks if block.clock_hz is not None]
    return min(known) / common if (common := usual(known)) else None


def of_visit(
    samples: Sequence[float],
    conditions: Mapping[str, Any],
    *,
    name: str = "the workload",
    left_out: Mapping[str, Sequence[float]] | None = None,
    compiled: int = 0,
    span_s: float | None = None,
) -> list[Flag]:
    """Returns the doubts about one visit that became steady.

    Args:
        samples: Seconds per call of the blocks that count.
        conditions: Facts from the providers of telemetry and the blocks; unknown ones are None or absent.
        name: The workload with its shape.
        left_out: Seconds per call of the blocks that do not count, by reason: ``disturbed`` and ``throttled``.
        compiled: Compilations inside the timed region.
        span_s: Seconds between the readings that ``conditions`` compares; None where they are unknown.
    """
    out = {reason: len(blocks) for reason, blocks in (left_out or {}).items()}
    total = len(samples) + sum(out.values())
    groups = [] if "arrival" in conditions else modes(samples)
    doubts = (
        _compiled(compiled, name),
        _foreign(conditions.get("foreign_pids")),
        _throttled(conditions, out.get("throttled", 0) / total),
        _disturbed(conditions, out.get("disturbed", 0) / total, len(samples), span_s),
        _multimodal(groups, "blocks", "Pin the process, and lock the clock where that is allowed."),
        launch_bound(conditions.get("enqueue_s"), conditions.get("device_s")),
        _queued(conditions.get("arrival")),
    )
    return [doubt for doubt in doubts if doubt is not None]


def _compiled(count: int, name: str) -> Flag | None:
    if not count:
        return None
    text = f"{count} compilations happened inside the timed region of {name}."
    return Flag("E_COMPILE", text, "Fix the input shapes, or warm the model up for each shape.")


def _foreign(pids: Sequence[int] | None) -> Flag | None:
    if not pids:
        return None
    text = f"other processes computed on the device (PID {', '.join(map(str, pids))})."
    return Flag("E_FOREIGN", text, "Stop them, or take another device.")


def taken_fraction(conditions: Mapping[str, Any], span_s: float | None) -> float:
    """Returns the share of the time that a hypervisor or a CPU quota took away, by the counters; 0 where they are unknown.

    Args:
        conditions: Facts about the machine meanwhile; unknown ones are None or absent.
        span_s: Seconds between the readings that they compare; None where they are unknown.
    """
    steal, quota_s = conditions.get("cpu_steal_fraction") or 0.0, conditions.get("cgroup_throttled_s") or 0.0
    return float(min(1.0, steal + (quota_s / span_s if span_s else 0.0)))


def has_lost_much(conditions: Mapping[str, Any], span_s: float | None) -> bool:
    """Says whether counters show that a visit lost so much time to others that its latency may be wrong by it.

    Args:
        conditions: Facts about the machine meanwhile; unknown ones are None or absent.
        span_s: Seconds between the readings that they compare; None where they are unknown.
    """
    has_waited = (conditions.get("cpu_wait_fraction") or 0.0) >= MUCH_WAIT and bool(conditions.get("disturbed_blocks"))
    return has_waited or taken_fraction(conditions, span_s) > MUCH_TAKEN


def _throttled(conditions: Mapping[str, Any], share: float) -> Flag | None:
    """Collects every sign of throttling into one flag, with the numbers that are known."""
    reasons = sorted(HARD_REASONS.intersection(conditions.get("throttle_reasons") or ()))
    signs = [f"reasons {', '.join(reasons)}"] if reasons else []
    if events := conditions.get("thermal_throttle_events"):
        signs.append(f"{events:g} thermal events")
    if share > MANY_BLOCKS:
        signs.append(f"{100 * share:.0f} % of the blocks at a low clock")
    if not signs:
        return None
    if (ratio := conditions.get("clock_ratio")) is not None:
        signs.append(f"lowest clock {100 * ratio:.0f} % of the usual one")
    if (temperature := conditions.get("temperature_celsius")) is not None:
        signs.append(f"{_hottest(temperature):.0f} °C")
    text = f"the processor was throttled: {'; '.join(signs)}."
    return Flag("E_THROTTLED", text, "Cool the machine, or lock a lower clock.")


def _hottest(temperature: float | Mapping[str, float]) -> float:
    return max(temperature.values()) if isinstance(temperature, Mapping) else temperature


def _disturbed(conditions: Mapping[str, Any], share: float, counted: int, span_s: float | None) -> Flag | None:
    """Collects every sign that something else ran where this process did.

    Args:
        conditions: Facts about the machine meanwhile.
        share: Share of the blocks that lost the processor and were left out.
        counted: Number of the blocks that count.
        span_s: Seconds of the visit.
    """
    wait, put_back = conditions.get("cpu_wait_fraction"), conditions.get("disturbed_blocks") or 0
    signs = [f"{100 * share:.0f} % of the blocks lost the processor and were left out"] if share > MANY_BLOCKS else []
    if put_back:
        signs.append(f"{put_back} of the {counted} blocks that count lost the processor, since too few others are left")
    if wait is not None and wait > CLEAR_WAIT:
        signs.append(f"the process had to wait for a CPU {100 * wait:.1f} % of the time")
    if (steal := conditions.get("cpu_steal_fraction") or 0.0) > MUCH_TAKEN:
        signs.append(f"the hypervisor took {100 * steal:.0f} % of the CPU time")
    if (quota_s := conditions.get("cgroup_throttled_s") or 0.0) > 0:
        signs.append(f"the process was {format_si(quota_s, 's')} without CPU quota")
    if wait is None and is_preempted(conditions, span_s):
        signs.append(f"the process had {100 * conditions['cpu_fraction']:.0f} % of a CPU and was stopped again and again")
    if (sibling := conditions.get("sibling_busy_fraction") or 0.0) > BUSY_SIBLING:
        signs.append(f"the CPU that shares its core, or may share it, was busy {100 * sibling:.0f} % of the time")
    remedy = "Stop what else runs on this machine" + (", or take one of your own" if steal > MUCH_TAKEN else "")
    remedy += "; lift the CPU quota of the container." if quota_s > 0 else "."
    return Flag("W_DISTURBED", f"{'; '.join(signs)}.", remedy) if signs else None


def is_preempted(conditions: Mapping[str, Any], span_s: float | None) -> bool:
    """Says whether a process had clearly less than a CPU and was stopped against its will, where waits are unknown.

    Args:
        conditions: Facts with ``cpu_fraction`` and ``involuntary_switches``; unknown ones are None or absent.
        span_s: Seconds in which it was switched so often.
    """
    share, switches = conditions.get("cpu_fraction"), conditions.get("involuntary_switches")
    if share is None or switches is None or not span_s:
        return False
    return bool(share < LOW_CPU and switches > PREEMPTIONS_PER_S * span_s)


def _queued(arrival: Mapping[str, Any] | None) -> Flag | None:
    if arrival is None or arrival["queued"] <= MANY_QUEUED:
        return None
    text = f"{100 * arrival['queued']:.0f} % of the calls ({arrival['calls']}) arrived while the one before them ran."
    return Flag("W_QUEUED", text, "Their time in the queue is not in their latency; take a lower rate.")


def _multimodal(found: Sequence[Mode], what: str, remedy: str) -> Flag | None:
    if not found:
        return None
    return Flag("W_MULTIMODAL", f"the {what} fall into separate groups: {' and '.join(map(str, found))}.", remedy)


def of_item(visits: Sequence[Sequence[float]], found: Sequence[Mode] = ()) -> Flag | None:
    """Returns W_MULTIMODAL when the processes that measured one workload fall into separate bands.

    Args:
        visits: Samples of each visit, in seconds per call, the machine's level taken out.
        found: Bands that are known already, by how the processes of other workloads scatter.
    """
    remedy = "Report both, or take more rounds: the layout of a process, or a choice that it makes, decides which one it is."
    return _multimodal(found or bands(visits), "processes", remedy)


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


def imprecise(half_width: float | None, wanted: float, needed: int, reason: str = "") -> Flag | None:
    """Returns W_IMPRECISE when an interval is wider than asked for, or when there is none for a reason.

    Args:
        half_width: Relative half-width that was reached; None where there is no interval.
        wanted: The one asked for.
        needed: Rounds in all that it would take.
        reason: Reason for the lack of an interval, or for one wider than the noise; empty otherwise.
    """
    if half_width is None:
        return Flag("W_IMPRECISE", f"there is no interval: {reason}.", "Measure more rounds.") if reason else None
    if half_width <= wanted:
        return None
    if reason:
        text = f"the 95 % interval is {format_half_width(half_width, sign='±')}, wanted ±{100 * wanted:g} %: {reason}."
        return Flag("W_IMPRECISE", text, "Measure more rounds, on a machine that is left alone.")
    text = f"the 95 % interval is {format_half_width(half_width, sign='±')}, wanted ±{100 * wanted:g} %."
    return Flag("W_IMPRECISE", text, f"It takes about {needed} rounds on this machine, or a quieter one.")


def of_machine(
    virtualization: str | None, governor: str | None, clocks_locked: bool | None = None, exclusive: bool | None = None
) -> list[Flag]:
    """Returns the doubts about a machine as a whole; unknown facts give none.

    Args:
        virtualization: Kind of virtual machine; None on bare metal.
        governor: Governor of the CPU's clock.
        clocks_locked: Whether an accelerator's clock is fixed.
        exclusive: Whether the campaign had its CPUs for itself.
    """
    flags = []
    if virtualization:
        flags.append(Flag("W_VIRTUAL", "this is a virtual machine: neighbours that cannot be seen move its level. Intervals "
                          "hold what they do within minutes; from one hour to another it may be more.",
                          "Compare campaigns by hwcost compare, whose intervals do; the strict tier may be out of reach."))
    if governor not in (None, "performance"):
        flags.append(Flag("W_GOVERNOR", f"the clock governor is '{governor}', so short visits see rising clocks.",
                          "Set it to performance for the campaign: cpupower frequency-set -g performance."))
    if clocks_locked is False:
        flags.append(Flag("W_UNLOCKED", "the device's clock is not locked, so its level follows temperature and power.",
                          "Lock it near 80 % of the maximum: nvidia-smi --lock-gpu-clocks. The strict tier needs that."))
    if exclusive is False:
        flags.append(Flag("W_NOT_EXCLUSIVE", "the campaign did not have its CPUs for itself: no lock was held on them, or "
                          "its processes were not bound to them.", "Measure again on a machine that locks and binds CPUs."))
    return flags


def not_exclusive(cpus: str, unlocked: str, unbound: str = "") -> Flag:
    """Returns W_NOT_EXCLUSIVE for CPUs that the campaign did not have for itself.

    Args:
        cpus: Names of the CPUs.
        unlocked: Reason for the lack of a lock on them; empty where there is one.
        unbound: Reason why processes could not be bound to them; empty where they were.
    """
    texts, remedies = [], []
    if unlocked:
        texts.append(f"no lock could be held on {cpus}, so that another campaign may have run there: {unlocked}.")
        remedies.append("Run one campaign at a time, or name a folder for locks in HWCOST_LOCK_DIR.")
    if unbound:
        texts.append(f"processes were not bound to {cpus}, and may have moved to others that were busy: {unbound}.")
        remedies.append("Keep the machine idle; in a container, allow sched_setaffinity.")
    return Flag("W_NOT_EXCLUSIVE", " ".join(texts), " ".join(remedies))


def mismatch(differing: Mapping[str, tuple[Any, Any]]) -> Flag | None:
    """Returns W_ENV_MISMATCH for facts of two environments that differ.

    Args:
        differing: Both values by the name of the fact.
    """
    if not differing:
        return None
    detail = "; ".join(f"{name}: {one} and {other}" for name, (one, other) in differing.items())
    return Flag("W_ENV_MISMATCH", f"the environments differ ({detail}).", "Measure both in the same environment.")
