"""Winners measured again: what the machine has moved since is no error of the model's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.cost_models import cost_model
from hwcost.cost_models.training.intervals import calibrate
from hwcost.spaces import space
from hwcost.study.remeasure import ANCHORS, Level, anchors, level_of, remeasured

SPACE = space("supershaper", scale="mini")
ARCHS = SPACE.sample(60, seed=0)
NOISE = np.random.default_rng(0).normal(0.0, 0.01, len(ARCHS))
TRUE_S = np.array([1e-3 + 1e-9 * SPACE.params(arch) for arch in ARCHS])
MODEL = calibrate(cost_model("lut", SPACE).fit(ARCHS, TRUE_S * np.exp(NOISE)), ARCHS, TRUE_S * np.exp(NOISE))


def seconds(archs, ratio: float = 1.0, sd: float = 0.0, seed: int = 1):
    """What a machine that has moved would measure."""
    errors = np.random.default_rng(seed).normal(0.0, sd, len(archs)) if sd else np.zeros(len(archs))
    true = [ratio * (1e-3 + 1e-9 * SPACE.params(arch)) * math.exp(error) for arch, error in zip(archs, errors, strict=True)]
    return [(one, one * math.exp(-0.02), one * math.exp(0.02)) for one in true]


def test_links_are_nets_of_the_fit_from_the_fastest_to_the_slowest() -> None:
    found = anchors(MODEL)
    assert len(set(found)) == ANCHORS
    taken = [MODEL.measured_[arch.genes] for arch in found]
    assert taken == sorted(taken)
    assert taken[0] == min(MODEL.measured_.values())
    assert taken[-1] == max(MODEL.measured_.values())
    assert anchors(MODEL, 1000) == sorted(ARCHS, key=lambda arch: MODEL.measured_[arch.genes])


@given(st.floats(0.2, 5.0), st.integers(0, 1000))
def test_the_level_is_found_within_its_interval(ratio: float, seed: int) -> None:
    again = anchors(MODEL, 30)
    found = level_of(MODEL, again, seconds(again, ratio, 0.01, seed))
    assert found is not None
    assert abs(math.log(found.ratio / ratio)) < 2.0 * found.half_width + 1e-9
    assert found.low < found.ratio < found.high
    assert found.half_width < 0.02


@settings(max_examples=10)
@given(st.floats(0.2, 5.0))
def test_a_machine_that_has_moved_changes_no_judgement(ratio: float) -> None:
    winners, again = SPACE.sample(6, seed=3), anchors(MODEL)
    still = remeasured(MODEL, winners, seconds(winners), level_of(MODEL, again, seconds(again)))
    moved = remeasured(MODEL, winners, seconds(winners, ratio), level_of(MODEL, again, seconds(again, ratio)))
    for one, other in zip(still, moved, strict=True):
        assert other.at_level == pytest.approx(one.at_level)
        assert other.error == pytest.approx(one.error)
        assert other.holds == one.holds
        assert other.keeps(1.01 * one.predicted_s) == one.keeps(1.01 * one.predicted_s)
        assert other.measured_s == pytest.approx(ratio * one.measured_s)
    plain = remeasured(MODEL, winners, seconds(winners, 3.0))
    assert all(one.error == pytest.approx(-2 / 3, abs=0.05) and not one.holds for one in plain)


def test_the_interval_holds_the_levels_too() -> None:
    at, low, high = Level(2.0, 0.03, 8).undone((2e-3, 2e-3 * math.exp(-0.04), 2e-3 * math.exp(0.04)))
    assert at == pytest.approx(1e-3)
    assert (low, high) == (pytest.approx(1e-3 * math.exp(-0.05)), pytest.approx(1e-3 * math.exp(0.05)))
    assert Level(2.0, 0.03, 8).undone((2e-3, None, None)) == (1e-3, None, None)
    assert Level(2.0, 0.03, 8).undone((None, None, None)) == (None, None, None)


def test_where_nothing_tells_the_level_measurements_are_taken_as_they_are() -> None:
    none = (None, None, None)
    assert level_of(MODEL, ARCHS[:8], [none] * 6 + seconds(ARCHS[:2])) is None
    kept = MODEL.measured_
    try:
        MODEL.measured_ = {}
        assert anchors(MODEL) == []
        assert level_of(MODEL, ARCHS[:8], seconds(ARCHS[:8])) is None
    finally:
        MODEL.measured_ = kept
    (one,) = remeasured(MODEL, ARCHS[:1], [none])
    assert (one.error, one.holds, one.keeps(1.0), one.level) == (None, None, None, None)


@pytest.mark.parametrize(("ends", "kept"), [((0.9e-3, 1.05e-3), True), ((0.9e-3, 1.2e-3), False), ((None, None), None)])
def test_a_bound_is_kept_where_the_whole_interval_is_within_it(ends: tuple[float, float], kept: bool | None) -> None:
    """Half of the measurements of a net whose latency is the bound itself are below it."""
    (one,) = remeasured(MODEL, ARCHS[:1], [(1e-3, *ends)])
    assert one.keeps(1.1e-3) is kept
