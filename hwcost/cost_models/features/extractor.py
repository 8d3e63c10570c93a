"""The one feature extractor: fit and predict both see architectures through it.

Whatever depends on single genes, or on neighbouring ones, is tabulated once; a batch is then gene codes and table look-ups,
without a Python loop over architectures.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Codes, Floats, Indices
from hwcost.cost_models.arguments import as_numbers
from hwcost.cost_models.features.joint import Joint, joint_of
from hwcost.cost_models.features.tabulate import Tables, tabulate
from hwcost.exchange.frames import as_rows, is_frame
from hwcost.spaces.base import Architecture, Component, SearchSpace
from hwcost.spaces.encoding import Encoding
from hwcost.spaces.reading import several

CHECKS = 24
"""Random architectures on which tabulated component counts are compared with the space's own."""

WORK = ("params", "flops", "elements")
"""Columns of the work matrix, see :class:`hwcost.spaces.accounting.Work`."""


class Features(Encoding):
    """The encoding of a space, with the components and the work of its architectures.

    Args:
        space: The space.
        batch_size: Sequences per call, for FLOPs and element traffic.
        seq_len: Tokens per sequence, for the same.
    """

    def __init__(self, space: SearchSpace, batch_size: int = 1, seq_len: int = 128) -> None:
        super().__init__(space)
        self.batch_size = batch_size
        self.seq_len = seq_len
        self.components: tuple[Component, ...] = tuple(dict.fromkeys(space.components()))
        self._index = {part: i for i, part in enumerate(self.components)}

    # -- genes ---------------------------------------------------------------------------------------------------------

    def read(self, archs: Any) -> tuple[Sequence[Architecture] | None, Floats]:
        """Returns architectures and their encoded genes (n, genes); None in place of the first for an array of numbers."""
        if isinstance(archs, np.ndarray) and archs.dtype.names is None and archs.dtype.kind not in "OUT":
            return None, self.check(as_numbers(archs, "encoded gene"))
        if isinstance(archs, (list, tuple)):
            try:
                return archs, self.encode(archs)
            except AttributeError:  # one of them has yet to be made an architecture
                pass
        rows = as_rows(archs) if is_frame(archs) or isinstance(archs, Mapping) else several(archs)
        held = [self.space.as_architecture(one) for one in rows]
        return held, self.encode(held)

    def one_hot(self, genes: Floats) -> Floats:
        """Returns numeric genes as they are, and one 0/1 column per choice of a categorical gene; shape (n, columns)."""
        if not any(self._categories):
            return genes.copy()
        owners, choices, is_category = self._spread
        columns = genes.take(owners, axis=1)
        return np.equal(columns, choices, out=columns, where=True if is_category.all() else is_category)

    @cached_property
    def _spread(self) -> tuple[Indices, Floats, NDArray[np.bool_]]:
        """Per column of ``one_hot``, its gene, the category that it stands for, and whether its gene is categorical."""
        sizes = [len(gene.choices) if gene.categorical else 1 for gene in self.space.genes]
        owners = np.repeat(np.arange(len(sizes)), sizes)
        is_category = np.array([gene.categorical for gene in self.space.genes])[owners]
        return owners, np.concatenate([np.arange(size, dtype=np.float64) for size in sizes]), is_category

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
        place, tables = WORK.index("params"), self.work_tables
        params = self.work(genes)[:, place] if tables is None else tables[place](self.codes(genes))
        return np.column_stack([columns, params])

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
        rows = [self._count(self.decode(row)) for row in unique]
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
    def work_tables(self) -> tuple[Tables, ...] | None:
        """Look-up tables of each column of the work; None where counts have none. Whole numbers: exact in any order."""
        counts = self.tables
        if counts is None:
            return None
        return tuple(
            Tables(np.asarray(counts.base @ one), [table @ one for table in counts.single], [t @ one for t in counts.pairs])
            for one in self.component_work.T
        )

    @cached_property
    def component_work(self) -> Floats:
        """Parameters, FLOPs and elements of every component, shape ``(components, 3)``."""
        works = [self.space.component_work(part, self.batch_size, self.seq_len) for part in self.components]
        return np.array([[work.params, work.flops, work.elements] for work in works], dtype=np.float64).reshape(-1, 3)

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

    @cached_property
    def joint(self) -> Joint | None:
        """Component counts as a sum over groups of genes; None where they are none, or a group has too many points."""
        return joint_of(self)

    def _count_codes(self, codes: Codes) -> Floats:
        return np.array([self._count(self.decode(row)) for row in self.genes_of(codes)])


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
