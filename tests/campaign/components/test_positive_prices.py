"""Prices that noise made negative become positive ones that agree with their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.campaign.components.positive_prices import positive_prices
from hwcost.campaign.components.slopes import ComponentTable, component_table
from hwcost.errors import DataError
from hwcost.spaces import Component, space

SPACE = space("supershaper")
LAYERS = [part for part in SPACE.components() if part.kind == "layer"]
EMBEDDINGS, HEAD = Component("embeddings"), Component("head")
TRUTH = {part: 4e-3 * (1 + index) for index, part in enumerate(LAYERS)} | {EMBEDDINGS: 2e-5, HEAD: 5e-3}
OVERHEAD_S = 1e-4
NOISE = 0.02


def measured(seed: int, noise: float = NOISE) -> ComponentTable:
    rng = np.random.default_rng(seed)
    points = {
        (part, depth): (OVERHEAD_S + depth * cost) * math.exp(noise * rng.standard_normal())
        for part, cost in TRUTH.items()
        for depth in ((1, 2, 4, 8) if part.kind == "layer" else (1,))
    }
    return component_table(points, dict.fromkeys(points, 1.96 * noise))


def total_s(costs_s: dict[str, float], overhead_s: float) -> float:
    return overhead_s + sum(costs_s[part.name] for part in TRUTH)


def test_prices_become_positive_and_sums_better() -> None:
    truth_s = total_s({part.name: cost for part, cost in TRUTH.items()}, OVERHEAD_S)
    before, after, prices, moved = [], [], [], 0
    for seed in range(60):
        table = measured(seed)
        found = positive_prices(table, table.costs_s)
        assert min(found.costs_s.values()) > 0
        moved += "embeddings" in found.shrunk
        before.append(total_s(table.costs_s, table.overhead_s) - truth_s)
        after.append(total_s(found.costs_s, found.overhead_s) - truth_s)
        prices.append(
            (table.costs_s["embeddings"] - TRUTH[EMBEDDINGS], found.costs_s["embeddings"] - TRUTH[EMBEDDINGS])
        )
    assert moved > 40
    assert np.abs(after).mean() <= np.abs(before).mean()
    raw, used = np.abs(prices).mean(axis=0)
    assert used < 0.8 * raw


def test_a_component_and_the_overhead_keep_their_sum() -> None:
    """Embeddings and overhead were measured together, so that one rises as the other falls."""
    table = next(table for table in map(measured, range(50)) if table.costs_s["embeddings"] < -1e-5)
    found = positive_prices(table, table.costs_s)
    whole_s = table.costs_s["embeddings"] + table.overhead_s
    assert found.costs_s["embeddings"] + found.overhead_s == pytest.approx(whole_s, rel=0.05)
    assert 0 < found.overhead_s < table.overhead_s
    assert found.costs_s["head"] > table.costs_s["head"]
    one = found.shrunk["embeddings"]
    assert one.low_s < one.measured_s < 0 < one.used_s < one.high_s


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(1e-4, 0.05))
def test_positive_prices_lie_within_their_intervals(seed: int, noise: float) -> None:
    table = measured(seed, noise)
    try:
        found = positive_prices(table, table.costs_s)
    except DataError:
        assert min(table.costs_s.values()) < 0
        return
    for name, price_s in found.costs_s.items():
        low, high = table.fits[name].interval_s or (math.nan, math.nan)
        assert price_s > 0
        assert low - 0.6 * (high - low) <= price_s <= high + 0.6 * (high - low)


def test_clean_prices_stay_bit_for_bit() -> None:
    table = measured(0, 1e-5)
    found = positive_prices(table, table.costs_s)
    assert (found.costs_s, found.overhead_s, found.shrunk) == (pytest.approx(table.costs_s, rel=1e-12), table.overhead_s, {})


def test_a_price_that_no_noise_explains_is_named() -> None:
    points = {(LAYERS[0], depth): 1e-3 + depth * 1e-3 for depth in (1, 2, 4)} | {(EMBEDDINGS, 1): 9e-4, (HEAD, 1): 2e-3}
    table = component_table(points, dict.fromkeys(points, 1e-3))
    with pytest.raises(DataError, match=r"embeddings -100\.0 µs \(95 % interval -10\d µs to -9\d\.\d µs\)\. Measure"):
        positive_prices(table, table.costs_s)
    assert positive_prices(table, ["head"]).costs_s == {"head": pytest.approx(1e-3)}
    unknown = component_table({key: value for key, value in points.items() if key[1] < 4})
    with pytest.raises(DataError, match=r"embeddings -100\.0 µs \(no interval\)"):
        positive_prices(unknown, unknown.costs_s)
