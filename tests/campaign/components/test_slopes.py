"""Costs of components from the slope over depth: planted tables come back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.campaign.components.slopes import additivity, component_table
from hwcost.errors import DataError
from hwcost.spaces import Component, space

SPACE = space("supershaper")
LAYERS = [part for part in SPACE.components() if part.kind == "layer"]
SINGLES = [part for part in SPACE.components() if part.kind != "layer"]
seconds = st.floats(1e-6, 1.0)


def stacks(costs, overhead, depths=(1, 2, 4, 8), noise=0.0, seed=0):
    """Latencies of stacks of layers, and of embeddings and head at depth 1."""
    rng = np.random.default_rng(seed)
    return {
        (part, depth): (overhead + depth * cost) * math.exp(noise * rng.standard_normal())
        for part, cost in costs.items()
        for depth in (depths if part.kind == "layer" else (1,))
    }


@given(st.lists(seconds, min_size=9, max_size=9), st.floats(0.0, 1e-2))
def test_planted_costs_come_back(costs, overhead) -> None:
    planted = dict(zip(SPACE.components(), costs, strict=True))
    table = component_table(stacks(planted, overhead))
    assert table.overhead_s == pytest.approx(overhead, abs=1e-9)
    for part, cost in planted.items():
        assert table.costs_s[part.name] == pytest.approx(cost, rel=1e-3, abs=1e-8)
    assert not [name for name in table.doubtful if planted[_named(name)] > 1e-5]


def _named(name):
    return next(part for part in SPACE.components() if part.name == name)


@given(st.integers(0, 10_000), st.floats(1e-4, 1e-2))
def test_the_sum_of_the_parts_is_the_whole_when_the_law_is_additive(seed, overhead) -> None:
    planted = {part: 1e-3 * (index + 1) for index, part in enumerate(SPACE.components())}
    table = component_table(stacks(planted, overhead))
    archs = SPACE.sample(5, seed=seed)
    measured = {arch: overhead + sum(planted[part] for part in SPACE.components(arch)) for arch in archs}
    gaps = additivity(table, SPACE, measured)
    assert [gap.architecture for gap in gaps] == archs
    assert max(abs(gap.gap) for gap in gaps) < 1e-6
    slower = additivity(table, SPACE, {arch: 2 * latency for arch, latency in measured.items()})
    assert all(gap.gap == pytest.approx(-0.5, abs=1e-6) for gap in slower)


@given(st.integers(0, 1000))
def test_noise_of_one_percent_moves_costs_by_little(seed) -> None:
    planted = dict.fromkeys(SPACE.components(), 0.004)
    table = component_table(stacks(planted, 1e-3, noise=0.01, seed=seed))
    for part in LAYERS:
        assert table.costs_s[part.name] == pytest.approx(4e-3, rel=0.08)
        assert table.fits[part.name].misfit < 0.05


def test_relative_noise_weighs_small_stacks_more() -> None:
    """An outlier in the deepest stack pulls less than it would without weights."""
    layer = LAYERS[0]
    points = {(layer, depth): 1e-3 + depth * 1e-3 for depth in (1, 2, 4, 8)}
    points[layer, 8] *= 1.1
    depths, latencies = np.array([1, 2, 4, 8]), np.array(list(points.values()))
    plain = np.polyfit(depths, latencies, 1)[0]
    weighted = component_table(points).costs_s[layer.name]
    assert 1e-3 < weighted < plain


def test_points_off_any_line_and_negative_costs_are_doubtful() -> None:
    bent, falling, good = LAYERS[:3]
    table = component_table(
        {(bent, depth): 1e-3 * depth**3 for depth in (1, 2, 4)}
        | {(falling, depth): 1e-2 - 1e-3 * depth for depth in (1, 2, 4)}
        | {(good, depth): 1e-3 * depth for depth in (1, 2, 4)}
    )
    assert table.doubtful == [bent.name]
    assert table.negative == [falling.name]


def test_points_that_noise_explains_are_on_a_line() -> None:
    """Off by 6 %, with intervals of 10 %; with intervals of 2 % they are on none."""
    points = {(LAYERS[0], depth): 1e-3 * depth * factor for depth, factor in ((1, 1.06), (2, 0.94), (4, 1.06), (8, 0.94))}
    assert component_table(points, dict.fromkeys(points, 0.1)).doubtful == []
    assert component_table(points, dict.fromkeys(points, 0.02)).doubtful == [LAYERS[0].name]
    assert component_table(points).doubtful == [LAYERS[0].name]


@pytest.mark.parametrize("known", [True, False])
def test_intervals_of_prices_hold_the_truth(known) -> None:
    """With the points' own intervals, or from their distances to the line alone; 1 % noise at every depth."""
    planted = {part: 1e-3 * (1 + index) for index, part in enumerate(LAYERS)} | dict.fromkeys(SINGLES, 2e-3)
    inside = total = overheads = 0
    for seed in range(150):
        points = stacks(planted, 1e-3, noise=0.01, seed=seed)
        halves = {key: 1.96 * 0.01 if known or key[0] in SINGLES else None for key in points}
        table = component_table(points, halves)
        overheads += abs(table.overhead_s - 1e-3) <= table.overhead_half_s
        for part, cost in planted.items():
            low, high = table.fits[part.name].interval_s
            inside += low <= cost <= high
            total += 1
    assert 0.92 <= inside / total <= 0.995
    assert overheads / 150 >= 0.92


def test_two_depths_without_intervals_tell_no_error() -> None:
    table = component_table({(LAYERS[0], 1): 2e-3, (LAYERS[0], 2): 3e-3, (SINGLES[0], 1): 1.5e-3})
    assert [fit.interval_s for fit in table.fits.values()] == [None, None]
    assert table.overhead_half_s is None


def test_an_interval_that_holds_zero_and_is_wide_is_found() -> None:
    points = {(LAYERS[0], depth): 1e-3 + depth * 1e-3 for depth in (1, 2, 4, 8)}
    points |= {(SINGLES[0], 1): 1e-3 + 1e-6, (SINGLES[1], 1): 1e-3 + 1e-3}
    wide = component_table(points, dict.fromkeys(points, 0.1))
    assert (wide.negative, wide.unclear) == ([], [SINGLES[0].name])
    narrow = component_table(points, dict.fromkeys(points, 0.001))
    assert (narrow.negative, narrow.unclear) == ([], [])


def test_an_unpriced_component_is_an_error_and_never_zero() -> None:
    table = component_table({(LAYERS[0], depth): 1e-3 * depth for depth in (1, 2)})
    with pytest.raises(DataError, match=r"no cost is known for embeddings, head, layer\[hidden=240\]"):
        additivity(table, SPACE, {SPACE.architecture([240] * 12): 1.0})


@pytest.mark.parametrize("latency_s", [0.0, -1.0, math.nan, math.inf])
def test_a_latency_must_be_positive(latency_s) -> None:
    with pytest.raises(DataError, match="must be positive"):
        component_table({(LAYERS[0], 1): latency_s, (LAYERS[0], 2): 1.0})


def test_one_depth_alone_leaves_the_overhead_unknown() -> None:
    with pytest.raises(DataError, match="at two depths"):
        component_table({(Component("head"), 1): 1.0})
