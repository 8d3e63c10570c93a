"""Compiled models: boosted trees, and lookup tables in batches, asked by the codes of candidates or by one's genes.

The answers are the library's own to the last bit, by machine code where numba is installed (extra ``fast``), else by NumPy.
A model compiles its forest once it was asked so often that it pays.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Codes, Floats
from hwcost.cost_models.compiled.closing import Closing
from hwcost.cost_models.compiled.forest import Bytes, Forest
from hwcost.cost_models.compiled.forest_arrays import ArrayEngine
from hwcost.cost_models.compiled.ranks import Ranks
from hwcost.cost_models.features.extractor import Features
from hwcost.cost_models.features.fixed_shape import FixedShape
from hwcost.cost_models.features.tabulate import Tables, check_codes
from hwcost.cost_models.rowwise import exp_of
from hwcost.cost_models.workers import shared_out
from hwcost.errors import ArchitectureError

__all__ = ["ENOUGH_CODES", "ONE", "Batches", "CompiledForest", "OnDemand", "Question", "batches", "engines"]

ENOUGH = 100_000
"""Architectures in batches after which compiling has paid."""

ENOUGH_CODES = 20_000_000
"""Architectures in batches after which compiling the loop over a lookup table has paid."""

ONE = 200
"""Architectures in a batch that take a library as long as one by itself."""

ARRAY_ROWS = 1000
"""Architectures of a batch from which arrays are faster than LightGBM; XGBoost is quicker, and takes a whole block."""

BLOCK = 8192
"""Architectures of a batch whose ranks are found at a time, so that they stay in the cache; a multiple of 512."""


Made = TypeVar("Made")

Question = Callable[[tuple[Any, ...]], Any]
"""A function of one architecture's values that returns a sum; None where a gene has another value."""


class Engine(Protocol):
    """Sums of a forest's leaves by ranks."""

    name: str

    def many(self, ranks: Bytes, count: int) -> Floats:
        """Returns the sums of the first ``count`` architectures by their ranks (columns, n), shape (count,)."""
        ...

    def question(self, ranks: Ranks, closing: Closing | None = None) -> Question | None:
        """Returns the function of one architecture's values; None where there is none that is fast.

        Args:
            ranks: Columns of the forest.
            closing: Function from the sum of the leaves to the answer; None for the sum itself.
        """
        ...


def _exponential(question: Question, offset: float) -> Question:
    """Returns the function of one architecture's values that returns the exponential of a sum and an offset."""

    def answer(genes: tuple[Any, ...]) -> float | None:
        total = question(genes)
        return None if total is None else exp_of(total + offset)

    return answer


def engines(forest: Forest) -> list[Engine]:
    """Returns the engines that can be had here, the fastest first."""
    by_numpy = ArrayEngine(forest)
    if find_spec("numba") is None:
        return [by_numpy]
    from hwcost.cost_models.compiled.forest_kernels import KernelEngine

    return [KernelEngine(forest), by_numpy]


class CompiledForest:
    """A forest over the genes of a space.

    Args:
        forest: The forest.
        ranks: Its columns.
        closing: Function from the sum of the leaves to the answer; None where the model has its own way.
    """

    def __init__(self, forest: Forest, ranks: Ranks, closing: Closing | None = None) -> None:
        self._forest, self._ranks, self._closing = forest, ranks, closing
        self._engine, *self._others = engines(forest)

    def beats_library(self, count: int) -> bool:
        """Whether a batch of so many architectures is faster than by the library that grew the trees."""
        return self._engine.name == "kernels" or count >= (BLOCK if self._forest.is_single else ARRAY_ROWS)

    @classmethod
    def of(
        cls,
        forest: Forest | None,
        features: Features,
        closing: Closing | None = None,
        shape: FixedShape | None = None,
    ) -> CompiledForest | None:
        """Compiles a forest; None where trees are too deep, or genes may hold any number.

        Args:
            forest: The forest; None where there is none.
            features: Extractor of the architectures.
            closing: Function from the sum of the leaves to the answer; None where the model has its own way.
            shape: The shape of all architectures, for a forest over shapes.
        """
        ranks = None if forest is None else Ranks.of(forest, features, shape)
        return None if forest is None or ranks is None else cls(forest, ranks, closing)

    def compile(self) -> None:
        """Compiles now what the first question, and the first batch of codes of 64 bits, would compile."""
        _ = self.answer or self.one
        if self._engine.name != "arrays":
            self.many(np.zeros((1, len(self._ranks.choices)), dtype=np.int64))

    def many(self, codes: Codes) -> Floats:
        """Returns the sums of codes (n, genes), shape (n,), in as many threads as pay.

        Raises:
            ArchitectureError: When a code is not one of its gene's.
        """
        sizes = [len(values) for values in self._ranks.choices]
        if self._engine.name == "arrays":
            check_codes(codes, sizes)
            return self._engine.many(self._ranks(codes), len(codes))
        try:
            return shared_out(self._blockwise, codes)
        except ArchitectureError:
            check_codes(codes, sizes)  # which names the row among all
            raise

    def _blockwise(self, codes: Codes) -> Floats:
        from hwcost.cost_models.compiled.code_loops import ranks_by_loop

        parts = [codes[start : start + BLOCK] for start in range(0, max(len(codes), 1), BLOCK)]
        return np.concatenate([self._engine.many(ranks_by_loop(self._ranks, part), len(part)) for part in parts])

    @cached_property
    def one(self) -> Question:
        """The function of one architecture's values that returns its sum, or None where a gene has another value."""
        found = (engine.question(self._ranks) for engine in (self._engine, *self._others))
        return next(question for question in found if question is not None)  # NumPy answers whatever has no table

    @cached_property
    def answer(self) -> Question | None:
        """The function of one architecture's values that returns what the model does; None where its own way is as fast."""
        closing = self._closing
        found = None if closing is None else self._engine.question(self._ranks, closing)
        if found is None and closing is not None and closing.table is None:
            return _exponential(self.one, closing.offset)
        return found


Batches = Callable[[Codes], Floats]
"""A compiled loop over the codes of a batch."""


def batches(tables: Tables, scale: float, floor: float) -> Batches | None:
    """Compiles ``max(tables(codes) * scale, floor)``; None without numba, or where codes do not fit into bytes."""
    if find_spec("numba") is None:
        return None
    from hwcost.cost_models.compiled.table_kernel import TableKernel

    return TableKernel(tables, scale, floor) if TableKernel.covers(tables) else None


class OnDemand(Generic[Made]):
    """A compiled form of a model that is made when it is asked for often enough.

    Args:
        make: Function that compiles it; it may return None, where that is not possible.
        enough: Architectures in batches after which compiling has paid.

    Attributes:
        forest: The compiled form; None before it is made, and where there can be none.
    """

    def __init__(self, make: Callable[[], Made | None], enough: int = ENOUGH) -> None:
        self._make = make
        self._enough = enough
        self._asked = 0
        self._is_made = False
        self.forest: Made | None = None

    def now(self) -> Made | None:
        """Returns the compiled form; None where there can be none."""
        if not self._is_made:
            self.forest, self._is_made = self._make(), True
        return self.forest

    def when_it_pays(self, count: int) -> Made | None:
        """Returns the compiled form once enough was asked for; None before.

        Args:
            count: Architectures that are asked for now; ``ONE`` for a single one by itself.
        """
        if not self._is_made:
            self._asked += count
            if self._asked < self._enough:
                return None
        return self.now()
