"""Which categories the rows of a fit had, as one table for all genes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats, Indices


@dataclass(frozen=True)
class Categories:
    """The categories that were seen, as one table for all categorical genes.

    Attributes:
        places: Numbers of the categorical genes.
        others: Numbers of the numeric ones.
        last: Index, per categorical gene, that stands for all beyond the largest one seen.
        starts: Place of the first index of each categorical gene in the table.
        table: Whether each index was seen, one gene after the other.
    """

    places: Indices
    others: Indices
    last: Indices
    starts: Indices
    table: NDArray[np.bool_]

    @classmethod
    def of(cls, seen: Sequence[tuple[int, ...] | None]) -> Categories:
        """Takes the categories seen per gene, None for numeric genes."""
        known = {place: np.isin(np.arange(max(codes) + 2), codes) for place, codes in enumerate(seen) if codes is not None}
        others = [place for place, codes in enumerate(seen) if codes is None]
        sizes = np.array([len(one) for one in known.values()], dtype=np.intp)
        return cls(
            np.array(list(known), dtype=np.intp), np.array(others, dtype=np.intp), sizes - 1, np.cumsum(sizes) - sizes,
            np.concatenate([*known.values(), np.empty(0, dtype=bool)]),
        )  # fmt: skip

    def are_seen(self, genes: Floats) -> NDArray[np.bool_]:
        """Says for rows (n, genes) whether the category of each categorical gene was seen, shape (n, categorical genes)."""
        codes = genes if not len(self.others) else genes[:, self.places]
        return self.table.take(np.minimum(codes.astype(np.intp), self.last) + self.starts)
