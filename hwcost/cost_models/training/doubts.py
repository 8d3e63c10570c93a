"""What makes the fit of a table doubtful: said beside its metrics, so that no answer looks surer than it is.

An audit says the same, and more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from hwcost._stats import kendall_tau, median, median_deviation
from hwcost._types import Floats, Indices
from hwcost.cost_models.checks.direction import falls_along_all
from hwcost.cost_models.checks.resolution import coarse_step
from hwcost.cost_models.checks.table_faults import LARGEST_LEVEL_RANGE, numbered
from hwcost.cost_models.checks.two_states import TwoStates, states_in_no_order, two_states
from hwcost.cost_models.features.extractor import shared_features
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.features.settings import FEWEST_NETS, net_numbers, setting_places
from hwcost.units import format_seconds

if TYPE_CHECKING:
    from hwcost.cost_models.data import Data
    from hwcost.cost_models.training.drift import Drift
    from hwcost.cost_models.training.train import Trained

LEAST_TAU = 0.1
"""Kendall tau between predicted and measured latency below which the architecture had no effect."""

CHANCE = 3.09
"""Standard errors of tau that chance may reach: 1 in 1000 for independent columns, 1 in 100 for out-of-fold predictions,
which hang together."""

FEWEST_ROWS = 30
"""Rows below which chance reaches so far that only ``LEAST_TAU`` counts."""

UNREPEATABLE = 0.5
"""Typical difference (log) of repeats of one architecture from which nothing holds."""

MAD_ERROR = 1.17
"""Standard error of a standard deviation from n absolute deviations' median, as a share of it, times the root of n."""

IN_SECONDS = "Give latencies in seconds, for example one over the rate; where all is well, name these columns with --keep."
"""Remedy for rates that look like latencies."""

FEWEST_PAIRS = 3

FAR, MANY = math.log(LARGEST_LEVEL_RANGE), 0.1
"""Error (log) of a row that no machine's level explains, and the share of such rows from which it is the model that errs."""

FINER = "Give them as the timer read them, or time several calls in one."
"""Remedy for latencies in coarse steps."""

ONE_STATE = "Give the setting as a column, or leave the rows of one state out, or measure again in randomised rounds."
"""Remedy for latencies of two states."""

MOST_BLOCKS, LOST, HELD = 12, 0.15, 0.4
"""Blocks of successive rows in which predictions are judged, Kendall tau below which they say nothing in one, and the least
median of all others."""

FAR_BELOW = 4.0
"""Standard errors of Kendall tau by which it is below that of the other blocks."""

WRONG_ROWS = "Were rows and latencies joined in the same order, and was every configuration applied to the model that ran?"
"""Question about such rows."""

FAR_LEVEL = 1.0
"""Range of a level that jumps from which this is said of it: few machines slow down to half their speed at once."""

OTHER_SETTING = (
    "Stretches of rows that lie so far apart may be of two devices or settings that no column names: give them in a column, "
    "or each in a file of its own."
)
"""Advice on such a level."""

MOST, MISFIT = 0.85, 0.4
"""A model whose errors (log) reach the second number within the first share of the rows says nothing about single ones."""


def least_tau(n: int) -> float:
    """Returns the Kendall tau of n predictions from which there is an effect; variance of tau: Kendall 1938."""
    return max(LEAST_TAU, CHANCE * math.sqrt(2 * (2 * n + 5) / (9 * n * (n - 1))))


def without_effect(predicted: Floats, measured: Floats) -> tuple[int, int] | None:
    """Returns the first and last of the successive rows in which predictions say nothing, while they hold elsewhere.

    A column that was joined from other rows, or a configuration that was applied to some rows only, looks like that.

    Args:
        predicted: Predictions for rows that were not seen, in the order of measurement, shape (n,).
        measured: Latencies without the machine's level, in the same order, shape (n,).
    """
    blocks = np.array_split(np.arange(len(measured)), max(1, min(MOST_BLOCKS, len(measured) // FEWEST_ROWS)))
    taus = np.array([kendall_tau(predicted[rows], measured[rows]) or 0.0 for rows in blocks])
    if float(taus.max()) < HELD:
        return None
    spread = np.log(predicted).std()
    is_varied = np.array([np.log(predicted[rows]).std() >= spread / 2 for rows in blocks])
    sizes = np.array([len(rows) for rows in blocks])
    chance = FAR_BELOW * np.sqrt(2 * (2 * sizes + 5) / (9 * sizes * (sizes - 1)))
    lost = np.flatnonzero((taus < np.minimum(LOST, median(taus[taus >= LOST]) - chance)) & is_varied)
    held = np.delete(np.arange(len(blocks)), lost)
    if not len(lost) or not len(held) or median(taus[held]) < HELD:
        return None
    return int(blocks[lost[0]][0]), int(blocks[lost[-1]][-1])


def said_stretch(rows: tuple[int, int], tau: float) -> str:
    """Says in which rows predictions say nothing, and how well they hold in all others; a clause."""
    return (
        f"what the architectures predict says nothing of the latencies among rows {rows[0]} to {rows[1]}, or most of them, "
        f"and holds elsewhere (Kendall tau {tau:.2f})"
    )


def order_doubts(drift: Drift | None) -> list[str]:
    """Returns the doubt about a table whose order hides the level of the machine, or a part of it, in a whole sentence.

    Args:
        drift: The level that was looked for over its rows; None where none was.
    """
    if drift is None:
        return []
    if drift.between_blocks:
        return [
            f"the level of the machine moved by {said_difference(drift.between_blocks)} within blocks of rows in which a "
            "column stands still. Between blocks it is not known, since it would look like what the column does: intervals "
            "are wider by as much. Rows measured in random order would narrow them."
        ]
    if not drift.is_confounded or len(drift.visits) < FEWEST_ROWS:
        return []
    return [
        "the order of the rows follows the size of the architectures, so that a machine that slowly changed would look like "
        "architectures that cost more: no level was taken out. Where the rows were sorted after they were measured, sort "
        "them by time; otherwise measure in random order."
    ]


def said_falling(data: Data) -> str | None:
    """Returns the sentence on latencies that fall along all columns of numbers; None where they do not."""
    features = shared_features(data.space, **data.shape)
    if not data.is_ordered or not falls_along_all(features, data.genes, data.values, data.kept):
        return None
    return (
        "latencies are shorter the larger the numbers of nearly all columns are, as rates are of larger architectures. Are "
        "these rates (per second) rather than seconds?"
    )


def table_doubts(data: Data, trained: Trained) -> list[str]:
    """Returns doubts about a fit of a table's rows, in whole sentences; none for a campaign, which is judged as it runs.

    Args:
        data: The table.
        trained: The fit, with the errors on its rows left out.
    """
    if not data.is_ordered:
        return []
    states = list(_states(data, trained))
    effect = [] if states else _effect(data, trained)  # within a state the columns tell the latency
    falling = said_falling(data)
    rates = [] if falling is None else [f"{falling} {IN_SECONDS}"]
    rows = [*_repeats(data, trained), *_far_rows(data, trained), *_steps(trained)]
    return [*rates, *effect, *states, *rows, *_few_nets(data, trained), *_together(data, trained)]


def _few_nets(data: Data, trained: Trained) -> Iterator[str]:
    """Yields a doubt where a few nets were measured at many settings, and rows of each are left out one by one."""
    numbers = net_numbers(data.space, data.genes[trained.rows])
    if numbers is None or (count := int(numbers.max()) + 1) >= FEWEST_NETS:
        return
    settings = _listed([f"'{data.space.genes[i].name}'" for i in setting_places(data.space)])
    yield (
        f"the rows are of {count} nets at several settings ({settings}), so that errors and intervals are those of these "
        f"nets at further settings. Of new nets they may be larger: {FEWEST_NETS} nets or more would tell."
    )


def _together(data: Data, trained: Trained) -> Iterator[str]:
    """Yields a doubt for genes that change only together, and one for those of a relation between more than two."""
    genes, own = data.genes[trained.rows], trained.model.space.genes
    names, numeric = [gene.name for gene in own], [not gene.categorical for gene in own]
    found = dict.fromkeys(some for one in trained.model.domain_.relations for some in one.together)
    kept = [some for some in found if not (all(numeric[i] for i in some) and _is_one_of(genes[:, some]))]
    joined = _joined(some for some in kept if len(some) == 2)
    for some in joined:
        yield (
            f"{_listed([names[i] for i in some])} change only together, so that the rows do not tell their effects apart: "
            "architectures that change one alone are out of domain."
        )
    wider = [some for some in kept if len(some) > 2 and not any(set(some) <= set(one) for one in joined)]
    if wider:
        first = _listed([names[i] for i in wider[0]])
        more = f", and so are {len(wider) - 1} more groups of columns" if len(wider) > 1 else ""
        yield (
            f"{first} are bound by one equation in all rows{more}, so that the rows do not tell their effects apart: "
            "architectures that break it are out of domain."
        )


def _is_one_of(columns: Floats) -> bool:
    """Whether columns say, in zeros and a single one, which of several choices each row has."""
    return bool(np.isin(columns, (0, 1)).all() and (columns.sum(axis=1) == 1).all())


def _joined(pairs: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Joins pairs that share a member."""
    groups: list[set[int]] = []
    for pair in pairs:
        touched = [one for one in groups if one & set(pair)]
        groups = [one for one in groups if one not in touched] + [set(pair).union(*touched)]
    return [tuple(sorted(one)) for one in groups]


def _listed(names: list[str]) -> str:
    """Lists names, with ``and`` before the last one."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _effect(data: Data, trained: Trained) -> Iterator[str]:
    """Yields a doubt where latency does not follow what the model predicts for rows that it has not seen."""
    n = len(trained.rows)
    tau = kendall_tau(trained.left_out * np.exp(trained.level(data, trained.rows)), trained.measured)
    limit = least_tau(n) if n >= FEWEST_ROWS else LEAST_TAU
    if (tau is None or tau < limit) and trained.model.name != "constant":
        shown = "undefined" if tau is None else f"{tau:.2f}"
        yield (
            f"what {trained.model.name} predicts for rows that it has not seen hardly agrees with what was measured: "
            f"Kendall tau {shown}, where {limit:.2f} is the least that counts as an effect. Was the configuration really "
            "applied to the model that ran? hwcost audit says more."
        )
        return
    order = np.argsort(trained.rows, kind="stable")
    predicted, measured = trained.left_out[order], (trained.measured * np.exp(-trained.level(data, trained.rows)))[order]
    stretch = without_effect(predicted, measured) if trained.model.name != "constant" else None
    if stretch is not None:
        rows = trained.rows[order]
        outside = np.r_[: stretch[0], stretch[1] + 1 : n]
        tau = kendall_tau(predicted[outside], measured[outside]) or 0.0
        yield f"{said_stretch((int(rows[stretch[0]]), int(rows[stretch[1]])), tau)}. {WRONG_ROWS} hwcost audit says more."


def _repeats(data: Data, trained: Trained) -> Iterator[str]:
    """Yields a doubt where rows of one architecture have nothing to do with each other."""
    groups = Groups.of(trained.model.features, data.genes[trained.rows])
    logs = np.log(trained.measured) - trained.level(data, trained.rows)
    steps = [np.diff(logs[rows]) for rows in groups.repeated.values()]
    ratios = np.concatenate(steps) if steps else np.zeros(0)
    if len(ratios) < FEWEST_PAIRS:
        return
    typical = median_deviation(ratios)
    if typical * (1.0 - MAD_ERROR / math.sqrt(len(ratios))) >= UNREPEATABLE:
        yield (
            f"the same architecture measured twice differs by {said_difference(typical)} typically. Did a setting "
            "change from row to row that no column gives (batch size, sequence length, threads, device)? Predictions are "
            "for the middle of such rows; give the setting as a column."
        )


def _states(data: Data, trained: Trained) -> Iterator[str]:
    """Yields a doubt where rows are of two states, between which predictions lie."""
    features, genes = trained.model.features, data.genes[trained.rows]
    found = states_in_no_order(features, genes, trained.measured)
    if found is None and trained.drift is not None:
        found = two_states(features, genes, trained.measured * np.exp(-trained.level(data, trained.rows)))
    if found is not None:
        yield f"{said_states(data, trained.rows, found)} {ONE_STATE}"


def said_states(data: Data, rows: Indices, states: TwoStates) -> str:
    """Returns the sentence on two states among some rows of a table, shape (n,)."""
    slow = rows[states.slow].tolist()
    return (
        f"{len(slow)} of {len(rows)} rows have latencies {states.factor:.3g} times those of the others, and no column tells "
        f"which: {numbered(data, slow)} are the slower ones. The machine was in two states, such as with and without a "
        "neighbour or at two clocks, or a setting changed that no column gives (batch size, threads, precision); "
        "predictions lie between the two."
    )


def _steps(trained: Trained) -> Iterator[str]:
    """Yields a doubt where latencies stand in steps too coarse to tell architectures apart."""
    step = coarse_step(trained.measured)
    if step is not None:
        yield f"{said_step(step, trained.measured)} {FINER}"


def said_step(step: float, latency_s: Floats) -> str:
    """Returns the sentence on latencies (n,) that stand in steps of so many seconds."""
    share = 100.0 * step / median(latency_s)
    return (
        f"latencies stand in steps of {format_seconds(step)}, {share:.0f} % of their median: smaller differences were not "
        "measured."
    )


def said_difference(log_ratio: float) -> str:
    """Returns a typical difference (log) in percent, or as a factor where it is more than double."""
    return f"{100 * math.expm1(log_ratio):.0f} %" if log_ratio < math.log(2) else f"a factor of {math.exp(log_ratio):.3g}"


def _far_rows(data: Data, trained: Trained) -> Iterator[str]:
    """Yields a doubt about single rows that are far from what the others predict."""
    errors = trained.errors - median(trained.errors)
    far = np.flatnonzero(np.abs(errors) > FAR)
    if not len(far) or len(far) > max(1.0, MANY * len(errors)) or np.quantile(np.abs(errors), MOST) > MISFIT:
        return
    worst = int(far[np.argmax(np.abs(errors[far]))])
    is_one = len(far) == 1
    yield (
        f"{numbered(data, trained.rows[far].tolist())} {'is' if is_one else 'are'} far from what the other rows predict, "
        + ("" if is_one else f"{numbered(data, [int(trained.rows[worst])])} the furthest, ")
        + f"by a factor of {math.exp(abs(float(errors[worst]))):.3g}. Look at {'this row' if is_one else 'these rows'}: "
        "a failure or a timeout is not a latency."
    )
