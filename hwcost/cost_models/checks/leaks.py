"""Columns that hold the answer: a copy of the latency, a rate, or anything else that was computed from it.

A feature, however good, leaves at least the noise of measurement. A column that was computed from the latency follows even
that noise. The signs, the plainest first: the column is the latency, a power of it or its logarithm, to the last digits.
Together with the other columns it gives the latency far more closely than they do without it, and it falls as the
latency rises. Where all other columns are equal, it changes as the latency does. Or it is in proportion to the latency more
closely than the other columns predict either of the two: they nearly determine the architecture, so a property of it would
follow from them, and only what was measured has the latency's noise. Or several columns add up to the latency. Or it was
measured beside the latency, and changes with it where an architecture returns.

Where a column is named as rates or energies are, which nobody knows of a new architecture, weaker signs are enough: it may
be rounded to few digits, or measured apart from the latency.

A category that cuts the latencies into ranges is their class, where nothing else of the row tells it.

A column of whole numbers in proportion to the latency (parameters, operations), or of work by its name, is a feature, unless
its name is one of a time. A column of few values (a device's peak) does not leak either: the answer is as varied as the
latency itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._stats import robust_sd
from hwcost._types import Floats
from hwcost.cost_models.checks.beside import GIVEN, NAMED_SURE, SURE, follows_between_repeats, is_power, is_rank
from hwcost.cost_models.checks.direction import is_size
from hwcost.cost_models.checks.parts import parts_of_latency
from hwcost.cost_models.checks.smoothing import Smoother, smoothers
from hwcost.cost_models.features.extractor import Features

FEWEST_ROWS = 10
FEWEST_VALUES = 8
"""Rows, and different values of a column, below which agreement is chance."""

AS_VARIED = 0.5
"""Share of the different latencies that a column's different values must reach."""

EXACT = 1e-4
"""Error, as a share of the column's standard deviation, within which the column is computed from the latency."""

MOST_DECIMALS = 6
LEAST_STEPS = 30.0
"""A rounded column is compared within its rounding where its standard deviation is at least so many rounding steps."""

LAST = 0.99
"""Share of the rows that must agree."""

CLOSER = 0.1
"""A column that follows the noise leaves at most this share of what the others leave without it."""

LEAST_NOISE = 3e-3
"""Error (log) that the other columns must leave, so that there is noise to follow."""

EXACT_LOG = 1e-3
"""Largest error (log) that a leaked column that rises with the latency leaves: a good feature leaves its noise."""

FEWEST_REPEATS = 5
REPEAT_NOISE = 0.1
"""Repeats (equal in all other columns) that are needed, and their typical difference of log latency at most."""

TIME = re.compile(r"time|latency|duration|elapsed|runtime|(^|_)(ns|us|ms|s|sec|seconds|cycles)$", re.IGNORECASE)
"""Names of columns that hold times."""

MEASURED = re.compile(
    r"(.*[ _.-])?(fps|qps|ips|rps|tps|throughput|speed-?up|energy|joules?|[mµμuk]j|[mk]?wh|edp|t?ops[_/]w)([ _.\-(\[].*)?"
    r"|.*(/|[ _]per[ _])s(ec|econd)?s?[)\]]?",
    re.IGNORECASE,
)
"""Names of columns that say work per time, or energy."""

NAMED_CLOSER = 0.7
"""A column with such a name leaves at most this share of what the others leave without it."""

COPY_SPREAD, COPY_CLOSER = 0.1, 0.7
"""A noisy copy lies off proportion by at most these shares of the latency's spread, and of what the other columns leave."""

DESCRIBED, AS_NOISY = 0.15, 0.9
"""The other columns leave at most this share of the latency's spread, and at least this share of that of a noisy copy."""

RANKED = 0.5
"""A rank counts as one of the latency where the other columns leave at most this share of the latency's spread."""

MOST_CLASSES, FEWEST_OF_CLASS = 10, 5
"""Values of a category that may be a class of latencies, and rows that each of them has at least."""

NEAR, WIDE = 5, 8.0
"""Steps to either side of where a class ends, and how many times their median the step there may be."""

MOST_ROWS, MOST_USED = 1000, 40
"""Rows and columns that are looked at, where there are more."""

KEPT_LAWS = 8
"""Laws that are kept, each of the size of the table."""


@dataclass(frozen=True)
class Leak:
    """A column that was computed from the latency.

    Attributes:
        column: Its name.
        how: Description of the column, for example ``the inverse of the latency``.
    """

    column: str
    how: str


def leaked_columns(features: Features, genes: Floats, latency_s: Floats, kept: Collection[str] = ()) -> list[Leak]:
    """Finds the columns of a table that were computed from its latencies.

    Args:
        features: The feature extractor of a table's space; buildable spaces have no columns that could leak.
        genes: Encoded architectures, shape (n, genes).
        latency_s: Shape (n,), seconds.
        kept: Columns that the user keeps as features.

    Returns:
        The leaks in the order of the columns.
    """
    if features.is_buildable or len(genes) < FEWEST_ROWS or np.ptp(latency_s) == 0:
        return []
    if len(genes) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(len(genes), MOST_ROWS, replace=False))
        genes, latency_s = genes[rows], latency_s[rows]
    names, laws, logs = features.gene_names, _Laws(features, genes), np.log(latency_s)
    varied = [i for i in _varied(features, genes, latency_s) if names[i] not in kept]
    has_others = len(np.flatnonzero(np.ptp(genes, axis=0) > 0)) > 1
    found = {i: how for i in varied if (how := _computed(names[i], genes[:, i], latency_s, has_others))}
    parts = parts_of_latency(genes, latency_s, [i for i in varied if i not in found and not is_size(names[i])])
    sum_of = ", ".join(names[i] for i in parts)
    found |= dict.fromkeys(parts, f"one of the columns that add up to the latency ({sum_of})")
    found |= _followers(laws, features, genes, logs, varied, found)
    for i, gene in enumerate(features.space.genes):
        if gene.categorical and gene.name not in kept and _is_class_of_latency(laws, genes, i, logs):
            found[i] = "a class of latencies, whose values follow each other without a gap as the latency rises"
    return [Leak(names[i], found[i]) for i in sorted(found)]


def _followers(
    laws: _Laws, features: Features, genes: Floats, logs: Floats, varied: list[int], known: Collection[int]
) -> dict[int, str]:
    """Returns the columns that follow the latency closer than features do, with their descriptions.

    Args:
        laws: Laws of the table.
        features: The feature extractor of its space.
        genes: Encoded architectures, shape (n, genes).
        logs: Log latencies, shape (n,).
        varied: Numbers of the columns that are about as varied as the latency.
        known: Numbers of the columns that are known to be computed from it.
    """
    others = [i for i in range(genes.shape[1]) if i not in known]
    plain = [i for i in others if i not in varied]
    telling, few, marks = _most_telling(genes, logs, others), _most_telling(genes, logs, plain), _marks(genes)
    of_others, of_plain = marks[:, others].sum(axis=1), marks[:, plain].sum(axis=1)
    found = {}
    for i in varied:
        column = genes[:, i]
        rest = [j for j in telling if j != i]
        if i not in known and is_rank(column, logs) and rest and laws.left(logs, rest) <= RANKED * robust_sd(logs):
            found[i] = "the rank of the latency among those of the table"
        if i in known or i in found or column.min() <= 0:
            continue
        how = _following(laws, features.gene_names[i], column, logs, rest, few)
        equal = (of_others - marks[:, i], of_plain)
        if how is None and any(_follows_repeats(one, logs, np.log(column), _is_whole(column)) for one in equal):
            how = "a number that follows the latency even between rows that are equal in all other columns"
        if how is None:
            how = _beside(laws, features.gene_names[i], column, logs, rest, equal[0])
        if how is not None:
            found[i] = how
    return found


def _varied(features: Features, genes: Floats, latency_s: Floats) -> Iterator[int]:
    """Yields the numeric columns that are about as varied as the latency."""
    least = max(FEWEST_VALUES, AS_VARIED * len(np.unique(latency_s)))
    for i, gene in enumerate(features.space.genes):
        if not gene.categorical and not gene.choices and len(np.unique(genes[:, i])) >= least:
            yield i


def _computed(name: str, column: Floats, latency_s: Floats, has_others: bool) -> str | None:
    """Says which function of the latency alone a column is; None when it is none."""
    if _is_linear(column, 1.0 / latency_s):
        return "the inverse of the latency, such as a rate"
    if _is_linear(column, np.log(latency_s)):
        return "the logarithm of the latency"
    is_time = bool(TIME.search(name)) or (has_others and not _is_whole(column) and not is_size(name))
    if is_time and _is_linear(column, latency_s):
        return "the latency itself, in another unit or scaled"
    is_exact = is_time and column.min() > 0 and _is_linear(np.log(column), np.log(latency_s))
    return "a power of the latency" if is_exact else None


def _is_linear(column: Floats, of: Floats) -> bool:
    """Whether a column is a straight line in something, within its rounding."""
    sd = float(column.std())
    slope = float(np.mean((column - column.mean()) * (of - of.mean()))) / max(float(of.var()), 1e-300)
    errors = np.abs(column - column.mean() - slope * (of - of.mean()))
    step = _rounding(column)
    limit = max(EXACT * sd, 0.6 * step if sd >= LEAST_STEPS * step else 0.0)
    return bool(np.quantile(errors, LAST) <= limit)


def _rounding(column: Floats) -> float:
    """Returns the step to which a column is rounded; 0 where it has more decimals than a few."""
    for decimals in range(MOST_DECIMALS):
        if np.array_equal(np.round(column, decimals), column):
            return float(10.0**-decimals)
    return 0.0


def _is_whole(column: Floats) -> bool:
    return bool(np.all(column == np.round(column)))


class _Laws:
    """Smooth laws of some columns, made once: what they leave of any target."""

    def __init__(self, features: Features, genes: Floats) -> None:
        self._features, self._genes = features, genes
        self._made: dict[tuple[int, ...], list[Smoother]] = {}

    def left(self, target: Floats, used: list[int]) -> float:
        """Returns the robust standard deviation of what some columns leave of a target, rows left out."""
        return robust_sd(target - self.left_out(target, used))

    def left_out(self, target: Floats, used: list[int]) -> Floats:
        """Returns the prediction of a target for each row from the others, by the law of some columns that leaves least."""
        laws = self._made.get(tuple(used))
        if laws is None:
            if len(self._made) >= KEPT_LAWS:
                self._made.clear()
            laws = self._made[tuple(used)] = self._laws(used)
        return min((law.left_out(target) for law in laws), key=lambda one: robust_sd(target - one))

    def _laws(self, used: list[int]) -> list[Smoother]:
        """Returns smooth laws, and a product of powers, which a few rows tell already: work over latency is a rate."""
        rows = np.arange(len(self._genes))
        made = smoothers(self._features, self._genes, rows, used)
        genes = self._features.space.genes
        sizes = [i for i in used if not genes[i].categorical and self._genes[:, i].min() > 0]
        logs = np.log(self._genes[:, sizes])
        return [*made, Smoother(logs, rows)] if sizes and np.ptp(logs, axis=0).any() else made


def _most_telling(genes: Floats, logs: Floats, others: list[int]) -> list[int]:
    """Returns the columns, at most so many, that go with the latency most: laws of thousands would take hours."""
    if len(others) <= MOST_USED:
        return others
    columns = genes[:, others] - genes[:, others].mean(axis=0)
    sizes = np.sqrt((columns**2).sum(axis=0))
    alike = np.abs(columns.T @ (logs - logs.mean())) / np.where(sizes > 0, sizes, np.inf)
    return sorted(others[i] for i in np.argsort(-alike, kind="stable")[:MOST_USED])


def _following(laws: _Laws, name: str, column: Floats, logs: Floats, rest: list[int], plain: list[int]) -> str | None:
    """Says how a column follows the noise of the latency beside the other columns; None when it does not."""
    is_named = MEASURED.fullmatch(name) is not None
    for used in (rest, plain) if plain != rest else (rest,):
        if is_named and _is_measured(laws, logs, column, used):
            return "a rate or an energy, by its name and because the latency follows from it and the other columns"
        if _is_rate(laws, logs, column, used):
            return "a rate, such as work per second: the latency follows from it and the other columns"
        if not _is_whole(column) and not is_size(name) and _is_share(laws, logs, column, used):
            return "the latency times a factor that the other columns predict"
    is_copy = not _is_whole(column) and not is_size(name) and _is_noisy_copy(laws, logs, column, rest)
    return "in proportion to the latency, its noise included, as only what was measured is" if is_copy else None


def _beside(
    laws: _Laws, name: str, column: Floats, logs: Floats, rest: list[int], item: NDArray[np.uint64]
) -> str | None:
    """Says how a column was measured beside the latency; None when nothing tells that it was."""
    is_named = MEASURED.fullmatch(name) is not None
    is_given = is_size(name) or (GIVEN.fullmatch(name) is not None and not is_named)
    if is_given or not follows_between_repeats(item, logs, np.log(column), NAMED_SURE if is_named else SURE):
        return None
    log = np.log(column)
    follows = is_power(log, logs) if not is_named else laws.left(log, rest) <= DESCRIBED * robust_sd(log)
    if not follows:
        return None
    return "a number that was measured too: it changes with the latency between rows that are equal in all other columns"


def _is_rate(laws: _Laws, logs: Floats, column: Floats, used: list[int]) -> bool:
    together = laws.left(logs + np.log(column), used)
    alone = laws.left(logs, used)
    return alone >= LEAST_NOISE and together <= CLOSER * alone


def _is_measured(laws: _Laws, logs: Floats, column: Floats, used: list[int]) -> bool:
    alone = laws.left(logs, used)
    sums = [logs + sign * np.log(column) for sign in (1.0, -1.0)]
    together = min(laws.left(one, used) for one in sums)
    is_alone_enough = min(map(robust_sd, sums)) <= CLOSER * robust_sd(logs)
    return is_alone_enough or (alone >= LEAST_NOISE and together <= NAMED_CLOSER * alone)


def _is_share(laws: _Laws, logs: Floats, column: Floats, used: list[int]) -> bool:
    together = laws.left(logs - np.log(column), used)
    return together <= EXACT_LOG and laws.left(logs, used) >= max(LEAST_NOISE, together / CLOSER)


def _is_noisy_copy(laws: _Laws, logs: Floats, column: Floats, used: list[int]) -> bool:
    """Whether a column is the latency, or its inverse, times a constant and a noise that is smaller than the latency's.

    The other columns must describe the architecture, so that what they leave of the latency is its noise; and they must
    leave as much of the column, which therefore is not a property of the architecture.
    """
    log = np.log(column)
    apart = min(robust_sd(logs - log), robust_sd(logs + log))
    if apart > COPY_SPREAD * robust_sd(logs):
        return False
    alone = laws.left(logs, used)
    is_known = LEAST_NOISE <= alone <= DESCRIBED * robust_sd(logs)
    return is_known and apart <= COPY_CLOSER * alone and laws.left(log, used) >= AS_NOISY * alone


def _is_class_of_latency(laws: _Laws, genes: Floats, column: int, logs: Floats) -> bool:
    """Whether a category was made by cutting the latencies into ranges: slow, medium, fast.

    Its ranges do not overlap, latencies stand as closely where it changes as elsewhere, and what the other columns predict
    overlaps, as it does not where the category belongs to sizes.
    """
    values, counts = np.unique(genes[:, column], return_counts=True)
    if not 2 <= len(values) <= MOST_CLASSES or counts.min() < FEWEST_OF_CLASS:
        return False
    order = np.argsort(logs, kind="stable")
    ends = _changes(genes[order, column])
    if len(ends) != len(values) - 1:
        return False
    steps = np.diff(logs[order])
    near = [np.median(steps[max(end - NEAR, 0) : end + NEAR + 1]) for end in ends]
    if any(steps[end] > WIDE * one for end, one in zip(ends, near, strict=True)):
        return False
    others = _most_telling(genes, logs, [i for i in range(genes.shape[1]) if i != column])
    predicted = np.argsort(laws.left_out(logs, others), kind="stable")
    return len(_changes(genes[predicted, column])) > len(ends) + 1


def _changes(values: Floats) -> list[int]:
    """Returns the positions behind which another value follows."""
    return np.flatnonzero(np.diff(values) != 0).tolist()


def _marks(genes: Floats) -> NDArray[np.uint64]:
    """Returns a random number for every value of every column, shape (n, genes): rows with equal sums are equal."""
    rng = np.random.default_rng(0)
    marks = np.empty(genes.shape, dtype=np.uint64)
    for i in range(genes.shape[1]):
        different, codes = np.unique(genes[:, i], return_inverse=True)
        marks[:, i] = rng.integers(0, 2**64, len(different), dtype=np.uint64)[codes.ravel()]
    return marks


def _follows_repeats(item: NDArray[np.uint64], logs: Floats, column: Floats, is_whole: bool) -> bool:
    """Whether differences between repeats, rows of the same item, are those of the column, with either sign."""
    order = np.argsort(item, kind="stable")
    is_repeat = np.diff(item[order]) == 0
    by, of = np.diff(logs[order])[is_repeat], np.diff(column[order])[is_repeat]
    is_clear: NDArray[np.bool_] = np.abs(by) > EXACT_LOG
    if is_clear.sum() < FEWEST_REPEATS or float(np.median(np.abs(by[is_clear]))) > REPEAT_NOISE:
        return False
    limit = CLOSER * float(np.median(np.abs(by[is_clear])))
    signs = (1.0,) if is_whole else (1.0, -1.0)
    return any(float(np.quantile(np.abs(by + sign * of)[is_clear], LAST)) <= limit for sign in signs)
