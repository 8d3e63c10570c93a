"""How a training or a search went, as few enough points for a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from hwcost.supernets.training import read_log

Value = TypeVar("Value")

POINTS = 60
"""Points of a curve that are kept."""


def thinned(values: Sequence[Value], most: int = POINTS) -> list[Value]:
    """Returns evenly spaced values, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[int(index)] for index in np.linspace(0, len(values) - 1, most).round()]


def curves(folder: Path) -> dict[str, Any]:
    """Returns a training's losses by the name of their pass, from its log."""
    states = thinned(list(read_log(folder)))
    names = dict.fromkeys(name for state in states for name in state.losses)
    return {
        "steps": [state.done for state in states],
        "losses": {name: [state.losses.get(name) for state in states] for name in names},
    }
