"""Cost models beside XGBoost and LightGBM as they come: what fits cost on the same rows, and what few rows are worth."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import lightgbm
import numpy as np
import xgboost

from hwcost._types import Floats, Indices
from hwcost.cost_models import cost_model
from hwcost.cost_models.data import Data, read
from hwcost.cost_models.priors.model import PriorModel
from hwcost.cost_models.priors.source import Source
from hwcost.cost_models.training.train import train

TABLES = ("1080ti_bs128", "ryzen", "corei7_9th_8_9", "gcp_xeon_bs1_3k", "gcp_xeon_bs1_seed543_2k", "xeon_bs128_set3")
"""SuperShaper's tables that an audit does not call invalid."""

MODELS = ("ridge", "lut", "polynomial", "hybrid", "lightgbm", "xgboost", "auto")
FEW, HUNDREDS = (3, 5, 10, 32), (100, 300, 700)
ALONE = (10, 32)
"""Rows from which models are fitted without those of other devices."""

ROUNDS = 100
"""Trees of either library, as its own interface for scikit-learn has by default."""


def columns_of(data: Data) -> Floats:
    """Returns the widths and the number of parameters of every row."""
    return np.column_stack([data.space.encode(data.architectures), [data.space.params(arch) for arch in data.architectures]])


def plain_xgboost(columns: Floats, values: Floats) -> Any:
    """Fits XGBoost with its own settings."""
    return xgboost.train({"nthread": 1}, xgboost.DMatrix(columns, values, nthread=1), num_boost_round=ROUNDS)


def plain_lightgbm(columns: Floats, values: Floats) -> Any:
    """Fits LightGBM with its own settings."""
    settings = {"num_threads": 1, "verbosity": -1}
    return lightgbm.train(settings, lightgbm.Dataset(columns, values), num_boost_round=ROUNDS)


def cpu_s(work: Callable[[], Any], runs: int) -> float:
    """Returns the median CPU seconds of some runs, after one that is not counted."""
    spent = []
    for _ in range(runs + 1):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return median(spent[1:])


def show_fits(folder: Path, rows: int, runs: int) -> None:
    """Prints CPU seconds of a bare fit, and of one with level, left-out errors and interval, beside the plain libraries."""
    data = read(str(folder / "supershaper" / f"{TABLES[0]}.csv"), "supershaper")
    chosen = np.arange(min(rows, len(data)))
    archs, values, _ = data.take(chosen)
    columns = columns_of(data)[chosen]
    plain = {
        "XGBoost": cpu_s(lambda: plain_xgboost(columns, values), runs),
        "LightGBM": cpu_s(lambda: plain_lightgbm(columns, values), runs),
    }
    print(f"\nCPU of fits on {len(chosen)} rows: " + ", ".join(f"plain {name} {one:.3f} s" for name, one in plain.items()))
    heads = [f"{name:>8s} {'/ XGBoost':>10s} {'/ LightGBM':>10s}" for name in ("fit s", "whole s")]
    print(f"{'model':12s} " + " ".join(heads))
    for name in MODELS:
        bare = cpu_s(lambda name=name: cost_model(name, data.space).fit(archs, values), runs)
        whole = cpu_s(lambda name=name: train(data, name), max(1, runs // 2))
        cells = [f"{one:8.3f}" + "".join(f" {one / other:10.2f}" for other in plain.values()) for one in (bare, whole)]
        print(f"{name:12s} " + " ".join(cells), flush=True)


def mape(predicted: Floats, measured: Floats) -> float:
    """Returns the mean absolute error in percent."""
    return float(100 * np.mean(np.abs(predicted / measured - 1)))


def machine(name: str) -> str:
    """Returns the machine of a table, of which there may be several tables."""
    return name.split("_bs1")[0]


def show_few(folder: Path, draws: int) -> None:
    """Prints errors on the rest of a device's rows, medians over random draws of those that are fitted on."""
    tables = {name: path for name in TABLES if (path := folder / "supershaper" / f"{name}.csv").exists()}
    known = {name: read(str(path), "supershaper") for name, path in tables.items()}
    sources = {name: Source(name, train(data, "lut").model) for name, data in known.items()}
    heads = [f"prior {n}" for n in FEW] + [f"lut {n}" for n in ALONE] + [f"XGB {n}" for n in HUNDREDS]
    print(f"\nMAPE in percent, medians of {draws} draws\n{'device':24s}" + "".join(f" {head:>8s}" for head in heads))
    for name, data in known.items():
        others = [one for other, one in sources.items() if machine(other) != machine(name)]
        found = _errors(data, PriorModel(data.space, sources=others), draws)
        print(f"{name:24s}" + "".join(f" {found[head]:8.2f}" for head in heads), flush=True)


def _errors(data: Data, prior: PriorModel, draws: int) -> Mapping[str, float]:
    """Returns the median error of every model and number of rows."""
    genes, columns, values = prior.features.encode(data.architectures), columns_of(data), data.values
    found: dict[str, list[float]] = {}

    def judge(head: str, held: Indices, predicted: Floats) -> None:
        found.setdefault(head, []).append(mape(predicted, values[held]))

    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(data))
        held = order[max(HUNDREDS) :]
        for n in FEW:
            judge(f"prior {n}", held, prior.clone().fit(genes[order[:n]], values[order[:n]]).predict_encoded(genes[held]))
        for n in ALONE:
            alone = cost_model("lut", data.space).fit(genes[order[:n]], values[order[:n]])
            judge(f"lut {n}", held, alone.predict_encoded(genes[held]))
        for n in HUNDREDS:
            booster = plain_xgboost(columns[order[:n]], values[order[:n]])
            judge(f"XGB {n}", held, booster.predict(xgboost.DMatrix(columns[held], nthread=1)))
    return {head: median(errors) for head, errors in found.items()}
