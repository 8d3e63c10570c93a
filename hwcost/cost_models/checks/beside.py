"""Columns that were measured together with the latency: counts of instructions, energies, ranks, energy-delay products.

They are neither the latency to the last digits nor closer to it than its noise. But what belongs to an architecture is
equal where the architecture returns. What was measured differs there as often as the latency does, and goes with it.
"""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from hwcost._stats import robust_sd
from hwcost._types import Floats

FEWEST_REPEATS = 10
"""Repeats, rows that are equal in all other columns, that tell what was measured from what belongs to an architecture."""

DIFFERENT = 0.9
"""Share of the repeats in which the column must differ: a size that is not among the columns agrees in some of them."""

REPEAT_NOISE = 0.1
"""Typical difference (log) of the latencies of repeats, at most: a larger one has other causes than noise."""

SURE, NAMED_SURE = 4.0, 2.5
"""Standard errors by which the changes of both must go together (Fisher's transformation of the correlation); fewer are
enough where the column is named as a rate or an energy."""

POWERS = (-2.0, -1.0, 1.0, 2.0)
"""Powers of the latency that are looked for: rates, energies, and the product of energy and delay."""

POWER_ERRORS, LARGEST_POWER_ERROR = 3.0, 0.3
"""Standard errors within which the power must be one of these, and the largest one that tells."""

SPREAD = 0.1
"""A power of the latency is off the column by at most this share of its own spread."""

RANK_ERROR = 0.01
"""Ranks (as shares of the rows) may differ by so much: latencies that are equal, rounding to whole percents."""

GIVEN = re.compile(
    r"(.*[_ .-])?(n|num|no|tokens?|seq|len(gths?)?|lengths?|batch|sizes?|dims?|width|height|depth|resolution|pixels|ops"
    r"|operations|params?|parameters|[kmgt]?(flops|macs)|bytes|[kmgt]i?b|nnz|nodes|edges|iterations|steps)([_ .-].*)?",
    re.IGNORECASE,
)
"""Names of columns that hold what a net was given or consists of, which may well change the latency between repeats."""


def follows_between_repeats(item: NDArray[np.uint64], logs: Floats, column: Floats, sure: float = SURE) -> bool:
    """Whether a column changes with the latency, as a power of it, between rows that are equal in all other columns.

    Args:
        item: Equal numbers where all other columns are equal, shape (n,).
        logs: Log latencies, shape (n,).
        column: Logarithm of the column, shape (n,).
        sure: Standard errors by which the changes of both must go together.
    """
    order = np.argsort(item, kind="stable")
    is_repeat = np.diff(item[order]) == 0
    by, of = np.diff(logs[order])[is_repeat], np.diff(column[order])[is_repeat]
    n = len(by)
    if n < FEWEST_REPEATS or float(np.mean(of != 0)) < DIFFERENT or float(np.median(np.abs(by))) > REPEAT_NOISE:
        return False
    square_by, square_of, product = float(by @ by), float(of @ of), float(by @ of)
    if square_by == 0:
        return False
    together = min(abs(product) / math.sqrt(square_by * square_of), 1.0 - 1e-12)
    power = product / square_by
    error = math.sqrt(max(square_of / square_by - power**2, 0.0) / (n - 1))
    is_near = any(abs(power - one) <= max(POWER_ERRORS * error, 0.02 * abs(one)) for one in POWERS)
    return math.atanh(together) * math.sqrt(n - 3) >= sure and error <= LARGEST_POWER_ERROR and is_near


def is_power(column: Floats, logs: Floats) -> bool:
    """Whether a column is about a power of the latency over the whole table, as a size beside other sizes is not.

    Args:
        column: Logarithm of the column, shape (n,).
        logs: Log latencies, shape (n,).
    """
    return any(robust_sd(column - one * logs) <= SPREAD * abs(one) * robust_sd(logs) for one in POWERS)


def is_rank(column: Floats, latency: Floats) -> bool:
    """Whether a column says how many of the other rows are quicker, or slower: a rank, a percentile, a share.

    Args:
        column: Shape (n,).
        latency: Latencies or their logarithms, shape (n,).
    """
    ranks = np.argsort(np.argsort(latency, kind="stable"), kind="stable") / len(latency)
    of, by = column - column.mean(), ranks - ranks.mean()
    slope = float(of @ by) / float(by @ by)
    return slope != 0 and float(np.quantile(np.abs(of / slope - by), 0.99)) <= RANK_ERROR
