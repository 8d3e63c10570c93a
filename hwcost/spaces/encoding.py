"""Architectures of a space as numbers: encoded genes for cost models, codes for searchers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hwcost._arguments import COUNT
from hwcost._cached import cached_property
from hwcost._types import Codes, Floats
from hwcost.errors import ArchitectureError
from hwcost.spaces.base import Architecture, GeneValue, SearchSpace
from hwcost.spaces.identity import check_identity
from hwcost.spaces.plugin_spaces import checked
from hwcost.spaces.points import listed
from hwcost.spaces.shaped import SHAPE_GENES, Shaped, split

DIRECT = 100_000
"""Whole choices below this are turned into codes by one look-up."""


class Encoding:
    """The two numeric forms of a space's architectures.

    An encoded gene is the value of a numeric gene, or the index of a categorical one. A code is the index of a gene's value
    among its choices, which stand in ascending order where they are numbers.

    Args:
        space: The space.

    Raises:
        ContractError: When the space is not one that architectures can be made of; says why.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = checked(space, space.name, {})
        self.gene_names = [gene.name for gene in space.genes]
        self._categories: list[dict[GeneValue, int] | None] = [
            {value: i for i, value in enumerate(gene.choices)} if gene.categorical else None for gene in space.genes
        ]

    def encode(self, archs: Sequence[Architecture]) -> Floats:
        """Encodes architectures as numbers.

        Returns:
            Shape ``(n, genes)``: the value of a numeric gene, the index of a categorical one.

        Raises:
            ArchitectureError: When one belongs to another space, or to this one with options that build other nets, or holds
                a value that the space does not have.
        """
        name, options = self.space.name, self.space.options_text
        for arch in archs:
            if arch.space_options is not options or arch.space != name:
                check_identity(self.space, arch)
        try:
            genes = np.array(self._numbers(archs), dtype=np.float64).reshape(len(archs), len(self.gene_names))
            return self.check(genes)
        except (KeyError, ValueError, ArchitectureError):
            for arch in archs:  # names the architecture, the gene and what is allowed
                self.space.architecture(arch.genes)
            raise

    def _numbers(self, archs: Sequence[Architecture]) -> list[tuple[float, ...]] | list[tuple[GeneValue, ...]]:
        if not any(self._categories):
            return [arch.genes for arch in archs]
        return [
            tuple(float(v) if known is None else known[v] for v, known in zip(arch.genes, self._categories, strict=True))
            for arch in archs
        ]

    def check(self, genes: Floats) -> Floats:
        """Returns encoded genes when all of them are points of the space.

        Raises:
            ArchitectureError: When the array's shape is wrong, a value is not one of the gene's choices, or a batch size or
                length of a point is not a whole number from 1.
        """
        if genes.ndim != 2 or genes.shape[1] != len(self.gene_names):
            raise ArchitectureError(
                f"space '{self.space.name}' has {len(self.gene_names)} genes: expected an array of shape "
                f"(n, {len(self.gene_names)}), got {genes.shape}"
            )
        if not np.isfinite(genes).all():
            raise ArchitectureError(f"genes of space '{self.space.name}' must be finite numbers; got NaN or infinity")
        for column, values in enumerate(self._values):
            if values is not None:
                wrong = values[self._code(column, genes[:, column])] != genes[:, column]
                if wrong.any():
                    raise ArchitectureError(
                        f"gene '{self.gene_names[column]}' of space '{self.space.name}' cannot be "
                        f"{genes[np.flatnonzero(wrong)[0], column]:g}. Allowed: {listed(values.tolist())}"
                    )
        if isinstance(self.space, Shaped):
            for name, sizes in zip(SHAPE_GENES, split(genes)[1].T, strict=True):
                wrong = (sizes < 1) | (sizes != np.round(sizes))
                if wrong.any():
                    raise ArchitectureError(f"{name} is {COUNT.noun}; got {sizes[wrong][0]:g}")
        return genes

    @cached_property
    def _values(self) -> list[Floats | None]:
        """Encoded values that each gene may take, ascending; None where any number is allowed."""
        return [
            None if not gene.choices
            else np.arange(len(gene.choices), dtype=np.float64) if gene.categorical
            else np.array(sorted(float(choice) for choice in gene.choices))
            for gene in self.space.genes
        ]

    def keys(self, genes: Floats) -> list[tuple[GeneValue, ...]]:
        """Returns a key for each encoded architecture (n, genes); points that stand for the same net have equal keys."""
        if self.space.has_isomorphs:
            return [self.space.canonical(self.decode(row).genes) for row in genes]
        return list(map(tuple, genes.tolist()))

    def codes(self, genes: Floats) -> Codes:
        """Returns the index of each encoded value among its gene's ascending choices; all genes must have choices."""
        tables = self._all_direct
        if tables is None:
            return np.stack([self._code(i, genes[:, i]) for i in range(genes.shape[1])], axis=1)
        width = tables.shape[1]
        places = np.clip(genes, 0, width - 1).astype(np.intp)
        places += np.arange(0, tables.size, width)
        return tables.ravel().take(places)

    def _code(self, gene: int, values: Floats) -> Codes:
        """Returns the index of the choice next to each value; the last one for values beyond all choices."""
        direct = self._direct[gene]
        if direct is None:
            choices = self.encoded_choices(gene)
            return np.minimum(np.searchsorted(choices, values), len(choices) - 1)
        return direct[np.clip(values, 0, len(direct) - 1).astype(np.intp)]

    @cached_property
    def _direct(self) -> list[Codes | None]:
        """Per gene with small whole choices, the code of every whole number up to the largest one."""
        tables: list[Codes | None] = []
        for values in self._values:
            is_small = values is not None and values[0] >= 0 and values[-1] < DIRECT and np.all(values == np.round(values))
            tables.append(np.searchsorted(values, np.arange(values[-1] + 1)) if values is not None and is_small else None)
        return tables

    @cached_property
    def _all_direct(self) -> Codes | None:
        """The same for all genes at once, shape (genes, largest whole number + 1); None where a gene has no such table."""
        tables = [table for table in self._direct if table is not None]
        if len(tables) < len(self._direct):
            return None
        width = max(map(len, tables))
        return np.stack([np.pad(table, (0, width - len(table)), mode="edge") for table in tables])

    @cached_property
    def ordered_choices(self) -> list[tuple[GeneValue, ...]]:
        """Choices of every gene in the order of its codes."""
        return [gene.choices if gene.categorical else tuple(sorted(gene.choices)) for gene in self.space.genes]

    def encoded_choices(self, gene: int) -> Floats:
        """Returns the encoded values that a gene may take, ascending, shape (choices,).

        Raises:
            ArchitectureError: When it may take any number.
        """
        values = self._values[gene]
        if values is None:
            raise ArchitectureError(f"gene '{self.gene_names[gene]}' has no choices to count")
        return values

    @property
    def sizes(self) -> list[int]:
        """Number of choices per gene."""
        return [len(gene.choices) for gene in self.space.genes]

    def numbers(self, genes: Floats) -> NDArray[np.int64] | None:
        """Returns one whole number for each encoded point (n, genes), equal for equal points only.

        None where some gene may hold any number, or points are too many to be numbered.
        """
        weights = self._weights
        return None if weights is None else np.asarray(self.codes(genes) @ weights, dtype=np.int64)

    @cached_property
    def _weights(self) -> NDArray[np.int64] | None:
        """Weight of the code of each gene in the number of a point, shape (genes,); None where points have no numbers."""
        sizes = self.sizes
        if not all(sizes) or math.prod(sizes) > np.iinfo(np.int64).max:
            return None
        return np.cumprod([1, *sizes[:-1]], dtype=np.int64)

    def genes_of(self, codes: Codes) -> Floats:
        """Returns the encoded values that codes (n, genes) stand for; the inverse of ``codes``."""
        return np.stack([self.encoded_choices(i)[codes[:, i]] for i in range(codes.shape[1])], axis=1)

    def decode(self, row: Floats) -> Architecture:
        """Returns the architecture of one row of encoded genes (genes,); the inverse of ``encode``."""
        genes: list[GeneValue] = [
            gene.choices[int(value)] if gene.categorical else int(value) if value.is_integer() else float(value)
            for gene, value in zip(self.space.genes, map(float, row), strict=True)
        ]
        return Architecture(self.space.name, tuple(genes), self.space.options_text)


@lru_cache(maxsize=64)
def encoding_of(space: SearchSpace) -> Encoding:
    """Returns the encoding of a space, made once."""
    return Encoding(space)
