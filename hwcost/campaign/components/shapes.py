"""The shapes of a campaign's workloads: batch size, sequence length and dtype. Latencies at two shapes are never mixed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hwcost.errors import DataError
from hwcost.timing.measurement import Measurement
from hwcost.workloads.base import Workload

__all__ = ["by_shape", "of_one_shape", "shape_of"]

NAMES = ("batch_size", "seq_len", "dtype")


def shape_of(workload: Workload) -> dict[str, Any]:
    """Returns ``batch_size``, ``seq_len`` and ``dtype`` of a workload."""
    return {name: getattr(workload, name) for name in NAMES}


def by_shape(measurements: Iterable[Measurement]) -> list[tuple[dict[str, Any], list[Measurement]]]:
    """Groups measurements by their shape, in the order in which shapes appear."""
    groups: dict[tuple[Any, ...], list[Measurement]] = {}
    for one in measurements:
        groups.setdefault(tuple(shape_of(one.workload).values()), []).append(one)
    return [(dict(zip(NAMES, values, strict=True)), group) for values, group in groups.items()]


def of_one_shape(measurements: Sequence[Measurement], wanted: Mapping[str, Any] | None = None) -> list[Measurement]:
    """Returns the measurements of one shape.

    Args:
        measurements: Measurements of a campaign.
        wanted: Shape to keep, as far as it matters: any of ``batch_size``, ``seq_len`` and ``dtype``.

    Raises:
        DataError: When they are of several shapes; names them.
    """
    groups = by_shape(measurements)
    asked = dict(wanted or {})
    kept = [(shape, group) for shape, group in groups if asked.items() <= shape.items()]
    if len(kept) < 2:
        return [one for _, group in kept for one in group]
    found = "; ".join(", ".join(f"{name}={value}" for name, value in shape.items()) for shape, _ in kept)
    raise DataError(
        f"the campaign measured {len(kept)} shapes, and latencies at different shapes are not mixed. Found: {found}. "
        "Give one of them."
    )
