"""A line over encoded genes in whatever order of summation is the fastest, with limits that its error does not cross.

The bits of a sum depend on the order in which it is added up, so that a row at the very end of a range may fall out of it.
Rows that are nearer to an end than two sums in different orders can differ are doubtful; all others are judged at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.shaped import unshaped

NONE = np.empty(0, dtype=np.intp)
"""No row."""


@dataclass(frozen=True)
class QuickLine:
    """A line without its intercept, and the range within which rows are surely among those of a fit.

    Attributes:
        slopes: Slopes of the genes, 0 of categorical ones, shape (genes,); None where all genes are categorical.
        places: Numbers of the categorical genes.
        starts: Place of the first choice of each of them among the effects.
        effects: Rise of the line by each choice of a categorical gene, one gene after the other.
        low: Least height that is surely within.
        high: Largest height likewise.
    """

    slopes: Floats | None
    places: Indices
    starts: Indices
    effects: Floats
    low: float
    high: float

    @classmethod
    def of(cls, space: SearchSpace, intercept: float, slopes: Floats, low: float, high: float) -> QuickLine | None:
        """Takes over a line; None where a gene may hold any number, so that the error of a sum has no bound.

        Args:
            space: Space of the line, whose shapes, if it has any, do not count.
            intercept: Height with all columns 0.
            slopes: Slopes of the columns, as ``Features.one_hot`` has them, shape (columns,).
            low: Height of the lowest row.
            high: Height of the highest row.
        """
        genes = unshaped(space).genes
        if not all(gene.choices for gene in genes):
            return None
        sizes = [len(gene.choices) if gene.categorical else 1 for gene in genes]
        own = np.split(slopes, np.cumsum(sizes)[:-1])
        reach = [1.0 if gene.categorical else max(abs(float(value)) for value in gene.choices) for gene in genes]
        largest = sum(far * float(np.abs(one).max()) for far, one in zip(reach, own, strict=True))
        scale = abs(intercept) + largest + sum(abs(end) for end in (low, high) if np.isfinite(end))
        error = 4 * (len(slopes) + 4) * float(np.finfo(np.float64).eps) * scale  # both sums, and what is compared
        places = np.array([place for place, gene in enumerate(genes) if gene.categorical], dtype=np.intp)
        numeric = np.array([0.0 if gene.categorical else float(one[0]) for gene, one in zip(genes, own, strict=True)])
        effects = [own[place] for place in places.tolist()]
        starts = np.cumsum([0, *map(len, effects)], dtype=np.intp)[:-1]
        return cls(
            numeric if len(places) < len(genes) else None, places, starts, np.concatenate([*effects, np.empty(0)]),
            low - intercept + error, high - intercept - error,
        )  # fmt: skip

    def doubtful(self, genes: Floats) -> Indices:
        """Returns the rows of encoded genes (n, genes) that are not surely within."""
        line = self._at(genes)
        if line.min(initial=np.inf) >= self.low and line.max(initial=-np.inf) <= self.high:
            return NONE
        return np.flatnonzero(~((line >= self.low) & (line <= self.high)))

    def _at(self, genes: Floats) -> Floats:
        if self.slopes is None:
            return self._of_categories(genes)
        line = genes[:, : len(self.slopes)] @ self.slopes
        return line if not len(self.places) else line + self._of_categories(genes)

    def _of_categories(self, genes: Floats) -> Floats:
        codes = genes if self.slopes is None else genes[:, self.places]
        return np.asarray(self.effects.take(codes[:, : len(self.places)].astype(np.intp) + self.starts).sum(axis=1))
