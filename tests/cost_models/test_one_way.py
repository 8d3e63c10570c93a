"""A model has one answer for an architecture: alone, among others, from threads and processes, after it was loaded."""

from __future__ import annotations

import importlib.util
import itertools
import multiprocessing
import pickle
import threading
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwcost.cost_models import CostModel, load
from hwcost.cost_models.families.boosters import predict_lightgbm, train_lightgbm
from hwcost.cost_models.features.tabulate import Quick, Tables
from hwcost.spaces.supershaper import WIDTHS
from hwcost.testing.cost_models import PATIENCE_S, from_threads
from tests.cost_models.zoo import PAIRS, fitted, sample

QUESTIONS = 70
pairs = pytest.mark.parametrize(("name", "where"), PAIRS)


def assert_one_answer(model, archs, size):
    whole = model.predict(archs)
    assert [model(arch) for arch in archs] == whole.values.tolist()
    for start in range(0, len(archs), size):
        part = model.predict(archs[start : start + size])
        assert part.values.tolist() == whole.values[start : start + size].tolist()
        np.testing.assert_array_equal(part.low, whole.low[start : start + size])
        np.testing.assert_array_equal(part.high, whole.high[start : start + size])


@pairs
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


# -- threads and processes ----------------------------------------------------------------------------------------------

MANY = 12_000
"""Rows from which boosters use several threads."""


@cache
def questions() -> np.ndarray:
    return np.random.default_rng(0).choice(np.array(WIDTHS, dtype=float), (MANY, 12))


def answers(models: dict[str, CostModel]) -> dict[str, list[float]]:
    """Asks each model for many rows and for single ones."""
    archs = sample("widths", 5, 9)
    return {name: [*model.predict(questions()).values, *map(model, archs)] for name, model in models.items()}


def send_answers(models: dict[str, CostModel], channel: Connection) -> None:
    channel.send(answers(models))


def send_a_fit(channel: Connection) -> None:
    channel.send(a_fit())


def a_fit() -> list[float]:
    booster = train_lightgbm(questions(), questions().sum(axis=1), np.ones(MANY), 3, 3, 0.1)
    return predict_lightgbm(booster, questions()).tolist()


def from_child(method: str, target: Callable[..., None], *arguments: Any) -> Any:
    """Runs a function in a child process and returns what it sends; fails where it hangs."""
    context = multiprocessing.get_context(method)
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=target, args=(*arguments, there))
    child.start()
    try:
        assert here.poll(PATIENCE_S), f"a {method}ed child does not answer"
        return here.recv()
    finally:
        child.kill()
        child.join()


@pytest.fixture(scope="module")
def models() -> dict[str, CostModel]:
    """Every model that is installed, asked and fitted with as many threads as pay."""
    found = {name: fitted(name, "widths") for name, where in PAIRS if where == "widths" and is_installed(name)}
    answers(found)
    return found


def is_installed(name: str) -> bool:
    return name != "xgboost" or importlib.util.find_spec("xgboost") is not None


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_process_answers_like_its_parent(method, models):
    assert from_child(method, send_answers, models) == answers(models)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_fits_like_its_parent():
    assert a_fit() == from_child("fork", send_a_fit)


def test_eight_threads_answer_like_one(models):
    alone = answers(models)
    fresh = pickle.loads(pickle.dumps(models))  # nothing that is made on first use is there yet
    expected = (alone, [one.importance() for one in models.values()])
    for found in from_threads(lambda: (answers(fresh), [one.importance() for one in fresh.values()])):
        assert found == expected


def test_a_thread_that_hangs_is_found():
    never = threading.Event()
    with pytest.raises(TimeoutError):
        from_threads(never.wait, 0.05)
    never.set()
