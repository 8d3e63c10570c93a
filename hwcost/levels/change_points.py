"""Finds where the level of a series jumps: least squares over all ways to cut it, with a price for every cut.

Values are first clipped towards a running median, so that single outliers make no segments; running medians keep edges. The
cut series with the least cost is found by dynamic programming (optimal partitioning, Jackson et al. 2005), and cuts
that a t test on the two sides does not confirm are taken back.
"""

from __future__ import annotations

import math

import numpy as np

from hwcost._stats import robust_sd, student_tails
from hwcost._types import Floats
from hwcost.levels.von_neumann import noise

MIN_ROWS = (6, 15)
"""Fewest values on either side of a cut, in short series and in long ones."""

MIN_SHARE = 12
"""Fewest values of a segment are the length of the series divided by this, within the two limits above."""

P_VALUE = 1e-3
PRICE = 3.0
"""Least saving of a cut, as a multiple of ``variance * log n``."""

CLIP = 3.0
"""Values are clipped to so many standard deviations of the noise around the running median."""

TINY = 1e-30
"""Least squared standard error of a mean, so that segments without any noise can be compared."""

CHUNK = 10_000
"""Values whose neighbours are laid side by side at a time, so that a long series takes no more memory than a short one."""

MAX_CELLS = 1500
"""Longer series are cut on means of neighbours first, and every cut is then moved to the best single place."""


def least_rows(n: int) -> int:
    """Returns the fewest values between two jumps of a series of n."""
    low, high = MIN_ROWS
    return min(high, max(low, n // MIN_SHARE))


def change_points(values: Floats, price: float | None = None) -> list[int]:
    """Finds the jumps of a series.

    Args:
        values: Shape (n,), in the order measured.
        price: Least saving of a cut, in squared units of the values; None for every jump above the noise.

    Returns:
        Ascending indices at which a new segment begins; empty when there is only one.
    """
    n, min_rows = len(values), least_rows(len(values))
    if n < 2 * min_rows:
        return []
    clipped = clip(values)
    sd = noise(clipped) or robust_sd(clipped)
    if sd == 0:
        sd = float(clipped.std())
    if sd == 0:
        return []
    width = -(-n // MAX_CELLS)
    starts = np.arange(0, n, width)
    cells = np.add.reduceat(clipped, starts)
    counts = np.diff(np.append(starts, n)).astype(float)
    if price is None:
        price = PRICE * sd**2 * math.log(n)
    cuts = [int(starts[cut]) for cut in _partition(cells, counts, price, min_rows)]
    if width > 1:
        cuts = _refined(clipped, cuts, width)
    return _confirmed(clipped, cuts)


def clip(values: Floats) -> Floats:
    """Clips single outliers of values (n,) towards the running median of about ``2 * least_rows(n)`` neighbours."""
    window = least_rows(len(values))
    mirrored = np.pad(values, window, mode="symmetric")
    around = np.lib.stride_tricks.sliding_window_view(mirrored, 2 * window + 1)
    parts = (around[i : i + CHUNK] for i in range(0, len(values), CHUNK))
    centre = np.concatenate([np.partition(part, window, axis=1)[:, window] for part in parts])
    allowed = CLIP * max(robust_sd(values - centre), 1e-12)
    return np.asarray(np.clip(values, centre - allowed, centre + allowed))


def _partition(sums: Floats, counts: Floats, price: float, min_rows: int) -> list[int]:
    """Returns the cuts of least total cost over cells with these sums and counts."""
    n = len(sums)
    total, rows = np.append(0.0, np.cumsum(sums)), np.append(0.0, np.cumsum(counts))
    best = np.full(n + 1, np.inf)
    best[0] = -price
    before = np.zeros(n + 1, dtype=np.intp)
    starts = np.searchsorted(rows, rows - min_rows, side="right")  # those that leave a segment long enough
    first = int(np.searchsorted(starts, 0, side="right"))
    while first <= n:
        last = int(np.searchsorted(starts, first, side="right"))  # ends before that begin at places whose costs are known
        ends, known = slice(first, last), int(starts[last - 1])
        costs = total[ends, None] - total[:known]
        costs *= -costs
        costs /= rows[ends, None] - rows[:known]
        costs += best[:known]
        costs += price
        costs[np.arange(known) >= starts[ends, None]] = np.inf
        before[ends] = costs.argmin(axis=1)
        best[ends] = costs[np.arange(last - first), before[ends]]
        first = last
    cuts = []
    end = n
    while before[end] > 0:
        end = int(before[end])
        cuts.append(end)
    return cuts[::-1]


def _refined(values: Floats, cuts: list[int], reach: int) -> list[int]:
    """Moves every cut to the place within ``reach`` that explains most."""
    total = np.append(0.0, np.cumsum(values))
    edges = [0, *cuts, len(values)]
    for i in range(1, len(edges) - 1):
        left, right = edges[i - 1], edges[i + 1]
        places = np.arange(max(left + 1, edges[i] - reach), min(right - 1, edges[i] + reach) + 1)
        gain = (total[places] - total[left]) ** 2 / (places - left) + (total[right] - total[places]) ** 2 / (right - places)
        edges[i] = int(places[np.argmax(gain)])
    return edges[1:-1]


def _confirmed(values: Floats, cuts: list[int]) -> list[int]:
    """Removes the weakest cut until a t test (Welch) confirms all that are left."""
    sums = np.append(0.0, np.cumsum(values))
    squares = np.append(0.0, np.cumsum((values - values.mean()) ** 2))
    while cuts:
        edges = np.array([0, *cuts, len(values)])
        rows = np.diff(edges).astype(float)
        means = np.diff(sums[edges]) / rows
        spread = np.maximum(np.diff(squares[edges]) / rows - (means - values.mean()) ** 2, 0.0)  # of the mean, squared
        free = np.maximum(rows - 1, 1.0)
        doubt = np.maximum(spread / free, TINY)
        both = doubt[:-1] + doubt[1:]
        dof = both**2 / (doubt[:-1] ** 2 / free[:-1] + doubt[1:] ** 2 / free[1:])
        t = np.diff(means) / np.sqrt(both)
        p = [student_tails(*pair) for pair in zip(t.tolist(), dof.tolist(), strict=True)]
        weakest = int(np.argmax(p))
        if p[weakest] <= P_VALUE:
            break
        cuts = cuts[:weakest] + cuts[weakest + 1 :]
    return cuts
