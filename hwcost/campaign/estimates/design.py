"""Which visits tell an item from the others: what an incomplete design of items and rounds is worth.

With one free effect per round, a round of k items tells k - 1 contrasts between them, and a round in which an item was alone
tells nothing about it. So where some items lack rounds that others have, an item's visits count as what they tell.

Source: Searle, Linear Models, 1971, chapter 7 (two-way crossed classification, rounds absorbed).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats, Indices

WEAK = 0.01
"""Share of an item's heaviest visit below which another one ties it to no round: the fit hardly follows such a visit."""

SINGULAR = 1e-9
"""Share of a round's information below which a contrast between rounds counts as unknown; weights are at least 1e-6."""


@dataclass(frozen=True, slots=True)
class Design:
    """What the visits of some items tell.

    Attributes:
        amount: Full visits that tell each item's difference from the others, shape (items,). Where every item was visited in
            every round that is the sum of its weights, and less elsewhere.
        apart: Squared error of the mean level of an item's rounds against that of most visits' rounds, in variances of a
            round's level, shape (items,). Zero where items share rounds, directly or by other items.
        part: Number of the part that each round belongs to, shape (rounds,). Rounds of two parts share no item.
        is_complete: Whether every item was visited in every round.
    """

    amount: Floats
    apart: Floats
    part: Indices
    is_complete: bool


def fit_design(item: Indices, round: Indices, weight: Floats) -> Design:
    """Finds what a design of items and rounds tells.

    With W the weights (items, rounds) and rounds absorbed, the information about items is ``C = diag(W 1) - W diag(1 /
    column sums) W'``. An item's difference from the mean of all, each weighted by what its own visits tell (``C_ii``), has
    the variance ``v_i = g' C+ g`` in variances of a full visit, and its difference from the mean of the others ``v_i / (1 -
    h_i)^2``, h_i being its share in that mean. The amount is ``(1 - h_i)^2 / ((1 - 1 / I) v_i)``: the number of rounds in a
    complete design, ``(1 - 1 / I) / (C+)_ii`` where all items tell as much, and never more than the sum of the item's
    weights. The inverse is that of a system of rounds, at a cost of items x rounds^2.

    Items that share no round with the others, directly or by further items, are compared with each other only; what ties
    them to the others is that levels of rounds vary about one mean (``apart``). One that shares no round with any keeps the
    sum of its weights.

    Args:
        item: Index of the item of each visit, shape (n,), without gaps.
        round: Index of its round, shape (n,), without gaps.
        weight: Share of a full visit that it counts as, shape (n,), above zero.
    """
    total = np.bincount(item, weight).astype(np.float64)
    n_items, n_rounds = len(total), int(round.max()) + 1
    if len(np.unique(item * n_rounds + round)) == n_items * n_rounds:
        return Design(total, np.zeros(n_items), np.zeros(n_rounds, dtype=np.intp), True)
    cells = np.bincount(item * n_rounds + round, weight, n_items * n_rounds)
    table = cells.astype(np.float64).reshape(n_items, n_rounds)
    table[table < WEAK * table.max(axis=1, keepdims=True)] = 0.0
    parts = _parts(table)
    of_item, of_round = parts[:n_items], parts[n_items:]
    is_alone = (np.bincount(of_item) == 1)[of_item]
    amount = np.where(is_alone, total, np.minimum(total, _amount(table, of_item, is_alone)))
    return Design(amount, _apart(table, of_item, of_round), of_round, False)


def followed(item: Indices, weight: Floats) -> Floats:
    """Returns 1 for every visit that the fit follows, and 0 for one of hardly any weight (``WEAK``), shape (n,)."""
    heaviest = np.zeros(int(item.max()) + 1)
    np.maximum.at(heaviest, item, weight)
    return np.asarray(weight >= WEAK * heaviest[item], dtype=np.float64)


def _parts(table: Floats) -> Indices:
    """Returns the number of the part that every item, and then every round, belongs to, shape (items + rounds,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, (rows, columns) = sum(table.shape), np.nonzero(table)
    links = coo_array((np.ones(len(rows)), (rows, table.shape[0] + columns)), shape=(n, n))
    return np.asarray(connected_components(links.tocsr(), directed=False)[1], dtype=np.intp)


def _amount(table: Floats, part: Indices, is_alone: NDArray[np.bool_]) -> Floats:
    """Returns the full visits that each item's difference from the mean of its part is worth; no number for one alone."""
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    columns = np.where(columns > 0, columns, 1.0)
    scaled = table / np.sqrt(columns)
    reach = scaled / rows[:, None]
    inverse = np.linalg.pinv(np.eye(len(columns)) - scaled.T @ reach, rcond=SINGULAR, hermitian=True)
    tells = rows - (scaled**2).sum(axis=1)
    share = np.where(is_alone, 1.0, tells / np.maximum(np.bincount(part, tells)[part], 1e-300))
    own = 1.0 / rows + ((reach @ inverse) * reach).sum(axis=1)
    with_mean = share / rows + reach @ (inverse @ (share @ reach))
    variance = own - 2.0 * with_mean + np.bincount(part, share * with_mean)[part]
    equal = 1.0 - 1.0 / np.bincount(part)[part]
    return np.asarray((1.0 - share) ** 2 / np.maximum(equal * variance, 1e-300))


def _apart(table: Floats, of_item: Indices, of_round: Indices) -> Floats:
    """Returns ``Design.apart``: one over the rounds of an item's part, and of the part with most visits, added up."""
    rounds = np.bincount(of_round, minlength=int(of_item.max()) + 1)
    main = int(np.argmax(np.bincount(of_item, (table > 0).sum(axis=1))))
    return np.asarray(np.where(of_item == main, 0.0, 1.0 / rounds[of_item] + 1.0 / rounds[main]))


def level_variance(level: Floats, weight: Floats, part: Indices) -> tuple[float, float]:
    """Returns the variance of rounds' levels about the mean of their part, and its degrees of freedom; zeros without any.

    Noise of the levels is in it, so that it is rather too large.

    Args:
        level: Log level of each round, shape (rounds,).
        weight: Full visits of each round, shape (rounds,); one counts as much as many.
        part: Number of each round's part, shape (rounds,).
    """
    counted = np.minimum(weight, 1.0)
    total = np.maximum(np.bincount(part, counted), 1e-300)
    mean = np.bincount(part, counted * level) / total
    free = float((total - np.bincount(part, counted**2) / total).sum())
    squares = float((counted * (level - mean[part]) ** 2).sum())
    return (squares / free, free) if free > 0 else (0.0, 0.0)
