"""Which genes of a space are a batch size and a sequence length, and the space of what is left.

Architectures with their shapes have both at the end. A table has them where its columns are named so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwcost.spaces.base import GeneValue, SearchSpace
from hwcost.spaces.shaped import SHAPE_GENES, Shaped
from hwcost.spaces.table import Table

__all__ = ["ShapeColumns"]

NAMES = {
    "batch_size": ("batch_size", "batch", "bs", "bsz"),
    "seq_len": ("seq_len", "seq", "seq_length", "sequence_length", "sequence_len", "length"),
}
"""Names of the columns of tables that give a size, in any case, with spaces, hyphens, underscores or nothing between."""


@dataclass(frozen=True)
class ShapeColumns:
    """The genes that give a shape.

    Attributes:
        places: Number of the gene of each size that the space has, by ``batch_size`` and ``seq_len``.
        rest: Space of the other genes.
    """

    places: Mapping[str, int]
    rest: SearchSpace

    @classmethod
    def of(cls, space: SearchSpace) -> ShapeColumns | None:
        """Returns the columns of a space; None where it has no size, or nothing else."""
        if isinstance(space, Shaped):
            last = len(space.genes) - len(SHAPE_GENES)
            return cls({name: last + i for i, name in enumerate(SHAPE_GENES)}, space.base)
        if not isinstance(space, Table):
            return None
        numeric = [(_plain(gene.name), i) for i, gene in enumerate(space.genes) if not gene.categorical]
        found = {size: [i for name, i in numeric if name in map(_plain, names)] for size, names in NAMES.items()}
        places = {size: columns[0] for size, columns in found.items() if len(columns) == 1}
        options = space.options()
        columns = [column for i, column in enumerate(options["columns"]) if i not in places.values()]
        if not places or not columns:
            return None
        kept = {column["name"] for column in columns}
        return cls(places, Table(columns, [name for name in options["increasing"] if name in kept]))

    def joined(self, genes: NDArray[np.float64], sizes: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
        """Returns encoded points of encoded architectures (n, genes) and sizes, each one number or one for each row."""
        whole = np.empty((len(genes), genes.shape[1] + len(self.places)))
        whole[:, self._others(whole.shape[1])] = genes
        for name, place in self.places.items():
            whole[:, place] = sizes[name]
        return whole

    def without(self, genes: tuple[GeneValue, ...]) -> tuple[GeneValue, ...]:
        """Returns the values of the other genes of a point."""
        return tuple(genes[i] for i in self._others(len(genes)))

    def with_sizes(self, genes: tuple[GeneValue, ...], sizes: Mapping[str, int]) -> tuple[GeneValue, ...]:
        """Returns the values of the point that has these values of its other genes, and these sizes."""
        whole = list(genes)
        for name, place in sorted(self.places.items(), key=lambda one: one[1]):
            whole.insert(place, sizes[name])
        return tuple(whole)

    def are(self, genes: tuple[GeneValue, ...], sizes: Mapping[str, float]) -> bool:
        """Whether a point has these sizes."""
        return all(genes[place] == sizes[name] for name, place in self.places.items())

    def _others(self, count: int) -> list[int]:
        return [i for i in range(count) if i not in self.places.values()]


def _plain(name: str) -> str:
    """Returns a name in lower case, with letters and digits alone."""
    return "".join(filter(str.isalnum, name.lower()))
