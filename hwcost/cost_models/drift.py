"""How the machine's level moved while a table was measured, and fits that are not misled by it.

A table in the order of measurement shows its machine's level in what a structured model leaves: residuals of neighbouring
rows agree where the level moved. The residuals are out of fold, so that no model can have swallowed the level; the model
is fitted again on what the level leaves, and the level again on what the model leaves, until both stand still. Every
architecture was measured once only, so the result ranks below a campaign with rounds: a level that follows
the architectures themselves cannot be told from their cost, and such a table is left as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost.cost_models import cost_model
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.features import Features
from hwcost.cost_models.folds import Rows
from hwcost.cost_models.intervals import left_out_errors
from hwcost.cost_models.tabulate import Floats
from hwcost.levels.level import Level, fit_level, no_level
from hwcost.levels.von_neumann import noise, von_neumann

BASES = ("lut", "products")
"""Structured models that residuals are taken of; the one whose residuals differ least from row to row is used. In a space with
components the first one knows the structure already."""

GAIN = 0.02
"""A level of a single-pass table is taken when it makes left-out errors smaller by this share."""

PASSES = 4
STILL = 1e-3
"""The level stands still once no row's changes by more than this (log)."""

CONFOUNDED = 0.1
"""Distance from 1 of the von Neumann ratio of size against order, beyond which order and architecture are confounded."""

CONFOUNDED_ERRORS = 4.0
"""So many standard errors of that ratio are allowed in any case; one is about ``1 / sqrt(n)``."""

NO_RUN = -1


@dataclass(frozen=True)
class Drift:
    """The level of a machine over the rows of a table.

    Attributes:
        level: Log level against row number; mean zero over the rows it was told from.
        runs: Log effect of every measuring run, by its number; empty where the table does not name runs.
        residuals: Out-of-fold errors of log latency with the level still in them, in order of rows, shape (n,).
        predicted_s: Out-of-fold predictions at the mean level, in order of rows, shape (n,).
        rows: Row numbers, ascending, shape (n,).
        von_neumann: Of the residuals.
        von_neumann_after: Of what the level leaves.
        size_order: Of the predictions; far from 1 when the order follows the architectures.
        is_confounded: Whether it is too far from 1 for any correction.
        base: Name of the structured model.
    """

    level: Level
    runs: dict[int, float]
    residuals: Floats
    predicted_s: Floats
    rows: Rows
    von_neumann: float
    von_neumann_after: float
    size_order: float
    is_confounded: bool
    base: str

    @property
    def is_none(self) -> bool:
        """Whether no level was taken."""
        return self.level.kind == "none" and not self.runs

    def __call__(self, rows: Rows, runs: NDArray[np.intp] | None = None) -> Floats:
        """Returns the log level at any rows; shape (n,).

        Args:
            rows: Row numbers.
            runs: The measuring run of each; only where the table names runs.
        """
        found = self.level(rows.astype(np.float64))
        if runs is None or not self.runs:
            return found
        return np.asarray(found + np.array([self.runs.get(int(run), 0.0) for run in runs]))


def estimate_drift(
    features: Features, genes: Floats, latency_s: Floats, rows: Rows, runs: NDArray[np.intp] | None = None
) -> Drift:
    """Estimates the level from a table's rows, all of them or those of a training split.

    Args:
        features: The feature extractor of the table's space.
        genes: Encoded architectures, shape (n, genes).
        latency_s: Shape (n,), seconds.
        rows: Row number of each in the order of measurement, shape (n,).
        runs: Number of the measuring run of each, shape (n,); None where the table does not name runs.
    """
    order = np.argsort(rows, kind="stable")
    genes, latency_s, rows = genes[order], latency_s[order], rows[order]
    runs = None if runs is None else runs[order]
    model, errors = _structured(features, genes, latency_s)
    first = errors
    size_order = von_neumann(np.log(latency_s) - errors)
    is_confounded = abs(size_order - 1.0) > max(CONFOUNDED, CONFOUNDED_ERRORS / math.sqrt(len(rows)))
    level, effects = no_level(rows), dict[int, float]()
    shift = np.zeros(len(rows))
    for _ in range(0 if is_confounded else PASSES):
        effects = {} if runs is None else _run_effects(errors, runs)
        by_run = np.zeros(len(rows)) if runs is None else np.array([effects.get(int(run), 0.0) for run in runs])
        cuts = () if runs is None else tuple(rows[1:][np.diff(runs) != 0].astype(float).tolist())
        level = fit_level(rows.astype(np.float64), errors - by_run, gain=GAIN, cuts=cuts)
        moved = level.values + by_run - shift
        shift = level.values + by_run
        if float(np.abs(moved).max(initial=0.0)) < STILL:
            break
        errors = _left_out(model.settled(), features, genes, latency_s * np.exp(-shift)) + shift
    return Drift(
        level, effects, errors, latency_s * np.exp(-errors), rows, von_neumann(first), von_neumann(errors - shift),
        size_order, is_confounded, model.name,
    )


def _structured(features: Features, genes: Floats, latency_s: Floats) -> tuple[CostModel, Floats]:
    """Returns the base model that fits best, whatever the level did, with its out-of-fold errors."""
    found = []
    for name in BASES[:1] if features.is_buildable else BASES:
        model = cost_model(name, features.space, batch_size=features.batch_size, seq_len=features.seq_len)
        errors = _left_out(model, features, genes, latency_s)
        found.append((noise(errors), model, errors))
    _, model, errors = min(found, key=lambda one: one[0])
    return model, errors


def _left_out(model: CostModel, features: Features, genes: Floats, latency_s: Floats) -> Floats:
    """Fits a model and returns its out-of-fold errors of log latency."""
    weights = np.ones(len(genes))
    model.fit_encoded(genes, latency_s, weights)
    return left_out_errors(model, genes, latency_s, weights)


def _run_effects(errors: Floats, runs: NDArray[np.intp]) -> dict[int, float]:
    """Median error of every run, drawn towards zero as far as its own uncertainty asks for; sums to about zero."""
    names = np.unique(runs)
    middle = float(np.median(errors))
    medians = np.array([np.median(errors[runs == name]) - middle for name in names])
    counts = np.array([(runs == name).sum() for name in names])
    doubt = 1.57 * np.array([noise(errors[runs == name]) ** 2 for name in names]) / counts
    between = max(0.0, float(np.mean(medians**2) - np.mean(doubt)))
    kept = medians * between / np.maximum(between + doubt, 1e-300)
    return dict(zip(map(int, names), (kept - np.average(kept, weights=counts)).tolist(), strict=True))


def left_out_level(drift: Drift) -> Floats:
    """Returns the log level at each of the drift's rows, in their order, as all other rows tell it; shape (n,)."""
    return drift.level.left_out


def run_numbers(names: Sequence[object]) -> NDArray[np.intp]:
    """Numbers measuring runs by the text of their names, shape (n,)."""
    return np.unique([str(name) for name in names], return_inverse=True)[1].astype(np.intp)
