"""What two runs of hwcost are to reach, beside what they reached."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from peer_tools.agreement import Agreement
from peer_tools.tools import TOOLS


@dataclass(frozen=True)
class Bar:
    """A limit of a figure.

    Attributes:
        name: Name of the figure in :class:`Agreement`.
        label: Name of it in tables.
        limit: The limit, a share.
        is_least: Whether the figure is to be at least that; at most otherwise.
    """

    name: str
    label: str
    limit: float
    is_least: bool = False

    def figure(self, found: Agreement) -> float | None:
        """Returns the figure that the limit is for; None without one."""
        value: float | None = getattr(found, self.name)
        return None if value is None or math.isnan(value) else value

    def is_met(self, found: Agreement) -> bool:
        """Says whether the figure keeps the limit; without a figure it does not."""
        value = self.figure(found)
        if value is None:
            return False
        return value >= self.limit if self.is_least else value <= self.limit


HELD = Bar("held", "differences held by both intervals together", 0.9, is_least=True)
LARGE = (Bar("p95", "95th percentile of the difference", 0.08), HELD)

BARS: dict[tuple[str, bool], tuple[Bar, ...]] = {
    ("mini", True): (
        Bar("median", "median difference", 0.015),
        Bar("p95", "95th percentile of the difference", 0.04),
        HELD,
        Bar("half_width", "median half-width", 0.03),
    ),
    ("mini", False): (Bar("p95", "95th percentile of the difference", 0.02),),
    ("paper", True): LARGE,
    ("paper", False): LARGE,
}
"""Bars by the scale of the nets, and whether a neighbour computes in bursts; none at other scales."""


@dataclass(frozen=True)
class Judged:
    """A bar beside the figure.

    Attributes:
        tool: Name of the tool.
        has_bursts: Whether the neighbour computed meanwhile.
        bar: The bar.
        figure: Figure that was found; None without one.
        is_met: Whether it keeps the bar.
    """

    tool: str
    has_bursts: bool
    bar: Bar
    figure: float | None
    is_met: bool

    def to_dict(self) -> dict[str, str | float | bool | None]:
        """Returns plain JSON; None for a figure that is missing or infinite."""
        found = self.figure if self.figure is not None and math.isfinite(self.figure) else None
        return {
            "tool": self.tool,
            "bursts": self.has_bursts,
            "figure": self.bar.name,
            "bar": self.bar.limit,
            "is_least": self.bar.is_least,
            "found": found,
            "met": self.is_met,
        }


def judged(figures: Mapping[tuple[str, bool], Agreement], scale: str) -> Iterator[Judged]:
    """Yields the bars of hwcost's runs at a scale, each beside the figure."""
    for (tool, has_bursts), found in figures.items():
        for bar in BARS.get((scale, has_bursts), ()) if TOOLS[tool].is_own else ():
            yield Judged(tool, has_bursts, bar, bar.figure(found), bar.is_met(found))
