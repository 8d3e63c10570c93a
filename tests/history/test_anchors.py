"""What anchors say of a workload before a change holds for a further night without one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwcost.history.anchors import Anchors

KEYS = ("net", "x", "y", "z")


@pytest.mark.parametrize("nights", [4, 8, 20])
def test_the_ratio_of_a_further_night_lies_in_the_interval(nights: int) -> None:
    rng = np.random.default_rng(nights)
    held = []
    for _ in range(400):
        y = rng.normal(0.0, 0.015, (len(KEYS), nights + 1)) + rng.normal(0.0, 0.1, nights + 1)
        found: Any = SimpleNamespace(
            series=[SimpleNamespace(series_key=key) for key in KEYS],
            runs=[SimpleNamespace(run_id=f"run{number}") for number in range(nights + 1)],
            full=y,
        )
        mean, half = Anchors(tuple(found.series[1:]), found).before("net", f"run{nights - 1}", 0.05)
        held.append(abs(y[0, -1] - y[1:, -1].mean() - mean) <= half)
    assert 0.92 <= np.mean(held) <= 0.98


def test_too_few_nights_say_nothing() -> None:
    runs = [SimpleNamespace(run_id=f"run{number}") for number in range(3)]
    found: Any = SimpleNamespace(series=[SimpleNamespace(series_key=key) for key in KEYS], runs=runs, full=np.zeros((4, 3)))
    assert np.isnan(Anchors(tuple(found.series[1:]), found).before("net", "run2", 0.05)).all()
