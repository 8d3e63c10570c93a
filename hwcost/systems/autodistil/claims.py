"""What the paper says of AutoDistil, beside what a run found."""

from __future__ import annotations

import numpy as np

from hwcost.systems.autodistil.results import Results
from hwcost.systems.claims import Claim
from hwcost.systems.latencies import Latency, speed_up_over
from hwcost.units import format_count, format_seconds

CLASS = 0.1
"""Relative half-width, in operations, of the class of nets that a selected one is compared with."""


def claims(results: Results) -> list[Claim]:
    """Compares the net of the task-agnostic search with its class, and with the teacher."""
    return [_relations(results), _score(results), _speed(results)]


def _relations(results: Results) -> Claim:
    agnostic = results.agnostic
    unseen = dict(zip(agnostic.size_class, agnostic.unseen_loss, strict=True))
    own, others, over = unseen.pop(agnostic.chosen), list(unseen.values()), agnostic.median_over_own
    beside = f"no other net was evaluated within {100 * CLASS:g} % of its operations"
    if over is not None:
        beside = f"median {float(np.median(others)):.3e} of {len(others)} others within {100 * CLASS:g} % of its operations"
        beside += f", {over} times its own"
    return Claim(
        "the chosen net relates tokens more like the teacher than the median of its class, on text it was not chosen by",
        f"loss {own:.3e}, {beside}", over is not None and over.low is not None and over.low > 1,
    )  # fmt: skip


def _score(results: Results) -> Claim:
    own, *others = [one.score for one in results.winners.size_class]
    task = results.proxy.task
    usual, half = float(np.median(others)) if others else None, task.half_width(own)
    beside = "no other net of its class was fine-tuned"
    if usual is not None:
        beside = f"median {usual:.3f} of other nets of its class, {len(others)} of which were fine-tuned"
    noise = "" if half is None else f" ± {half:.3f} of {task.examples} examples"
    return Claim(
        "fine-tuned, it does better than the median of its class", f"{task.text} {own:.3f}{noise}, {beside}",
        usual is not None and own - (half or 0.0) > usual,
    )  # fmt: skip


def _speed(results: Results) -> Claim:
    teacher, student = results.winners.nets["teacher"], results.winners.nets["agnostic"]
    times = f"{_measured(student)} against {_measured(teacher)}"
    if student.measured_s is None and teacher.measured_s is None:
        predicted = "" if student.predicted_s is None else f": predicted {format_seconds(student.predicted_s)}"
        times = f"not measured{predicted}"
    return Claim(
        "it is measured faster than the teacher",
        f"{times}, {format_count(student.params)} against {format_count(teacher.params)} parameters",
        speed_up_over(teacher, student).is_sure,
    )


def _measured(net: Latency) -> str:
    """Returns a latency with its interval."""
    if net.measured_s is None:
        return "-"
    if net.measured_low_s is None or net.measured_high_s is None:
        return f"{format_seconds(net.measured_s)} (without an interval)"
    own, low, high = map(format_seconds, (net.measured_s, net.measured_low_s, net.measured_high_s))
    return f"{own} ({low} to {high})"
