"""Diagnostics of a campaign as a whole: drift, confounding, an unstable machine, configurations without effect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats
from hwcost.campaign.estimates.time_model import TimeModel, VisitTable
from hwcost.campaign.plans import canaries
from hwcost.campaign.plans.canaries import CanaryCheck
from hwcost.campaign.plans.plan import Plan
from hwcost.levels.contention import Contention
from hwcost.levels.von_neumann import critical, von_neumann
from hwcost.timing.guards.duplicates import duplicates, samples_digest
from hwcost.timing.guards.guards import CLEAR_WAIT, is_preempted
from hwcost.timing.guards.null_effect import null_effect
from hwcost.timing.measurement import Flag, Measurement, Visit

LEAST_SIZE_ORDER = 0.9
"""Von Neumann ratio of size against order below which drift may pass for size. Evenly spread classes give more than one."""

UNSTABLE = 0.15
"""Range of the level from which the machine itself is in doubt."""

NEGLIGIBLE = 0.0005
"""Relative movement that nobody is warned of: a tenth of the smallest half-width that is ever asked for."""

LEAST_UNSEEN = 0.01
"""Standard deviation of what the machine may be quicker than its quickest state, from which that is said."""

JUMPS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """Whether the level moved, and what was done about it.

    Attributes:
        before: Von Neumann ratio of the visits' residuals with items taken out; 1 is noise.
        after: The same with levels and rounds taken out too.
        critical: Ratio below which noise falls in 1 % of all cases.
        range: Highest over lowest level less one, of the class where it is largest; rounds included.
        size_order: Von Neumann ratio of the workloads' sizes in the order measured; None where sizes are unknown.
        is_confounded: Whether drift could pass for size, so that no level was fitted.
        is_known: Whether the blocks tell the level directly, as those of workloads measured in turn do.
    """

    before: float
    after: float
    critical: float
    range: float
    size_order: float | None
    is_confounded: bool
    is_known: bool = False

    @property
    def is_significant(self) -> bool:
        """Whether the level moved more than noise would."""
        return self.before < self.critical


def size_order(sizes: Sequence[float | None]) -> float | None:
    """Returns the von Neumann ratio of sizes in the order measured; None where some are unknown or all are equal."""
    known = [math.log(size) for size in sizes if size]
    if len(known) < len(sizes) or len(set(known)) < 2:
        return None
    return von_neumann(np.array(known))


def is_confounded(ratio: float | None, n: int) -> bool:
    """Says whether workloads of one size stood together so much that a drift could pass for an effect of size.

    Args:
        ratio: Von Neumann ratio from :func:`size_order`.
        n: Number of visits.
    """
    return ratio is not None and ratio < min(LEAST_SIZE_ORDER, critical(n))


def check_drift(
    table: VisitTable, model: TimeModel, ratio: float | None, confounded: bool, is_known: bool = False
) -> DriftCheck:
    """Judges the residuals of a campaign before and after its level is taken out.

    Args:
        table: The visits.
        model: Time model that was fitted to them.
        ratio: Von Neumann ratio from :func:`size_order`.
        confounded: Whether that was a reason to fit no level.
        is_known: Whether the model's offset holds a level that the blocks show directly.
    """
    known = [group for group, fit in model.classes.items() if fit.dof >= 1]
    spans = [float(np.ptp(model.offset[table.group == group])) for group in known]
    return DriftCheck(
        before=_within_classes(model.residual + model.offset, table),
        after=_within_classes(model.residual, table),
        critical=critical(int(table.in_level.sum())),
        range=math.expm1(max(spans, default=0.0)),
        size_order=ratio,
        is_confounded=confounded,
        is_known=is_known,
    )


def _within_classes(values: Floats, table: VisitTable) -> float:
    """Returns the von Neumann ratio between neighbours of the same class, since classes may drift apart."""
    found, rows = [], []
    for group in np.unique(table.group):
        inside = (table.group == group) & table.in_level
        found.append(von_neumann(values[inside]))
        rows.append(int(inside.sum()))
    return float(np.average(found, weights=rows)) if any(rows) else 1.0


def of_campaign(
    plan: Plan,
    measurements: Sequence[Measurement],
    states: Contention | None,
    model: TimeModel | None,
    drift: DriftCheck | None,
    canary_check: CanaryCheck | None = None,
) -> list[Flag]:
    """Returns the doubts about a campaign.

    Args:
        plan: Plan of the campaign.
        measurements: Measurement of each item.
        states: The two states of a contended machine; None for a machine with one state.
        model: Time model with the levels; None where they cannot be fitted.
        drift: Movement of the levels; None without a model.
        canary_check: Check of the levels by canaries; None without enough of them.
    """
    flags = [
        _confounded(drift),
        _drifting(model, drift, canary_check),
        _unstable(states, drift, canary_check, measurements),
        _kept_off(measurements),
        _null_effect(plan, measurements),
        *_duplicates(measurements),
    ]
    return [flag for flag in flags if flag is not None]


def _confounded(drift: DriftCheck | None) -> Flag | None:
    if drift is None or not drift.is_confounded:
        return None
    text = f"workloads of one size stood together (von Neumann ratio of size against order {drift.size_order:.2f}, wanted "
    text += f"{LEAST_SIZE_ORDER:g} or more), so drift and size cannot be distinguished; no level was taken out."
    return Flag("W_CONFOUNDED", text, "Measure again in random order.")


def _drifting(model: TimeModel | None, drift: DriftCheck | None, canary_check: CanaryCheck | None) -> Flag | None:
    if model is None or drift is None or not (drift.is_significant or model.has_level):
        return None
    if drift.range < NEGLIGIBLE and (model.has_level or math.expm1(np.ptp(model.residual)) < NEGLIGIBLE):
        return None
    ratio = f"(von Neumann ratio {drift.before:.2f}, noise has {drift.critical:.2f} or more)"
    if drift.range < NEGLIGIBLE:  # that of rounds alone, which does not show what moves within them
        text = f"the level moved within rounds, whose means agree {ratio}; "
    else:
        text = f"the level moved by {100 * drift.range:.1f} %{_jumps(model)} {ratio}; "
    if drift.is_confounded:
        text += "it was not taken out, because order and size cannot be distinguished."
    elif drift.is_known:
        text += "it was taken out block by block, because all workloads were measured in turn."
    elif model.has_level:
        text += f"it was taken out, because that makes left-out errors smaller; {drift.after:.2f} is left."
    else:
        text += "only its mean per round was taken out, because no level over time makes left-out errors smaller."
    if canary_check is not None and model.has_level:
        text += f" Canaries vary by {100 * canary_check.before:.1f} % before and {100 * canary_check.after:.1f} % after."
    return Flag("W_DRIFT", text, "Let the machine warm up and rest from other work; more rounds make up for it.")


def _jumps(model: TimeModel) -> str:
    """Names the jumps of a level that does nothing else; the cuts of one that also drifts are part of its drift."""
    steps = [fit.level for fit in model.classes.values() if fit.level.kind == "steps"]
    if not steps:
        return ""
    level = max(steps, key=lambda one: len(one.cuts))
    places = (level.times[list(level.cuts)] - level.times[0]) / np.ptp(level.times)
    shown = ", ".join(f"{100 * place:.0f} %" for place in places[:JUMPS_SHOWN])
    return f", with {len(places)} jumps (at {shown}{' and later' if len(places) > JUMPS_SHOWN else ''} of the campaign)"


def _unstable(
    states: Contention | None,
    drift: DriftCheck | None,
    canary_check: CanaryCheck | None,
    measurements: Sequence[Measurement],
) -> Flag | None:
    """Returns W_UNSTABLE_HOST for two states within visits, or a level that moved far between them."""
    if states is not None and (1 - states.share) * math.expm1(states.delay) > NEGLIGIBLE:
        share, delay = 100 * (1 - states.share), 100 * math.expm1(states.delay)
        shown = f"{share:.0f} %" if share >= 0.5 else "less than 1 %"
        text = f"{shown} of the blocks were slowed, by {delay:.0f} % on average."
        text = f"{text} {_whose_latency(measurements)}"
        if states.unseen >= LEAST_UNSEEN:
            quicker = f"may be quicker by {100 * states.unseen:.0f} % or so; the intervals hold that."
            text += f" No state of the machine stands out, so that an uncontended one {quicker}"
        return Flag("W_UNSTABLE_HOST", text, "Stop what else runs here, or on the same host.")
    remedy = "Measure again when the machine is quiet, and compare the two campaigns."
    if drift is not None and drift.is_significant and drift.range > UNSTABLE:
        text = f"the level moved by {100 * drift.range:.0f} %, more than {100 * UNSTABLE:.0f} %."
        return Flag("W_UNSTABLE_HOST", text, remedy)
    if canary_check is not None and canary_check.range > canaries.UNSTABLE:
        text = f"the canaries' level moved by {100 * canary_check.range:.0f} % from round to round, more than "
        return Flag("W_UNSTABLE_HOST", text + f"{100 * canaries.UNSTABLE:.0f} %.", remedy)
    return None


def _whose_latency(measurements: Sequence[Measurement]) -> str:
    """Says what is known of the quicker of two states, which latencies are estimated from."""
    visits = [visit for m in measurements for visit in m.visits if visit.is_usable]
    waits = [visit.conditions.get("cpu_wait_fraction") for visit in visits]
    text = "Latencies are those of the quicker blocks"
    if any(was_kept_off(visit) for visit in visits):
        return f"{text}, but other processes ran on the same CPU: an uncontended machine may be quicker still."
    known = [wait for wait in waits if wait is not None]
    if len(known) < len(waits) or not known:
        return f"{text}; whether these saw an uncontended machine is not known."
    return f"{text}, in which this process had its CPU at least {100 * (1 - max(known)):.1f} % of the time."


def was_kept_off(visit: Visit) -> bool:
    """Says whether a visit's process clearly lacked a CPU in the blocks that count; False where it is unknown."""
    wait = visit.conditions.get("cpu_wait_fraction")
    if wait is not None:
        return bool(wait > CLEAR_WAIT)
    facts = {**visit.conditions, "cpu_fraction": _cpu_fraction(visit)}
    return is_preempted(facts, visit.ended_s - visit.started_s)


def _cpu_fraction(visit: Visit) -> float | None:
    """Returns CPU seconds over wall seconds: of the blocks that count, or of all where a record does not say which count."""
    known: float | None = visit.conditions.get("cpu_fraction")
    if known is not None:
        return known
    left_out = visit.conditions.get("left_out_s") or {}
    calls_s = math.fsum([*visit.samples_s, *visit.warmup_s, *(one for series in left_out.values() for one in series)])
    timed_s = visit.calls_per_block * calls_s
    return None if visit.cpu_s is None or timed_s <= 0 else visit.cpu_s / timed_s


def _kept_off(measurements: Sequence[Measurement]) -> Flag | None:
    """Returns W_DISTURBED for visits that lacked a CPU and do not say so themselves, as records of earlier versions do."""
    visits = [visit for m in measurements for visit in m.visits if visit.is_usable]
    silent = [visit for visit in visits if was_kept_off(visit) and "W_DISTURBED" not in {flag.code for flag in visit.flags}]
    least = min((share for visit in silent if (share := _cpu_fraction(visit)) is not None), default=None)
    if least is None:
        return None
    text = f"in {len(silent)} of {len(visits)} visits the process was stopped again and again and had less than a CPU, down "
    text += f"to {100 * least:.0f} %: latencies are too high."
    return Flag("W_DISTURBED", text, "Measure again, with nothing else on this machine.")


def _null_effect(plan: Plan, measurements: Sequence[Measurement]) -> Flag | None:
    if len({item.workload.kind for item in plan.items}) != 1:
        return None
    seen = [m for m in measurements if any(visit.is_usable for visit in m.visits)]
    usable = [[visit for visit in m.visits if visit.is_usable] for m in seen]
    latencies = [[visit.latency_s for visit in visits] for visits in usable]
    rounds = [[visit.round for visit in visits] for visits in usable]
    return null_effect(latencies, [plan.sizes[m.workload.key] for m in seen], rounds)


def _duplicates(measurements: Sequence[Measurement]) -> list[Flag]:
    """Looks for one content under several workloads: what the backend says it ran, or timings equal bit for bit."""
    stated = [(m, visit.facts.get("content_sha256")) for m in measurements for visit in m.visits]
    timed = [(m, samples_digest(visit.samples_s)) for m in measurements for visit in m.visits]
    return duplicates((m.workload.name, content) for m, content in (*stated, *timed))
