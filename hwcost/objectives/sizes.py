"""Sizes as cost functions: parameters, FLOPs and bytes of weights, one by one or for many architectures at once.

A further size is one class in this file, listed in ``SIZES``; it needs no more than ``__call__``. Objectives and constraints
of Python and of the command line take it, and constraints on it are checked before an architecture is evaluated.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from hwcost._arguments import COUNT, check, of_type
from hwcost._cached import cached_property
from hwcost._dtypes import BYTES
from hwcost._types import Codes, Floats
from hwcost.cost_models.features.extractor import WORK, shared_features
from hwcost.cost_models.features.joint import JointTables, summed
from hwcost.cost_models.features.tabulate import Tables, tabulate
from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.spaces.candidates import Candidates

BUILT = "built"
"""The accounting that counts the module that is built and measured."""

SPACE = of_type("a search space, such as hwcost.space('supershaper')", SearchSpace)

PROBES = 64
"""Random architectures on which tables over genes are compared with what ``__call__`` returns."""


class Size(ABC):
    """A size of the architectures of a space, as a cost function.

    Args:
        space: A space with components.
        seq_len: Tokens per sequence.
        batch_size: Sequences per call.
        accounting: Way of counting: ``built`` counts the module that is built; a space may name others, such as ``paper``.

    Attributes:
        kind: Name of the size, without its accounting.
        column: Column of the features' work that holds the size; empty where it is found by ``__call__`` alone.
        name: Name of the size, with its accounting where that is not ``built``: ``params:paper``.

    Raises:
        UsageError: When the space describes data only, or does not know the accounting.
    """

    kind: ClassVar[str]
    column: ClassVar[str] = ""

    def __init__(
        self, space: SearchSpace, *, seq_len: int = 128, batch_size: int = 1, accounting: str = BUILT
    ) -> None:
        check({"space": space}, space=SPACE)
        check({"seq_len": seq_len, "batch_size": batch_size}, seq_len=COUNT, batch_size=COUNT)
        if not space.is_buildable:
            raise UsageError(
                f"{self.kind} of space '{space.name}' are not known: it describes data only, or genes only. Count them in a "
                "function of yours that takes an architecture, and name it as module:function"
            )
        space.check_accounting(accounting)
        self.space, self.accounting = space, accounting
        self.seq_len, self.batch_size = seq_len, batch_size
        self._features = shared_features(space, batch_size, seq_len)
        self.name = self.kind if accounting == BUILT else f"{self.kind}:{accounting}"

    @classmethod
    def of(cls, space: SearchSpace, seq_len: int, accounting: str) -> Size:
        """Makes the size of a space for sequences of that length, which do not change every size."""
        return cls(space, seq_len=seq_len, accounting=accounting)

    @abstractmethod
    def __call__(self, arch: Architecture) -> float:
        """Returns the size of one architecture."""

    def predict_codes(self, codes: Codes) -> Floats:
        """Returns the sizes of n architectures by their codes (n, genes), shape (n,)."""
        if self.accounting == BUILT and self.column:
            column, tables = WORK.index(self.column), self._features.work_tables
            return self._features.work_of(codes)[:, column] if tables is None else tables[column](codes)
        return self._counted(codes) if self._tables is None else self._tables(codes)

    def tables(self) -> Tables | None:
        """Returns the size as a sum over genes, and pairs of neighbours; None where it is not such a sum."""
        if self.accounting == BUILT and self.column:
            found = self._features.work_tables
            return None if found is None else found[WORK.index(self.column)]
        return self._tables

    def joint_tables(self) -> JointTables | None:
        """Returns the size as a sum over groups of genes, such as a block's heads and channels; None where it is none.

        The points of all groups are counted when it is first asked for: seconds, where groups have many.
        """
        joint = self._features.joint if self.accounting == BUILT and self.column else None
        if joint is None:
            return None
        return summed(joint, self._features.component_work[:, WORK.index(self.column)], self._features.sizes)

    @cached_property
    def _tables(self) -> Tables | None:
        """Tables over genes of what has no column; None where it is not a sum over genes or neighbouring genes."""
        sizes = [len(gene.choices) for gene in self.space.genes]
        rng = np.random.default_rng(0)
        probes = np.stack([rng.integers(size, size=PROBES) for size in sizes], axis=1)
        wanted = self._counted(probes)
        for with_pairs in (False, True):
            tables = tabulate(self._counted, sizes, with_pairs)
            if np.array_equal(tables(probes), wanted):
                return tables
        return None

    def _counted(self, codes: Codes) -> Floats:
        return np.array([self(arch) for arch in Candidates(self.space, codes)], dtype=np.float64)


class Params(Size):
    """Number of parameters.

    Args:
        space: A space with components.
        accounting: Way of counting, see :class:`Size`.

    Raises:
        UsageError: When the space describes data only, or does not know the accounting.
    """

    kind = "params"
    column = "params"

    def __init__(self, space: SearchSpace, accounting: str = BUILT) -> None:
        super().__init__(space, accounting=accounting)

    @classmethod
    def of(cls, space: SearchSpace, seq_len: int, accounting: str) -> Params:
        """See the base class."""
        return cls(space, accounting)

    def __call__(self, arch: Architecture) -> float:
        """Returns the parameters of one architecture."""
        return float(self.space.params(self.space.as_architecture(arch), self.accounting))


class Flops(Size):
    """Operations of matrix products and attention; one multiply-add is 2."""

    kind = "flops"
    column = "flops"

    def __call__(self, arch: Architecture) -> float:
        """Returns the operations of one architecture."""
        return float(self.space.flops(self.space.as_architecture(arch), self.seq_len, self.batch_size, self.accounting))


class Memory(Size):
    """Bytes of the weights.

    Args:
        space: A space with components.
        dtype: Data type of the weights.
        accounting: Way of counting parameters, see :class:`Size`.

    Raises:
        UsageError: When the space describes data only, or the data type or the accounting is unknown.
    """

    kind = "memory_bytes"
    column = "params"

    def __init__(self, space: SearchSpace, dtype: str = "float32", accounting: str = BUILT) -> None:
        super().__init__(space, accounting=accounting)
        if dtype not in BYTES:
            raise UsageError(f"unknown dtype '{dtype}'. Known: {', '.join(BYTES)}")
        self.bytes = BYTES[dtype]

    @classmethod
    def of(cls, space: SearchSpace, seq_len: int, accounting: str) -> Memory:
        """See the base class."""
        return cls(space, accounting=accounting)

    def __call__(self, arch: Architecture) -> float:
        """Returns the bytes of one architecture's weights."""
        return float(self.bytes * self.space.params(self.space.as_architecture(arch), self.accounting))

    def predict_codes(self, codes: Codes) -> Floats:
        """Returns the bytes of n architectures' weights, shape (n,)."""
        found = super().predict_codes(codes)
        return self.bytes * found if self.accounting == BUILT else found

    def tables(self) -> Tables | None:
        """See the base class."""
        found = super().tables()
        if found is None or self.accounting != BUILT:
            return found
        single, pairs = ([self.bytes * one for one in tables] for tables in (found.single, found.pairs))
        return Tables(self.bytes * found.base, single, pairs)

    def joint_tables(self) -> JointTables | None:
        """See the base class."""
        found = super().joint_tables()
        return None if found is None else found.times(self.bytes)


SIZES: Mapping[str, type[Size]] = {"params": Params, "flops": Flops, "memory": Memory}
"""All sizes by their names on the command line."""
