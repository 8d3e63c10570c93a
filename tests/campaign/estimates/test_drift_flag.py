"""W_DRIFT: what it says of a level that moved, and that a movement too small to show is not warned of."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from hwcost.campaign.estimates.diagnostics import DriftCheck, of_campaign
from hwcost.campaign.estimates.time_model import ClassFit, TimeModel
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.levels.level import no_level
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

PLAN = Plan((Item(SyntheticWorkload("w", flops=10**8)),), "cpu", "null", protocol("standard"))
TIMES = np.arange(40.0)
DRIFT = DriftCheck(before=0.4, after=0.9, critical=0.7, range=0.0, size_order=0.3, is_confounded=False)


def text(moved: float, noise: float, kind: str, confounded: bool = False) -> str | None:
    """Returns what is said of a level with that range, under residuals with that range."""
    level = replace(no_level(TIMES), kind=kind)
    swing = np.sin(TIMES) / np.ptp(np.sin(TIMES))
    classes = {0: ClassFit(level, False, noise, 30.0, 1.0)}
    model = TimeModel(np.zeros(1), np.zeros(1), swing * math.log1p(moved), swing * noise, classes, np.ones(1))
    flags = of_campaign(PLAN, [], None, model, replace(DRIFT, range=moved, is_confounded=confounded))
    return next((flag.text for flag in flags if flag.code == "W_DRIFT"), None)


@pytest.mark.parametrize("kind", ["none", "drift"])
def test_what_is_too_small_to_show_is_not_warned_of(kind) -> None:
    assert text(0.0004, 0.0001, kind) is None
    assert "the level moved by 0.1 % (von" in text(0.0006, 0.0001, kind)


def test_a_level_that_hardly_moves_is_no_matter_of_the_noise() -> None:
    assert text(0.0, 0.1, "drift") is None


@pytest.mark.parametrize(("confounded", "end"), [(False, "only its mean per round"), (True, "cannot be distinguished")])
def test_a_movement_that_rounds_do_not_show_has_no_percentage(confounded, end) -> None:
    said = text(0.0, 0.1, "none", confounded)
    assert said.startswith("the level moved within rounds, whose means agree (von Neumann ratio 0.40, noise has 0.70 or")
    assert "0.0 %" not in said
    assert end in said
