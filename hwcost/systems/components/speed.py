"""Latencies of component nets, and how many times faster than the base net they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hwcost.spaces import Architecture
from hwcost.systems.components.results import SpeedUp
from hwcost.systems.latencies import NOT_MEASURED, Latency, by_architecture

if TYPE_CHECKING:
    from hwcost.systems.components.pipeline import ComponentsPipeline

ByLength = dict[str, Latency]
"""Latency by sequence length, as text."""


def latencies_of(pipeline: ComponentsPipeline, nets: Mapping[str, Architecture]) -> dict[str, ByLength]:
    """Measures nets at all sequence lengths in one campaign; nothing is measured where the device is not here.

    Args:
        pipeline: The run.
        nets: Nets by name.
    """
    measuring, distinct = pipeline.preset.measuring, list(dict.fromkeys(nets.values()))
    workloads = [one for length in measuring.lengths for one in measuring.workloads(pipeline.space, distinct, length)]
    measured = pipeline.measured(workloads, "winner", pipeline.preset.winner_rounds)
    found: dict[str, ByLength] = {name: {} for name in nets}
    for place, length in enumerate(measuring.lengths):
        part = by_architecture(measured[place * len(distinct) : (place + 1) * len(distinct)])
        for name, arch in nets.items():
            found[name][str(length)] = Latency.of(part.get(arch, NOT_MEASURED))
    return found


def speed_up_over(base: Latency, own: Latency) -> SpeedUp:
    """Returns how many times faster a net is than the base net, with the ends of both intervals."""

    def ratio(over: float | None, under: float | None) -> float | None:
        return None if over is None or under is None else over / under

    return SpeedUp(
        ratio(base.measured_s, own.measured_s),
        ratio(base.measured_low_s, own.measured_high_s),
        ratio(base.measured_high_s, own.measured_low_s),
    )


def mean_speed_up(base: ByLength, own: ByLength) -> SpeedUp:
    """Returns the same for the mean latency over sequence lengths (section 5.3: "averaged across sequence lengths")."""
    return speed_up_over(_mean(base), _mean(own))


def _mean(latencies: ByLength) -> Latency:
    rows = list(latencies.values())

    def mean(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known and len(known) == len(values) else None

    return Latency(
        measured_s=mean([row.measured_s for row in rows]), measured_low_s=mean([row.measured_low_s for row in rows]),
        measured_high_s=mean([row.measured_high_s for row in rows]),
    )  # fmt: skip
