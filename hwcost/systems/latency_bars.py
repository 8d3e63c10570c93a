"""The figure of measured latencies: bars with their intervals."""

from __future__ import annotations

from collections.abc import Mapping

from hwcost.report import Drawing, bars
from hwcost.systems.latencies import Latency


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
        group: {net: (_ms(one.measured_low_s), _ms(one.measured_high_s)) for net, one in nets.items()}
        for group, nets in groups.items()
    }
    return Drawing(name, lambda ax: bars(ax, times, "measured latency (ms), 95 % interval", title, ranges))


def _ms(seconds: float | None) -> float:
    """Returns milliseconds; NaN for None."""
    return float("nan") if seconds is None else 1e3 * seconds
