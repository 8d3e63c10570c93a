"""Judges cost models on rows that they were not fitted on, again and again over seeds.

The document follows one contract: for every model the sizes, what it chose, the seconds of a fit, and its metrics in two
views. ``as_measured`` compares the prediction times the level, told from training rows only, with the row as it stands;
``reference_state`` compares the bare prediction with the row over that level. Without drift the two are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hwcost.cost_models.data import FIT, JUDGE, UNIFORM, Data
from hwcost.cost_models.drift import Drift
from hwcost.cost_models.fitting import DriftChoice, Fitted, drift_of, fit_rows
from hwcost.cost_models.metrics import Metrics, median_metrics, metrics
from hwcost.cost_models.rolling import roll
from hwcost.cost_models.table_faults import refuse_faults
from hwcost.cost_models.tabulate import Floats
from hwcost.errors import DataError, MissingExtraError, UsageError
from hwcost.measure.timer import Clock

Split = Literal["random", "ordered"]
Rows = NDArray[np.intp]

BASELINES = ("ridge", "constant", "xgboost")
"""Shown beside whatever was asked for."""

STORE_BASELINES = ("constant", "params", "ridge")
STORE_MODELS = ("lut", "xgboost", "lightgbm", "hybrid")
ALL = ("auto", "lut", "products", "hybrid", "lightgbm", "xgboost", "ridge", "constant")


@dataclass(frozen=True)
class _Part:
    """One split: rows to fit on, rows to judge on, and how the level moved over the first."""

    fit: Rows
    judge: Rows
    drift: Drift | None = None


def evaluate(
    data: Data,
    model: str = "auto",
    train: float = 0.8,
    split: Split = "random",
    seeds: int = 10,
    drift: DriftChoice = "auto",
) -> dict[str, Any]:
    """Evaluates a model and its baselines on a table.

    Args:
        data: The rows, all of one role.
        model: Name of a cost model, or ``all``.
        train: Below 1 the share of rows to fit on, from 2 their number.
        split: ``random`` draws them anew for every seed; ``ordered`` takes the first ones.
        seeds: Number of draws.
        drift: ``auto`` looks for a moving level of the machine in the order of the rows; ``none`` takes rows as they stand.

    Returns:
        The document, without ``schema_version``.

    Raises:
        DataError: When the table has a fault that would make any fit wrong.
        UsageError: When the split leaves too few rows on either side.
        MissingExtraError: When the model asked for is not installed.
    """
    n_train = train_rows(len(data), train)
    refuse_faults(data)
    splits = []
    for seed in range(1 if split == "ordered" else seeds):
        fit, judge = _split(len(data), n_train, split, seed)
        splits.append(_Part(fit, judge, drift_of(data, fit, drift)))
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
            reports = {name: _over_splits(name, data, [_Part(fit, rows)], "random") for name in names}
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


def _over_splits(name: str, data: Data, splits: Sequence[_Part], split: Split) -> dict[str, Any] | None:
    """Reports one model over splits; None when the library that it needs is not installed."""
    views: dict[str, list[Metrics]] = {"as_measured": [], "reference_state": [], "rolling": []}
    seconds: list[float] = []
    fits: list[Fitted] = []
    for part in splits:
        clock = Clock()
        start = clock.now_s()
        try:
            fitted = fit_rows(name, data, part.fit, part.drift)
        except MissingExtraError:
            return None
        seconds.append(clock.now_s() - start)
        fits.append(fitted)
        for view, found in _judged(fitted, data, part.judge, split).items():
            views[view].append(found)
    chosen = [fitted.model.chosen for fitted in fits]
    return {
        "n_train": len(splits[0].fit),
        "n_test": len(splits[0].judge),
        "seconds_fit": float(np.median(seconds)),
        "chosen": max(chosen, key=chosen.count),
        **{view: median_metrics(found) for view, found in views.items() if found},
    }


def _judged(fitted: Fitted, data: Data, judge: Rows, split: Split) -> dict[str, Metrics]:
    """Returns the views of one fit."""
    archs, measured_s, _ = data.take(judge)
    answer = fitted.model.predict(archs)
    level = np.exp(fitted.level(data, judge))
    low_s, high_s = answer.low_s, answer.high_s
    bounds = (None, None) if low_s is None or high_s is None else (low_s * level, high_s * level)
    views = {
        "as_measured": metrics(measured_s, answer.latency_s * level, *bounds),
        "reference_state": metrics(measured_s / level, answer.latency_s, low_s, high_s),
    }
    if split == "ordered":
        views["rolling"] = _rolling(fitted, data, judge, measured_s, answer.latency_s)
    return views


def _rolling(fitted: Fitted, data: Data, judge: Rows, measured_s: Floats, predicted_s: Floats) -> Metrics:
    """Judges row by row: each row is predicted before its latency is known, which then tells level and interval."""
    level = fitted.level(data, fitted.rows)
    past = fitted.errors + level
    order = np.argsort(judge)
    errors = np.log(measured_s / predicted_s)[order]
    rolled = roll(past, level, errors)
    predicted_s, measured_s = predicted_s[order] * np.exp(rolled.level), measured_s[order]
    if np.isnan(rolled.spread).any():
        return metrics(measured_s, predicted_s)
    return metrics(measured_s, predicted_s, predicted_s * np.exp(-rolled.spread), predicted_s * np.exp(rolled.spread))


def held_out(
    data: Data, model: str, train: float, seed: int = 0, drift: DriftChoice = "auto"
) -> tuple[Floats, Floats]:
    """Returns measured and predicted seconds of the rows that one fit has not seen, for a figure.

    A campaign is split by its roles, a table as the seed says.
    """
    fit, judge = data.rows(FIT), data.rows(JUDGE)
    if len(judge) == 0:
        fit, judge = _split(len(data), train_rows(len(data), train), "random", seed)
    archs, measured_s, _ = data.take(judge)
    fitted = fit_rows(model, data, fit, drift_of(data, fit, drift))
    return measured_s, fitted.model.predict(archs).latency_s * np.exp(fitted.level(data, judge))
