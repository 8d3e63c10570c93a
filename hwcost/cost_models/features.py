"""The one feature extractor: fit and predict both see architectures through it.

Whatever depends on single genes, or on neighbouring ones, is tabulated once; a batch is then gene codes and table look-ups,
without a Python loop over architectures.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from hwcost._types import Codes, Floats
from hwcost.cost_models.tabulate import Tables, tabulate
from hwcost.errors import ArchitectureError
from hwcost.spaces.base import Architecture, Component, GeneValue, SearchSpace

CHECKS = 24
"""Random architectures on which tabulated component counts are compared with the space's own."""

DIRECT = 100_000
"""Whole choices below this are turned into codes by one look-up."""

WORK = ("params", "flops", "elements")
"""Columns of the work matrix, see :class:`hwcost.spaces.accounting.Work`."""


class Features:
    """Turns architectures of a space into numbers.

    Args:
        space: The space.
        batch_size: Sequences per call, for FLOPs and element traffic.
        seq_len: Tokens per sequence, for the same.
    """

    def __init__(self, space: SearchSpace, batch_size: int = 1, seq_len: int = 128) -> None:
        self.space = space
        self.batch_size = batch_size
        self.seq_len = seq_len
        self.components: tuple[Component, ...] = tuple(dict.fromkeys(space.components()))
        self.gene_names = [gene.name for gene in space.genes]
        self._index = {part: i for i, part in enumerate(self.components)}
        self._categories: list[dict[GeneValue, int] | None] = [
            {value: i for i, value in enumerate(gene.choices)} if gene.categorical else None for gene in space.genes
        ]

    # -- genes ---------------------------------------------------------------------------------------------------------

    def encode(self, archs: Sequence[Architecture]) -> Floats:
        """Encodes architectures as numbers.

        Returns:
            Shape ``(n, genes)``: the value of a numeric gene, the index of a categorical one.

        Raises:
            ArchitectureError: When one belongs to another space, or holds a value that its space does not have.
        """
        for arch in archs:
            if arch.space != self.space.name:
                raise ArchitectureError(
                    f"architecture {arch} belongs to space '{arch.space}', the cost model to space '{self.space.name}'. "
                    f"Make it with space('{self.space.name}').architecture(...)."
                )
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
            ArchitectureError: When the shape is wrong or a value is not one of the gene's choices.
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
                        f"{genes[np.flatnonzero(wrong)[0], column]:g}. Allowed: {', '.join(f'{v:g}' for v in values)}"
                    )
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
        if self.space.has_synonyms:
            return [self.space.canonical(self._decode(row).genes) for row in genes]
        return list(map(tuple, genes.tolist()))

    def codes(self, genes: Floats) -> Codes:
        """Returns the index of each encoded value among its gene's ascending choices; all genes must have choices."""
        return np.stack([self._code(i, genes[:, i]) for i in range(genes.shape[1])], axis=1)

    def _code(self, gene: int, values: Floats) -> Codes:
        """Returns the index of the choice next to each value; the last one for values beyond all choices."""
        direct = self._direct[gene]
        if direct is None:
            choices = self._choices(gene)
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

    def choices(self, gene: int) -> tuple[GeneValue, ...]:
        """Returns a gene's choices in the order of its codes."""
        one = self.space.genes[gene]
        return one.choices if one.categorical else tuple(sorted(one.choices))

    def _choices(self, gene: int) -> Floats:
        values = self._values[gene]
        if values is None:
            raise ArchitectureError(f"gene '{self.gene_names[gene]}' has no choices to count")
        return values

    def one_hot(self, genes: Floats) -> Floats:
        """Returns numeric genes as they are, and one 0/1 column per choice of a categorical gene; shape (n, columns)."""
        columns = [
            (genes[:, [i]] == np.arange(len(gene.choices))).astype(np.float64) if gene.categorical else genes[:, [i]]
            for i, gene in enumerate(self.space.genes)
        ]
        return np.concatenate(columns, axis=1)

    @cached_property
    def one_hot_names(self) -> list[str]:
        """Names of the columns of ``one_hot``."""
        names: list[str] = []
        for gene in self.space.genes:
            names += [f"{gene.name}={choice}" for choice in gene.choices] if gene.categorical else [gene.name]
        return names

    def learner_columns(self, genes: Floats) -> Floats:
        """Returns what general learners see: ``one_hot`` and, where it is known, the number of parameters."""
        columns = self.one_hot(genes)
        if not self.is_buildable:
            return columns
        return np.column_stack([columns, self.work(genes)[:, WORK.index("params")]])

    @property
    def learner_names(self) -> list[str]:
        """Names of the columns of ``learner_columns``."""
        return [*self.one_hot_names, "params"] if self.is_buildable else list(self.one_hot_names)

    # -- components ----------------------------------------------------------------------------------------------------

    @property
    def is_buildable(self) -> bool:
        """Whether the space has components whose parameters and FLOPs are known."""
        return self.space.is_buildable

    def counts(self, genes: Floats) -> Floats:
        """Counts the components of encoded architectures.

        Returns:
            Shape ``(n, components)``.
        """
        if self.tables is not None:
            return self.tables(self.codes(genes))
        unique, inverse = np.unique(genes, axis=0, return_inverse=True)
        rows = [self._count(self._decode(row)) for row in unique]
        return np.array(rows).reshape(len(unique), len(self.components))[inverse.ravel()]

    def work(self, genes: Floats) -> Floats:
        """Sums parameters, FLOPs and elements moved of encoded architectures.

        Returns:
            Shape ``(n, 3)``, columns as in ``WORK``.
        """
        return np.asarray(self.counts(genes) @ self.component_work)  # whole numbers: exact in any order of summation

    def work_of(self, codes: Codes) -> Floats:
        """Does what ``work`` does, for gene codes (n, genes)."""
        if self.tables is None:
            return self.work(self.genes_of(codes))
        return np.asarray(self.tables(codes) @ self.component_work)

    @cached_property
    def component_work(self) -> Floats:
        """Parameters, FLOPs and elements of every component, shape ``(components, 3)``."""
        works = [self.space.component_work(part, self.batch_size, self.seq_len) for part in self.components]
        return np.array([[work.params, work.flops, work.elements] for work in works], dtype=np.float64).reshape(-1, 3)

    def decoded(self, genes: Floats) -> list[Architecture]:
        """Returns the architectures that encoded genes (n, genes) stand for; the inverse of ``encode``."""
        return [self._decode(row) for row in genes]

    def _decode(self, row: Floats) -> Architecture:
        genes: list[GeneValue] = [
            gene.choices[int(value)] if gene.categorical else int(value) if value.is_integer() else float(value)
            for gene, value in zip(self.space.genes, map(float, row), strict=True)
        ]
        return Architecture(self.space.name, tuple(genes))

    def _count(self, arch: Architecture) -> Floats:
        row = np.zeros(len(self.components))
        for part in self.space.components(arch):
            row[self._index[part]] += 1
        return row

    @cached_property
    def tables(self) -> Tables | None:
        """Look-up tables of component counts; None where counts do not split over genes or neighbouring genes."""
        if not self.components or not all(gene.choices for gene in self.space.genes):
            return None
        rng = np.random.default_rng(0)
        probes = np.stack([rng.integers(size, size=CHECKS) for size in self.sizes], axis=1)
        wanted = self._count_codes(probes)
        for with_pairs in (False, True):
            tables = tabulate(self._count_codes, self.sizes, with_pairs)
            if np.array_equal(tables(probes), wanted):
                return tables
        return None

    @property
    def sizes(self) -> list[int]:
        """Number of choices per gene."""
        return [len(gene.choices) for gene in self.space.genes]

    def genes_of(self, codes: Codes) -> Floats:
        """Returns the encoded values that codes (n, genes) stand for; the inverse of ``codes``."""
        return np.stack([self._choices(i)[codes[:, i]] for i in range(codes.shape[1])], axis=1)

    def _count_codes(self, codes: Codes) -> Floats:
        return np.array([self._count(self._decode(row)) for row in self.genes_of(codes)])


def shared_features(space: SearchSpace, batch_size: int = 1, seq_len: int = 128) -> Features:
    """Returns one extractor for all models of equal spaces, so that its look-up tables are made once."""
    return _shared(_Equal(_identity(space), space), batch_size, seq_len)


@dataclass(frozen=True)
class _Equal:
    """A space that equals others by its identity; two spaces built with the same options are the same space.

    Attributes:
        identity: Class, name, genes and options, as something that can be hashed.
        space: The space itself.
    """

    identity: Hashable
    space: SearchSpace = field(compare=False)


def _identity(space: SearchSpace) -> Hashable:
    return type(space), space.name, space.genes, json.dumps(space.options(), sort_keys=True, default=repr)


@lru_cache(maxsize=16)
def _shared(equal: _Equal, batch_size: int, seq_len: int) -> Features:
    return Features(equal.space, batch_size, seq_len)
