"""Measured latencies in figures: bars or points, in milliseconds with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from hwcost.report import Drawing, bars
from hwcost.systems.latencies import Latency

Measured = TypeVar("Measured", bound=Latency)
Point = tuple[float, float]


def latency_bars(name: str, groups: Mapping[str, Mapping[str, Latency]], title: str) -> Drawing | None:
    """Returns bars of measured latencies, in milliseconds, with the 95 % intervals of those that have one.

    Args:
        name: Name of the figure.
        groups: Latency by the name of the net, by the name of the group.
        title: Heading.

    Returns:
        None where there is nothing, or where one was not measured.
    """
    found = [one.measured_s for nets in groups.values() for one in nets.values()]
    if not found or None in found:
        return None
    times = {group: {net: _ms(one.measured_s) for net, one in nets.items()} for group, nets in groups.items()}
    ranges = {
        group: {net: _ends(one) for net, one in nets.items()} for group, nets in groups.items()
    }
    return Drawing(name, lambda ax: bars(ax, times, "measured latency (ms), 95 % interval", title, ranges))


def latency_points(
    groups: Mapping[str, Sequence[Measured]], quality: Callable[[Measured], float]
) -> tuple[dict[str, list[Point]], dict[str, list[Point]]]:
    """Returns the nets that were measured as points of latency, in milliseconds, and quality; and their intervals.

    Args:
        groups: Nets by the name of their group.
        quality: Function that returns the quality of a net.

    Returns:
        Points, and ends of their 95 % intervals, NaN where there is none, both by the name of the group.
    """
    known = {name: [net for net in nets if net.measured_s is not None] for name, nets in groups.items()}
    points = {name: [(_ms(net.measured_s), quality(net)) for net in nets] for name, nets in known.items()}
    return points, {name: [_ends(net) for net in nets] for name, nets in known.items()}


def _ends(latency: Latency) -> Point:
    return _ms(latency.measured_low_s), _ms(latency.measured_high_s)


def _ms(seconds: float | None) -> float:
    """Returns milliseconds; NaN for None."""
    return float("nan") if seconds is None else 1e3 * seconds
