"""Audits a table of latencies, whoever measured it, by its rows in the order of the file."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from hwcost._stats import kendall_tau, robust_sd
from hwcost._types import Floats, Indices
from hwcost.auditing.repeats import Repeats, find_repeats, hold_the_same
from hwcost.auditing.report import (
    FAR_OUTLIER,
    FEWEST_ARCHITECTURES,
    FEWEST_ROWS,
    LEAST_OUTLIER,
    MANY_OUTLIERS,
    OUTLIER,
    UNSTEADY,
    AuditReport,
    resembles,
    verdict_of,
)
from hwcost.cost_models.checks.resolution import coarse_step
from hwcost.cost_models.checks.table_faults import TableFault, level_fault, repaired, table_faults
from hwcost.cost_models.checks.two_states import TwoStates, states_in_no_order, two_states
from hwcost.cost_models.data import Data
from hwcost.cost_models.features.extractor import Features
from hwcost.cost_models.training.doubts import (
    CHANCE,
    FINER,
    IN_SECONDS,
    LEAST_TAU,
    MAD_ERROR,
    ONE_STATE,
    UNREPEATABLE,
    WRONG_ROWS,
    least_tau,
    said_difference,
    said_falling,
    said_states,
    said_step,
    said_stretch,
    without_effect,
)
from hwcost.cost_models.training.drift import Drift, estimate_drift
from hwcost.errors import DataError
from hwcost.exchange.sheet import listed
from hwcost.levels.change_points import change_points, clip
from hwcost.levels.level import Segment
from hwcost.levels.von_neumann import critical
from hwcost.timing.measurement import Flag

SAME_LEVEL = 0.002
"""Two stretches whose levels differ by less (log) are one."""

SAID_PAIRS = 5
"""Pairs of repeats that a message names; ``--json`` lists all of them."""

WAS_IT_APPLIED = "Was the configuration really applied to the model that ran?"


def audit_table(data: Data, others: Iterable[Data] = ()) -> AuditReport:
    """Audits the rows of a table.

    Args:
        data: The rows, in the order of the file.
        others: Other tables; when one of them holds the same latencies, one of the two labels is wrong.

    Raises:
        DataError: When there are too few rows, or too few different architectures, to say anything.
    """
    features = Features(data.space, **data.shape)
    genes = features.encode(data.architectures)
    item = np.unique(genes, axis=0, return_inverse=True)[1].ravel().astype(np.intp)
    repeats = find_repeats(item, data.values)
    rows = np.setdiff1d(np.arange(len(data)), repeats.later[repeats.is_copy])  # a copy is not a second measurement
    _check(data, len(rows), int(item.max()) + 1)
    flags = _same_elsewhere(data, others)
    if np.ptp(data.values) == 0:
        return _constant(data, rows, repeats, flags)
    runs = None if data.runs is None else data.runs[rows]
    faults = table_faults(data)
    in_one_unit = replace(data, values=repaired(data.values, faults))
    states = states_in_no_order(features, genes[rows], in_one_unit.values[rows])
    in_one_state = replace(in_one_unit, values=_in_one_state(in_one_unit.values, rows, states))
    drift = estimate_drift(features, genes[rows], in_one_state.values[rows], rows, runs)
    if states is None:
        states = two_states(features, genes[rows], in_one_unit.values[rows] * np.exp(-drift(rows, runs)))
    return _report(in_one_state, drift, repeats, flags, faults, states)


def _check(data: Data, rows: int, architectures: int) -> None:
    if rows < FEWEST_ROWS:
        copies = f" once {len(data) - rows} exact copies are left out" if rows < len(data) else ""
        raise DataError(
            f"{data.source}: {rows} rows{copies}; an audit needs at least {FEWEST_ROWS} to tell a moving level from chance. "
            "Measure more architectures."
        )
    if architectures < FEWEST_ARCHITECTURES:
        raise DataError(
            f"{data.source}: {architectures} different architecture(s) in {len(data)} rows; an audit needs at least "
            f"{FEWEST_ARCHITECTURES} to tell whether latency depends on the architecture. Measure more of them."
        )


def _same_elsewhere(data: Data, others: Iterable[Data]) -> list[Flag]:
    same = [other.source for other in others if hold_the_same(data.values, other.values)]
    if not same:
        return []
    text = f"{data.source} and {', '.join(same)} hold the same latencies, to the last digit, under different labels."
    return [Flag("E_DUPLICATE", text, "Find out which label is true, and measure the other again.")]


def _constant(data: Data, rows: Indices, repeats: Repeats, flags: list[Flag]) -> AuditReport:
    """Reports on rows that all have the same latency: there is nothing to fit."""
    n, nothing = len(rows), np.zeros(len(rows))
    flags = [*flags, Flag("E_NULL_EFFECT", f"all {len(data)} rows have the same latency.", WAS_IT_APPLIED)]
    return AuditReport(
        source=data.source, space=data.space.name, unit="row", flags=tuple(flags), rows=rows, residuals=nothing,
        log_level=nothing, level_range=0.0, segments=(Segment(int(rows[0]), int(rows[-1]), 1.0),), von_neumann=1.0,
        von_neumann_after=1.0,
        critical=critical(n), size_order=None, signal_tau=None, duplicates=len(repeats.later),
        copies=int(repeats.is_copy.sum()), repeatability=None, repeatability_after=None, outlier_rows=(),
    )  # fmt: skip


def _report(
    data: Data, drift: Drift, repeats: Repeats, flags: list[Flag], faults: Sequence[TableFault], states: TwoStates | None
) -> AuditReport:
    everything = np.arange(len(data))
    level_everywhere = drift(everything, data.runs)
    log_level = level_everywhere[drift.rows] - float(np.median(level_everywhere[drift.rows]))
    measured_s = data.values[drift.rows]
    visits, steps = drift.visits, drift.steps
    limit, span = critical(len(steps)), math.expm1(float(np.ptp(log_level)))
    of_visits = visits.middles(measured_s)
    tau = kendall_tau(visits.middles(drift.predicted_s), of_visits)
    too_far = level_fault(data, drift.rows, log_level)
    faults = [*faults, too_far] if too_far is not None else faults
    null = _null_effect(drift, of_visits, tau) or _null_stretch(drift, of_visits * np.exp(-visits.middles(log_level)))
    flags = [*flags, *(one.flag for one in faults), *null, *_confounded(drift)]
    is_clean = verdict_of((), drift.von_neumann, limit, span, drift.level.kind != "none") == "clean"
    if not is_clean or (span == 0.0 and resembles(drift.von_neumann, limit) and not drift.is_confounded):
        flags.append(_drift_flag(drift, limit, span))
    logs = np.log(data.values)
    rest = drift.residuals - log_level
    outlier_rows = far_off(drift.rows, rest)
    disagreeing = repeats.disagreeing(logs - level_everywhere, robust_sd(rest))
    repeatability_after = repeats.spread(logs - level_everywhere)
    pairs = len(repeats.later) - int(repeats.is_copy.sum())
    is_level = drift.level.kind != "none" or bool(drift.runs)
    flags += [*_outlier_flags(drift.rows, rest, outlier_rows)]
    flags += [*_repeat_flags(disagreeing, repeatability_after, pairs, is_level)]
    flags += [*_rates(data), *_states(data, drift.rows, states), *_resolution(measured_s)]
    return AuditReport(
        source=data.source, space=data.space.name, unit="row", flags=tuple(flags), rows=drift.rows,
        residuals=drift.residuals, log_level=log_level, level_range=span,
        segments=segments(
            drift.rows[steps.first], steps.middles(drift.residuals), steps.middles(log_level), int(drift.rows[-1])
        ),
        von_neumann=drift.von_neumann,
        von_neumann_after=drift.von_neumann_after, critical=limit, size_order=drift.size_order, signal_tau=tau,
        duplicates=len(repeats.later), copies=int(repeats.is_copy.sum()), repeatability=repeats.spread(logs),
        repeatability_after=repeatability_after, outlier_rows=outlier_rows, faults=tuple(faults),
        disagreeing=disagreeing, slow_rows=() if states is None else tuple(drift.rows[states.slow].tolist()),
        returns=drift.returns,
    )  # fmt: skip


def neighbour_agreement(predicted: Floats, measured: Floats) -> float:
    """Returns Kendall's tau over pairs of neighbouring rows only: the share that agree less the share that do not."""
    return float(np.mean(np.sign(np.diff(predicted)) * np.sign(np.diff(measured))))


def _null_effect(drift: Drift, latency_s: Floats, tau: float | None) -> list[Flag]:
    """Flags latencies that no architecture explains, neither over all rows nor from row to row.

    Neighbours share the machine's level, so a level that moves by more than architectures differ hides nothing from them.
    What chance alone might reach shows no effect either.

    Args:
        drift: The level, with the predictions.
        latency_s: Latency of each visit, shape (visits,).
        tau: Kendall tau between predicted and measured latencies of the visits; None when undefined.
    """
    n = len(latency_s)
    near = neighbour_agreement(drift.visits.middles(drift.predicted_s), latency_s)
    least = least_tau(n)
    least_near = max(LEAST_TAU, CHANCE / math.sqrt(n - 1))
    if (tau is not None and tau >= least) or near >= least_near:
        return []
    shown = "undefined" if tau is None else f"{tau:.3f}"
    text = (
        f"what the architectures predict hardly agrees with what was measured: Kendall tau {shown} ({near:.3f} between "
        f"neighbouring rows), where {least:.2f} is the least that counts as an effect."
    )
    return [Flag("E_NULL_EFFECT", text, WAS_IT_APPLIED)]


def _null_stretch(drift: Drift, latency_s: Floats) -> list[Flag]:
    """Flags successive rows whose latencies have nothing to do with their architectures, while those of others do.

    Args:
        drift: The level, with the predictions.
        latency_s: Latencies of the visits without it, shape (visits,).
    """
    visits = drift.visits
    predicted_s = visits.middles(drift.predicted_s)
    found = None if drift.follows_size else without_effect(predicted_s, latency_s)
    if found is None:
        return []
    first, last = found
    outside = np.r_[:first, last + 1 : len(latency_s)]
    tau = kendall_tau(predicted_s[outside], latency_s[outside]) or 0.0
    text = f"{said_stretch((int(drift.rows[visits.first[first]]), int(drift.rows[visits.last[last]])), tau)}."
    return [Flag("E_NULL_STRETCH", text, WRONG_ROWS)]


def _confounded(drift: Drift) -> list[Flag]:
    if not drift.follows_size:
        return []
    order = (
        f"the order of the rows follows the size of the architectures (von Neumann ratio of size {drift.size_order:.2f}; "
        "random order has 1), so "
    )
    if drift.is_confounded:
        text = f"{order}the machine's level cannot be distinguished from what the architectures cost."
        return [Flag("W_CONFOUNDED", text, "Measure again in random order; no level is judged or taken out.")]
    text = f"{order}what the machine did within a pass over the architectures cannot be distinguished from what they cost."
    return [Flag("W_CONFOUNDED", text, "Draw the order of every pass anew; the level is judged from pass to pass.")]


def _drift_flag(drift: Drift, limit: float, span: float) -> Flag:
    if span == 0.0:
        text = (
            f"neighbours in the order of measurement resemble each other (von Neumann ratio {drift.von_neumann:.2f}, noise "
            f"has {limit:.2f} or more), but {len(drift.steps)} measurements do not tell a level of the machine from chance."
        )
        return Flag("W_DRIFT", text, "Measure more architectures, or measure again in randomised rounds.")
    if drift.von_neumann < limit:
        why = (
            f"von Neumann ratio {drift.von_neumann:.2f}, noise has {limit:.2f} or more; {drift.von_neumann_after:.2f} once "
            "the level is taken out"
        )
    else:
        why = f"left-out errors are {100 * drift.level.gain:.0f} % smaller once the level is taken out, as fits do"
    text = f"the level of the machine moved by {100 * span:.1f} % ({why})."
    return Flag("W_DRIFT", text, "Fit the level beside the architecture, or measure again in randomised rounds.")


def _outlier_flags(rows: Indices, rest: Floats, outlier_rows: tuple[int, ...]) -> list[Flag]:
    """Flags outliers where they are many, or one is further off than any machine's level."""
    furthest = float(np.abs(rest - np.median(rest)).max())
    if not outlier_rows or (len(outlier_rows) < MANY_OUTLIERS * len(rows) and furthest < FAR_OUTLIER):
        return []
    row = int(rows[np.argmax(np.abs(rest - np.median(rest)))])
    text = (
        f"{len(outlier_rows)} of {len(rows)} rows are far from what their architectures predict ({listed(outlier_rows)}); "
        f"row {row} is furthest, by a factor of {math.exp(furthest):.3g}."
    )
    return [Flag("W_OUTLIERS", text, "Look at these rows, and measure them again or leave them out.")]


def _repeat_flags(
    disagreeing: tuple[tuple[int, int, float], ...], repeatability: float | None, pairs: int, is_level: bool
) -> list[Flag]:
    """Flags repeats of an architecture that do not agree, as a whole or in single pairs.

    A typical difference counts less its own standard error, since a few pairs may differ by chance.
    """
    sure = 0.0 if repeatability is None else repeatability * (1.0 - min(1.0, MAD_ERROR / math.sqrt(pairs)))
    if repeatability is not None and sure >= UNSTEADY:
        code = "E_REPEATS" if sure >= UNREPEATABLE else "W_REPEATS"
        rest = ", once the level is taken out" if is_level else ""
        text = f"the same architecture measured twice differs by {said_difference(repeatability)} typically{rest}."
        return [Flag(code, text, "What a row says about its architecture is no more certain than that; measure again.")]
    if not disagreeing:
        return []
    shown = disagreeing[:SAID_PAIRS]
    named = [f"rows {first} and {second} (a factor of {_factor(ratio):.3g})" for first, second, ratio in shown]
    more = f" and {len(disagreeing) - SAID_PAIRS} more pairs" if len(disagreeing) > SAID_PAIRS else ""
    text = f"the same architecture was measured with different results in {', '.join(named)}{more}."
    return [Flag("W_REPEATS", text, "One of the two is wrong: measure the architecture again.")]


def _in_one_state(latency_s: Floats, rows: Indices, states: TwoStates | None) -> Floats:
    """Returns latencies (n,) with those of the slower state, of some rows, brought to the quicker one."""
    seconds = np.array(latency_s)
    if states is not None:
        seconds[rows[states.slow]] /= states.factor
    return seconds


def _rates(data: Data) -> list[Flag]:
    """Flags latencies that fall along all columns, as rates do."""
    text = said_falling(data)
    return [] if text is None else [Flag("W_REVERSED", text, IN_SECONDS)]


def _states(data: Data, rows: Indices, states: TwoStates | None) -> list[Flag]:
    return [] if states is None else [Flag("W_STATES", said_states(data, rows, states), ONE_STATE)]


def _resolution(latency_s: Floats) -> list[Flag]:
    """Flags latencies that stand in coarse steps."""
    step = coarse_step(latency_s)
    return [] if step is None else [Flag("W_RESOLUTION", said_step(step, latency_s), FINER)]


def _factor(ratio: float) -> float:
    return max(ratio, 1.0 / ratio)


def segments(rows: Indices, residuals: Floats, log_level: Floats, last: int | None = None) -> tuple[Segment, ...]:
    """Returns the stretches between the jumps that matter, with their levels relative to the median one.

    A boundary must explain as much as ``log n`` rows vary altogether, so that a level that wanders is described in a few
    stretches, not in dozens.

    Args:
        rows: Row numbers, ascending, shape (n,); of visits, their first ones.
        residuals: Log latency less what the architecture accounts for, shape (n,).
        log_level: Shape (n,); all zero where no level was found.
        last: Number of the very last row; None where that is the last of ``rows``.
    """
    n, last = len(rows), int(rows[-1]) if last is None else last
    price = float(clip(residuals).var()) * math.log(n)
    cuts = change_points(residuals, price=price) if np.ptp(log_level) > 0 else []
    cuts = _telling(cuts, log_level)
    if not cuts:
        return (Segment(int(rows[0]), last, 1.0),)
    starts = [int(rows[0]), *(int(rows[cut]) for cut in cuts), last + 1]
    levels = [math.exp(float(part.mean())) for part in np.split(log_level, cuts)]
    return tuple(
        Segment(first, after - 1, level) for (first, after), level in zip(itertools.pairwise(starts), levels, strict=True)
    )


def _telling(cuts: list[int], log_level: Floats) -> list[int]:
    """Takes back the cuts on whose two sides the level is the same, the least telling first."""
    while cuts:
        jumps = np.abs(np.diff([float(part.mean()) for part in np.split(log_level, cuts)]))
        least = int(np.argmin(jumps))
        if jumps[least] >= SAME_LEVEL:
            break
        cuts = cuts[:least] + cuts[least + 1 :]
    return cuts


def far_off(rows: Indices, rest: Floats) -> tuple[int, ...]:
    """Returns the rows that are far off everything, once architecture and level are taken out.

    Args:
        rows: Numbers of the rows, shape (n,).
        rest: Residuals of their log latencies, shape (n,).
    """
    limit = max(OUTLIER * robust_sd(rest), LEAST_OUTLIER)
    return tuple(rows[np.abs(rest - np.median(rest)) > limit].tolist())
