"""What lies within a model's rows is told by tables and quick sums, with the bits of the plain arithmetic that is here."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.cost_models import rowwise
from hwcost.cost_models.features.domain import FADE, STEEPER, WIDER, Domain
from hwcost.cost_models.features.extractor import Features, shared_features
from hwcost.cost_models.features.trend import FLOOR, Trend
from hwcost.spaces import space
from hwcost.spaces.shaped import Shaped, unshaped

SPACES = {
    "widths": lambda: space("supershaper"),
    "categories": lambda: space("custom", genes={f"edge{i}": list("abcde") for i in range(6)}),
    "both": lambda: space("custom", genes={"op": ["x", "y", "z"], "n": [-3, 0.1, 7, 1e6], "kind": [4, 5], "m": [1, 2, 3]},
                          categorical=["kind"]),
    "any number": lambda: space("table", columns=[{"name": "op", "categorical": True, "choices": ["x"]}, {"name": "n"}]),
    "shapes": lambda: Shaped(space("supershaper", scale="mini")),
    "shapes of categories": lambda: Shaped(space("custom", genes={f"edge{i}": list("abcde") for i in range(4)})),
}  # fmt: skip


@cache
def features(name: str) -> Features:
    return Features(SPACES[name]())


def drawn(of: Features, n: int, rng: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Draws encoded genes; of each gene's choices a first share only."""
    columns = [
        of.encoded_choices(place)[rng.integers(max(1, round(share * len(gene.choices))), size=n)]
        if gene.choices else np.rint(rng.uniform(1, 9 * share + 1, n))
        for place, gene in enumerate(of.space.genes)
    ]  # fmt: skip
    return np.stack(columns, axis=1)


def one_hot(of: Features, genes: np.ndarray) -> np.ndarray:
    columns = [
        (genes[:, [i]] == np.arange(len(gene.choices))).astype(float) if gene.categorical else genes[:, [i]]
        for i, gene in enumerate(of.space.genes)
    ]
    return np.concatenate(columns, axis=1)


def beyond(trend: Trend, of: Features, genes: np.ndarray) -> np.ndarray:
    line = trend.intercept + rowwise.dot(one_hot(of, genes)[:, : len(trend.slopes)], trend.slopes)
    ends = [np.array([trend.low]), np.array([trend.high]), line]
    low, high, reach = ends if trend.is_log else [rowwise.log(np.maximum(one, FLOOR)) for one in ends]
    return np.where((line < trend.low) | (line > trend.high), np.maximum(low - reach, reach - high), 0.0)


def octaves(domain: Domain, of: Features, genes: np.ndarray) -> np.ndarray:
    return domain._beyond(genes[:, -2:]) if isinstance(of.space, Shaped) else np.zeros(len(genes))


def outside(domain: Domain, genes: np.ndarray) -> np.ndarray:
    width = np.where(domain.high > domain.low, domain.high - domain.low, np.maximum(np.abs(domain.high), 1.0))
    far = np.maximum(np.maximum(domain.low - genes, genes - domain.high), 0.0) / width
    for i, seen in enumerate(domain.seen):
        if seen is not None:
            far[:, i] = np.where(np.isin(genes[:, i], seen), 0.0, np.inf)
    return far.max(axis=1)


def inside(domain: Domain, of: Features, genes: np.ndarray, half_width: float | None) -> np.ndarray:
    if not unshaped(of.space).is_buildable:
        found = outside(domain, genes) == 0
    else:
        found = octaves(domain, of, genes) == 0
        counts = shared_features(unshaped(of.space)).counts(genes[:, : len(unshaped(of.space).genes)])
        found &= (counts[:, ~domain.known] == 0).all(axis=1)
    return found if domain.trend is None else found & (beyond(domain.trend, of, genes) <= (half_width or 0.0))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(SPACES)), st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([None, 0.01, 0.3]),
       st.sampled_from([0.4, 1.0]))  # fmt: skip
def test_tables_and_quick_sums_have_the_bits_of_the_plain_arithmetic(name, seed, is_log, half_width, share):
    of, rng = features(name), np.random.default_rng(seed)
    rows, asked = drawn(of, 30, rng, share), drawn(of, 80, rng)
    np.testing.assert_array_equal(of.one_hot(asked), one_hot(of, asked))
    columns = one_hot(of, rows).shape[1] - (2 if isinstance(of.space, Shaped) else 0)
    slopes = rng.normal(size=columns) * 10.0 ** rng.integers(-3, 3, columns)
    trend = Trend(is_log, float(rng.normal()), slopes).reaching(of, rows)
    for one in (trend, None):
        domain = Domain.of(of, rows, one)
        every = np.concatenate([rows, asked])
        np.testing.assert_array_equal(domain.contains(of, every, half_width), inside(domain, of, every, half_width))
        wider = 1.0 + WIDER * octaves(domain, of, every)
        if one is not None:
            np.testing.assert_array_equal(one.beyond(of, every), beyond(one, of, every))
            wider += STEEPER * beyond(one, of, every) / half_width if half_width else 0.0
        np.testing.assert_array_equal(domain.widening(of, every, half_width), wider)
        is_priced = unshaped(of.space).is_buildable
        wanted = inside(domain, of, every, None) if is_priced else rowwise.exp(-FADE * outside(domain, every))
        np.testing.assert_array_equal(domain.trust(of, every), wanted)
    assert domain.contains(of, rows).all()


@pytest.mark.parametrize("name", list(SPACES))
def test_rows_at_the_very_ends_of_a_trend_are_among_its_rows(name):
    """Each row in turn is the lowest one and the highest one of a line that knows no other."""
    of, rng = features(name), np.random.default_rng(7)
    rows = drawn(of, 40, rng)
    columns = one_hot(of, rows).shape[1] - (2 if isinstance(of.space, Shaped) else 0)
    trend = Trend(False, 0.1, rng.normal(size=columns))
    for row in rows:
        own = trend.reaching(of, row[None])
        far = own.beyond(of, rows)
        np.testing.assert_array_equal(far, beyond(own, of, rows))
        assert own.beyond(of, row[None]) == 0
        raised = replace(own, low=np.nextafter(own.low, np.inf), high=np.inf)
        np.testing.assert_array_equal(raised.beyond(of, rows), beyond(raised, of, rows))
    assert len(own.beyond(of, rows[:0])) == 0
