"""What the paper says of DO and SDO, beside what a run found."""

from __future__ import annotations

from hwcost.systems.claims import Claim
from hwcost.systems.components.results import Results, Retrained, SpeedUp
from hwcost.systems.task_scores import TaskUsed
from hwcost.units import format_seconds


def claims(results: Results) -> list[Claim]:
    """Compares the selected nets with the base net: latency at every sequence length, and quality."""
    return [
        _faster(results, name, length, ratio)
        for name in ("sdo", "do")
        for length, ratio in results.winners.speed_up[name].items()
    ]


def _faster(results: Results, name: str, length: str, speed_up: SpeedUp) -> Claim:
    latencies, nets = results.winners.latencies, results.retraining.nets
    text = "not measured"
    if speed_up.ratio is not None:
        ends = "" if speed_up.low is None else f" ({speed_up.low:.2f} to {speed_up.high:.2f})"
        own, base = (format_seconds(latencies[one][length].measured_s) for one in (name, "base"))
        text = f"{speed_up.ratio:.2f} times{ends}: {own} against {base}"
    sure = speed_up.ratio if speed_up.low is None else speed_up.low
    return Claim(
        f"{name.upper()}'s net is measured faster than the base net at {length} tokens",
        f"{text}; {_quality(nets[name], nets['base'], results.retraining.task)}",
        sure is not None and sure > 1,
    )


def _quality(own: Retrained, base: Retrained, task: TaskUsed) -> str:
    return (
        f"perplexity {own.perplexity:.1f} against {base.perplexity:.1f}, {task.text} {own.score:.3f} against "
        f"{base.score:.3f}"
    )
