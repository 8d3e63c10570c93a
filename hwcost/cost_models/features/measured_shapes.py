"""The shapes at which a campaign measured architectures: one of them, or several, which then become part of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hwcost.errors import DataError
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.spaces.shaped import Shape, Shaped

if TYPE_CHECKING:
    from hwcost.timing.measurement import Measurement
    from hwcost.workloads.model import ModelWorkload

    Row = tuple[Measurement, ModelWorkload]

__all__ = ["common_shape", "of_shape", "points_of"]


def of_shape(rows: list[Row], wanted: Mapping[str, int], source: str) -> list[Row]:
    """Returns the rows of the wanted batch size and sequence length, as far as they are given.

    Args:
        rows: Measurements of architectures.
        wanted: Any of ``batch_size`` and ``seq_len``; empty for all rows.
        source: Name of the campaign in messages.

    Raises:
        DataError: When there are none as wanted, or they are of several number formats: those are never fitted as one.
    """
    kept = [row for row in rows if wanted.items() <= _shape(row[1]).items()]
    if rows and not kept:
        known = "; ".join(dict.fromkeys(_written(_shape(workload)) for _, workload in rows))
        raise DataError(f"{source} holds no usable measurement at {_written(wanted)}. Found: {known}.")
    formats = sorted({workload.dtype for _, workload in kept})
    if len(formats) > 1:
        raise DataError(
            f"{source} holds measurements in {len(formats)} number formats ({', '.join(formats)}), and a cost model is of "
            "one. Measure each in a campaign of its own"
        )
    return kept


def common_shape(workloads: Sequence[ModelWorkload]) -> dict[str, int] | None:
    """Returns the sizes that all workloads share and know, or None where shapes differ."""
    found = [_shape(workload) for workload in workloads]
    return (found[0] if found else {}) if all(shape == found[0] for shape in found) else None


def points_of(space: SearchSpace, workloads: Sequence[ModelWorkload]) -> tuple[SearchSpace, list[Architecture]]:
    """Returns the architectures of workloads and their space; where shapes differ, points of architectures and shapes.

    Raises:
        DataError: When shapes differ, and a factory does not say what its own is.
    """
    archs = [space.architecture(workload.genes) for workload in workloads]
    if common_shape(workloads) is not None:
        return space, archs
    unknown = next((one for one in workloads if one.batch_size is None or one.seq_len is None), None)
    if unknown is not None:
        raise DataError(f"'{unknown.name}' does not say its batch size and sequence length, and other rows have others")
    shaped = Shaped(space)
    return shaped, [shaped.at(arch, Shape(one.batch_size, one.seq_len)) for arch, one in zip(archs, workloads, strict=True)]


def _written(shape: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={size}" for name, size in shape.items()) or "the factory's own shape"


def _shape(workload: ModelWorkload) -> dict[str, int]:
    known = {"batch_size": workload.batch_size, "seq_len": workload.seq_len}
    return {name: size for name, size in known.items() if size is not None}
