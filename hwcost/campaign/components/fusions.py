"""What a runtime fuses, found by timing: two components that follow each other against each by itself.

All three are priced by the slope over depth, which takes the overhead of a call out and leaves no stage in the cache that
would not be there in a net. In a chain that is repeated, the second component also stands before the first of the next copy.

Source: the rule of Zhang et al., "nn-Meter", 2021, section 4: fused where the time saved is more than a share of what the
cheaper one takes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from hwcost.campaign.components.shapes import of_one_shape
from hwcost.campaign.components.slopes import Fit, line
from hwcost.timing.measurement import Measurement
from hwcost.workloads import ChainWorkload, ComponentWorkload

__all__ = ["Fusion", "fusions", "prices"]

MARGIN = 0.1
"""Share of the cheaper component's time beyond which saved time means that the runtime fuses the two."""

Verdict = Literal["FUSED", "APART", "AMBIGUOUS"]


@dataclass(frozen=True, slots=True)
class Fusion:
    """Two components that follow each other.

    Attributes:
        first: Name of the component in front.
        second: Name of the one behind it.
        first_s: Seconds of the first by itself.
        second_s: Seconds of the second by itself.
        together_s: Seconds of the first and then the second.
        half_width: Half-width of the 95 % interval of :attr:`saved`; None when it is unknown.
    """

    first: str
    second: str
    first_s: float
    second_s: float
    together_s: float
    half_width: float | None

    @property
    def saved(self) -> float:
        """Time that both save together, as a share of what the cheaper one takes by itself; negative where they lose."""
        return (self.first_s + self.second_s - self.together_s) / min(self.first_s, self.second_s)

    @property
    def verdict(self) -> Verdict:
        """``FUSED`` or ``APART`` where the interval lies on one side of 10 %, else ``AMBIGUOUS``.

        More than the cheaper one takes is saved by no fusion: an interval above 100 % is ``AMBIGUOUS`` too.
        """
        half = math.inf if self.half_width is None else self.half_width
        if abs(self.saved - MARGIN) <= half or self.saved - half > 1:
            return "AMBIGUOUS"
        return "FUSED" if self.saved > MARGIN else "APART"

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return {**asdict(self), "saved": self.saved, "verdict": self.verdict}


def fusions(measurements: Sequence[Measurement], shape: Mapping[str, Any] | None = None) -> list[Fusion]:
    """Judges every pair that was measured as a chain and of which both components were measured as stacks.

    Args:
        measurements: Measurements of one campaign.
        shape: Shape of the components, where the campaign has several: ``batch_size``, ``seq_len``, ``dtype``.

    Returns:
        One judgement per pair, in the order of the campaign; pairs of which a price is unknown or not positive are left out.

    Raises:
        DataError: When components were measured at several shapes and none was asked for.
    """
    priced = prices(measurements, shape)
    found = []
    for names, together in priced.items():
        alone = [priced.get((name,)) for name in names]
        if len(names) != 2 or None in alone:
            continue
        first, second = (one for one in alone if one is not None)
        if min(first.cost_s, second.cost_s) > 0:
            half = _half_width(first, second, together)
            found.append(Fusion(*names, first.cost_s, second.cost_s, together.cost_s, half))
    return found


def prices(measurements: Sequence[Measurement], shape: Mapping[str, Any] | None = None) -> dict[tuple[str, ...], Fit]:
    """Prices stacks and chains by the slope over depth, for ratios within their campaign.

    Args:
        measurements: Measurements of one campaign.
        shape: Shape of the components, where the campaign has several.

    Returns:
        Line over depth by the names of a chain's components; a stack is a chain of one. Those that were measured at fewer
        than two depths are left out.

    Raises:
        DataError: When components were measured at several shapes and none was asked for.
    """
    stacks: dict[tuple[str, ...], dict[int, Measurement]] = {}
    parts = [m for m in measurements if isinstance(m.workload, ComponentWorkload | ChainWorkload)]
    for m in of_one_shape(parts, shape):
        if m.latency_s is not None and isinstance(m.workload, ComponentWorkload | ChainWorkload):
            stacks.setdefault(_names(m.workload), {})[m.workload.depth] = m
    return {names: _line(by_depth) for names, by_depth in stacks.items() if len(by_depth) > 1}


def _names(workload: ComponentWorkload | ChainWorkload) -> tuple[str, ...]:
    parts = (workload.part,) if isinstance(workload, ComponentWorkload) else workload.parts
    return tuple(part.name for part in parts)


def _line(by_depth: Mapping[int, Measurement]) -> Fit:
    halves = {depth: m.paired_half_width for depth, m in by_depth.items()}
    return line(
        {depth: m.latency_s for depth, m in by_depth.items() if m.latency_s is not None},
        {depth: math.nan if half is None else half for depth, half in halves.items()},
    )


def _half_width(first: Fit, second: Fit, together: Fit) -> float | None:
    """Returns the half-width of the share saved, with the error of the cheaper one's own time in it."""
    halves = [one.half_width_s for one in (first, second, together)]
    known = [half for half in halves if half is not None]
    if len(known) < len(halves):
        return None
    cheaper, other = sorted((first, second), key=lambda one: one.cost_s)
    # saved = 1 + (other - together) / cheaper
    slope = (other.cost_s - together.cost_s) / cheaper.cost_s
    parts = (other.half_width_s or 0.0, together.half_width_s or 0.0, slope * (cheaper.half_width_s or 0.0))
    return math.hypot(*parts) / cheaper.cost_s
