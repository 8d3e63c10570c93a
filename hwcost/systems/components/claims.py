"""What the paper says of DO and SDO, beside what a run found."""

from __future__ import annotations

from hwcost.systems.claims import Claim
from hwcost.systems.components.results import Results, Retrained, SpeedUp
from hwcost.systems.task_scores import TaskUsed
from hwcost.units import format_seconds

LABELS = {"sdo": "SDO's", "do": "DO's", "search": "the given searcher's"}


def claims(results: Results) -> list[Claim]:
    """Compares the selected nets with the base net: latency at every sequence length, and quality."""
    return [
        _faster(results, name, length, ratio)
        for name in ("sdo", "do", "search")
        for length, ratio in results.winners.speed_up.get(name, {}).items()
    ]


def _faster(results: Results, name: str, length: str, speed_up: SpeedUp) -> Claim:
    latencies, nets = results.winners.latencies, results.retraining.nets
    own_s, base_s = nets[name].predicted_s, nets["base"].predicted_s
    text = "not measured"
    if own_s is not None and base_s is not None:
        text = f"not measured: predicted {base_s / own_s:.2f} times, "
        text += f"{format_seconds(own_s)} against {format_seconds(base_s)}"
    if speed_up.ratio is not None:
        ends = "" if speed_up.low is None else f" ({speed_up.low:.2f} to {speed_up.high:.2f})"
        own, base = (format_seconds(latencies[one][length].measured_s) for one in (name, "base"))
        text = f"{speed_up.ratio:.2f} times{ends}: {own} against {base}"
    sure = speed_up.ratio if speed_up.low is None else speed_up.low
    return Claim(
        f"{LABELS[name]} net is measured faster than the base net at {length} tokens",
        f"{text}; {_quality(nets[name], nets['base'], results.retraining.task)}",
        sure is not None and sure > 1,
    )


def _quality(own: Retrained, base: Retrained, task: TaskUsed) -> str:
    return (
        f"perplexity {own.perplexity:.1f} against {base.perplexity:.1f}, {task.text} {own.score:.3f} against "
        f"{base.score:.3f}"
    )
