"""The course of a training or a search, as few enough points for a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

Value = TypeVar("Value")

POINTS = 60
"""Number of points of a curve that are kept."""


@dataclass(frozen=True)
class TrainingCurves:
    """The losses of a training.

    Attributes:
        steps: Number of finished steps at each point.
        losses: Losses at each point by the name of their pass; None where a phase does not have that pass.
    """

    steps: list[int]
    losses: dict[str, list[float | None]]

    @classmethod
    def read(cls, folder: Path) -> TrainingCurves:
        """Reads the log of a training in a folder."""
        from hwcost.supernets.training import read_log

        states = thinned(list(read_log(folder)))
        names = dict.fromkeys(name for state in states for name in state.losses)
        return cls(
            [state.done for state in states], {name: [state.losses.get(name) for state in states] for name in names}
        )


def thinned(values: Sequence[Value], most: int = POINTS) -> list[Value]:
    """Returns evenly spaced values, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[int(index)] for index in np.linspace(0, len(values) - 1, most).round()]
