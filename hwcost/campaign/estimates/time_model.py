"""The time model of a campaign: ``log latency = item + level(class, t) + round + noise``.

Items and rounds are fitted first; what is left against time tells whether there is a level and of which structure. Then all
are fitted together, again and again until the structure stays. The level is that of all visits, unless a class of workloads
with enough visits is clearly described better by a level of its own. No level wins unless one makes left-out errors smaller.
An item's latency is the one at its class's mean level over the campaign: levels have the mean zero over the times of all
visits.

The 95 % interval of item i is its log latency plus or minus::

    t(0.975, dof) * sd * sqrt(widening / amount[i])

``amount[i]`` is the number of full visits that the item's visits are worth, by what they tell of it
(:mod:`hwcost.campaign.estimates.design`). ``sd`` is the noise of a full visit, pooled over a class of workloads or over
all: the root of the weighted squares of residuals over ``dof = repeats - (rounds - 1) - edf``, where repeats are the
visits beyond the first of every item, and edf the effective degrees of freedom of the level. The error of rounds and
level themselves is ``widening = 1 + (rounds - 1 + edf) / repeats``; in incomplete rounds, amounts hold that of the
rounds. All this is so with a level too, however smooth it is, and where the blocks gave it before: the effects of rounds
are free all the same, so that an item alone in a round is tied to no other by it. Only where no rounds tie items at all,
their rounds' levels are taken to vary about one mean, and that error is part of the interval. What neighbours and the
campaign's mean level add to it is found in :mod:`hwcost.campaign.estimates.intervals`.

An item that is noisier than its class has too narrow an interval. Moderated variances of items (Smyth 2004, Statistical
Applications in Genetics and Molecular Biology 3(1)) mend much of that, but a single slow visit of four makes an item look
noisy: where a tenth of the processes are in a slower mode, intervals are twice as wide in the mean, so that noise is pooled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats, Indices
from hwcost.campaign.estimates.design import Design, fit_design, followed, level_variance
from hwcost.campaign.estimates.effects import Effects, fit_effects, noise, repeats, shared
from hwcost.campaign.estimates.joint import joint_level
from hwcost.levels.level import Level, fit_level, no_level

PASSES = 6
"""Times that the structure of a level is chosen; items are known better each time."""

LEVEL_VISITS = 60
"""Visits from which there may be a level at all; fewer are too easily taken for one."""

CLASS_VISITS = 100
"""Visits from which a class may have a level of its own."""

CLASS_GAIN = 0.04
"""Its own level must make a class's squared interval smaller by this share."""

CUT_EDF = 1.0
"""Degrees of freedom that the search for the place of a jump takes, beside those of its height."""

CLASS_DOF = 30.0
"""Degrees of freedom from which a class's noise is estimated by itself; below, all classes are pooled."""

NOISIER = 0.05
"""Probability below which a class as noisy among equal ones (F test) has noise of its own all the same."""

NOISIER_DOF = 3.0
"""Degrees of freedom that this takes."""


@dataclass(frozen=True, slots=True)
class VisitTable:
    """A campaign's usable visits as columns.

    Attributes:
        y: Log latency of each visit, shape (n,).
        item: Index of its item, shape (n,), without gaps.
        round: Its round, shape (n,).
        group: The class of its item, shape (n,).
        time: Time at which it was measured, in any unit, shape (n,).
        weight: Share of a full visit that it counts as, shape (n,).
        in_level: Whether the level may be fitted to it, shape (n,); false where something else slowed it.
        is_precise: Whether weights are precisions: one over the variance of each visit, up to a common factor. Where they
            are shares of a visit's blocks, what a process does to it is as large however few of them count.
    """

    y: Floats
    item: Indices
    round: Indices
    group: Indices
    time: Floats
    weight: Floats
    in_level: NDArray[np.bool_]
    is_precise: bool = False

    def part(self, rows: Indices) -> VisitTable:
        """Returns some of the visits, with items numbered anew."""
        _, item = np.unique(self.item[rows], return_inverse=True)
        return VisitTable(
            self.y[rows],
            item,
            self.round[rows],
            self.group[rows],
            self.time[rows],
            self.weight[rows],
            self.in_level[rows],
            self.is_precise,
        )


@dataclass(frozen=True, slots=True)
class ClassFit:
    """What is known of one class of workloads.

    Attributes:
        level: Its log level over time, mean zero over the campaign.
        is_own: Whether that level is its own, not that of all classes.
        sd: Standard deviation of the noise of a full visit; NaN without degrees of freedom.
        dof: Degrees of freedom of ``sd``.
        widening: Factor by which rounds and level widen the squared interval; 1 for not at all.
    """

    level: Level
    is_own: bool
    sd: float
    dof: float
    widening: float

    @property
    def squared(self) -> float:
        """Squared standard error of a full visit, the level's own error included."""
        return self.sd**2 * self.widening


@dataclass(frozen=True, slots=True)
class TimeModel:
    """The fitted model.

    Attributes:
        item: Log latency per item at its class's mean level, shape (n_items,).
        half_width: Half-width of its 95 % interval on the log scale, shape (n_items,); NaN where nothing tells it.
        offset: Log level of each visit, rounds included, shape (n,).
        residual: Residual of each visit, shape (n,).
        classes: Fit of each class, by its number.
        amount: Full visits that each item's visits are worth, shape (n_items,).
    """

    item: Floats
    half_width: Floats
    offset: Floats
    residual: Floats
    classes: dict[int, ClassFit]
    amount: Floats

    @property
    def has_level(self) -> bool:
        """Whether any class has a level that moves."""
        return any(one.level.kind != "none" for one in self.classes.values())


@dataclass(frozen=True, slots=True)
class _Fit:
    """Effects and one level, fitted together to some of the visits.

    Attributes:
        effects: Effects of items and rounds.
        level: The level.
        offset: Log level of each visit, rounds included.
        design: Amounts of visits by the design of items and rounds.
        apart: Half-width of each item by its rounds' mean level, where no round ties it to most others, shape (n_items,).
    """

    effects: Effects
    level: Level
    offset: Floats
    design: Design
    apart: Floats


def fit_time_model(table: VisitTable, with_level: bool = True) -> TimeModel:
    """Fits the model.

    Args:
        table: The visits.
        with_level: False where order and items cannot be distinguished; no level is fitted then.
    """
    common = _fit(table, table.time, with_level)
    everything = np.arange(len(table.y))
    pooled = _class_fit(table, common, everything)
    item, offset, residual = common.effects.item.copy(), common.offset.copy(), common.effects.residual.copy()
    amount, apart = common.design.amount.copy(), common.apart.copy()
    classes = {}
    for group in np.unique(table.group):
        rows = np.flatnonzero(table.group == group)
        shared_fit = _class_fit(table, common, rows)
        has_noise = shared_fit.dof >= CLASS_DOF or _is_noisier(shared_fit, pooled)
        classes[int(group)] = shared_fit if has_noise else replace(pooled, widening=shared_fit.widening)
        if not with_level or len(rows) < CLASS_VISITS:
            continue
        part, items = table.part(rows), np.unique(table.item[rows])
        alone = _fit(part, table.time, with_level)
        own = replace(_class_fit(part, alone, everything[: len(rows)]), is_own=True)
        lost = float((amount[items] / alone.design.amount).mean())  # a class by itself has fewer items to compare in a round
        if own.squared * lost < (1.0 - CLASS_GAIN) * shared_fit.squared:
            classes[int(group)] = own
            item[items], amount[items], apart[items] = alone.effects.item, alone.design.amount, alone.apart
            offset[rows], residual[rows] = alone.offset, alone.effects.residual
    return TimeModel(item, _half_widths(table, classes, amount, apart), offset, residual, classes, amount)


def _fit(table: VisitTable, campaign: Floats, with_level: bool) -> _Fit:
    """Fits effects and level.

    Args:
        table: The visits to fit.
        campaign: Times of all visits of the campaign, over which the level has the mean zero.
        with_level: False for no level.
    """
    _, rounds = np.unique(table.round, return_inverse=True)
    effects = fit_effects(table.y, table.item, rounds, table.weight)
    design = fit_design(table.item, rounds, table.weight)
    rows = np.flatnonzero(table.in_level & shared(rounds))
    level, at_visits = no_level(table.time), np.zeros(len(table.y))
    if with_level and effects.dof >= 1 and len(rows) >= LEVEL_VISITS:
        level = _level(table.part(rows), effects.residual[rows])
    if level.kind != "none":
        level = replace(level, values=level.values - level(campaign).mean())
        at_visits = level(table.time)
        effects = fit_effects(table.y - at_visits, table.item, rounds, table.weight)
    apart = _apart(design, effects, np.bincount(rounds, table.weight).astype(np.float64))
    return _Fit(effects, level, at_visits + effects.round[rounds], design, apart)


def _apart(design: Design, effects: Effects, weight: Floats) -> Floats:
    """Returns the half-width of each item by its rounds' mean level; 0 where rounds tie it to most others.

    Args:
        design: Amounts of visits, and the parts of the design.
        effects: Effects of rounds.
        weight: Full visits of each round, shape (rounds,).
    """
    from scipy import stats

    variance, dof = level_variance(effects.round, weight, design.part)
    if dof <= 0 or not design.apart.any():
        return np.zeros(len(design.apart))
    return np.asarray(float(stats.t.ppf(0.975, max(1.0, dof))) * np.sqrt(design.apart * variance))


def _level(table: VisitTable, rest: Floats) -> Level:
    """Chooses a level's structure and fits it together with items and rounds, again and again until it stays.

    Args:
        table: Visits to which the level is fitted, in the order measured.
        rest: Their residuals without a level.
    """
    _, rounds = np.unique(table.round, return_inverse=True)
    level = fit_level(table.time, rest, table.weight)
    for _ in range(PASSES):
        if level.kind == "none":
            return level
        at_visits = joint_level(table.y, table.item, rounds, table.weight, level)
        effects = fit_effects(table.y - at_visits, table.item, rounds, table.weight)
        found = fit_level(table.time, effects.residual + at_visits, table.weight)
        if (found.cuts, found.memory) == (level.cuts, level.memory):
            break
        level = found
    if level.kind != "none":
        level = replace(level, values=joint_level(table.y, table.item, rounds, table.weight, level))
    return level


def _class_fit(table: VisitTable, fit: _Fit, rows: Indices) -> ClassFit:
    """Estimates the noise of one class, or of all, under a fit.

    Degrees of freedom are counted in full visits, as few blocks tell what they have in common less well than their number
    says. Where that leaves less than one, and visits by their number leave one or more, there is one: weighted squares of
    what is left of visits whose weights are precisions are as many variances as visits are more than unknowns, whatever the
    weights, so that the noise is then too large rather than too small.
    """
    weight = table.weight[rows]
    share = len(rows) / len(table.y)
    items, item = np.unique(table.item[rows], return_inverse=True)
    free = repeats(item, weight)
    edf, cuts = fit.level.edf, CUT_EDF * len(fit.level.cuts)
    taken = share * (len(fit.effects.round) - 1 + edf + cuts)
    dof = free - taken
    if table.is_precise and dof < 1:
        dof = min(1.0, repeats(item, followed(item, weight)) - taken)
    telling = shared(table.round)[rows]
    telling = telling if telling.any() else ~telling
    sd = noise(fit.effects.residual[rows][telling], weight[telling], dof)
    widening = 1.0 + taken / max(1.0, free)
    if not fit.design.is_complete:  # amounts hold what rounds take, beyond what they take of complete ones
        amount = fit.design.amount[items]
        widening = 1.0 + share * (amount.mean() - 1.0 + edf + cuts) / max(1.0, np.maximum(amount - 1.0, 0.0).sum())
    return ClassFit(fit.level, False, sd, dof, float(widening))


def _is_noisier(own: ClassFit, pooled: ClassFit) -> bool:
    """Says whether a class is clearly noisier than the others; the pooled noise would make its intervals too narrow."""
    from scipy import special

    dof, rest = own.dof, pooled.dof - own.dof
    if dof < NOISIER_DOF or rest < 1:
        return False
    others = max(pooled.sd**2 * pooled.dof - own.sd**2 * dof, 1e-300) / rest
    return bool(special.fdtrc(dof, rest, own.sd**2 / others) < NOISIER)


def _half_widths(table: VisitTable, classes: dict[int, ClassFit], amount: Floats, apart: Floats) -> Floats:
    """Returns the half-width of every item's interval; NaN without degrees of freedom.

    Args:
        table: The visits.
        classes: Noise of each class.
        amount: Full visits that each item's visits are worth, shape (n_items,).
        apart: Half-width of each item by its rounds' mean level, where no round ties it to most others, shape (n_items,).
    """
    from scipy import stats

    found = np.full(len(amount), math.nan)
    for group, fit in classes.items():
        if fit.dof >= 1:
            items = np.unique(table.item[table.group == group])
            wide = float(stats.t.ppf(0.975, fit.dof)) * math.sqrt(fit.squared)
            found[items] = np.hypot(wide / np.sqrt(amount[items]), apart[items])
    return found
