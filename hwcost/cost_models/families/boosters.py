"""LightGBM and XGBoost as functions of matrices, safe in threads and after ``fork``.

Both libraries share out work by OpenMP, whose threads a forked child does not inherit but waits for. Predictions and reading
therefore ask the libraries for one thread only, and large matrices are shared out here. Only fits of many rows take several
threads, and only in the process that was the first to use the library: in a child that was forked later, and wherever
somebody else had loaded the library before, perhaps before a fork, they run on one thread too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from hwcost._extras import imported, sparing
from hwcost._types import Floats
from hwcost.cost_models.workers import shared_out, threads
from hwcost.errors import DataError

BOOSTER_FILE = "booster.txt"
EXTRAS = {"xgboost": "xgboost-cpu"}
"""Extras that install the libraries; LightGBM comes with hwcost itself."""

_users: dict[str, int | None] = {}
"""The process that used each library first, by the library's name; None where somebody else had loaded it before."""


def library(name: str) -> Any:
    """Imports one of the libraries, and remembers which process was the first to use it.

    Raises:
        MissingExtraError: When it is not installed.
    """
    if name not in _users:
        _users[name] = None if name in sys.modules else os.getpid()
    with sparing():
        return imported(name, EXTRAS[name]) if name in EXTRAS else import_module(name)


def fitting_threads(rows: int, name: str) -> int:
    """Returns the number of threads for a fit by a library in use; one where the process may be a forked child of a user."""
    return threads(rows) if os.getpid() == _users[name] else 1


# -- LightGBM ----------------------------------------------------------------------------------------------------------


def train_lightgbm(
    columns: Floats,
    target: Floats,
    weights: Floats,
    rounds: int,
    depth: int,
    rate: float,
    monotone: Sequence[int] = (),
    is_brief: bool = False,
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
        is_brief: Whether the booster is asked at once and then dropped. It then keeps what it was fitted on, and is not
            written as a text and read again, which gives the same trees.
    """
    lightgbm = library("lightgbm")
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
        "num_threads": fitting_threads(len(target), "lightgbm"),
        "verbosity": -1,
        "seed": 0,
    }
    if any(monotone):
        settings["monotone_constraints"] = list(monotone)
    data = lightgbm.Dataset(columns, target, weight=weights)
    booster = lightgbm.train(settings, data, num_boost_round=rounds, keep_training_booster=is_brief)
    _keep_to_one_thread(lightgbm)
    return booster


def _keep_to_one_thread(lightgbm: Any) -> None:
    """Makes LightGBM read texts on one thread: it takes as many as the last call asked for, and all before any call."""
    lightgbm.Dataset(np.zeros((2, 1)), params={"num_threads": 1, "verbosity": -1}).construct()


def predict_lightgbm(booster: Any, columns: Floats, first: int = 0, count: int | None = None) -> Floats:
    """Sums so many trees of a booster from a first one on, all of them by default; returns shape (n,)."""

    def predict(part: Floats) -> Floats:
        found = booster.predict(part, start_iteration=first, num_iteration=count, num_threads=1)
        return np.asarray(found, dtype=np.float64)

    return shared_out(predict, columns)


def read_lightgbm(text: str) -> Any:
    """Reads LightGBM's text format.

    Raises:
        DataError: When the text is not such a model.
    """
    lightgbm = library("lightgbm")
    _keep_to_one_thread(lightgbm)
    try:
        return lightgbm.Booster(model_str=text)
    except lightgbm.basic.LightGBMError as error:
        raise DataError(f"the text is not a LightGBM model: {error}") from None


# -- XGBoost -----------------------------------------------------------------------------------------------------------


def train_xgboost(
    columns: Floats,
    target: Floats,
    weights: Floats,
    rounds: int,
    depth: int,
    rate: float,
    monotone: Sequence[int],
    is_brief: bool = False,
) -> Any:
    """Fits an XGBoost booster, deterministically; see :func:`train_lightgbm`.

    A brief fit takes the same steps as the library's ``train``, which asks callbacks after every tree: a fifth of its time.
    """
    xgboost = library("xgboost")
    settings = {
        "max_depth": depth,
        "eta": rate,
        "objective": "reg:squarederror",
        "base_score": 0.0,
        "tree_method": "hist",
        "nthread": fitting_threads(len(columns), "xgboost"),
        "verbosity": 0,
        "seed": 0,
        "monotone_constraints": tuple(monotone),
    }
    data = xgboost.DMatrix(columns, target, weight=weights, nthread=settings["nthread"])
    if is_brief:
        booster = xgboost.Booster(settings, [data])
        for i in range(rounds):
            booster.update(data, i)
    else:
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
    xgboost = library("xgboost")
    booster = xgboost.Booster({"nthread": 1})
    try:
        with _one_thread(xgboost):
            booster.load_model(bytearray(text.encode()))
    except xgboost.core.XGBoostError as error:
        raise DataError(f"{BOOSTER_FILE} is not an XGBoost model: {str(error).splitlines()[0]}") from None
    booster.set_param({"nthread": 1})
    return booster


@contextmanager
def _one_thread(xgboost: Any) -> Iterator[None]:
    """Lets XGBoost read texts by one thread, as far as its version can.

    It tells OpenMP so, which torch may share, and does not take it back: trainings would go on by one thread.
    """
    if "nthread" not in xgboost.get_config():
        yield
        return
    openmp = xgboost.core._LIB
    known = hasattr(openmp, "omp_get_max_threads")
    before = openmp.omp_get_max_threads() if known else 0
    try:
        with xgboost.config_context(nthread=1):
            yield
    finally:
        if known:
            openmp.omp_set_num_threads(before)
