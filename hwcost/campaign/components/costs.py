"""Component costs of a campaign that measured stacks, and how far their sum is from whole models."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hwcost.campaign.components.positive_prices import described
from hwcost.campaign.components.shapes import by_shape, of_one_shape, shape_of
from hwcost.campaign.components.slopes import ComponentTable, Gap, additivity, component_table
from hwcost.timing.guards.cache import hot_cache
from hwcost.timing.measurement import Flag, Measurement
from hwcost.workloads import ComponentWorkload, ModelWorkload

__all__ = ["ComponentReport", "component_report", "component_reports"]

REMEDY = "Measure more rounds on a quieter machine; a fit takes the positive price that agrees best with the interval."

ADDITIVE_WITHIN = 0.05
"""Median absolute gap up to which components count as additive."""


@dataclass(frozen=True, slots=True)
class ComponentReport:
    """What the components cost, and whether they add up.

    Attributes:
        table: Cost per component, and the overhead of a call.
        gaps: One per whole model that was measured in the same campaign.
        hot: Doubts about components that were timed at one depth only, and from the cache alone.
    """

    table: ComponentTable
    gaps: tuple[Gap, ...]
    hot: tuple[Flag, ...] = ()

    @property
    def median_gap(self) -> float | None:
        """Median of the absolute relative gaps; None without whole models."""
        return statistics.median(abs(gap.gap) for gap in self.gaps) if self.gaps else None

    @property
    def flags(self) -> list[Flag]:
        """Doubts about the table."""
        flags = []
        if self.median_gap is not None and self.median_gap > ADDITIVE_WITHIN:
            worst = max(self.gaps, key=lambda gap: abs(gap.gap))
            text = f"the sum of components misses whole models by {100 * self.median_gap:.1f} % (median); "
            text += f"worst {100 * worst.gap:+.1f} % for {worst.key}."
            flags.append(Flag("W_NONADDITIVE", text, "Fit a model on whole-model measurements instead."))
        if self.table.doubtful:
            flags.append(Flag("W_NONADDITIVE", f"no straight line over depth: {', '.join(self.table.doubtful)}."))
        return [*flags, *_prices(self.table), *self.hot]

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return {
            "costs_s": self.table.costs_s,
            "intervals_s": {
                name: None if fit.interval_s is None else list(fit.interval_s) for name, fit in self.table.fits.items()
            },
            "overhead_s": self.table.overhead_s,
            "overhead_half_s": self.table.overhead_half_s,
            "misfit": {name: fit.misfit for name, fit in self.table.fits.items()},
            "median_gap": self.median_gap,
            "flags": list(map(asdict, self.flags)),
            "gaps": [
                {
                    "arch": list(gap.architecture.genes), "sum_s": gap.sum_s, "measured_s": gap.measured_s, "gap": gap.gap,
                    "half_width": gap.half_width,
                }
                for gap in self.gaps
            ],
        }  # fmt: skip


def component_report(
    measurements: Sequence[Measurement], shape: Mapping[str, Any] | None = None
) -> ComponentReport | None:
    """Prices the components of a campaign at one shape.

    Args:
        measurements: Measurements of the campaign.
        shape: Shape of the components, where the campaign has several: ``batch_size``, ``seq_len``, ``dtype``.

    Returns:
        None when the campaign measured no components at that shape, or none of them successfully.

    Raises:
        DataError: When a component that is needed was not measured, or components were measured at several shapes.
    """
    parts = of_one_shape([m for m in measurements if isinstance(m.workload, ComponentWorkload)], shape)
    if not parts:
        return None
    at = shape_of(parts[0].workload)
    stacks, halves, paired = {}, {}, {}
    wholes, paired_wholes = {}, {}
    space = None
    for m in measurements:
        if m.latency_s is None or shape_of(m.workload) != at:
            continue
        if isinstance(m.workload, ComponentWorkload):
            stacks[m.workload.part, m.workload.depth] = m.latency_s
            halves[m.workload.part, m.workload.depth] = m.half_width
            paired[m.workload.part, m.workload.depth] = m.paired_half_width
        elif isinstance(m.workload, ModelWorkload):
            wholes[m.workload.architecture] = m.latency_s
            paired_wholes[m.workload.architecture] = m.paired_half_width
            space = m.workload.search_space()
    if not stacks:
        return None
    gaps = () if space is None else tuple(additivity(component_table(stacks, paired), space, wholes, paired_wholes))
    return ComponentReport(component_table(stacks, halves), gaps, tuple(_hot(parts)))


def component_reports(measurements: Sequence[Measurement]) -> list[tuple[dict[str, Any], ComponentReport]]:
    """Prices the components of a campaign at every shape at which it measured them.

    Args:
        measurements: Measurements of the campaign.

    Returns:
        Shape and report, in the order in which shapes appear; shapes without a component that was measured are left out.

    Raises:
        DataError: When a component that is needed was not measured.
    """
    shapes = [shape for shape, _ in by_shape(m for m in measurements if isinstance(m.workload, ComponentWorkload))]
    found = ((shape, component_report(measurements, shape)) for shape in shapes)
    return [(shape, report) for shape, report in found if report is not None]


def _prices(table: ComponentTable) -> list[Flag]:
    """Returns W_PRICE for the components whose price is zero or less, and for those whose price may be zero."""
    found = ((table.negative, "no component can cost zero or less"), (table.unclear, "these prices may be zero"))
    return [
        Flag("W_PRICE", f"{what}: {', '.join(described(name, table.fits[name]) for name in names)}.", REMEDY)
        for names, what in found
        if names
    ]


def _hot(measurements: Sequence[Measurement]) -> list[Flag]:
    """Returns W_HOT_CACHE for every component without a stack: the slope over depth gives the others' cold cost."""
    stacked = {m.workload.part for m in measurements if isinstance(m.workload, ComponentWorkload) and m.workload.depth > 1}
    flags = []
    for m in measurements:
        if not isinstance(m.workload, ComponentWorkload) or m.workload.part in stacked or m.latency_s is None:
            continue
        found: dict[str, Any] = {}
        for visit in m.visits:
            found |= visit.conditions.get("hot_cache") or {}
        if found:
            size, cache = found["working_set_bytes"], found["cache_bytes"]
            flag = hot_cache(m.workload.part.name, size, cache, m.latency_s, found.get("cold_s"))
            flags += [flag] if flag else []
    return flags
