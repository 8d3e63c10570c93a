"""Judges cost models on architectures that they were not fitted on, again and again over seeds.

All rows of an architecture stand on one side of a split. Metrics count rows; the numbers of different architectures stand
beside those of rows.

The document follows one contract: for every model the sizes, what it chose, the seconds of a fit, and its metrics in two
views. ``as_measured`` compares the prediction times the level, estimated from training rows only, with the row as it stands;
``reference_state`` compares the bare prediction with the row over that level. Without drift the two are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from hwcost._arguments import NUMBER, TEXT, WHOLE, check
from hwcost._types import Floats, Indices
from hwcost.cost_models import COST_MODELS, candidates, takes
from hwcost.cost_models.data import FIT, TEST, UNIFORM, Data
from hwcost.cost_models.drift import Drift
from hwcost.cost_models.features import shared_features
from hwcost.cost_models.groups import Groups
from hwcost.cost_models.metrics import Metrics, median_metrics, metrics
from hwcost.cost_models.rolling import roll
from hwcost.cost_models.table_faults import refuse_faults
from hwcost.cost_models.train import DriftChoice, Trained, drift_of, train_on
from hwcost.errors import DataError, MissingExtraError, UsageError
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.shaped import unshaped
from hwcost.timing.timer import Clock

Split = Literal["random", "ordered"]
SPLITS = ("random", "ordered")
ALL = "all"
"""Every model that is a candidate, and what chooses among them."""


PATIENCE_S = 2.0
"""Seconds from which an evaluation says how far it is."""


class Fitted(NamedTuple):
    """How far an evaluation is.

    Attributes:
        model: Name of the model that was fitted last.
        done: Fits that are finished.
        total: All fits.
    """

    model: str
    done: int
    total: int


@dataclass(frozen=True)
class _Part:
    """One split: rows to fit on, test rows, and how the level moved over the first."""

    fit: Indices
    test: Indices
    drift: Drift | None = None


def evaluate(
    data: Data,
    model: str = "auto",
    train: float = 0.8,
    split: Split = "random",
    seeds: int = 10,
    drift: DriftChoice = "auto",
    progress: Callable[[Fitted], None] = lambda state: None,
) -> dict[str, Any]:
    """Evaluates a model and its baselines on a table.

    Args:
        data: The rows, all of one role.
        model: Name of a cost model, or ``all``.
        train: Below 1 the share of rows to fit on, from 2 their number. A random split takes whole architectures, until the
            number of rows is as near to that as it gets.
        split: ``random`` draws architectures anew for every seed; ``ordered`` takes the first rows, and tests on those later
            ones whose architecture is not among them.
        seeds: Number of draws.
        drift: ``auto`` looks for a moving level of the machine in the order of the rows; ``none`` takes rows as they stand.
        progress: Callback after every fit, from the third second on.

    Returns:
        The document, without ``schema_version``.

    Raises:
        DataError: When the table has a fault that would make any fit wrong.
        UsageError: When the number of seeds is not positive, or a side of the split has too few rows or architectures.
        MissingExtraError: When the model asked for is not installed.
    """
    check({"model": model, "train": train, "seeds": seeds}, model=TEXT, train=NUMBER, seeds=WHOLE)
    if split not in SPLITS:
        raise UsageError(f"unknown split '{split}'. Known: {', '.join(SPLITS)}")
    if seeds < 1:
        raise UsageError(f"the number of seeds must be positive, got {seeds}")
    clock = Clock()
    start = clock.now_s()
    n_train, groups = train_rows(len(data), train), groups_of(data)
    refuse_faults(data)
    splits = []
    for seed in range(1 if split == "ordered" else seeds):
        fit, test = _split(groups, n_train, split, seed)
        splits.append(_Part(fit, test, drift_of(data, fit, drift)))
    models: dict[str, Any] = {}
    names = asked(model, data.space)

    def tell(name: str, done: int) -> None:
        if clock.now_s() - start >= PATIENCE_S:
            progress(Fitted(name, names.index(name) * len(splits) + done, len(names) * len(splits)))

    for name in names:
        report = _over_splits(name, data, groups, splits, split, tell)
        if report is None and name == model:
            raise MissingExtraError("XGBoost", "xgboost-cpu")
        if report is not None:
            models[name] = report
    return {**_facts(data, groups), "models": models, "remarks": list(data.remarks)}


def evaluate_roles(data: Data, model: str = "all") -> dict[str, Any]:
    """Evaluates models on a campaign: fitted on the role ``fit``, tested on ``test`` and, apart from it, on ``uniform``.

    Test rows whose architecture is among those fitted on are left out: they are not new.

    Returns:
        The document, without ``schema_version``; ``models`` for the test rows, ``uniform`` with the same fields where there
        are such rows.

    Raises:
        DataError: When there are too few rows to fit or to test on.
    """
    groups, fit = groups_of(data), data.rows(FIT)
    test, uniform = (_unseen(groups, fit, data.rows(role)) for role in (TEST, UNIFORM))
    if len(fit) < 2 or len(test) + len(uniform) < 2:
        raise DataError(
            f"{data.source}: {len(fit)} rows to fit on, {len(test)} to test on and {len(uniform)} uniform ones, of other "
            "architectures; at least 2 to fit and 2 to test on are needed. Measure test rows as well (hwcost measure "
            "--test-rows), or evaluate a table of them with --train."
        )
    names = dict.fromkeys((*baselines("campaign", data.space), *(candidates(data.space) if model == ALL else [model])))
    document: dict[str, Any] = {**_facts(data, groups), "remarks": list(data.remarks)}
    for key, rows in (("models", test), ("uniform", uniform)):
        if len(rows) > 1:
            reports = {name: _over_splits(name, data, groups, [_Part(fit, rows)], "random") for name in names}
            document[key] = {name: report for name, report in reports.items() if report is not None}
    return document


def groups_of(data: Data) -> Groups:
    """Groups the rows of a table or a campaign by architecture."""
    features = shared_features(data.space, **data.shape)
    return Groups.of_architectures(features, features.encode(data.architectures))


def _facts(data: Data, groups: Groups) -> dict[str, Any]:
    counts = {"n_rows": len(data), "n_architectures": len(groups)}
    return {"file": data.source, "space": unshaped(data.space).name, **counts}


def asked(model: str, space: SearchSpace) -> list[str]:
    """Returns the names to evaluate: what was asked for, then the baselines."""
    return ["auto", *candidates(space)] if model == ALL else list(dict.fromkeys((model, *baselines("table", space))))


def baselines(kind: str, space: SearchSpace) -> list[str]:
    """Returns the models that are shown beside whatever was asked for on a ``table`` or a ``campaign``, plain ones first."""
    classes = COST_MODELS.members()
    shown = [name for name, one in classes.items() if kind in one.baseline_for and takes(name, space)]
    return sorted(shown, key=lambda name: (classes[name].complexity or 0, name))


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
            f"--train {train:g} of {n} rows leaves {max(count, 0)} to fit on and {max(n - count, 0)} to test on; "
            "both need at least 2."
        )
    return count


def _split(groups: Groups, n_train: int, split: Split, seed: int) -> tuple[Indices, Indices]:
    """Returns rows to fit on and test rows, with no architecture on both sides."""
    if split not in ("random", "ordered"):
        raise UsageError(f"unknown split '{split}'. Known: ordered, random")
    n = len(groups.numbers)
    if split == "ordered":
        fit, test = np.arange(n_train), _unseen(groups, np.arange(n_train), np.arange(n_train, n))
    else:
        order = np.random.default_rng(seed).permutation(len(groups))
        reached = np.cumsum(groups.sizes[order])[1:-1]
        taken = 2 + int(np.argmin(np.abs(reached - n_train))) if len(reached) else len(groups)
        fit, test = groups.rows_of(order[:taken]), groups.rows_of(order[taken:])
    fitted = len(np.unique(groups.numbers[fit]))
    if fitted < 2 or len(test) < 2:
        raise UsageError(
            f"{n} rows of {len(groups)} different architectures, none of them on both sides of the split: {fitted} "
            f"architectures to fit on and {len(test)} rows of others to test on; both need at least 2. "
            "Measure more architectures, or choose another --split or --train."
        )
    return fit, test


def _unseen(groups: Groups, fit: Indices, test: Indices) -> Indices:
    """Returns the test rows whose architecture is not among those to fit on."""
    return test[~np.isin(groups.numbers[test], groups.numbers[fit])]


def _over_splits(
    name: str,
    data: Data,
    groups: Groups,
    splits: Sequence[_Part],
    split: Split,
    tell: Callable[[str, int], None] = lambda name, done: None,
) -> dict[str, Any] | None:
    """Reports one model over splits; None when the library that it needs is not installed."""
    views: dict[str, list[Metrics]] = {"as_measured": [], "reference_state": [], "rolling": []}
    seconds: list[float] = []
    fits: list[Trained] = []
    for part in splits:
        clock = Clock()
        start = clock.now_s()
        try:
            trained = train_on(part.fit, data, name, part.drift)
        except MissingExtraError:
            return None
        seconds.append(clock.now_s() - start)
        fits.append(trained)
        for view, found in _tested(trained, data, part.test, split).items():
            views[view].append(found)
        tell(name, len(fits))
    chosen = [one.model.chosen for one in fits]
    return {
        **_sizes(groups, splits),
        "seconds_fit": float(np.median(seconds)),
        "chosen": max(chosen, key=chosen.count),
        **{view: median_metrics(found) for view, found in views.items() if found},
    }


def _sizes(groups: Groups, splits: Sequence[_Part]) -> dict[str, int]:
    """Rows, and different architectures among them, on both sides: medians over splits, which differ by repeats only."""

    def median(parts: Sequence[Indices]) -> tuple[int, int]:
        rows = [len(part) for part in parts]
        architectures = [len(np.unique(groups.numbers[part])) for part in parts]
        return round(float(np.median(rows))), round(float(np.median(architectures)))

    n_train, fitted = median([part.fit for part in splits])
    n_test, tested = median([part.test for part in splits])
    return {"n_train": n_train, "n_test": n_test, "architectures_train": fitted, "architectures_test": tested}


def _tested(trained: Trained, data: Data, test: Indices, split: Split) -> dict[str, Metrics]:
    """Returns the views of one fit."""
    archs, measured, _ = data.take(test)
    answer = trained.model.predict(archs)
    level = np.exp(trained.level(data, test))
    low, high = answer.low, answer.high
    bounds = (None, None) if low is None or high is None else (low * level, high * level)
    views = {
        "as_measured": metrics(measured, answer.values * level, *bounds),
        "reference_state": metrics(measured / level, answer.values, low, high),
    }
    if split == "ordered":
        views["rolling"] = _rolling(trained, data, test, measured, answer.values)
    return views


def _rolling(trained: Trained, data: Data, test: Indices, measured_s: Floats, predicted_s: Floats) -> Metrics:
    """Judges row by row: each row is predicted before its latency is known, which then updates level and interval.

    Where too few architectures were fitted on for an interval, there is none here either.
    """
    level = trained.level(data, trained.rows)
    past = trained.errors + level
    order = np.argsort(test)
    errors = np.log(measured_s / predicted_s)[order]
    rolled = roll(past, level, errors)
    predicted_s, measured_s = predicted_s[order] * np.exp(rolled.level), measured_s[order]
    if trained.model.log_interval_half_width_ is None or np.isnan(rolled.spread).any():
        return metrics(measured_s, predicted_s)
    return metrics(measured_s, predicted_s, predicted_s * np.exp(-rolled.spread), predicted_s * np.exp(rolled.spread))


def held_out(
    data: Data, model: str, train: float, seed: int = 0, drift: DriftChoice = "auto"
) -> tuple[Floats, Floats]:
    """Returns measured and predicted values of rows of architectures that one fit has not seen, for a figure.

    A campaign is split by its roles, a table as the seed says.
    """
    groups, fit, test = groups_of(data), data.rows(FIT), data.rows(TEST)
    if len(test) == 0:
        fit, test = _split(groups, train_rows(len(data), train), "random", seed)
    test = _unseen(groups, fit, test)
    archs, measured, _ = data.take(test)
    trained = train_on(fit, data, model, drift_of(data, fit, drift))
    return measured, trained.model.predict(archs).values * np.exp(trained.level(data, test))
