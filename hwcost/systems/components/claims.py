"""What the paper says of DO and SDO, beside what a run found."""

from __future__ import annotations

from hwcost.systems.claims import Claim
from hwcost.systems.components.results import (
    AGAIN,
    STUDENT,
    Overhead,
    Point,
    Results,
    Retrained,
    Student,
    Sweep,
)
from hwcost.systems.components.series import is_monotone, series, shows_trade
from hwcost.systems.components.speed import mean_speed_up
from hwcost.systems.latencies import SpeedUp
from hwcost.systems.task_scores import TaskUsed
from hwcost.units import format_seconds

LABELS = {"sdo": "SDO's", "do": "DO's", "search": "the given searcher's"}


OVERHEAD = 1.4
"""Time of a search's step over that of plain training (section 1)."""
DROP = 0.003
"""Loss of the metric that is accepted of a selected student (section 5.4.3)."""


def claims(results: Results) -> list[Claim]:
    """Compares the selected nets with the base net, by latency and quality, and tells what searching takes."""
    faster = [
        _faster(results, name, length, ratio)
        for name in ("sdo", "do", "search")
        for length, ratio in results.winners.speed_up.get(name, {}).items()
    ]
    students = [_student(results, one) for one in results.distillation.nets if one.net in LABELS]
    return [*faster, *_sweep(results.sweep), _overhead(results.overhead), *students]


def _student(results: Results, own: Student) -> Claim:
    """Says whether a selected student is faster than the whole one within the accepted loss (section 5.4.3)."""
    found, latencies = results.distillation, results.students.latencies
    score = {one.net: one.score for one in found.nets if one.task == own.task}
    metric = next(one.text for one in found.tasks if one.task == own.task)
    over = mean_speed_up(latencies[STUDENT], latencies[f"{own.net} on {own.task}"])
    teacher = results.students.mean_speed_up[f"{own.net} on {own.task}"].ratio
    speed = f"not measured: its gates cost {own.cost:.2f} of the whole student's"
    if over.ratio is not None and teacher is not None:
        speed = f"{over} the whole student's speed, {teacher:.2f} times the teacher's"
    again, whole, taught = score[f"{own.net}{AGAIN}"], score[STUDENT], found.teachers[own.task]
    return Claim(
        f"{LABELS[own.net]} student is measured faster than the whole one on {own.task}, within {DROP:g} of its score",
        f"{speed}; {metric} {own.score:.3f} as searched and {again:.3f} distilled again, whole student {whole:.3f}, teacher "
        f"{taught:.3f}",
        over.is_sure and max(own.score, again) >= whole - DROP,
    )


def _sweep(sweep: Sweep) -> list[Claim]:
    """Says whether nets get faster and worse with the weight of the cost (appendix A.2)."""
    quality = sweep.quality
    if quality is None or sweep.task is None:
        return []
    lines = series(sweep.points)
    holds = all(is_monotone(points, quality, sweep.drop) for points in lines.values())
    is_shown = any(shows_trade(points, sweep.drop) for points in lines.values())
    rows = [f"{name}: {'; '.join(map(_point, points))}" for name, points in lines.items()]
    methods = [method for method in sweep.chosen if any(point.method == method for point in sweep.points)]
    kept = [f"{LABELS[method]} {sweep.chosen[method] or 'none'}" for method in methods]
    text = f"speed over the base net's, and {sweep.task.text}, which is {quality:.3f} of the base net. {'. '.join(rows)}"
    text += f". Fastest within a loss of {sweep.drop:g}: {', '.join(kept)}"
    if not is_shown:
        text += f". No larger lambda made a net both faster and worse by more than {sweep.drop:g}"
    claim = "the more the cost weighs (lambda), the faster and the worse the net, until it collapses"
    return [Claim(claim, text, holds and is_shown)]


def _point(point: Point) -> str:
    return f"lambda {point.penalty:g} {point.speed:.2f} times, {point.quality:.3f}"


def _overhead(found: Overhead) -> Claim:
    do, sdo = found.ratio("do"), found.ratio("sdo")
    text = f"a step of DO takes {do:.2f} times that of plain training, one of SDO {sdo:.2f} times with {found.samples} "
    text += f"nets, {sdo / found.samples:.2f} each; {found.steps} steps of each, in turn"
    return Claim(f"searching takes at most {OVERHEAD:g} times the time of plain training", text, max(do, sdo) <= OVERHEAD)


def _faster(results: Results, name: str, length: str, speed_up: SpeedUp) -> Claim:
    latencies, nets = results.winners.latencies, results.retraining.nets
    own_s, base_s = nets[name].predicted_s, nets["base"].predicted_s
    text = "not measured"
    is_base = nets[name].arch == nets["base"].arch
    if own_s is not None and base_s is not None:
        text = f"not measured: predicted {base_s / own_s:.2f} times, "
        text += f"{format_seconds(own_s)} against {format_seconds(base_s)}"
    if speed_up.ratio is not None:
        own, base = (format_seconds(latencies[one][length].measured_s) for one in (name, "base"))
        text = f"{speed_up}: {own} against {base}"
    mean = results.winners.mean_speed_up[name].ratio
    if is_base:
        text = "its gates are those of the base net"
    elif mean is not None and len(results.winners.speed_up[name]) > 1:
        text += f"; {mean:.2f} times by the mean over lengths"
    return Claim(
        f"{LABELS[name]} net is measured faster than the base net at {length} tokens",
        f"{text}; {_quality(nets[name], nets[name + AGAIN], nets['base'], results.retraining.task)}",
        not is_base and speed_up.is_sure,
    )


def _quality(own: Retrained, again: Retrained, base: Retrained, task: TaskUsed) -> str:
    return (
        f"trained again perplexity {again.perplexity:.1f} and {task.text} {again.score:.3f}, as searched "
        f"{own.perplexity:.1f} and {own.score:.3f}, base net {base.perplexity:.1f} and {base.score:.3f}"
    )
