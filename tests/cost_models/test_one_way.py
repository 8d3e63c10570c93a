"""A model has one answer for an architecture: alone, among others, from threads and processes, after it was loaded."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwcost.cost_models import load
from hwcost.cost_models.tabulate import Quick, Tables
from tests.cost_models.zoo import PAIRS, fitted, sample

QUESTIONS = 70
pairs = pytest.mark.parametrize(("name", "where"), PAIRS)


def assert_one_answer(model, archs, size):
    whole = model.predict(archs)
    assert [model(arch) for arch in archs] == whole.values.tolist()
    for start in range(0, len(archs), size):
        part = model.predict(archs[start : start + size])
        assert part.values.tolist() == whole.values[start : start + size].tolist()
        if whole.low is not None:
            assert part.low.tolist() == whole.low[start : start + size].tolist()
            assert part.high.tolist() == whole.high[start : start + size].tolist()


@pairs
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, QUESTIONS), seed=st.integers(0, 99))
def test_an_answer_does_not_depend_on_what_else_is_asked(name, where, size, seed):
    assert_one_answer(fitted(name, where), sample(where, QUESTIONS, seed), size)


@pairs
def test_a_loaded_model_answers_alike(name, where, tmp_path):
    model, archs = fitted(name, where), sample(where, QUESTIONS, 5)
    again = load(model.save(tmp_path / "model"))
    assert again.predict(archs).values.tolist() == model.predict(archs).values.tolist()
    assert_one_answer(again, archs, 16)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=9), st.booleans(), st.integers(0, 999),
)  # fmt: skip
def test_one_look_up_adds_in_the_order_of_many(sizes, with_pairs, seed):
    rng = np.random.default_rng(seed)
    single = [rng.normal(size=size) for size in sizes]
    neighbours = [rng.normal(size=(a, b)) for a, b in itertools.pairwise(sizes)] if with_pairs else []
    tables = Tables(np.array(rng.normal()), single, neighbours)
    quick = Quick.of(tables, [range(size) for size in sizes])
    codes = np.stack([rng.integers(0, size, 40) for size in sizes], axis=1)
    assert [quick(tuple(row)) for row in codes.tolist()] == tables(codes).tolist()
