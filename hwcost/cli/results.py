"""Shows a campaign that has run: latencies with their half-widths, component tables, and every doubt."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hwcost.cli import console
from hwcost.errors import DataError

if TYPE_CHECKING:
    from hwcost.campaign.comparisons.former_levels import FormerLevels
    from hwcost.campaign.components.costs import ComponentReport
    from hwcost.campaign.run import Result
    from hwcost.timing.measurement import Measurement
    from hwcost.timing.quantity_estimate import QuantityEstimate

    Reports = list[tuple[dict[str, Any], ComponentReport]]

SLOWED = 0.03
"""Share by which the observed mean exceeds a latency, from which the table shows both."""

ENDED = "The budget ended it; --resume --budget TIME goes on."
"""Sentence on a campaign that is not complete."""

ROOFLINE = "roofline_utilisation"
"""Quantity that the table shows where the device's peaks are known."""

LONGEST = 60
"""Rows that a table shows before it is cut on a terminal; --json has them all."""


def show(result: Result, json: str | None) -> None:
    """Writes the campaign as JSON, or as tables."""
    reports = _reports(result)
    if console.write_json(as_document(result) | _priced(reports), json):
        if not result.is_complete:
            console.note(f"campaign {result.campaign_id}: {ENDED}")
        return
    _latencies(result)
    _quantities(result)
    for shape, parts in reports:
        _components(parts, _at(shape) if len(reports) > 1 else "")
    _doubts(result, reports)


def _reports(result: Result) -> Reports:
    """Prices the components that were measured; those of which too few were have no prices, and that is said."""
    from hwcost.campaign.components.costs import component_reports

    try:
        return component_reports(result.measurements)
    except DataError as error:
        console.note(f"no prices of components: {error}")
        return []


def _priced(reports: Reports) -> dict[str, Any]:
    """Returns ``components`` for one shape, ``components_by_shape`` for several, nothing where none was measured."""
    if len(reports) > 1:
        return {"components_by_shape": [{"shape": shape, **parts.to_dict()} for shape, parts in reports]}
    return {"components": reports[0][1].to_dict()} if reports else {}


def _at(shape: dict[str, Any]) -> str:
    return f" at {', '.join(f'{name}={value}' for name, value in shape.items())}"


def as_document(result: Result) -> dict[str, Any]:
    """Returns the campaign as plain JSON; raw samples stay in the store."""
    return {
        "campaign_id": result.campaign_id,
        "store": result.store_url,
        "device": result.plan.device,
        "backend": result.plan.backend,
        "tier": result.plan.protocol.tier,
        "arrival": result.plan.protocol.arrival,
        "complete": result.is_complete,
        "until": None if result.standing is None else result.standing.to_list(),
        "seconds": result.seconds,
        "drift": None if result.fit.drift is None else asdict(result.fit.drift),
        "canaries": None if result.fit.canaries is None else asdict(result.fit.canaries),
        "former": None if result.former is None else result.former.to_dict(),
        "flags": list(map(asdict, result.flags)),
        "measurements": [_as_dict(m, result.former) for m in result.measurements],
    }


def _as_dict(m: Measurement, former: FormerLevels | None) -> dict[str, Any]:
    from hwcost.timing.measurement import PERCENTILE_CALLS

    return {
        "name": m.workload.name,
        "workload_key": m.workload.key,
        "role": m.role,
        "status": m.status,
        "latency_s": m.latency_s,
        "low_s": m.low_s,
        "high_s": m.high_s,
        "half_width": m.half_width,
        "half_width_across_campaigns": None if former is None else former.across(m.half_width),
        "interval_reason": m.interval_reason or None,
        "confirmed": m.is_confirmed,
        "observed_mean_s": m.observed_mean_s,
        "rounds": m.n_rounds,
        "quantities": {name: _quantity(one) for name, one in m.quantities.items()},
        "percentiles_s": {f"p{percent}": m.percentile_s(percent) for percent in PERCENTILE_CALLS},
        "flags": [asdict(flag) for flag in [*m.flags, *([m.percentile_flag] if m.percentile_flag else [])]],
    }


def _quantity(one: QuantityEstimate) -> dict[str, Any]:
    return {name: value for name, value in one.to_dict().items() if name != "quantity"}


def _is_slowed(m: Measurement) -> bool:
    """Says whether neighbours made the observed mean clearly longer than the uncontended latency."""
    return bool(m.latency_s and m.observed_mean_s and m.observed_mean_s > (1 + SLOWED) * m.latency_s)


def _latencies(result: Result) -> None:
    from hwcost.timing.arrival import Arrival
    from hwcost.timing.measurement import PERCENTILE_CALLS
    from hwcost.units import format_half_width, format_percent, format_seconds

    arrival = Arrival.parse(result.plan.protocol.arrival)
    percents = PERCENTILE_CALLS if arrival.has_pauses else {}
    with_mean = any(_is_slowed(m) for m in result.measurements)
    shares = {m.workload.key: m.quantity(ROOFLINE).value for m in result.measurements}
    with_share = any(share is not None for share in shares.values())
    rows = [
        [m.workload.name, m.role, format_seconds(m.latency_s, 4),
         format_half_width(m.half_width) + ("" if m.is_confirmed else " unconfirmed"),
         *([format_seconds(m.observed_mean_s, 4)] if with_mean else ()),
         *(format_seconds(m.percentile_s(percent), 4) for percent in percents),
         *([format_percent(shares[m.workload.key], 1)] if with_share else ()), m.n_rounds,
         " ".join(flag.code for flag in m.flags)]
        for m in sorted(result.measurements, key=lambda m: m.latency_s or 0.0)
    ]
    cut = "" if len(rows) <= LONGEST else f"\n{len(rows) - LONGEST} more; --json shows all of them."
    latency, mean = ("uncontended", ["observed mean"]) if with_mean else ("latency", [])
    share = ["of roofline"] if with_share else []
    percentiles = [f"p{percent}" for percent in percents]
    columns = ["workload", "role", latency, "± 95 %", *mean, *percentiles, *share, "rounds", "flags"]
    title = f"Measured on {result.plan.device} with {result.plan.backend}, {result.plan.threads} thread(s)"
    title += f", {arrival.described()}" if arrival.has_pauses else ""
    console.print_table(title, columns, rows[:LONGEST], summary(result) + cut)


def _quantities(result: Result) -> None:
    """Shows the quantities that were asked for; below the table stand their sources, and why some are not known."""
    asked = result.plan.protocol.quantities
    if not asked:
        return
    ordered = sorted(result.measurements, key=lambda m: m.latency_s or 0.0)
    found = {m.workload.name: [m.quantity(name) for name in asked] for m in ordered}
    rows = [[name, *map(_with_interval, estimates)] for name, estimates in found.items()]
    known = (one for estimates in found.values() for one in estimates if one.reason or one.source)
    notes = dict.fromkeys(f"{one.quantity}: {one.reason or one.source}" for one in known)
    console.print_table("Quantities of a call", ["workload", *asked], rows[:LONGEST], "\n".join(notes))


def _with_interval(one: QuantityEstimate) -> str:
    from hwcost.units import format_half_width, format_quantity

    width = f" {format_half_width(one.half_width, 1, '± ')}" if one.value and one.half_width else ""
    return format_quantity(one.quantity, one.value) + width


def summary(result: Result) -> str:
    """Returns the sentence below the table: what was achieved, how long it took, where it lies."""
    from hwcost.units import format_clock, format_half_width, format_percent

    widths = sorted(m.half_width for m in result.measurements if m.half_width is not None)
    achieved = _without_interval(result)
    if widths:
        median, largest = (format_half_width(one) for one in (statistics.median(widths), widths[-1]))
        known = f"half-width median {median}, largest {largest}"
        achieved = "; ".join(filter(None, (known, achieved)))
    visits = sum(len(m.visits) for m in result.measurements)
    ended = "" if result.is_complete else f" {ENDED}"
    goals = "" if result.standing is None else f" {result.standing}."
    left = len(result.plan.items) - len(result.measurements)
    goals += f" {left} further workloads were left out." if left else ""
    level = "" if result.former is None or result.former.is_other else f"\n{result.former.text}"  # a flag has the text too
    return (
        f"{achieved} (wanted {format_percent(result.plan.protocol.half_width, 1)}); {visits} visits in "
        f"{format_clock(result.seconds)}.{ended}{goals}{level}\ncampaign {result.campaign_id} in {result.store_url}"
    )


def _without_interval(result: Result) -> str:
    """Says how many workloads have no interval, and the most common reason; empty where all have one."""
    reasons = Counter(m.interval_reason for m in result.measurements if m.half_width is None)
    if not reasons:
        return ""
    reason, _ = reasons.most_common(1)[0]
    n, total = reasons.total(), len(result.measurements)
    who = "no interval" if n == total else f"no interval for {n} of {total} workloads"
    return f"{who}: {reason}" if reason else who


def _components(parts: ComponentReport, at: str) -> None:
    from hwcost.units import format_percent, format_seconds

    table = parts.table
    rows = [
        [name, format_seconds(fit.cost_s, 4), format_seconds(fit.half_width_s)] for name, fit in table.fits.items()
    ]
    footer = f"overhead of a call: {format_seconds(table.overhead_s)} ± {format_seconds(table.overhead_half_s)}"
    console.print_table(f"Component costs by depth slope{at}", ["component", "latency", "± 95 %"], rows, footer)
    if parts.gaps:
        gaps = [
            [g.key, format_seconds(g.sum_s, 4), format_seconds(g.measured_s, 4), f"{100 * g.gap:+.2f} %",
             format_percent(g.half_width)]
            for g in parts.gaps
        ]
        footer = f"median absolute gap {format_percent(parts.median_gap)}"
        columns = ["model", "sum", "measured", "gap", "± 95 %"]
        console.print_table(f"Sum of components against whole models{at}", columns, gaps, footer)


def _doubts(result: Result, reports: Reports) -> None:
    for flag in result.flags:
        console.note(str(flag))
    for shape, parts in reports:
        for flag in parts.flags:
            console.note(f"{flag}{f' Seen{_at(shape)}.' if len(reports) > 1 else ''}")
    seen: dict[str, str] = {}
    for m in result.measurements:
        for flag in m.flags:
            seen.setdefault(flag.code, f"{flag.code} ({m.workload.name}): {flag.text} {flag.remedy}")
    for text in seen.values():
        console.note(text)
