from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hwcost.campaign.plans import visit_order

KEYS = st.lists(st.text("abcdef0123456789", min_size=4, max_size=8), unique=True, min_size=1, max_size=40)


@given(KEYS, st.integers(0, 5), st.integers(0, 12))
def test_an_order_is_a_permutation_and_repeatable(keys: list[str], seed: int, number: int) -> None:
    classes = visit_order.classes({key: float(i) for i, key in enumerate(keys)})
    first = visit_order.order(keys, classes, seed, number)
    assert sorted(first) == sorted(keys)
    assert first == visit_order.order(keys[::-1], classes, seed, number)


def test_rounds_differ() -> None:
    keys = [f"k{i}" for i in range(30)]
    classes = dict.fromkeys(keys, 0)
    assert len({tuple(visit_order.order(keys, classes, 0, number)) for number in range(10)}) == 10


def test_every_class_is_spread_over_the_round() -> None:
    keys = [f"k{i:02d}" for i in range(80)]
    classes = visit_order.classes({key: float(i) for i, key in enumerate(keys)})
    for number in range(20):
        order = visit_order.order(keys, classes, 3, number)
        for half in (order[:40], order[40:]):
            counts = np.bincount([classes[key] for key in half], minlength=visit_order.CLASSES)
            assert counts.min() >= 12


def test_size_and_order_are_unrelated_on_average() -> None:
    keys = [f"k{i:02d}" for i in range(40)]
    classes = visit_order.classes({key: float(i) for i, key in enumerate(keys)})
    places = np.array([[visit_order.order(keys, classes, seed, 0).index(key) for key in keys] for seed in range(200)])
    assert abs(np.corrcoef(np.tile(np.arange(40), 200), places.ravel())[0, 1]) < 0.05


def test_unknown_sizes_are_a_class_of_their_own() -> None:
    grouped = visit_order.classes({"a": None, "b": 1.0, "c": 2.0})
    assert grouped["a"] not in (grouped["b"], grouped["c"])
