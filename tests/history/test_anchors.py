"""What anchors say of a workload before a change holds for a further night without one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwcost._types import Floats
from hwcost.history.anchors import Anchors

KEYS = ("net", "x", "y", "z")


def anchors(y: Floats, first: tuple[int, ...] = (0, 0, 0)) -> Anchors:
    """Returns the anchors of a workload whose log values stand in the first row, theirs in the others."""
    series: Any = [SimpleNamespace(series_key=key) for key in KEYS]
    runs = [SimpleNamespace(run_id=f"run{number}") for number in range(y.shape[1])]
    found: Any = SimpleNamespace(series=series, runs=runs, full=y)
    return Anchors(tuple(series[1:]), found, first)


@pytest.mark.parametrize("nights", [4, 8, 20])
def test_the_ratio_of_a_further_night_lies_in_the_interval(nights: int) -> None:
    rng = np.random.default_rng(nights)
    held = []
    for _ in range(400):
        y = rng.normal(0.0, 0.015, (len(KEYS), nights + 1)) + rng.normal(0.0, 0.1, nights + 1)
        mean, half = anchors(y).before("net", "run0", f"run{nights - 1}", 0.05)
        held.append(abs(y[0, -1] - y[1:, -1].mean() - mean) <= half)
    assert 0.92 <= np.mean(held) <= 0.98


def test_too_few_nights_say_nothing() -> None:
    assert np.isnan(anchors(np.zeros((4, 3))).before("net", "run0", "run2", 0.05)).all()


def test_only_nights_of_the_levels_that_are_compared_count() -> None:
    y = np.random.default_rng(1).normal(0.0, 0.01, (len(KEYS), 30))
    y[0, 12:] += 0.1  # a change that was accepted
    y[1, 20:] += 0.1  # an anchor changed in the meantime
    unchanged, changed = anchors(y), anchors(y, first=(20, 0, 0))
    mean, half = unchanged.before("net", "run12", "run19", 0.05)
    assert mean == pytest.approx(0.1, abs=0.01)
    assert half == pytest.approx(0.03, abs=0.015)
    assert changed.before("net", "run12", "run29", 0.05)[0] == pytest.approx(0.1 - 0.1 / 3, abs=0.01)
    assert [one.series_key for one in changed.at_one_level("run12", "run22").series] == ["y", "z"]
    assert [one.series_key for one in changed.at_one_level("run12", "run23").series] == ["x", "y", "z"]
    assert changed.at_one_level("run27", "run29").series == ()
    assert np.isnan(changed.before("net", "run12", "run22", 0.05)).all()
