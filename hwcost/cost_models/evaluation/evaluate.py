"""Judges cost models on architectures that they were not fitted on, again and again over seeds.

All rows of an architecture stand on one side of a split. Metrics count rows; the numbers of different architectures stand
beside those of rows.

The document follows one contract: for every model the sizes, what it chose, the seconds of a fit, and its metrics in two
views. ``as_measured`` compares the prediction times the level, estimated from training rows only, with the row as it stands;
``reference_state`` compares the bare prediction with the row over that level. Without drift the two are equal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from hwcost._arguments import NUMBER, TEXT, WHOLE, check
from hwcost._left_out import left_out
from hwcost._types import Floats, Indices
from hwcost.cost_models.checks.table_faults import refuse_faults
from hwcost.cost_models.data import FIT, TEST, UNIFORM, Data
from hwcost.cost_models.evaluation.rolling import roll
from hwcost.cost_models.evaluation.splits import SPLITS, Split, groups_of, split_rows, train_rows, unseen
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.priors.model import PriorModel
from hwcost.cost_models.priors.source import Source
from hwcost.cost_models.registry import candidates, comparable, takes
from hwcost.cost_models.training.drift import Drift
from hwcost.cost_models.training.folds import THREADS_UP_TO
from hwcost.cost_models.training.metrics import Metrics, median_metrics, metrics
from hwcost.cost_models.training.remembered import Memory, remembering
from hwcost.cost_models.training.train import DriftChoice, Trained, drift_of, train_on
from hwcost.cost_models.workers import in_threads
from hwcost.errors import ContractError, DataError, MissingExtraError, UsageError
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.shaped import unshaped
from hwcost.timing.timer import Clock

ALL = "all"
"""Every model that is a candidate, and what chooses among them."""


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


class _Told:
    """Tells how far an evaluation is, one fit after the other, from whatever thread fitted."""

    def __init__(self, progress: Callable[[Fitted], None], total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0
        self.lock = threading.Lock()

    def __call__(self, model: str) -> None:
        with self.lock:
            self.done += 1
            self.progress(Fitted(model, self.done, self.total))


@dataclass(frozen=True)
class _Part:
    """One split: rows to fit on, test rows, how the level moved over the first, and what its fits have found out."""

    fit: Indices
    test: Indices
    drift: Drift | None = None
    memory: Memory = field(default_factory=lambda: Memory(Clock().now_s))

    def levelled(self, data: Data, drift: DriftChoice) -> _Part:
        """Returns the same split with the level that is estimated from its rows to fit on."""
        with remembering(self.memory):
            return replace(self, drift=drift_of(data, self.fit, drift))


class _Fits(NamedTuple):
    """What is fitted on every split: arguments of each model by its name, the one that must not be missing, the split."""

    options: dict[str, dict[str, Any]]
    wanted: str | None
    split: Split

    @classmethod
    def of(
        cls, data: Data, names: Sequence[str], prior: Sequence[Source], wanted: str | None = None, split: Split = "random"
    ) -> _Fits:
        """Takes models by name, each once; that of a prior first, where there is one."""
        of_prior = {"sources": list(prior), "row_noise": data.row_noise}
        options: dict[str, dict[str, Any]] = {PriorModel.name: of_prior} if prior else {}
        return cls({**options, **{name: {} for name in names if name not in options}}, wanted, split)


class _Judged(NamedTuple):
    """A fit on one split: the seconds that it takes alone, what it chose, and its metrics by view."""

    seconds: float
    chosen: str | None
    views: dict[str, Metrics]


def evaluate(
    data: Data,
    model: str = "auto",
    train: float = 0.8,
    split: Split = "random",
    seeds: int = 10,
    drift: DriftChoice = "auto",
    progress: Callable[[Fitted], None] = lambda state: None,
    prior: Sequence[Source] = (),
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
        progress: Callback after every fit; one call at a time, from any thread.
        prior: Models of other devices, with which the cost model ``prior`` is judged too.

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
    n_train, groups = train_rows(len(data), train), groups_of(data)
    refuse_faults(data)
    parts = [_Part(*split_rows(groups, n_train, split, seed)) for seed in range(1 if split == "ordered" else seeds)]
    is_worth = n_train < THREADS_UP_TO
    parts = in_threads(lambda part: part.levelled(data, drift), parts, is_worth)
    fits = _Fits.of(data, asked(model, data.space), prior, wanted=model, split=split)
    tell = _Told(progress, len(fits.options) * len(parts))
    judged = in_threads(lambda part: _judged(part, data, fits, tell), parts, is_worth)
    return {**_facts(data, groups), "models": _reports(fits, groups, parts, judged), "remarks": list(data.remarks)}


def evaluate_roles(
    data: Data,
    model: str = "all",
    progress: Callable[[Fitted], None] = lambda state: None,
    prior: Sequence[Source] = (),
) -> dict[str, Any]:
    """Evaluates models on a campaign: fitted on the role ``fit``, tested on ``test`` and, apart from it, on ``uniform``.

    Test rows whose architecture is among those fitted on are left out: they are not new.

    Args:
        data: The rows, with their roles.
        model: Name of a cost model, or ``all``.
        progress: Callback after every fit.
        prior: Models of other devices, with which the cost model ``prior`` is judged too.

    Returns:
        The document, without ``schema_version``; ``models`` for the test rows, ``uniform`` with the same fields where there
        are such rows.

    Raises:
        DataError: When there are too few rows to fit or to test on.
    """
    groups, fit = groups_of(data), data.rows(FIT)
    test, uniform = (unseen(groups, fit, data.rows(role)) for role in (TEST, UNIFORM))
    if len(fit) < 2 or len(test) + len(uniform) < 2:
        raise DataError(
            f"{data.source}: {len(fit)} rows to fit on, {len(test)} to test on and {len(uniform)} uniform ones, of other "
            "architectures; at least 2 to fit and 2 to test on are needed. Measure test rows as well (hwcost measure "
            "--test-rows), or evaluate a table of them with --train."
        )
    names = [*baselines("campaign", data.space), *(candidates(data.space) if model == ALL else [model])]
    fits = _Fits.of(data, names, prior, wanted=model)
    document: dict[str, Any] = {**_facts(data, groups), "remarks": list(data.remarks)}
    tested = {key: rows for key, rows in (("models", test), ("uniform", uniform)) if len(rows) > 1}
    tell, memory = _Told(progress, len(fits.options) * len(tested)), Memory(Clock().now_s)
    for key, rows in tested.items():
        part = _Part(fit, rows, memory=memory)
        document[key] = _reports(fits, groups, [part], [_judged(part, data, fits, tell)])
    return document


def _facts(data: Data, groups: Groups) -> dict[str, Any]:
    counts = {"n_rows": len(data), "n_architectures": len(groups)}
    return {"file": data.source, "space": unshaped(data.space).name, **counts}


def asked(model: str, space: SearchSpace) -> list[str]:
    """Returns the names to evaluate: what was asked for, then the baselines."""
    return ["auto", *candidates(space)] if model == ALL else list(dict.fromkeys((model, *baselines("table", space))))


def baselines(kind: str, space: SearchSpace) -> list[str]:
    """Returns the models that are shown beside whatever was asked for on a ``table`` or a ``campaign``, plain ones first."""
    classes = comparable()
    shown = [name for name, one in classes.items() if kind in one.baseline_for and takes(name, space)]
    return sorted(shown, key=lambda name: (classes[name].complexity or 0, name))


def _judged(part: _Part, data: Data, fits: _Fits, tell: Callable[[str], None]) -> dict[str, _Judged]:
    """Fits models on one split and judges them; leaves out those whose library is not installed.

    Raises:
        ContractError: When the model that is wanted, of another distribution, breaks its contract; others are left out.
        MissingExtraError: When that of the model that is wanted is not.
    """
    found: dict[str, _Judged] = {}
    with remembering(part.memory) as memory:
        for name, options in fits.options.items():
            memory.next_training()
            start = memory.now_s()
            try:
                trained = train_on(part.fit, data, name, part.drift, **options)
            except MissingExtraError:
                if name == fits.wanted:
                    raise MissingExtraError("XGBoost", "xgboost-cpu") from None
                continue
            except ContractError as error:
                if name == fits.wanted:
                    raise
                left_out(__name__, str(error))
                continue
            seconds = memory.now_s() - start + memory.saved_s
            found[name] = _Judged(seconds, trained.model.chosen, _tested(trained, data, part.test, fits.split))
            tell(name)
    return found


def _reports(
    fits: _Fits, groups: Groups, parts: Sequence[_Part], judged: Sequence[Mapping[str, _Judged]]
) -> dict[str, Any]:
    """Reports every model over all splits."""
    by_name = {name: [one[name] for one in judged if name in one] for name in fits.options}
    return {name: _report(groups, parts, found) for name, found in by_name.items() if found}


def _report(groups: Groups, parts: Sequence[_Part], judged: Sequence[_Judged]) -> dict[str, Any]:
    chosen = [one.chosen for one in judged]
    return {
        **_sizes(groups, parts),
        "seconds_fit": float(np.median([one.seconds for one in judged])),
        "chosen": max(chosen, key=chosen.count),
        **{view: median_metrics(one.views[view] for one in judged) for view in judged[0].views},
    }


def _sizes(groups: Groups, parts: Sequence[_Part]) -> dict[str, int]:
    """Rows, and different architectures among them, on both sides: medians over splits, which differ by repeats only."""

    def median(sides: Sequence[Indices]) -> tuple[int, int]:
        rows = [len(side) for side in sides]
        architectures = [len(np.unique(groups.numbers[side])) for side in sides]
        return round(float(np.median(rows))), round(float(np.median(architectures)))

    n_train, fitted = median([part.fit for part in parts])
    n_test, tested = median([part.test for part in parts])
    return {"n_train": n_train, "n_test": n_test, "architectures_train": fitted, "architectures_test": tested}


def _tested(trained: Trained, data: Data, test: Indices, split: Split) -> dict[str, Metrics]:
    """Returns the views of one fit."""
    archs, measured, _ = data.take(test)
    answer = trained.model.predict(archs)
    level = np.exp(trained.level(data, test))
    views = {
        "as_measured": metrics(measured, answer.values * level, answer.low * level, answer.high * level),
        "reference_state": metrics(measured / level, answer.values, answer.low, answer.high),
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


def held_out(data: Data, model: str, train: float, drift: DriftChoice = "auto") -> tuple[Floats, Floats]:
    """Returns measured and predicted values of rows of architectures that one fit has not seen, for a figure.

    A campaign is split by its roles, a table at random.
    """
    groups, fit, test = groups_of(data), data.rows(FIT), data.rows(TEST)
    if len(test) == 0:
        fit, test = split_rows(groups, train_rows(len(data), train), "random", 0)
    test = unseen(groups, fit, test)
    archs, measured, _ = data.take(test)
    trained = train_on(fit, data, model, drift_of(data, fit, drift))
    return measured, trained.model.predict(archs).values * np.exp(trained.level(data, test))
