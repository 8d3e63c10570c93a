"""What the components of architectures do at any batch size and sequence length, as columns that cost is a sum of.

For every kind of component there are eight columns: how many there are (the overhead of calling them), the operations of
their dense products, the share of these that a product of few rows does at a lower rate, the operations of attention beyond
one token (quadratic in length), the weights that a call reads whatever its shape, the activations that it reads and writes,
and the operations of dense products of at least one tile of rows, and of sequences of at least one tile of tokens, as of
matrix units that compute whole tiles. The space's own counts at that batch size and length give all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Floats
from hwcost.cost_models.features.extractor import Features, shared_features
from hwcost.errors import UsageError
from hwcost.spaces.accounting import Work
from hwcost.spaces.shaped import Shape, Shaped, split

KINDS_OF_WORK = ("calls", "dense", "few_rows", "attention", "weights", "activations", "tiled_rows", "tiled_tokens")
"""Names of the columns of one kind of component."""

ROWS = 64
"""Tokens of a call at which half of a dense product's operations count as those of few rows: a few tiles of a kernel."""

TILE = 128
"""Rows or tokens of a tile: the matrix unit of a TPU has 128 rows, and most GPUs' kernels take tiles of 64 to 256."""

REMEMBERED = 64
"""Shapes of which the components' work is kept."""


class ShapeWork:
    """The columns of one space over shapes.

    Args:
        space: Architectures with their shapes.

    Raises:
        UsageError: When the components of the architectures are not known.
    """

    def __init__(self, space: Shaped) -> None:
        if not space.base.is_buildable:
            raise UsageError(f"space '{space.base.name}' describes data only: what its architectures do is not known")
        self.base = space.base
        self.features: Features = shared_features(space.base)
        self._works: dict[tuple[Shape, bool], Floats] = {}

    @cached_property
    def kinds(self) -> list[str]:
        """Kinds of component, in order."""
        return sorted({part.kind for part in self.features.components})

    @cached_property
    def names(self) -> list[str]:
        """Names of the columns: kind of component, then kind of work."""
        return [f"{kind}.{what}" for kind in self.kinds for what in KINDS_OF_WORK]

    def of_components(self, shape: Shape, whole_tiles: bool = False) -> Floats:
        """Returns the columns of every component of the space at a shape, shape (components, columns).

        Args:
            shape: The shape.
            whole_tiles: Whether rows and tokens beyond the first tile count as whole tiles too. They do where kernels pad
                them, of which rows at few sizes tell nothing; a fit counts only the first one.
        """
        found = self._works.get((shape, whole_tiles))  # looked up once: another thread may clear them
        if found is None:
            if len(self._works) >= REMEMBERED:
                self._works.clear()
            found = self._works[shape, whole_tiles] = self._of_components(shape, whole_tiles)
        return found

    def _of_components(self, shape: Shape, whole_tiles: bool) -> Floats:
        table = np.zeros((len(self.features.components), len(self.names)))
        for row, part in enumerate(self.features.components):
            sizes = shape, (shape.batch_size, 1), (2 * shape.batch_size, shape.seq_len)
            start = self.kinds.index(part.kind) * len(KINDS_OF_WORK)
            whole, of_one_token, of_twice = (self.base.component_work(part, *size) for size in sizes)
            kinds = _kinds_of_work(whole, of_one_token, of_twice, shape, whole_tiles)
            table[row, start : start + len(KINDS_OF_WORK)] = kinds
        return table

    def __call__(self, genes: Floats) -> Floats:
        """Returns the columns of encoded points (n, genes), shape (n, columns)."""
        own, sizes = split(genes)
        counts, columns = self.features.counts(own), np.empty((len(genes), len(self.names)))
        for shape, rows in by_shape(sizes):
            columns[rows] = counts[rows] @ self.of_components(shape)
        return columns


def shared_work(space: Shaped) -> ShapeWork:
    """Returns the columns for all models of equal spaces, so that the work of components is counted once.

    Args:
        space: Architectures with their shapes.

    Raises:
        UsageError: When the components of the architectures are not known.
    """
    return _shared(shared_features(space.base))


@lru_cache(maxsize=16)
def _shared(features: Features) -> ShapeWork:
    return ShapeWork(Shaped(features.space))


def by_shape(sizes: Floats) -> list[tuple[Shape, Sequence[int]]]:
    """Groups n rows of sizes (n, 2) by shape; returns every shape with its row numbers."""
    groups: dict[Shape, list[int]] = {}
    for row, (batch_size, seq_len) in enumerate(sizes.tolist()):
        groups.setdefault(Shape(int(batch_size), int(seq_len)), []).append(row)
    return list(groups.items())


def _kinds_of_work(
    whole: Work, of_one_token: Work, of_twice_the_batch: Work, shape: Shape, whole_tiles: bool
) -> list[float]:
    """Splits what one component does at a shape.

    Args:
        whole: Its work at the shape.
        of_one_token: Its work at the same batch size and one token.
        of_twice_the_batch: Its work at the same length and twice the batch size.
        shape: The shape.
        whole_tiles: Whether rows and tokens beyond the first tile count as whole tiles too.
    """
    rows = shape.batch_size * shape.seq_len
    dense = min(whole.flops, shape.seq_len * of_one_token.flops)
    attention = whole.flops - dense
    weights = max(0, 2 * whole.elements - of_twice_the_batch.elements)
    more_rows, more_tokens = (_in_tiles(size, whole_tiles) / size for size in (rows, shape.seq_len))
    tiled_tokens = dense * more_tokens + attention * more_tokens**2
    few_rows = dense * ROWS / (ROWS + rows)
    return [1.0, dense, few_rows, attention, weights, whole.elements - weights, dense * more_rows, tiled_tokens]


def _in_tiles(size: int, whole_tiles: bool) -> int:
    """Returns a number of rows or tokens, at least one tile; whole tiles where they are asked for."""
    return -(-size // TILE) * TILE if whole_tiles else max(size, TILE)
