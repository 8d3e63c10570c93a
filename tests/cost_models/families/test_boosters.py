"""Boosters leave the threads of others alone."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.cost_models.families.boosters import read_xgboost, train_xgboost

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
