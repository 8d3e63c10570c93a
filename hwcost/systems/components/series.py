"""Nets of a sweep: the fastest within a loss of quality, and whether speed and quality follow the weight of the cost.

Source: Tsai et al., "Finding Fast Transformers", section 5.1 and appendix A.2 ("the quality start to gradually decrease ...
after a certain point, the model will collapse"), Table 7.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hwcost.systems.components.results import Point

COLLAPSE = 0.05
"""Loss of quality beyond which a net has collapsed; nothing is expected of larger weights. In Table 7, DO with the largest
weight has lost 0.037 of accuracy and SDO, collapsed, 0.084."""
SLACK = 0.02
"""Relative fall of the speed that does not count: measured speeds of equal nets differ."""


def series(points: Sequence[Point]) -> dict[str, list[Point]]:
    """Returns the points of each method and rate, from the least weight of the cost up."""
    found: dict[str, list[Point]] = {}
    for point in sorted(points, key=lambda one: one.penalty):
        found.setdefault("DO" if point.rate is None else f"SDO, nu {point.rate:g}", []).append(point)
    return dict(sorted(found.items()))


def fastest_within(points: Sequence[Point], quality: float, drop: float) -> Point | None:
    """Returns the fastest net whose quality is at most ``drop`` below the base net's; None where there is none.

    Args:
        points: Nets of the sweep.
        quality: Quality of the base net; more is better.
        drop: Loss of quality that is accepted.
    """
    kept = [point for point in points if point.quality >= quality - drop]
    return max(kept, key=lambda point: point.speed, default=None)


def is_monotone(points: Sequence[Point], quality: float, tolerance: float) -> bool:
    """Says whether speed rises and quality falls with the weight of the cost, up to the first net that has collapsed.

    Args:
        points: Nets of one method, from the least weight up.
        quality: Quality of the base net.
        tolerance: Rise of quality that does not count, as noise.
    """
    first = next((place for place, point in enumerate(points) if point.quality < quality - COLLAPSE), len(points))
    pairs = list(itertools.pairwise(points[: first + 1]))
    faster = all(after.speed >= before.speed * (1 - SLACK) for before, after in pairs)
    return faster and all(after.quality <= before.quality + tolerance for before, after in pairs)


def shows_trade(points: Sequence[Point], tolerance: float) -> bool:
    """Says whether some weight of the cost made a net faster and another worse than the least does, beyond noise.

    Args:
        points: Nets of one method, from the least weight up.
        tolerance: Fall of quality that does not count, as noise.
    """
    if not points:
        return False
    first = points[0]
    faster = max(point.speed for point in points) > first.speed * (1 + SLACK)
    return faster and min(point.quality for point in points) < first.quality - tolerance
