"""Judges cost models on rows that they were not fitted on, again and again over seeds.

The document follows one contract: for every model the sizes, what it chose, the seconds of a fit, and its metrics in two
views, ``as_measured`` and ``reference_state``. Without a model of drift the two are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hwcost.cost_models import cost_model
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.data import FIT, JUDGE, UNIFORM, Data
from hwcost.cost_models.intervals import calibrate, left_out_errors, quantile
from hwcost.cost_models.metrics import Metrics, median_metrics, metrics
from hwcost.cost_models.tabulate import Floats
from hwcost.errors import DataError, MissingExtraError, UsageError
from hwcost.measure.timer import Clock

Split = Literal["random", "ordered"]
Rows = NDArray[np.intp]

BASELINES = ("ridge", "constant", "xgboost")
"""Shown beside whatever was asked for."""

STORE_BASELINES = ("constant", "params", "ridge")
STORE_MODELS = ("lut", "xgboost", "lightgbm", "hybrid")
ALL = ("auto", "lut", "hybrid", "lightgbm", "xgboost", "ridge", "constant")

WINDOW = 200
"""Rolling intervals look back on so many errors."""


def evaluate(
    data: Data, model: str = "auto", train: float = 0.8, split: Split = "random", seeds: int = 10
) -> dict[str, Any]:
    """Evaluates a model and its baselines on a table.

    Args:
        data: The rows, all of one role.
        model: Name of a cost model, or ``all``.
        train: Below 1 the share of rows to fit on, from 2 their number.
        split: ``random`` draws them anew for every seed; ``ordered`` takes the first ones.
        seeds: Number of draws.

    Returns:
        The document, without ``schema_version``.

    Raises:
        UsageError: When the split leaves too few rows on either side.
        MissingExtraError: When the model asked for is not installed.
    """
    n_train = train_rows(len(data), train)
    splits = [_split(len(data), n_train, split, seed) for seed in range(1 if split == "ordered" else seeds)]
    models: dict[str, Any] = {}
    for name in asked(model):
        report = _over_splits(name, data, splits, split)
        if report is None and name == model:
            raise MissingExtraError("XGBoost", "xgboost-cpu")
        if report is not None:
            models[name] = report
    return {"file": data.source, "space": data.space.name, "n_rows": len(data), "models": models}


def evaluate_roles(data: Data, model: str = "all") -> dict[str, Any]:
    """Evaluates models on a campaign: fitted on role ``fit``, judged on ``judge`` and, apart from it, on ``uniform``.

    Returns:
        The document, without ``schema_version``; ``models`` for the judges, ``uniform`` with the same fields where there are
        such rows.

    Raises:
        DataError: When there are too few rows to fit or to judge on.
    """
    fit, judge, uniform = data.rows(FIT), data.rows(JUDGE), data.rows(UNIFORM)
    if len(fit) < 2 or len(judge) + len(uniform) < 2:
        raise DataError(
            f"{data.source}: {len(fit)} rows to fit on, {len(judge)} to judge on and {len(uniform)} uniform ones; at least "
            "2 to fit and 2 to judge are needed. Measure judges as well, or evaluate a table of them with --train."
        )
    names = (*STORE_BASELINES, *STORE_MODELS) if model == "all" else dict.fromkeys((*STORE_BASELINES, model))
    document: dict[str, Any] = {"file": data.source, "space": data.space.name, "n_rows": len(data)}
    for key, rows in (("models", judge), ("uniform", uniform)):
        if len(rows) > 1:
            reports = {name: _over_splits(name, data, [(fit, rows)], "random") for name in names}
            document[key] = {name: report for name, report in reports.items() if report is not None}
    return document


def asked(model: str) -> list[str]:
    """Returns the names to evaluate: what was asked for, then the baselines."""
    return list(ALL) if model == "all" else list(dict.fromkeys((model, *BASELINES)))


def train_rows(n: int, train: float) -> int:
    """Turns a share or a number into a number of rows.

    Raises:
        UsageError: When it is neither, or leaves fewer than two rows on either side.
    """
    is_share, is_count = 0 < train < 1, train >= 2 and float(train).is_integer()
    if not (is_share or is_count):
        raise UsageError(f"--train {train:g} is neither a share below 1 nor a whole number from 2.")
    count = round(train * n) if is_share else int(train)
    if count < 2 or n - count < 2:
        raise UsageError(
            f"--train {train:g} of {n} rows leaves {max(count, 0)} to fit on and {max(n - count, 0)} to judge on; "
            "both need at least 2."
        )
    return count


def _split(n: int, n_train: int, split: Split, seed: int) -> tuple[Rows, Rows]:
    if split not in ("random", "ordered"):
        raise UsageError(f"unknown split '{split}'. Known: ordered, random")
    order = np.arange(n) if split == "ordered" else np.random.default_rng(seed).permutation(n)
    return order[:n_train], order[n_train:]


def _over_splits(name: str, data: Data, splits: Sequence[tuple[Rows, Rows]], split: Split) -> dict[str, Any] | None:
    """Reports one model over splits; None when the library that it needs is not installed."""
    found: list[Metrics] = []
    rolling: list[Metrics] = []
    seconds: list[float] = []
    chosen: list[str | None] = []
    for fit, judge in splits:
        try:
            model, seconds_fit = _fitted(name, data, fit)
        except MissingExtraError:
            return None
        archs, measured_s, _ = data.take(judge)
        answer = model.predict(archs)
        found.append(metrics(measured_s, answer.latency_s, answer.low_s, answer.high_s))
        seconds.append(seconds_fit)
        chosen.append(model.chosen)
        if split == "ordered":
            rolling.append(_rolling(model, data, fit, measured_s, answer.latency_s))
    view = median_metrics(found)
    report: dict[str, Any] = {
        "n_train": len(splits[0][0]),
        "n_test": len(splits[0][1]),
        "seconds_fit": float(np.median(seconds)),
        "chosen": max(chosen, key=chosen.count),
        "as_measured": view,
        "reference_state": dict(view),
    }
    if rolling:
        report["rolling"] = median_metrics(rolling)
    return report


def _fitted(name: str, data: Data, rows: Rows) -> tuple[CostModel, float]:
    """Fits and calibrates a model on some rows; returns it with the seconds that took."""
    archs, latency_s, weights = data.take(rows)
    clock = Clock()
    start = clock.now_s()
    model = cost_model(name, data.space, **data.shape).fit(archs, latency_s, weights)
    calibrate(model, archs, latency_s, weights)
    return model, clock.now_s() - start


def _rolling(model: CostModel, data: Data, fit: Rows, measured_s: Floats, predicted_s: Floats) -> Metrics:
    """Judges row by row: each interval comes from the errors known before the row, its own latency is revealed after."""
    archs, latency_s, weights = data.take(fit)
    known = np.abs(left_out_errors(model, model.features.encode(archs), latency_s, weights))
    errors = np.concatenate([known, np.abs(np.log(measured_s / predicted_s))])
    ends = len(known) + np.arange(len(measured_s))
    spreads = [quantile(errors[max(0, end - WINDOW) : end]) for end in ends]
    if any(spread is None for spread in spreads):
        return metrics(measured_s, predicted_s)
    ratio = np.exp(np.array(spreads, dtype=np.float64))
    return metrics(measured_s, predicted_s, predicted_s / ratio, predicted_s * ratio)


def held_out(data: Data, model: str, train: float, seed: int = 0) -> tuple[Floats, Floats]:
    """Returns measured and predicted seconds of the rows that one fit has not seen, for a figure.

    A campaign is split by its roles, a table as the seed says.
    """
    fit, judge = data.rows(FIT), data.rows(JUDGE)
    if len(judge) == 0:
        fit, judge = _split(len(data), train_rows(len(data), train), "random", seed)
    archs, measured_s, _ = data.take(judge)
    return measured_s, _fitted(model, data, fit)[0].predict(archs).latency_s
