"""Draws of codes whose sum over genes lies within bounds, however rare they are, by dynamic programming over the sum.

Sums of all partial choices are counted on a grid, gene by gene. Where the addends are whole multiples of one number, as
counts of parameters mostly are, the grid is exact: it says which sums there are, and every choice within the bounds is drawn
with equal odds. Elsewhere draws come to within half a step of the grid per gene, and are checked by who asks for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes, Floats
from hwcost.cost_models.features.tabulate import Tables
from hwcost.objectives.constraint import Constraint

CELLS = 2**22
"""Numbers that the counts of all genes take at the most: one for each choice of a gene at each step of the grid."""
TINY = 1e-300
"""Odds of the rarest sums, at the least."""
PROBES = 16
"""Random architectures on which tables are compared with the value that they stand for."""


class SumDraws:
    """Choices whose sum lies within bounds.

    Args:
        tables: Tables of the sum, of scalars.
        low: Least sum that is allowed.
        high: Largest sum that is allowed.

    Attributes:
        steps: Steps of a grid that is not exact, at the most.
        is_exact: Whether the grid holds just the sums that there are.
        reach: The least sum and the largest one of all choices.
    """

    steps: ClassVar[int] = 2**12

    def __init__(self, tables: Tables, low: float, high: float) -> None:
        added = [tables.single[0][None, :]]
        for gene, own in enumerate(tables.single[1:]):
            added.append(tables.pairs[gene] + own if tables.pairs else own[None, :])
        above = [one - one.min() for one in added]
        self._set_grid(above, sum(float(one.max()) for one in above), self._rows(above))
        self._steps: list[NDArray[np.intp]] = [np.rint(one / self._unit).astype(np.intp) for one in above]
        self._set_bounds(float(tables.base) + sum(float(one.min()) for one in added), low, high, len(above))
        self._counts = list(self._counted())
        opposite = Tables(-tables.base, [-one for one in tables.single], [-one for one in tables.pairs])
        self.reach = tables.least(), -opposite.least()
        self._is_beyond = high < self.reach[0] or low > self.reach[1]

    def _set_grid(self, added: list[Floats], span: float, rows: int) -> None:
        """Sets the step of the grid.

        Args:
            added: All addends; the least of each array is 0.
            span: Largest sum of them.
            rows: Numbers that are kept at each step of the grid.
        """
        unit, most = _unit(added), CELLS // rows
        self.is_exact = unit is not None and span / unit < most
        self._unit = float(unit) if unit is not None and self.is_exact else (span / min(self.steps, most) or 1.0)

    def _set_bounds(self, least: float, low: float, high: float, addends: int) -> None:
        """Sets the first and the last step within bounds; ``least`` is the sum at step 0, of so many addends."""
        self._least = least
        slack = 0.0 if self.is_exact else addends / 2
        self._first = max(0, math.ceil((low - least) / self._unit - slack)) if math.isfinite(low) else 0
        self._last = math.floor((high - least) / self._unit + slack) if math.isfinite(high) else None

    @staticmethod
    def _rows(added: list[Floats]) -> int:
        """Returns how many numbers are kept at each step of the grid."""
        return sum(one.shape[1] for one in added)

    def _counted(self) -> Iterator[Floats]:
        """Yields for each gene how many choices up to it end in each of its codes at each sum, shape (codes, sums)."""
        size = 1 + sum(int(one.max()) for one in self._steps)
        before = np.zeros((1, size))
        before[0, 0] = 1.0
        for steps in self._steps:
            from_any = before if len(steps) == len(before) else before.sum(axis=0, keepdims=True)
            found = np.zeros((steps.shape[1], size))
            for last, code in np.ndindex(*steps.shape):
                step = int(steps[last, code])
                found[code, step:] += from_any[last, : size - step]
            before = scaled(found)
            yield before

    def _within(self) -> slice:
        return slice(self._first, None if self._last is None else max(0, self._last + 1))

    @property
    def is_empty(self) -> bool:
        """Whether no sum lies within the bounds, which is proved."""
        return self._is_beyond or not bool(self._counts[-1][:, self._within()].any())

    @property
    def nearest(self) -> tuple[float | None, float | None]:
        """The largest sum below the bounds and the least one above them, to a step of the grid; None where there is none."""
        there = np.flatnonzero(self._counts[-1].any(axis=0))
        within = self._within()
        below = there[there < self._first]
        above = there[there >= within.stop] if within.stop is not None else there[:0]
        ends = below[-1:].tolist(), above[:1].tolist()
        low, high = (self._least + self._unit * found[0] if found else None for found in ends)
        return low, high

    def draw(self, n: int, rng: np.random.Generator) -> Codes:
        """Draws codes, shape (n, genes), equal ones included; no row where no sum lies within the bounds."""
        if self.is_empty:
            return np.empty((0, len(self._steps)), dtype=np.intp)
        ends = self._counts[-1][:, self._within()]
        places = rng.choice(ends.size, size=n, p=(ends / ends.sum()).ravel())
        drawn, above = np.unravel_index(places, ends.shape)
        code, sums = drawn.astype(np.intp), above.astype(np.intp) + self._first
        codes = [code]
        for gene in range(len(self._steps) - 1, 0, -1):
            steps, before = self._steps[gene], self._counts[gene - 1]
            left = sums[:, None] - steps[:, code].T  # shape (n, codes of the gene before), or (n, 1)
            left = np.broadcast_to(left, (n, len(before)))
            odds = np.where(left >= 0, before[np.arange(len(before)), np.maximum(left, 0)], 0.0)
            chosen = choice(odds, rng)
            sums, code = left[np.arange(n), chosen], chosen
            codes.append(code)
        return np.stack(codes[::-1], axis=1)


def sums_of(constraint: Constraint, sizes: Codes) -> Tables | None:
    """Returns the value that a constraint bounds as a plain sum over genes, and pairs of neighbours; None where it is none.

    Args:
        constraint: The constraint.
        sizes: Number of choices of every gene, shape (genes,).
    """
    tables = offered(constraint, "tables")
    return tables if tables is not None and is_value(tables, constraint, sizes) else None


def offered(constraint: Constraint, name: str) -> Any:
    """Returns what a method of the bounded value gives; None where it has none, or where a probability is asked.

    Args:
        constraint: The constraint.
        name: Name of the method, which takes no arguments.
    """
    value = constraint.value
    if constraint.probability is not None or not hasattr(value, "predict_codes"):
        return None
    found = getattr(value, name, None)
    return None if found is None else found()


def is_value(sums: Callable[[Codes], Floats], constraint: Constraint, sizes: Codes) -> bool:
    """Whether sums over genes are the bounded value itself, and not its logarithm, as those of a cost model may be.

    Args:
        sums: Function of codes (n, genes).
        constraint: The constraint.
        sizes: Number of choices of every gene, shape (genes,).
    """
    rng = np.random.default_rng(0)
    probes = np.stack([rng.integers(size, size=PROBES) for size in sizes.tolist()], axis=1)
    return np.allclose(sums(probes), constraint.value.predict_codes(probes), rtol=1e-12)


def ends_of(constraint: Constraint) -> tuple[float, float]:
    """Returns the bounds of a constraint, infinite where there is none."""
    low = -math.inf if constraint.least is None else constraint.least
    return low, math.inf if constraint.most is None else constraint.most


def scaled(counts: Floats) -> Floats:
    """Returns numbers of choices relative to the largest one, since they may exceed what a float holds; none becomes 0."""
    return np.where(counts > 0, np.maximum(counts / counts.max(), TINY), 0.0)


def choice(odds: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draws one column of each row by its odds, shape (n,)."""
    ends = odds.cumsum(axis=1)
    drawn = rng.random(len(odds)) * ends[:, -1]
    return np.asarray(np.minimum((ends <= drawn[:, None]).sum(axis=1), odds.shape[1] - 1), dtype=np.intp)


def _unit(added: list[Floats]) -> int | None:
    """Returns the largest number that all addends are whole multiples of; None where they are not whole."""
    values = np.concatenate([one.ravel() for one in added])
    if not np.array_equal(values, np.rint(values)) or values.max(initial=0.0) >= 2**53:
        return None
    return int(np.gcd.reduce(values.astype(np.int64))) or 1
