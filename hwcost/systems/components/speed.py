"""Latencies of component nets, and how many times faster than the base net they are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from hwcost.spaces import Architecture
from hwcost.spaces.components import Components
from hwcost.systems.components.results import Winners
from hwcost.systems.latencies import NOT_MEASURED, Latency, SpeedUp, speed_up_over

if TYPE_CHECKING:
    from hwcost.systems.components.pipeline import ComponentsPipeline

ByLength = dict[str, Latency]
"""Latency by sequence length, as text."""


def latencies_of(
    pipeline: ComponentsPipeline, nets: Mapping[str, Architecture], spaces: Mapping[str, Components] = MappingProxyType({})
) -> dict[str, ByLength]:
    """Measures nets at all sequence lengths in one campaign; nothing is measured where the device is not here.

    Args:
        pipeline: The run.
        nets: Nets by name.
        spaces: Spaces of nets that are not of the run's own, by the names of the nets.
    """
    measuring, placed = pipeline.preset.measuring, {name: (spaces.get(name, pipeline.space), nets[name]) for name in nets}
    distinct = list(dict.fromkeys(placed.values()))
    workloads = [
        one for length in measuring.lengths for space, arch in distinct for one in measuring.workloads(space, [arch], length)
    ]
    measured = pipeline.measured(workloads, "winner", pipeline.preset.winner_rounds)
    rows = iter([(one.latency_s, one.low_s, one.high_s) for one in measured] or [NOT_MEASURED] * len(workloads))
    found: dict[str, ByLength] = {name: {} for name in nets}
    for length in measuring.lengths:
        part = {net: Latency.of(next(rows)) for net in distinct}
        for name, net in placed.items():
            found[name][str(length)] = part[net]
    return found


def compared(latencies: Mapping[str, ByLength]) -> Winners:
    """Returns latencies with the speed of each net over ``base``."""
    base, others = latencies["base"], {name: own for name, own in latencies.items() if name != "base"}
    speed_up = {
        name: {length: speed_up_over(latency, own[length]) for length, latency in base.items()}
        for name, own in others.items()
    }
    return Winners(dict(latencies), speed_up, {name: mean_speed_up(base, own) for name, own in others.items()})


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
