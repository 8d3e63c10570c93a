"""The block model of an interleaved campaign: ``log latency = item + layout + level + delay + noise``, block by block.

The blocks of all workloads follow one another in a random order, so that all of them together tell when a neighbour
computed, however little any one of them says. Block k, of workload i in process p and segment s of time, has::

    y[k] = item[i] + layout[i, p] + level[s] + sensitivity[i] * delay[state[k]] + noise[k]

    layout[i, p]        normal, standard deviation layout_sd: what one process does to one workload
    level[s]            random walk over segments and processes: level[s + 1] - level[s] normal, standard deviation step
    state[k]            chain over time: stays with probability exp(-gap[k] / stay_s), else is drawn by the shares of states
    delay               0 in the uncontended state, never negative in the others, which lie on a grid of delays: neighbours
                        differ, come together, and meet a block in part (hwcost.campaign.estimates.block_delays)
    sensitivity[i]      about 1, t distributed (hwcost.campaign.estimates.sensitivities)
    noise[k]            t distributed towards slow blocks, normal towards quick ones (hwcost.campaign.estimates.block_noise)

Everything is fitted by expectation maximisation: probabilities of states at every block by the forward and backward
recursions (:mod:`hwcost.levels.state_chain`), then level, items, layouts and variances one after another, each given the
others. From blocks it takes the uncontended ones, by their probability and by how little they are outlying; contended ones
tell the sensitivities, and items that were hardly ever seen uncontended. There are several starts
(:mod:`hwcost.campaign.estimates.block_starts`). A campaign is contended when states explain its blocks clearly better than
none: by ``GAIN`` in log likelihood.

Sources: Dempster, Laird and Rubin 1977 (expectation maximisation), as by Meng and Rubin 1993 (one unknown after another);
Rabiner 1989 (hidden Markov models); Lange, Little and Taylor 1989 (outlying blocks); Durbin and Koopman 2012 (random walk).

Beside many neighbours delays are of all sizes, and the smallest of them and noise explain the same blocks: the more of them
is taken for noise, the slower the uncontended machine looks, and the less two campaigns agree about it. Noise beyond that
of blocks on a quiet machine is therefore taken for delays, and the distance between the two readings, anywhere between which
the truth may lie, widens the level's error. So does the distance in which blocks thin out towards the quick end, where they
do so evenly and no state stands out (:func:`hwcost.campaign.estimates.block_evidence.unseen`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.campaign.estimates import host_level
from hwcost.campaign.estimates.block_delays import LEAST_DELAY, NO_DELAY, delays_from
from hwcost.campaign.estimates.block_evidence import CLEAR, is_evident, is_rare_state, quicker_by, unseen
from hwcost.campaign.estimates.block_noise import DEGREES, log_density_of
from hwcost.campaign.estimates.block_starts import first_noise, item_quantiles, rare_starts, usual_starts
from hwcost.campaign.estimates.block_table import LEVEL_STEP, BlockTable, segments
from hwcost.campaign.estimates.call_effects import CallEffects
from hwcost.campaign.estimates.sensitivities import Sensitivities
from hwcost.levels.contention import Contention
from hwcost.levels.state_chain import fit_chain
from hwcost.levels.tridiagonal import solve

SCATTER = 0.035
"""Standard deviation of a contended block's delay, as a share of it: neighbours differ, and bursts begin within blocks."""

FIRST_NOISE = 0.015
"""Most noise at which a search for states begins: more looks like noise where neighbours slow most blocks in part."""

MOST_NOISE = 0.01
"""Most noise of the uncontended blocks of a contended campaign: what is more is taken for small delays."""

EDGE = 1.8
"""Scales of the noise by which the quickest of many blocks differ from the usual one."""

GAIN = 12.0
"""Gain in log likelihood from which states are taken for real: far more than noise gives for their few parameters."""

PASSES = 25
"""Steps of the search at most."""

TOLERANCE = 0.5
"""Gain in log likelihood below which the search has arrived."""

MOST_STEP, CONTENDED_STEP = 0.02, 0.008
"""Largest usual movement, and that on a contended machine: what moves more in one segment is a neighbour, not the level."""

PROCESS = 0.005
"""Largest standard deviation of what a process does to all items by chance; further steps are drift, which is seen."""

LEVEL_STEPS = 4.0
"""Number of steps that the usual movement counts as."""

LAYOUT = 0.004
"""Usual standard deviation of what a process does to one item."""

MOST_MOMENTS = 100_000
"""Moments of the chain at most; with more blocks, neighbouring ones share a state, and memory grows no further."""

QUICKEST_S, SLOWEST_S = 0.02, 60.0
"""Mean time for which a state stays lies between these."""

LEAST_SHARE = 0.03
"""Share of the uncontended state at the least, when a state is drawn."""


@dataclass(frozen=True, slots=True)
class BlockModel:
    """The fitted model.

    Attributes:
        uncontended: Probability that each block saw the uncontended machine, shape (n,).
        level: Log level at each block, the process's own included, mean zero over uncontended blocks, shape (n,).
        residual: Log latency less item, layout and level, shape (n,): noise, and the delay of a contended block.
        delay: Expected log delay of a usual workload at each block, shape (n,).
        spread: Standard deviation of how much more or less than a usual one each item may feel a delay, shape (items,).
        noise: Scale of the noise of a block.
        level_error: Standard error of the campaign's mean level, common to all items: what processes do by chance.
        level_steps: Number of steps of the level that this is estimated from, beside usual ones.
        host_error: The same, where others share the host: of the level as a sample of those that it takes.
        reading_error: Standard deviation of the level's error by noise, or a quickest state, that may be contention.
        states: The machine's states; None where there is one.
        is_evident: Whether the uncontended state stands out from slightly slower ones.
        quicker: Log time by which some blocks are quicker than the uncontended state; 0 where there are none.
    """

    uncontended: Floats
    level: Floats
    residual: Floats
    delay: Floats
    spread: Floats
    noise: float
    level_error: float
    level_steps: int
    host_error: float
    reading_error: float
    states: Contention | None = None
    is_evident: bool = False
    quicker: float = 0.0


@dataclass(frozen=True)
class _Fit:
    """The unknowns at one moment of the search.

    Attributes:
        item: Log latency, shape (items,).
        sensitivity: Delays of the items in a contended state over the usual one.
        layout: Deviation of each visit, shape (items * rounds,).
        segments: Log level of each segment, shape (segments,).
        share: Probability of every state when it is drawn.
        stay_s: Mean seconds for which a state stays.
        noise: Scale of the noise.
        layout_sd: Standard deviation of layouts.
        step: Standard deviation of a step of the level.
        uncontended: Probability that each block is uncontended, shape (n,).
        delay: Expected log delay of a usual workload at each block, shape (n,).
        calls: Deviation of each call, common to all of its parts.
        log_likelihood: Log density of the blocks, of the level's steps and of what calls do.
    """

    item: Floats
    sensitivity: Sensitivities
    layout: Floats
    segments: Floats
    share: Floats
    stay_s: float
    noise: float
    layout_sd: float
    step: float
    uncontended: Floats
    delay: Floats
    calls: CallEffects
    log_likelihood: float = -math.inf


def fit_block_model(table: BlockTable, least_delay: float = LEAST_DELAY) -> BlockModel:
    """Fits the model.

    Args:
        table: The blocks.
        least_delay: Smallest log delay of a contended state.
    """
    segment, delays = segments(table.time, table.round), delays_from(least_delay)
    blocks = len(table.y) if table.call is None else int(table.call.max()) + 1
    best = plain = _search(table, segment, _start(table, segment, item_quantiles(table, 0.5), NO_DELAY), NO_DELAY)
    for item in usual_starts(table):
        found = _search(table, segment, _start(table, segment, item, delays), delays)
        if found.log_likelihood > plain.log_likelihood + GAIN and (best is plain or _is_better(found, best)):
            best = found
    for item in rare_starts(table):
        found = _search(table, segment, _start(table, segment, item, delays), delays)
        is_better = found.log_likelihood > best.log_likelihood + GAIN + table.items
        if is_better and is_rare_state(found.item - best.item, found.uncontended, blocks):
            best = found
    is_contended, shift = best is not plain, 0.0
    if is_contended and best.noise > MOST_NOISE:
        noisy, best = best, _search(table, segment, _quieter(best), delays, MOST_NOISE)
        shift = float(np.median(noisy.item - best.item))
    residual, level = _residual(table, segment, best), best.segments[segment]
    by_host = host_level.level_error(table.time, segment, best.uncontended, best.step)
    model = BlockModel(
        best.uncontended, level - np.average(level, weights=best.uncontended + 1e-9), residual, best.delay,
        best.sensitivity.spread, best.noise, min(best.step, PROCESS) / math.sqrt(_seen(table, best.uncontended)),
        len(best.segments) - 1, by_host, abs(shift) / math.sqrt(12.0),
    )  # fmt: skip
    if not is_contended:
        return model
    is_clear = is_evident(residual, best.uncontended, blocks)
    states = _states(best.uncontended, residual, best.noise, 0.0 if is_clear else unseen(residual, best.noise))
    return replace(
        model, states=states, quicker=quicker_by(residual, best.noise, blocks), is_evident=is_clear,
        reading_error=math.hypot(model.reading_error, states.unseen),
    )  # fmt: skip


def _is_better(found: _Fit, best: _Fit) -> bool:
    """Says whether a fit is better; of two nearly as good, the one with the clearly quicker machine is.

    Nothing speeds a block up, and a slower machine with a level that moves describes the same blocks nearly as well.
    """
    shift = float(np.median(found.item - best.item))
    return found.log_likelihood - best.log_likelihood > (-GAIN if shift < -CLEAR else GAIN if shift > CLEAR else 0.0)


def _start(table: BlockTable, segment: Indices, item: Floats, delays: Floats) -> _Fit:
    """Begins a search at given log latencies of the items."""
    share = np.full(len(delays), 0.5 / max(1, len(delays) - 1))
    share[0] = 1.0 if len(delays) == 1 else 0.5
    return _Fit(
        item=item,
        sensitivity=Sensitivities.usual(table.items),
        layout=np.zeros(table.items * table.rounds),
        segments=np.zeros(int(segment.max()) + 1),
        share=share,
        stay_s=1.0,
        noise=first_noise(table) if len(delays) == 1 else min(first_noise(table) / 1.5, FIRST_NOISE),
        layout_sd=LAYOUT,
        step=LEVEL_STEP,
        uncontended=np.ones(len(table.y)),
        delay=np.zeros(len(table.y)),
        calls=CallEffects.none(table),
    )


def _quieter(fit: _Fit) -> _Fit:
    """Begins a search where the quickest blocks lie if the noise is no more than that of a quiet machine."""
    return replace(fit, item=fit.item - EDGE * (fit.noise - MOST_NOISE), noise=MOST_NOISE)


def _search(table: BlockTable, segment: Indices, start: _Fit, delays: Floats, most_noise: float = math.inf) -> _Fit:
    """Alternates between the probabilities of states and everything else."""
    fit, before = start, -math.inf
    for _ in range(PASSES):
        fit = _maximised(table, segment, _expected(table, segment, fit, delays), most_noise)
        if fit.log_likelihood < before + TOLERANCE:
            break
        before = fit.log_likelihood
    return fit


def _residual(table: BlockTable, segment: Indices, fit: _Fit) -> Floats:
    return fit.calls.without(table).y - fit.item[table.item] - fit.layout[table.visit] - fit.segments[segment]


def _expected(table: BlockTable, segment: Indices, fit: _Fit, delays: Floats) -> _Fit:
    """Finds the probability that each block is uncontended, and how often states change."""
    residual = _residual(table, segment, fit)
    felt = fit.sensitivity.factor[:, None] * delays
    scale = np.hypot(fit.noise, SCATTER * felt)
    together = 1 if len(delays) == 1 else math.ceil(len(residual) / MOST_MOMENTS)
    log_density = log_density_of(residual, table.item, felt, scale, together)
    if len(delays) == 1:
        return replace(fit, log_likelihood=float(log_density.sum()) + _log_steps(fit))
    starts = np.arange(0, len(residual), together)
    gaps_s = np.diff(table.time[starts], prepend=table.time[0])
    chain = fit_chain(log_density, np.exp(-gaps_s / fit.stay_s), fit.share)
    share = chain.draws + 0.02
    share[0] = max(share[0], LEAST_SHARE * share.sum())
    stay_s = float(np.minimum(gaps_s, SLOWEST_S / 10).sum() / max(chain.redraws, 1e-3))
    bounds = np.append(starts, len(residual))
    return replace(
        fit,
        uncontended=np.repeat(chain.probability[:, 0], np.diff(bounds)),
        delay=np.repeat(chain.probability @ delays, np.diff(bounds)),
        sensitivity=_sensitivities(table, residual, bounds, chain.probability, delays, scale**-2, fit),
        share=share / share.sum(),
        stay_s=min(max(stay_s, QUICKEST_S), SLOWEST_S),
        log_likelihood=chain.log_likelihood + _log_steps(fit),
    )


def _sensitivities(
    table: BlockTable, residual: Floats, bounds: Indices, probability: Floats, delays: Floats, precision: Floats, fit: _Fit
) -> Sensitivities:
    """Sums up for every item what its blocks say of how strongly it feels contention.

    Args:
        table: The blocks.
        residual: Log latency less all but the delay, shape (n,).
        bounds: First block of every moment, and the number of blocks, shape (moments + 1,).
        probability: Probability of every state at every moment, shape (moments, states).
        delays: Log delay of every state, shape (states,).
        precision: One over the variance of a block of each item in every state, shape (items, states).
        fit: Noise, layouts and sensitivities of before.
    """
    from scipy.sparse import csr_array

    def of_items(weight: Floats) -> Any:
        return csr_array((weight, table.item, bounds), shape=(len(probability), table.items)).T @ probability

    blocks = of_items(np.ones(len(residual)))
    slowed = np.maximum(blocks[:, 1:].sum(axis=1), 1e-12)
    delay = np.maximum(blocks @ delays / slowed, LEAST_DELAY)
    unsure = (fit.noise**2 / np.maximum(blocks[:, 0], 1e-12) + fit.layout_sd**2) / delay**2
    seen = (of_items(residual) * precision) @ delays
    return fit.sensitivity.fitted(seen, (blocks * precision) @ delays**2, unsure)


def _log_steps(fit: _Fit) -> float:
    """Log density of what calls do, and of the level's steps: a level that jumps like a neighbour is no better than one."""
    steps = np.diff(fit.segments) / fit.step
    return float(-0.5 * (steps**2).sum() - len(steps) * math.log(fit.step)) + fit.calls.log_density


def _maximised(table: BlockTable, segment: Indices, fit: _Fit, most_noise: float) -> _Fit:
    """Fits noise, level, items and layouts to the uncontended blocks; outlying ones count less."""
    residual = _residual(table, segment, fit)
    robust = (DEGREES + 1) / (DEGREES + (residual / fit.noise) ** 2)
    weight = fit.uncontended * robust
    noise = math.sqrt(float((weight * residual**2).sum() / max(fit.uncontended.sum(), 1e-9)))
    noise = min(max(noise, 1e-4), most_noise)
    whole, table = table, fit.calls.without(table)
    rest = table.y - fit.item[table.item] - fit.layout[table.visit]
    level, step = _level(rest, segment, weight / noise**2, fit.step, CONTENDED_STEP if len(fit.share) > 1 else MOST_STEP)
    y = table.y - level[segment]
    slow = _slow_items(table, y - fit.delay, fit)
    item, layout, layout_sd = _items(table, y, weight / noise**2, slow, fit)
    fit = replace(fit, noise=noise, segments=level, step=step, item=item, layout=layout, layout_sd=layout_sd)
    rest = whole.y - item[table.item] - layout[table.visit] - level[segment]
    return replace(fit, calls=fit.calls.fitted(table, rest, fit.uncontended, weight / noise**2))


def _slow_items(table: BlockTable, y: Floats, fit: _Fit) -> tuple[Floats, Floats]:
    """Returns what the contended blocks say of each item, and one over its variance.

    That is little, because it hangs on how strongly the item feels contention, but all there is for an item that was never
    seen uncontended.

    Args:
        table: The blocks.
        y: Log latency less level and delay, shape (n,).
        fit: Probabilities and delays of the blocks.
    """
    slowed = 1.0 - fit.uncontended
    total = np.maximum(np.bincount(table.item, slowed, table.items), 1e-12)
    delay = np.maximum(np.bincount(table.item, slowed * fit.delay, table.items) / total, LEAST_DELAY)
    mean = np.bincount(table.item, slowed * y, table.items) / total
    return mean, np.minimum(total, 1.0) / (fit.sensitivity.spread * delay) ** 2


def _level(rest: Floats, segment: Indices, precision: Floats, step: float, most: float) -> tuple[Floats, float]:
    """Fits the level of the segments, a random walk, and the size of its steps.

    A segment without uncontended blocks takes its level from its neighbours.
    """
    n = int(segment.max()) + 1
    if n == 1:
        return np.zeros(1), step
    total, tied = np.bincount(segment, precision, n), np.full(n - 1, step**-2)
    diagonal = total + 1e-6 + np.append(tied, 0.0) + np.append(0.0, tied)
    found = solve(diagonal, -tied, np.bincount(segment, precision * rest, n).astype(np.float64))
    squares = np.diff(found.values) ** 2 + found.variance[1:] + found.variance[:-1] - 2 * found.covariance
    square = (float(squares.sum()) + LEVEL_STEPS * LEVEL_STEP**2) / (n - 1 + LEVEL_STEPS)
    return found.values - found.values.mean(), min(max(math.sqrt(square), 1e-3), most)


def _items(
    table: BlockTable, y: Floats, precision: Floats, slow: tuple[Floats, Floats], fit: _Fit
) -> tuple[Floats, Floats, float]:
    """Fits items, and what each process does to each of them: the less is seen of a visit, the less it may deviate.

    Args:
        table: The blocks.
        y: Log latency less level, shape (n,).
        precision: One over the variance of every block's noise, shape (n,); 0 for a contended one.
        slow: Log latencies of items by their contended blocks, and one over their variances, shape (items,) each.
        fit: Layouts of before.
    """
    visit, n_visits = table.visit, table.items * table.rounds
    seen = np.bincount(visit, precision, n_visits)
    trust = seen / (seen + fit.layout_sd**-2)
    total = np.bincount(table.item, precision, table.items) + slow[1]
    layout = fit.layout
    for _ in range(2):
        item = (np.bincount(table.item, precision * (y - layout[visit]), table.items) + slow[0] * slow[1]) / total
        layout = trust * np.bincount(visit, precision * (y - item[table.item]), n_visits) / np.maximum(seen, 1e-9)
    layout_sd = math.sqrt(float((layout**2 + (1.0 - trust) * fit.layout_sd**2).mean()))
    return item, layout, min(max(layout_sd, 5e-4), 0.03)


def _seen(table: BlockTable, uncontended: Floats) -> int:
    """Returns the number of processes that showed the uncontended machine, at least 1."""
    return max(1, int((np.bincount(table.round, uncontended, table.rounds) > 1.0).sum()))


def _states(uncontended: Floats, residual: Floats, noise: float, unseen: float) -> Contention:
    contended = 1.0 - uncontended
    delay = float((contended * residual).sum() / max(float(contended.sum()), 1e-300))
    return Contention(uncontended, float(uncontended.mean()), noise, max(delay, LEAST_DELAY), unseen)
