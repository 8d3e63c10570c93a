"""Limits on latency that hold with a probability."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import hwcost
from hwcost.cost_models import cost_model
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.intervals import calibrate
from hwcost.errors import HwcostError, UsageError
from hwcost.spaces import Architecture, space

SPACE = space("supershaper")
NOISE = 0.03


def latencies_s(archs: Sequence[Architecture], seed: int) -> NDArray[np.float64]:
    law = np.array([1e-3 + 2e-12 * SPACE.flops(arch) for arch in archs])
    return np.asarray(law * np.exp(np.random.default_rng(seed).normal(0, NOISE, len(archs))))


@cache
def fitted(n: int) -> CostModel:
    archs = SPACE.sample(n, seed=0)
    seconds = latencies_s(archs, 0)
    return calibrate(cost_model("ridge", SPACE).fit(archs, seconds), archs, seconds)


@cache
def fresh() -> tuple[list[Architecture], NDArray[np.float64]]:
    archs = SPACE.sample(2000, seed=7)
    return archs, latencies_s(archs, 7)


@pytest.mark.parametrize("wanted", [0.5, 0.8, 0.95])
def test_what_a_limit_lets_through_keeps_it(wanted: float) -> None:
    archs, seconds = fresh()
    limit = hwcost.Limit(fitted(200), float(np.median(seconds)), wanted)
    holds = limit.holds(archs)
    assert 0.2 < holds.mean() < 0.6
    assert (seconds[holds] <= limit.max_s).mean() >= wanted


def test_probabilities_are_frequencies() -> None:
    archs, seconds = fresh()
    limit = hwcost.Limit(fitted(200), float(np.median(seconds)))
    chance, kept = limit.probability(archs), seconds <= limit.max_s
    for low, high in ((0.05, 0.35), (0.35, 0.65), (0.65, 0.95)):
        inside = (chance >= low) & (chance < high)
        assert kept[inside].mean() == pytest.approx(chance[inside].mean(), abs=0.12)


@given(st.floats(1e-4, 1.0), st.floats(1.0, 2.0))
def test_a_looser_limit_is_more_likely_and_lets_more_through(max_s: float, factor: float) -> None:
    archs = fresh()[0][:50]
    tight, loose = hwcost.Limit(fitted(60), max_s), hwcost.Limit(fitted(60), max_s * factor)
    assert ((tight.probability(archs) >= 0) & (tight.probability(archs) <= loose.probability(archs))).all()
    assert (loose.probability(archs) <= 1).all()
    assert (tight.holds(archs) <= loose.holds(archs)).all()


def test_every_refusal_has_its_reason() -> None:
    archs, seconds = fresh()
    limit = hwcost.Limit(fitted(200), float(np.median(seconds)))
    reasons = limit.refusals(archs)
    assert [reason is None for reason in reasons] == limit.holds(archs).tolist()
    assert all("with probability" in reason and "wanted 0.95" in reason for reason in reasons if reason is not None)
    plain = hwcost.Limit(fitted(200), limit.max_s, probability=None)
    assert plain.holds(archs).tolist() == (fitted(200).predict(archs).latency_s <= limit.max_s).tolist()
    assert any("is above the limit of" in reason for reason in plain.refusals(archs) if reason is not None)


def test_outside_the_domain_nothing_is_let_through() -> None:
    rng = np.random.default_rng(1)
    narrow = [SPACE.architecture(rng.choice([120, 240, 360], 12).tolist()) for _ in range(40)]
    seconds = latencies_s(narrow, 1)
    cost = calibrate(cost_model("lut", SPACE).fit(narrow, seconds), narrow, seconds)
    widest = SPACE.architecture([768] * 12)
    limit = hwcost.Limit(cost, 10.0)
    assert limit.holds([narrow[0], widest]).tolist() == [True, False]
    assert "outside what the cost model was fitted on" in str(limit.refusals([widest])[0])


@pytest.mark.parametrize(
    ("rows", "arguments", "says"),
    [
        (60, {"max_s": 0.0}, "positive number of seconds"),
        (60, {"max_s": float("nan")}, "positive number of seconds"),
        (60, {"max_s": 1.0, "probability": 95}, "between 0 and 1"),
        (60, {"max_s": 1.0, "probability": 0.99}, "needs 99 architectures, the model was fitted on 60"),
        (8, {"max_s": 1.0}, "has no interval"),
    ],
)
def test_a_limit_that_cannot_be_judged_is_refused(rows: int, arguments: dict[str, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        hwcost.Limit(fitted(rows), **arguments)


def test_too_few_rows_still_allow_plain_predictions() -> None:
    limit = hwcost.Limit(fitted(8), 1.0, probability=None)
    assert limit.holds(fresh()[0][:3]).all()
    with pytest.raises(HwcostError, match="no interval"):
        limit.probability(fresh()[0][:3])
