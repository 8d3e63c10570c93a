"""Which rows are the same architecture: they are split together, left out together, and fitted as one.

An architecture that stands on both sides of a split is recognised, not predicted, so that errors on it say nothing of a new
one. Points of a space that stand for the same net are one architecture.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Floats, Indices
from hwcost.cost_models.features.extractor import Features, shared_features
from hwcost.cost_models.features.settings import FEWEST_NETS, net_numbers
from hwcost.spaces.shaped import Shaped, split


@dataclass(frozen=True)
class Groups:
    """The architectures of n rows, numbered in the order of their first rows.

    Attributes:
        numbers: Number of each row's architecture, shape (n,).
    """

    numbers: Indices

    @classmethod
    def of(cls, features: Features, genes: Floats) -> Groups:
        """Groups encoded genes (n, genes) by architecture."""
        if features.space.has_isomorphs or not len(genes):
            return cls.of_keys(features.keys(genes))
        points: NDArray[Any] | None = features.numbers(genes)
        if points is None:
            rows = np.ascontiguousarray(genes + 0.0)  # one zero, not two
            points = rows.view(np.dtype((np.void, rows.strides[0]))).ravel()
        _, first, numbers = np.unique(points, return_index=True, return_inverse=True)
        return cls(np.argsort(np.argsort(first))[numbers])

    @classmethod
    def of_architectures(cls, features: Features, genes: Floats) -> Groups:
        """Groups encoded genes by architecture alone, at whatever shapes and settings: what is left out together.

        In a table these are the rows that differ in nothing but settings, where most nets were measured at several.
        """
        if isinstance(features.space, Shaped):
            return cls.of(shared_features(features.space.base), split(genes)[0])
        nets = net_numbers(features.space, genes)
        return cls.of(features, genes) if nets is None or nets.max() + 1 < FEWEST_NETS else cls(nets)

    @classmethod
    def of_keys(cls, keys: Iterable[Hashable]) -> Groups:
        """Takes rows with equal keys for the same architecture."""
        known: dict[Hashable, int] = {}
        return cls(np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.intp))

    @classmethod
    def all_different(cls, n: int) -> Groups:
        """Takes each of n rows for another architecture."""
        return cls(np.arange(n, dtype=np.intp))

    def __len__(self) -> int:
        """Returns the number of different architectures."""
        return len(self.sizes)

    @cached_property
    def sizes(self) -> Indices:
        """Rows of each architecture, shape (architectures,)."""
        return np.bincount(self.numbers).astype(np.intp)

    @property
    def has_repeats(self) -> bool:
        """Whether some architecture stands in several rows."""
        return len(self) < len(self.numbers)

    @property
    def shares(self) -> Floats:
        """Weight of each row, so that every architecture has weight 1; shape (n,)."""
        return np.asarray(1.0 / self.sizes[self.numbers])

    @cached_property
    def first(self) -> Indices:
        """First row of each architecture, shape (architectures,)."""
        return np.asarray(np.unique(self.numbers, return_index=True)[1], dtype=np.intp)

    @cached_property
    def repeated(self) -> dict[int, Indices]:
        """Row numbers, ascending, of each architecture that stands in several rows, by its number."""
        order, ends = np.argsort(self.numbers, kind="stable").astype(np.intp), np.cumsum(self.sizes)
        return {int(i): order[ends[i] - self.sizes[i] : ends[i]] for i in np.flatnonzero(self.sizes > 1)}

    @cached_property
    def pairs(self) -> tuple[Indices, Indices]:
        """Numbers of the architectures that stand in two rows, shape (k,), and these rows, ascending, shape (k, 2)."""
        order, twice = np.argsort(self.numbers, kind="stable").astype(np.intp), np.flatnonzero(self.sizes == 2)
        starts = (np.cumsum(self.sizes) - self.sizes)[twice]
        return twice, order[starts[:, None] + np.arange(2)]

    @cached_property
    def rows(self) -> list[Indices]:
        """Row numbers of each architecture, ascending."""
        order = np.argsort(self.numbers, kind="stable").astype(np.intp)
        return np.split(order, np.cumsum(self.sizes)[:-1])

    def rows_of(self, architectures: Indices) -> Indices:
        """Returns the rows of some architectures, one architecture after the other."""
        if not self.has_repeats:
            return architectures
        return np.concatenate([self.rows[i] for i in architectures]) if len(architectures) else np.empty(0, dtype=np.intp)
