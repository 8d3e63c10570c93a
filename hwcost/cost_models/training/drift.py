"""How the machine's level moved while a table was measured, and fits that are not misled by it.

A table in the order of measurement shows its machine's level in what a structured model leaves: residuals of neighbouring
rows agree where the level moved. The residuals are out of fold, so that no model can have swallowed the level; the model
is fitted again on what the level leaves, and the level again on what the model leaves, until both stand still. Every
architecture was measured once only, so the result ranks below a campaign with rounds: a level that follows
the architectures themselves is indistinguishable from their cost, and such a table is left as it is, unless the same
architectures return throughout it: what changed between their rows is the level. Rows of one architecture in succession
count as one, and so do sweeps over sizes, see :mod:`hwcost.cost_models.training.visits`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hwcost._stats import median
from hwcost._types import Floats, Indices
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.features.extractor import Features
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.features.repeats import without_own
from hwcost.cost_models.features.structure import bases
from hwcost.cost_models.registry import cost_model
from hwcost.cost_models.training.blocks import blocks_of, within
from hwcost.cost_models.training.intervals import errors_of_fits, left_out_errors
from hwcost.cost_models.training.visits import Visits
from hwcost.levels.level import Level, fit_level, no_level
from hwcost.levels.runs import are_shared, run_effects
from hwcost.levels.von_neumann import noise, von_neumann

GAIN = 0.02
"""A level of a single-pass table is taken when it makes left-out errors smaller by this share."""

AS_MEASURED = "half_width_as_measured"
"""Fact of a model whose rows were corrected: half-width of the 90 % interval of a row with the level in it (log)."""

PASSES = 4

DECIDING_ROWS = 20_000
"""Rows of a longer table, evenly over it, on which the structured model is chosen; it is then fitted on all."""

STILL = 1e-3
"""The level stands still once no row's changes by more than this (log)."""

QUICKER = 0.04
"""Rows whose level is this far (log) below that of predictions were measured in a quicker state of the machine."""

CONFOUNDED = 0.1
"""Distance from 1 of the von Neumann ratio of size against order, beyond which order and architecture are confounded."""

CONFOUNDED_ERRORS = 4.0
"""So many standard errors of that ratio are allowed in any case; one is about ``1 / sqrt(n)``."""

RETURNING = 0.3
"""Share of the variance of row numbers that lies between architectures, up to which these return throughout a table."""

@dataclass(frozen=True)
class Drift:
    """The level of a machine over the rows of a table.

    Attributes:
        level: Log level against row number, estimated from sweeps. Level and run have the median zero over these, so that a
            few rows of a warm-up move no prediction, and of two levels the more frequent one is the reference.
        runs: Log effect of every measuring run, by its number; empty where the table does not name runs, or hardly any rows
            share one.
        own_runs: Log effect of the run of each sweep as the other sweeps of that run tell it, shape (sweeps,).
        residuals: Out-of-fold errors of log latency with the level still in them, in order of rows, shape (n,); less the
            error that the other rows of the same architecture share, where there are any.
        predicted_s: Predictions with these errors at the median level, in order of rows, shape (n,).
        rows: Row numbers, ascending, shape (n,).
        visits: The visits that the rows are of.
        sweeps: The sweeps that the visits are of; each visit by itself where there are none.
        von_neumann: Von Neumann ratio of the residuals, from sweep to sweep.
        von_neumann_after: Von Neumann ratio of the residuals less the level.
        size_order: Von Neumann ratio of the predictions; far from 1 when the order follows the architectures.
        follows_size: Whether it is so far from 1 that the level of a few rows is indistinguishable from their sizes.
        returns: Whether the architectures return throughout the table, which tells a slow level from their sizes.
        blocks: Block of each sweep, shape (sweeps,), where only the order of blocks follows size: the level is that within
            blocks, see :mod:`hwcost.cost_models.training.blocks`. Zeros otherwise.
        base: Name of the structured model.
    """

    level: Level
    runs: dict[int, float]
    own_runs: Floats
    residuals: Floats
    predicted_s: Floats
    rows: Indices
    visits: Visits
    sweeps: Visits
    von_neumann: float
    von_neumann_after: float
    size_order: float
    follows_size: bool
    returns: bool
    blocks: Indices
    base: str

    @property
    def is_confounded(self) -> bool:
        """Whether no level can be distinguished from the sizes of the architectures."""
        return self.follows_size and not self.returns

    @property
    def between_blocks(self) -> float:
        """Half-width (log) of what is not known of the level between blocks: its range within them; 0 without blocks."""
        return float(np.ptp(self.level.values)) if self.blocks.any() else 0.0

    @property
    def is_none(self) -> bool:
        """Whether no level was taken."""
        return self.level.kind == "none" and not self.runs

    def as_dict(self) -> dict[str, Any]:
        """Returns what a model's provenance keeps: that rows were corrected, by how much, and how good that is."""
        levels = self.left_out()
        is_quicker = levels <= -QUICKER
        return {
            "grade": "corrected (single pass)",
            "kind": self.level.kind,
            "level_range": self.level.range,
            "quicker_share": float(is_quicker.mean()),
            "quicker_by": -math.expm1(median(levels[is_quicker])) if is_quicker.any() else 0.0,
            "runs": len(self.runs),
            "von_neumann": self.von_neumann,
            "von_neumann_after": self.von_neumann_after,
        }

    def __call__(self, rows: Indices | Floats, runs: Indices | None = None) -> Floats:
        """Returns the log level at any rows; shape (n,).

        Args:
            rows: Row numbers.
            runs: The measuring run of each; only where the table names runs.
        """
        return np.asarray(self.level(rows.astype(np.float64)) + self._of_runs(len(rows), runs))

    def left_out(self) -> Floats:
        """Returns the log level at each of its own rows, ascending, as all other sweeps tell it; shape (n,)."""
        return self.steps.at_rows(np.asarray(self.level.left_out + self.own_runs))

    @property
    def steps(self) -> Visits:
        """The rows that tell one value of the level together: those of a sweep."""
        return self.visits.of_wider(self.sweeps)

    def _of_runs(self, n: int, runs: Indices | None) -> Floats:
        return np.array([self.runs.get(int(run), 0.0) for run in runs]) if runs is not None and self.runs else np.zeros(n)

    def again(self, errors: Floats, latency_s: Floats, runs: Indices | None = None) -> Drift:
        """Estimates the level anew from what a better model leaves; a confounded table is left without one.

        Args:
            errors: Out-of-fold errors of log latency with the level still in them, in order of rows, shape (n,).
            latency_s: Measured seconds in the same order, shape (n,).
            runs: Numbers of the measuring runs in the same order; only where the table names runs.
        """
        new = self if self.is_confounded else self._levelled(errors, runs)
        return replace(new, residuals=errors, predicted_s=latency_s * np.exp(-errors))

    def _levelled(self, errors: Floats, runs: Indices | None) -> Drift:
        """Estimates the level from the errors of rows, and their runs, both of shape (n,)."""
        steps = self.steps
        times, errors = steps.middles(self.rows.astype(np.float64)), steps.middles(errors)
        runs = None if runs is None else runs[steps.first]
        half = replace(self, runs={}, own_runs=np.zeros(len(errors)), level=no_level(times))
        cuts: tuple[float, ...] = ()
        if runs is not None and are_shared(runs):
            found = run_effects(errors, runs)
            half = replace(half, runs=found.effects, own_runs=found.left_out)
            cuts = tuple(times[1:][np.diff(runs) != 0].tolist())
        left = within(errors - half(times, runs), self.blocks)
        level = fit_level(times, left, gain=GAIN, cuts=cuts, may_creep=True)
        new = replace(half, level=_less(level, median(level.values + half(times, runs))))
        return replace(new, von_neumann_after=von_neumann(within(errors - new(times, runs), self.blocks)))


def _less(level: Level, middle: float) -> Level:
    """Returns a level that is lower by so much throughout; no level stays none."""
    if level.kind == "none":
        return level
    return replace(level, values=level.values - middle, left_out=level.left_out - middle)


def estimate_drift(
    features: Features, genes: Floats, latency_s: Floats, rows: Indices, runs: Indices | None = None
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
    of_rows = Groups.of(features, genes)
    visits = Visits.of(of_rows, runs)
    groups, some, seconds = visits.groups(of_rows), genes[visits.first], visits.middles(latency_s)
    off = np.log(latency_s / visits.at_rows(seconds))
    sweeps = _sweeps(some, None if runs is None else runs[visits.first])
    model, bare = most_alike(features, some, seconds, sweeps)
    errors = without_own(groups, bare)
    sizes = np.log(seconds) - errors
    size_order = von_neumann(sizes)
    follows_size, blocks = _order(sweeps.middles(sizes), some[sweeps.first])
    neighbours = von_neumann(within(sweeps.middles(errors), blocks))
    drift = Drift(
        level=no_level(visits.of_wider(sweeps).middles(rows.astype(np.float64))),
        runs={},
        own_runs=np.zeros(len(sweeps)),
        residuals=visits.at_rows(errors) + off,
        predicted_s=visits.at_rows(seconds * np.exp(-errors)),
        rows=rows,
        visits=visits,
        sweeps=sweeps,
        von_neumann=neighbours,
        von_neumann_after=neighbours,
        size_order=size_order,
        follows_size=follows_size,
        returns=_share_between(groups) <= RETURNING,
        blocks=blocks,
        base=model.name,
    )
    for _ in range(0 if drift.is_confounded else PASSES):
        before = drift(rows, runs)
        residuals, predicted_s = visits.at_rows(errors) + off, visits.at_rows(seconds * np.exp(-errors))
        drift = replace(drift._levelled(residuals, runs), residuals=residuals, predicted_s=predicted_s)
        shift = drift(rows, runs)
        if float(np.abs(shift - before).max()) < STILL:
            break
        shift = visits.middles(shift)
        errors = without_own(groups, refitted_errors(model, some, seconds * np.exp(-shift))) + shift
    return drift


def _sweeps(genes: Floats, runs: Indices | None) -> Visits:
    """Returns the shortest sweeps of visits whose nets stand in no order; each visit by itself where there are none.

    Rows of a sweep are of one net, whose own deviation from the law would look like a level.

    Args:
        genes: Encoded architectures, shape (visits, genes).
        runs: Measuring run of each, shape (visits,); None where the table does not name runs.
    """
    for sweeps in Visits.sweeps(genes, runs):
        if not any(_follows_size(von_neumann(column), len(sweeps)) for column in genes[sweeps.first].T):
            return sweeps  # a sorted column would hide a level, as sorted sizes do
    return Visits.single(len(genes))


def _order(sizes: Floats, genes: Floats) -> tuple[bool, Indices]:
    """Returns whether the order of sweeps follows their size, within blocks too; and the block of each sweep.

    Args:
        sizes: Log of the predictions, shape (sweeps,).
        genes: Encoded architectures, shape (sweeps, genes).
    """
    n, together = len(sizes), np.zeros(len(sizes), dtype=np.intp)
    if not _follows_size(von_neumann(sizes), n):
        return False, together
    blocks = blocks_of(genes)
    follows_size = _follows_size(von_neumann(within(sizes, blocks)), n)
    return follows_size, together if follows_size else blocks


def _follows_size(size_order: float, n: int) -> bool:
    """Whether the von Neumann ratio of the sizes of so many rows is further from 1 than that of a random order."""
    return abs(size_order - 1.0) > max(CONFOUNDED, CONFOUNDED_ERRORS / math.sqrt(n))


def _share_between(groups: Groups) -> float:
    """Returns the share of the variance of row numbers that lies between the architectures' mean row numbers.

    It is 1 where each was measured once, or in rows next to each other, and small where all return in every pass.
    """
    places = np.arange(len(groups.numbers))
    means = np.bincount(groups.numbers, places) / groups.sizes
    return float(means[groups.numbers].var() / places.var())


def most_alike(features: Features, genes: Floats, latency_s: Floats, sweeps: Visits) -> tuple[CostModel, Floats]:
    """Returns the structured model whose out-of-fold errors differ least from sweep to sweep, with these errors (n,).

    What differs between neighbours is the model's own error, whatever the machine's level did. Of a long table some rows
    decide which model it is.

    Args:
        features: The feature extractor of the table's space.
        genes: Encoded architectures, shape (n, genes).
        latency_s: Shape (n,), seconds.
        sweeps: The sweeps that these rows are of.
    """

    def errors_of(name: str, rows: slice) -> tuple[CostModel, Floats]:
        model = cost_model(name, features.space, batch_size=features.batch_size, seq_len=features.seq_len)
        some, values = genes[rows], latency_s[rows]
        weights = np.ones(len(some))
        return model, left_out_errors(model.fit(some, values, weights), some, values, weights)

    names, every = bases(features), -(-len(genes) // DECIDING_ROWS)
    found = [errors_of(name, slice(None, None, every)) for name in names] if every == 1 or len(names) > 1 else []
    steps = [sweeps.middles(errors) if every == 1 else errors for _, errors in found]
    chosen = min(range(len(found)), key=lambda i: noise(steps[i]), default=0)
    return found[chosen] if every == 1 else errors_of(names[chosen], slice(None))


def refitted_errors(model: CostModel, genes: Floats, latency_s: Floats) -> Floats:
    """Returns out-of-fold errors of log latency by fits with the choices that a structured model made before."""
    return errors_of_fits(model.clone_with_hyperparameters(), genes, latency_s, np.ones(len(genes)))
