"""Doubts: what in the results of a finished run cannot be trusted, in words for the head of its report.

They are read off the types that all systems share for what trained nets have learnt, for fits that they search by and for
measured latencies, wherever in the results of a stage these stand, so that a system need not collect them; and off what the
campaigns of the run said of themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from statistics import stdev
from typing import Any, TypeVar

from hwcost.systems.campaign_notes import CampaignNote
from hwcost.systems.fits import Fit
from hwcost.systems.latencies import ComparedLatency, Latency, LatencyFit
from hwcost.systems.learnt import Learnt

__all__ = ["doubts"]

LEAST_R2 = 0.9
"""Smallest share of the differences between nets that a model is to explain."""

WIDEST = 0.05
"""Largest half-width of a measurement's 95 % interval, relative to it."""

Z = 1.96
"""Half-width of the middle 95 % of a normal distribution, in standard deviations."""

LEAST_INSIDE = 0.7
"""Smallest share of winners within the 90 % interval of their prediction."""

ERROR = "E_"
"""Beginning of the code of a flag that voids."""

WARNINGS = ("W_UNSTABLE_HOST", "W_OTHER_LEVEL", "W_CONFOUNDED", "W_DISTURBED")
"""Warnings of a campaign that are about the machine while it was measured; a level that moved was taken out, unless it
cannot be distinguished from size (``W_CONFOUNDED``)."""

Kind = TypeVar("Kind")


def doubts(results: Mapping[str, Any], is_rehearsal: bool, notes: Sequence[CampaignNote] = ()) -> list[str]:
    """Returns what cannot be trusted, the gravest first; empty where nothing was found.

    Args:
        results: Result of each stage by its name.
        is_rehearsal: Whether the preset only rehearses a run.
        notes: Remarks of the run's campaigns on themselves.
    """
    rehearsal = [
        "This preset rehearses a run: nets were trained for a few steps, so that no number on this page means anything. "
        "Claims are not judged. Run the preset quick or paper."
    ]
    learnt = [] if is_rehearsal else [one for name, result in results.items() for one in _of_learnt(name, result)]
    found = [one for name, result in results.items() for one in (*_of_fits(name, result), *_of_latencies(name, result))]
    return [*(rehearsal if is_rehearsal else ()), *learnt, *_of_campaigns(notes), *found]


def _of_learnt(stage: str, result: Any) -> Iterator[str]:
    for one in _instances(result, Learnt):
        if not one.has_learnt:
            shown = f"The {one.net} of stage {stage} has learnt nothing that shows: {one.beside}"
            yield f"{shown}. So {one.consequence}. {one.remedy}"


def _of_fits(stage: str, result: Any) -> Iterator[str]:
    for fit in _instances(result, Fit):
        r2, mape = fit.metrics.get("r2"), fit.metrics.get("mape")
        if r2 is not None and r2 < LEAST_R2:
            error = "" if mape is None else f", with a mean error of {mape:.1f} %"
            explained = f"{r2:.2f}" if r2 > 0 else "nothing"
            yield (
                f"The model of {fit.quantity} of stage {stage} explains {explained} of the differences between {fit.rows} "
                f"nets (R2 {r2:.2f}){error}: what was searched by its predictions is in doubt. {_apart(fit)}{fit.remedy}"
            )


def _of_campaigns(notes: Sequence[CampaignNote]) -> Iterator[str]:
    """Yields a sentence on the void workloads of each stage that measured, and one on each flag that is in doubt."""
    for stage in dict.fromkeys(note.stage for note in notes):
        own = [note for note in notes if note.stage == stage]
        void, workloads = sum(note.void for note in own), sum(note.workloads for note in own)
        if void:
            reason = next((f". {note.reason}" for note in own if note.reason), ": no visit was usable.")
            yield f"Of {workloads} workloads that stage {stage} measured, {void} are void{reason}"
        for code in dict.fromkeys(code for note in own for code in note.codes):
            if code.startswith((ERROR, *WARNINGS)):
                said = [flag for note in own if (flag := note.flag(code)) is not None]
                among = "" if len(own) == 1 else f", {len(said)} of {len(own)} campaigns"
                yield f"While stage {stage} measured{among}: {said[0]}"


def _apart(fit: Fit) -> str:
    """Says how little the nets of a latency model differ, and which half-width tells them apart; empty where unknown.

    Noise of that half-width leaves ``LEAST_R2`` of the variance of log latencies to the nets.
    """
    measured = fit.measured_s if isinstance(fit, LatencyFit) else []
    if len(measured) < 2:
        return ""
    sd = stdev(math.log(seconds) for seconds in measured)
    half = Z * math.sqrt(1.0 - LEAST_R2) * sd
    return (
        f"The latencies of these nets differ by {100 * sd:.2g} % (standard deviation): half-widths of {100 * half:.2g} % or "
        "less would tell them apart. "
    )


def _of_latencies(stage: str, result: Any) -> Iterator[str]:
    rows = list(_instances(result, Latency))
    for reason, few in (
        ("have no interval: the machine was not seen uncontended often enough", list(filter(_has_no_interval, rows))),
        (f"have an interval wider than {100 * WIDEST:g} %: the machine was not left alone", list(filter(_is_wide, rows))),
    ):
        if few:
            yield f"Of {len(rows)} latencies that stage {stage} measured, {len(few)} {reason}."
    judged = [row.in_interval for row in rows if isinstance(row, ComparedLatency) and row.in_interval is not None]
    if judged and judged.count(True) < LEAST_INSIDE * len(judged):
        yield (
            f"Only {judged.count(True)} of {len(judged)} winners of stage {stage} lie in the 90 % interval of their "
            "prediction: either the latency model or the machine has changed since."
        )


def _has_no_interval(row: Latency) -> bool:
    return row.measured_s is not None and (row.measured_low_s is None or row.measured_high_s is None)


def _is_wide(row: Latency) -> bool:
    if row.measured_s is None or row.measured_low_s is None or row.measured_high_s is None:
        return False
    return (row.measured_high_s - row.measured_low_s) / 2 > WIDEST * row.measured_s


def _instances(result: Any, kind: type[Kind]) -> Iterator[Kind]:
    """Yields everything of a type within nested dataclasses, mappings and sequences, one within another too."""
    if isinstance(result, kind):
        yield result
    if is_dataclass(result):
        for one in fields(result):
            yield from _instances(getattr(result, one.name), kind)
    elif isinstance(result, Mapping):
        for value in result.values():
            yield from _instances(value, kind)
    elif isinstance(result, Sequence) and not isinstance(result, (str, bytes)):
        for value in result:
            yield from _instances(value, kind)
