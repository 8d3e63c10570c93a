"""Changes as Otava and asv find them in the same histories: hwcost finds what Otava does, in the same place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.detectors import LEAST, NEAR, SHIFTED, Alarm, history, hwcost, is_found, peers
from tests.other_tools import python_with

pytestmark = [pytest.mark.slow, pytest.mark.once]

QUIET, CHANGED, HALF = 80, 60, 30
"""Histories without a change, with one of +5 %, and with one of -5 % or +10 %: 200 in all."""


def nearest(one: list[Alarm], other: list[Alarm]) -> int:
    return min(abs(at - there) for at, up in one for there, also_up in other if up == also_up)


def of_right_sign(alarms: list[list[Alarm]], sign: bool) -> int:
    """Counts the histories whose change of that sign was found."""
    return sum(is_found([(at, up == sign) for at, up in one]) for one in alarms)


def test_the_same_histories() -> None:
    python = Path(python_with("otava, asv"))
    cases = {
        0.0: [history(seed, 0.0) for seed in range(QUIET)],
        0.05: [history(1000 + seed, 0.0, 0.05) for seed in range(CHANGED)],
        0.10: [history(2000 + seed, 0.0, 0.10) for seed in range(HALF)],
        -0.05: [history(3000 + seed, 0.0, -0.05) for seed in range(HALF)],
    }
    everything = [y for drawn in cases.values() for y in drawn]
    assert len(everything) == 200
    found = {**peers(python, everything), "hwcost": [hwcost(y) for y in everything]}
    assert set(found) == {"asv", "otava", "hwcost"}
    of_case, begin = {}, 0
    for size, drawn in cases.items():
        of_case[size] = {name: alarms[begin : begin + len(drawn)] for name, alarms in found.items()}
        begin += len(drawn)

    quiet = {name: sum(map(bool, alarms)) for name, alarms in of_case.pop(0.0).items()}
    assert quiet["hwcost"] <= 0.05 * QUIET
    assert quiet["otava"] <= 0.05 * QUIET
    for size, alarms in of_case.items():
        hits = {name: of_right_sign(one, size > 0) for name, one in alarms.items()}
        assert hits["hwcost"] >= 0.95 * len(cases[size])
        assert hits["hwcost"] >= hits["otava"] >= hits["asv"]
    both = [
        (ours, theirs)
        for alarms in of_case.values()
        for ours, theirs in zip(alarms["hwcost"], alarms["otava"], strict=True)
        if theirs
    ]
    assert len(both) >= 0.95 * (CHANGED + 2 * HALF)
    assert all(ours for ours, _ in both)
    apart = np.array([nearest(ours, theirs) for ours, theirs in both])
    assert np.mean(apart == 0) >= 0.85
    assert np.mean(apart <= NEAR) >= 0.98


def test_changes_below_the_least_one_are_neither_s() -> None:
    python = Path(python_with("otava, asv"))
    calm = [history(4000 + seed, 0.0) * 0.1 for seed in range(30)]
    for y in calm:
        y[SHIFTED:] += np.log1p(LEAST / 2)
    found = {**peers(python, calm), "hwcost": [hwcost(y) for y in calm]}
    assert {name: sum(map(bool, alarms)) for name, alarms in found.items()} == {"asv": 0, "otava": 0, "hwcost": 0}
