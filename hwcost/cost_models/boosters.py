"""LightGBM and XGBoost as functions of matrices, safe in threads and after ``fork``.

Both libraries share out work by OpenMP, whose threads a forked child does not inherit but waits for. Predictions therefore
ask the libraries for one thread only, and share large matrices out themselves; fits in a child process run on one thread
too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from hwcost._extras import imported
from hwcost._types import Floats
from hwcost.errors import DataError

THREADING_ROWS = 10_000
"""Rows from which more than one thread pays."""

BOOSTER_FILE = "booster.txt"

_PROCESS = os.getpid()
"""The process that imported this module; any other one is its forked child."""


def threads(rows: int) -> int:
    """Returns the number of threads that pay for a matrix with so many rows."""
    return 1 if rows < THREADING_ROWS else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def fitting_threads(rows: int) -> int:
    """Returns the number of threads for a fit; one in a forked child."""
    return threads(rows) if os.getpid() == _PROCESS else 1


def shared_out(predict: Callable[[Floats], Floats], columns: Floats) -> Floats:
    """Predicts rows (n, k) in as many threads as pay, each a part of the rows; returns shape (n,)."""
    count = threads(len(columns))
    if count == 1:
        return predict(columns)
    with ThreadPoolExecutor(count) as pool:
        return np.concatenate(list(pool.map(predict, np.array_split(columns, count))))


# -- LightGBM ----------------------------------------------------------------------------------------------------------


def train_lightgbm(
    columns: Floats,
    target: Floats,
    weights: Floats,
    rounds: int,
    depth: int,
    rate: float,
    monotone: Sequence[int] = (),
) -> Any:
    """Fits a LightGBM booster, deterministically; a leaf holds at least a tenth of the rows, and never needs more than 20.

    Args:
        columns: Matrix of shape (n, k).
        target: Wanted values, shape (n,).
        weights: Weights of the rows, shape (n,).
        rounds: Number of trees.
        depth: Largest depth of a tree.
        rate: Learning rate.
        monotone: Sign of each column, 1 where the target never falls along it and 0 where it may; empty when it always may.
    """
    import lightgbm

    settings = {
        "objective": "regression",
        "max_depth": depth,
        "num_leaves": max(2, 2**depth - 1),
        "learning_rate": rate,
        "min_data_in_leaf": max(2, min(20, len(target) // 10)),
        "min_data_in_bin": 1,
        "boost_from_average": False,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": fitting_threads(len(target)),
        "verbosity": -1,
        "seed": 0,
    }
    if any(monotone):
        settings["monotone_constraints"] = list(monotone)
    data = lightgbm.Dataset(columns, target, weight=weights)
    return lightgbm.train(settings, data, num_boost_round=rounds)


def predict_lightgbm(booster: Any, columns: Floats, rounds: int | None = None) -> Floats:
    """Sums the first so many trees of a booster, all of them by default; returns shape (n,)."""

    def predict(part: Floats) -> Floats:
        return np.asarray(booster.predict(part, num_iteration=rounds, num_threads=1), dtype=np.float64)

    return shared_out(predict, columns)


def read_lightgbm(text: str) -> Any:
    """Reads LightGBM's text format.

    Raises:
        DataError: When the text is not such a model.
    """
    import lightgbm

    try:
        return lightgbm.Booster(model_str=text)
    except lightgbm.basic.LightGBMError as error:
        raise DataError(f"the text is not a LightGBM model: {error}") from None


# -- XGBoost -----------------------------------------------------------------------------------------------------------


def train_xgboost(
    columns: Floats, target: Floats, weights: Floats, rounds: int, depth: int, rate: float, monotone: Sequence[int]
) -> Any:
    """Fits an XGBoost booster, deterministically; see :func:`train_lightgbm`."""
    xgboost = import_xgboost()
    settings = {
        "max_depth": depth,
        "eta": rate,
        "objective": "reg:squarederror",
        "base_score": 0.0,
        "tree_method": "hist",
        "nthread": fitting_threads(len(columns)),
        "verbosity": 0,
        "seed": 0,
        "monotone_constraints": tuple(monotone),
    }
    data = xgboost.DMatrix(columns, target, weight=weights, nthread=settings["nthread"])
    booster = xgboost.train(settings, data, num_boost_round=rounds)
    booster.set_param({"nthread": 1})
    return booster


def predict_xgboost(booster: Any, columns: Floats) -> Floats:
    """Sums the trees of a booster that was set to one thread, which nothing changes; returns shape (n,)."""
    return shared_out(lambda part: np.asarray(booster.inplace_predict(part), dtype=np.float64), columns)


def read_xgboost(text: str) -> Any:
    """Reads XGBoost's JSON format, and sets the booster to one thread.

    Raises:
        DataError: When the text is not such a model.
        MissingExtraError: When XGBoost is not installed.
    """
    xgboost = import_xgboost()
    booster = xgboost.Booster({"nthread": 1})
    try:
        booster.load_model(bytearray(text.encode()))
    except xgboost.core.XGBoostError as error:
        raise DataError(f"{BOOSTER_FILE} is not an XGBoost model: {str(error).splitlines()[0]}") from None
    booster.set_param({"nthread": 1})
    return booster


def import_xgboost() -> Any:
    """Imports XGBoost.

    Raises:
        MissingExtraError: When it is not installed.
    """
    return imported("xgboost", "xgboost-cpu")
