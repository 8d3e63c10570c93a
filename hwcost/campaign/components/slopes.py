"""From latencies of stacks to what one component costs inside a model.

The latency of a stack of ``k`` copies is ``overhead + k * cost``: the slope is the cost in context (weights that do not
stay in the cache, no dispatch to start it), the intercept is what every call pays once. Half-widths are those of 95 %
intervals; they follow from those of the latencies, and are wider where stacks lie farther from a line than those explain.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats
from hwcost.errors import DataError
from hwcost.spaces.base import Architecture, Component, SearchSpace

__all__ = ["ComponentTable", "Fit", "Gap", "additivity", "component_table", "line"]

MAX_MISFIT = 0.05
"""Relative distance from the line above which a component's cost is doubtful."""

WIDE = 0.05
"""Half-width over the median price from which an interval that holds zero is a finding."""

Z = 1.96
"""Standard errors in the half-width of a 95 % interval."""

DRAWS = 2000
"""Draws that the error of a median of unequally certain intercepts is estimated from."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Fit:
    """The line through one component's stacks.

    Attributes:
        cost_s: Slope: seconds per copy.
        intercept_s: Seconds at depth 0; None when only one depth was measured, where the shared overhead is taken.
        misfit: Largest distance of a point from the line, relative to the point.
        depths: The depths measured.
        half_width_s: Half-width of the cost's interval; None when it is unknown.
        intercept_half_s: Half-width of the intercept's interval, likewise.
        most_s: Most that a copy can cost: the least latency per copy.
        is_explained: Whether every point's own interval reaches the line.
    """

    cost_s: float
    intercept_s: float | None
    misfit: float
    depths: tuple[int, ...]
    half_width_s: float | None = None
    intercept_half_s: float | None = None
    most_s: float = math.inf
    is_explained: bool = False

    @property
    def is_doubtful(self) -> bool:
        """Whether the points lie on no line, and not for noise alone."""
        return self.misfit > MAX_MISFIT and not self.is_explained

    @property
    def interval_s(self) -> Interval | None:
        """Both ends of the cost's interval, in seconds; None when they are unknown."""
        return None if self.half_width_s is None else (self.cost_s - self.half_width_s, self.cost_s + self.half_width_s)


@dataclass(frozen=True, slots=True)
class ComponentTable:
    """The cost of every component.

    Attributes:
        costs_s: Seconds per copy, by the component's name.
        overhead_s: Seconds that a call takes beside its components: the median intercept.
        fits: Lines from which the costs were read, by the component's name.
        overhead_half_s: Half-width of the overhead's interval; None when it is unknown.
    """

    costs_s: dict[str, float]
    overhead_s: float
    fits: dict[str, Fit]
    overhead_half_s: float | None = None

    @property
    def doubtful(self) -> list[str]:
        """Names of the components whose stacks lie on no line."""
        return [name for name, fit in self.fits.items() if fit.is_doubtful]

    @property
    def negative(self) -> list[str]:
        """Names of the components whose price is zero or less."""
        return [name for name, cost_s in self.costs_s.items() if not cost_s > 0]

    @property
    def unclear(self) -> list[str]:
        """Names of the other components whose interval holds zero and is wide beside the usual price."""
        wide_s = WIDE * float(np.median(list(self.costs_s.values())))
        return [
            name
            for name, fit in self.fits.items()
            if fit.half_width_s is not None and 0 < fit.cost_s < fit.half_width_s and fit.half_width_s > wide_s
        ]

    def total_s(self, components: Iterable[Component]) -> float:
        """Sums the overhead and the costs of components, with repeats.

        Raises:
            DataError: When a component was not measured; names all that are missing.
        """
        names = [component.name for component in components]
        missing = sorted({name for name in names if name not in self.costs_s})
        if missing:
            raise DataError(f"no cost is known for {', '.join(missing)}. Measure these components too.")
        return self.overhead_s + sum(self.costs_s[name] for name in names)


@dataclass(frozen=True, slots=True)
class Gap:
    """How far an architecture's measured latency is from the sum of its components.

    Attributes:
        architecture: The architecture.
        key: Its key in its space.
        sum_s: Overhead and components, summed.
        measured_s: Measured as a whole.
        half_width: Half-width of the 95 % interval of :attr:`gap`; None when it is unknown.
    """

    architecture: Architecture
    key: str
    sum_s: float
    measured_s: float
    half_width: float | None = None

    @property
    def gap(self) -> float:
        """``sum / measured - 1``; negative when the whole is slower than its parts."""
        return self.sum_s / self.measured_s - 1


def component_table(
    latencies_s: Mapping[tuple[Component, int], float],
    half_widths: Mapping[tuple[Component, int], float | None] | None = None,
) -> ComponentTable:
    """Fits a line over depth for every component.

    Points are weighted by the inverse square of their latency, because noise is relative. A component that was measured
    at one depth only costs its latency less the overhead, divided by the depth.

    Args:
        latencies_s: Seconds per call by component and depth.
        half_widths: Relative half-widths of their 95 % intervals; where one is unknown, distances from the line stand in.

    Raises:
        DataError: When a latency is not positive, or no component was measured at two depths.
    """
    stacks: dict[str, dict[int, float]] = {}
    halves: dict[str, dict[int, float]] = {}
    for (component, depth), latency_s in latencies_s.items():
        if not (np.isfinite(latency_s) and latency_s > 0 and depth >= 1):
            raise DataError(f"a latency must be positive and finite, got {latency_s!r} for {depth} x {component}")
        stacks.setdefault(component.name, {})[depth] = float(latency_s)
        half = None if half_widths is None else half_widths.get((component, depth))
        halves.setdefault(component.name, {})[depth] = math.nan if half is None else float(half)
    lines = {name: line(stack, halves[name]) for name, stack in stacks.items() if len(stack) > 1}
    if not lines:
        raise DataError("the overhead of a call is unknown: measure at least one component at two depths or more")
    intercepts = np.array([line.intercept_s for line in lines.values()], dtype=np.float64)
    errors = np.array([line.intercept_half_s for line in lines.values()], dtype=np.float64) / Z  # None becomes NaN
    overhead_s, overhead_half_s = float(np.median(intercepts)), _median_half(intercepts, errors)
    fits = {
        name: lines.get(name) or _point(stack, halves[name], overhead_s, overhead_half_s) for name, stack in stacks.items()
    }
    return ComponentTable({name: fit.cost_s for name, fit in fits.items()}, overhead_s, fits, overhead_half_s)


def additivity(
    table: ComponentTable,
    space: SearchSpace,
    measured_s: Mapping[Architecture, float],
    half_widths: Mapping[Architecture, float | None] | None = None,
) -> list[Gap]:
    """Compares whole models with the sums of their components.

    Args:
        table: Costs of all components that the architectures have.
        space: Their space, which says what an architecture is made of.
        measured_s: Seconds per call by architecture.
        half_widths: Relative half-widths of their 95 % intervals; gaps have none where one is unknown.

    Raises:
        DataError: When a component has no cost.
    """
    known = half_widths or {}
    return [_gap(table, space, arch, latency_s, known.get(arch)) for arch, latency_s in measured_s.items()]


def _gap(table: ComponentTable, space: SearchSpace, arch: Architecture, whole_s: float, half: float | None) -> Gap:
    """Makes the gap of one architecture. Overhead and prices count as independent, which makes intervals too wide."""
    parts = space.components(arch)
    sum_s = table.total_s(parts)
    counts = Counter(part.name for part in parts)
    own_s = [table.overhead_half_s, *(_times(table.fits[name].half_width_s, n) for name, n in counts.items())]
    known_s = [one for one in own_s if one is not None]
    if half is None or len(known_s) < len(own_s):
        return Gap(arch, space.key(arch), sum_s, whole_s)
    return Gap(arch, space.key(arch), sum_s, whole_s, math.hypot(*known_s, sum_s * half) / whole_s)


def _times(half_s: float | None, count: int) -> float | None:
    return None if half_s is None else count * half_s


def line(stack: Mapping[int, float], halves: Mapping[int, float]) -> Fit:
    """Fits latency on depth by weighted least squares, both scaled by the latency so that errors are relative.

    Args:
        stack: Seconds per call by depth, of two depths or more.
        halves: Relative half-widths of their 95 % intervals by depth; NaN where unknown.
    """
    depths, seconds = np.array(list(stack)), np.array(list(stack.values()))
    inverse = np.linalg.pinv(np.column_stack([np.ones(len(depths)), depths]) / seconds[:, None])
    intercept, slope = inverse.sum(axis=1).tolist()
    off = (intercept + slope * depths) / seconds - 1
    own = np.array([halves[depth] for depth in stack])
    half = _relative_halves(off, own)
    known = not np.isnan(half).any()
    intercept_half, slope_half = np.sqrt((inverse**2) @ half**2).tolist() if known else (None, None)
    return Fit(
        slope, intercept, float(np.abs(off).max()), tuple(sorted(stack)), slope_half, intercept_half,
        float((seconds / depths).min()), bool((np.abs(off) <= own).all()),
    )  # fmt: skip


def _relative_halves(off: Floats, half: Floats) -> Floats:
    """Returns the relative half-widths of the points of a line, shape (n,).

    Args:
        off: Relative distances from the line, shape (n,).
        half: Half-widths of the points' own intervals, shape (n,); NaN where unknown.

    Returns:
        Half-widths of the points, widened where the distances are larger than they explain; or estimated from the distances
        where some are unknown. NaN for two points of unknown error.
    """
    dof = len(off) - 2
    if not np.isnan(half).any():
        chi2 = float((off**2 / np.maximum(half / Z, 1e-12) ** 2).sum())
        return half * math.sqrt(max(1.0, chi2 / dof)) if dof > 0 else half
    if dof < 1:
        return np.full(len(off), math.nan)
    from scipy import stats

    return np.full(len(off), float(stats.t.ppf(0.975, dof)) * math.sqrt(float((off**2).sum()) / dof))


def _median_half(values: Floats, errors: Floats) -> float | None:
    """Returns the half-width of a median's interval, wider where values differ by more than their errors explain."""
    if np.isnan(errors).any():
        return None
    draws = np.random.default_rng(0).standard_normal((DRAWS, len(values))) * errors
    half = Z * float(np.median(draws, axis=1).std())
    chi2 = float((((values - np.median(values)) / np.maximum(errors, 1e-12)) ** 2).sum())
    return half * math.sqrt(max(1.0, chi2 / max(1, len(values) - 1)))


def _point(
    stack: Mapping[int, float], halves: Mapping[int, float], overhead_s: float, overhead_half_s: float | None
) -> Fit:
    ((depth, latency_s),) = stack.items()
    own_s = halves[depth] * latency_s
    half_s = None if math.isnan(own_s) or overhead_half_s is None else math.hypot(own_s, overhead_half_s) / depth
    return Fit((latency_s - overhead_s) / depth, None, 0.0, (depth,), half_s, None, latency_s / depth)
