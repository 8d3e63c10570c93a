"""From latencies of stacks to what one component costs inside a model.

The latency of a stack of ``k`` copies is ``overhead + k * cost``: the slope is the cost in context (weights that do not
stay in the cache, no dispatch to start it), the intercept is what every call pays once. Only numpy is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hwcost.errors import DataError
from hwcost.spaces.base import Architecture, Component, SearchSpace

MAX_MISFIT = 0.05
"""Relative distance from the line above which a component's cost is doubtful."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The line through one component's stacks.

    Attributes:
        cost_s: Slope: seconds per copy.
        intercept_s: Seconds at depth 0; None when only one depth was measured, where the shared overhead is taken.
        misfit: Largest distance of a point from the line, relative to the point.
        depths: The depths measured.
    """

    cost_s: float
    intercept_s: float | None
    misfit: float
    depths: tuple[int, ...]

    @property
    def is_doubtful(self) -> bool:
        """Whether the cost is not positive, or the points lie on no line."""
        return not self.cost_s > 0 or self.misfit > MAX_MISFIT


@dataclass(frozen=True, slots=True)
class ComponentTable:
    """What each component costs.

    Attributes:
        costs_s: Seconds per copy, by the component's name.
        overhead_s: Seconds that a call takes beside its components: the median intercept.
        fits: How each cost was found, by the component's name.
    """

    costs_s: dict[str, float]
    overhead_s: float
    fits: dict[str, Fit]

    @property
    def doubtful(self) -> list[str]:
        """Names of the components whose cost is not positive, or whose stacks lie on no line."""
        return [name for name, fit in self.fits.items() if fit.is_doubtful]

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
    """

    architecture: Architecture
    key: str
    sum_s: float
    measured_s: float

    @property
    def gap(self) -> float:
        """``sum / measured - 1``; negative when the whole is slower than its parts."""
        return self.sum_s / self.measured_s - 1


def component_table(latencies_s: Mapping[tuple[Component, int], float]) -> ComponentTable:
    """Fits a line over depth for every component.

    Points are weighted by the inverse square of their latency, because noise is relative. A component that was measured
    at one depth only costs its latency less the overhead, divided by the depth.

    Args:
        latencies_s: Seconds per call by component and depth.

    Raises:
        DataError: When a latency is not positive, or no component was measured at two depths.
    """
    stacks: dict[str, dict[int, float]] = {}
    for (component, depth), latency_s in latencies_s.items():
        if not (np.isfinite(latency_s) and latency_s > 0 and depth >= 1):
            raise DataError(f"a latency must be positive and finite, got {latency_s!r} for {depth} x {component}")
        stacks.setdefault(component.name, {})[depth] = float(latency_s)
    lines = {name: _line(stack) for name, stack in stacks.items() if len(stack) > 1}
    if not lines:
        raise DataError("the overhead of a call is unknown: measure at least one component at two depths or more")
    intercepts = [line.intercept_s for line in lines.values() if line.intercept_s is not None]
    overhead_s = float(np.median(intercepts))
    fits = {name: lines.get(name) or _point(stack, overhead_s) for name, stack in stacks.items()}
    return ComponentTable({name: fit.cost_s for name, fit in fits.items()}, overhead_s, fits)


def additivity(table: ComponentTable, space: SearchSpace, measured_s: Mapping[Architecture, float]) -> list[Gap]:
    """Compares whole models with the sums of their components.

    Args:
        table: Costs of all components that the architectures have.
        space: Their space, which says what an architecture is made of.
        measured_s: Seconds per call by architecture.

    Raises:
        DataError: When a component has no cost.
    """
    return [
        Gap(arch, space.key(arch), table.total_s(space.components(arch)), latency_s)
        for arch, latency_s in measured_s.items()
    ]


def _line(stack: dict[int, float]) -> Fit:
    """Weighted least squares of latency on depth, both scaled by the latency so that errors are relative."""
    depths, seconds = np.array(list(stack)), np.array(list(stack.values()))
    design = np.column_stack([np.ones(len(depths)), depths]) / seconds[:, None]
    (intercept, slope), *_ = np.linalg.lstsq(design, np.ones(len(depths)), rcond=None)
    misfit = float(np.abs((intercept + slope * depths) / seconds - 1).max())
    return Fit(float(slope), float(intercept), misfit, tuple(sorted(stack)))


def _point(stack: dict[int, float], overhead_s: float) -> Fit:
    ((depth, latency_s),) = stack.items()
    return Fit((latency_s - overhead_s) / depth, None, 0.0, (depth,))
