"""What eager torch computed, as the measure of what a runtime computes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import MeasurementError

SAMPLES = 65_536
"""Numbers of each output that are kept for comparison, evenly spaced."""

TOLERANCES = {"float32": 1e-4, "tf32": 1e-2, "float16": 5e-2, "bfloat16": 1e-1, "int8": 3e-1}
"""Largest difference from eager float32, relative to the largest absolute output, by the format that is computed in."""


def verify(
    what: str, outputs: list[NDArray[Any]], reference: tuple[NDArray[Any], ...] | None, dtype: str
) -> float | None:
    """Compares a runtime's outputs with eager torch's.

    Args:
        what: Names the runtime and the workload in messages.
        outputs: Outputs of the runtime.
        reference: ``Exported.reference``; None skips the comparison.
        dtype: Number format that the runtime computes in.

    Returns:
        The largest difference relative to the largest absolute output; None when there is no reference.

    Raises:
        MeasurementError: When outputs are missing, have other sizes, or differ too much.
    """
    if reference is None:
        return None
    thinned = thin(outputs)
    if [part.shape for part in thinned] != [part.shape for part in reference]:
        sizes = [list(part.shape) for part in outputs]
        raise MeasurementError(f"{what} gives outputs of other shapes than eager torch: {sizes}. It is another model.")
    gaps = [_gap(mine, theirs) for mine, theirs in zip(thinned, reference, strict=True)]
    worst = float(np.max(gaps, initial=0.0))  # NaN where one is NaN
    if not worst <= TOLERANCES[dtype]:
        raise MeasurementError(
            f"{what} computes something else than eager torch: largest relative difference {worst:.2g}, expected at "
            f"most {TOLERANCES[dtype]:g} in {dtype}. Its latency would be that of another model."
        )
    return worst


def thin(outputs: list[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
    """Takes at most ``SAMPLES`` evenly spaced numbers of each output."""
    return tuple(array.reshape(-1)[:: max(1, -(-array.size // SAMPLES))] for array in outputs)


def difference(mine: NDArray[Any], theirs: NDArray[Any]) -> float:
    """Returns the largest absolute difference of two arrays; NaN where either holds one.

    Numbers that are infinite alike, such as those of masked positions, do not differ.
    """
    one, other = mine.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return float(np.where(one == other, 0.0, np.abs(one - other)).max(initial=0.0))


def largest(array: NDArray[Any]) -> float:
    """Returns the largest absolute number of an array that is finite; 0 where there is none."""
    numbers = array.astype(np.float64)
    return float(np.abs(numbers[np.isfinite(numbers)]).max(initial=0.0))


def _gap(mine: NDArray[Any], theirs: NDArray[Any]) -> float:
    return difference(mine, theirs) / max(largest(theirs), 1e-12)
