"""Boosters leave the threads of others alone, and sum the same trees in every way."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.cost_models.families.boosters import (
    predict_lightgbm,
    predict_xgboost,
    read_xgboost,
    train_lightgbm,
    train_xgboost,
)

SHAPE = (30, 3)


def test_reading_an_xgboost_model_leaves_openmp_its_threads() -> None:
    """Torch may share them: trainings after it would go on by one thread, and end in other weights."""
    core = pytest.importorskip("xgboost").core
    if not hasattr(core._LIB, "omp_get_max_threads"):
        pytest.skip("this XGBoost hides its OpenMP")
    columns = np.random.default_rng(0).random(SHAPE)
    made = train_xgboost(columns, columns.sum(axis=1), np.ones(len(columns)), 3, 2, 0.3, [0] * SHAPE[1])
    before = core._LIB.omp_get_max_threads()
    core._LIB.omp_set_num_threads(3)
    try:
        read_xgboost(made.save_raw("json").decode())
        assert core._LIB.omp_get_max_threads() == 3
    finally:
        core._LIB.omp_set_num_threads(before)


def test_a_brief_fit_has_the_trees_of_the_library_itself() -> None:
    pytest.importorskip("xgboost")
    columns = np.random.default_rng(0).random((200, 3))
    given = columns, np.sin(columns.sum(axis=1)), np.ones(200), 40, 3, 0.1, [1, 0, 0]
    brief, kept = train_xgboost(*given, is_brief=True), train_xgboost(*given)
    assert np.array_equal(predict_xgboost(brief, columns), predict_xgboost(kept, columns))
    assert brief.save_raw("json") == kept.save_raw("json")


def test_trees_can_be_summed_part_by_part() -> None:
    columns = np.random.default_rng(0).random((200, 3))
    booster = train_lightgbm(columns, np.sin(columns.sum(axis=1)), np.ones(200), 40, 3, 0.1)
    parts = predict_lightgbm(booster, columns, count=15), predict_lightgbm(booster, columns, 15, 25)
    np.testing.assert_allclose(sum(parts), predict_lightgbm(booster, columns), rtol=1e-12)
