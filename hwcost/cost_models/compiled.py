"""Compiled models: boosted trees, and lookup tables in batches, asked by the codes of candidates or by one's genes.

The answers are the library's own to the last bit. The engine is the fastest one that is here: vector instructions or loops
compiled by numba (extra ``fast``), else NumPy. A model compiles its forest once it was asked so often that it pays.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Generic, Protocol, TypeVar

from hwcost._types import Codes, Floats
from hwcost.cost_models.boosters import shared_out
from hwcost.cost_models.features import Features
from hwcost.cost_models.forest import Bytes, Forest
from hwcost.cost_models.forest_arrays import ArrayEngine
from hwcost.cost_models.ranks import OneByOne, Ranks
from hwcost.cost_models.tabulate import Tables

__all__ = ["ENOUGH_CODES", "ONE", "Batches", "CompiledForest", "OnDemand", "batches", "engines"]

ENOUGH = 100_000
"""Architectures in batches after which compiling has paid."""

ENOUGH_CODES = 20_000_000
"""Architectures in batches after which compiling the loop over a lookup table has paid."""

ONE = 200
"""Architectures in a batch that take a library as long as one by itself."""


Made = TypeVar("Made")


class Engine(Protocol):
    """Sums of a forest's leaves by ranks."""

    name: str

    def many(self, ranks: Bytes, count: int) -> Floats:
        """Returns the sums of the first ``count`` architectures by their ranks (columns, n), shape (count,)."""
        ...

    def one(self, ranks: bytes) -> float:
        """Returns the sum of one architecture by its ranks."""
        ...


def engines(forest: Forest) -> list[Callable[[Forest], Engine]]:
    """Returns the engines that can be had here, the fastest first."""
    if find_spec("numba") is None:
        return [ArrayEngine]
    from hwcost.cost_models.forest_loops import LoopEngine
    from hwcost.cost_models.forest_vectors import VectorEngine, is_supported

    return [VectorEngine, LoopEngine, ArrayEngine] if is_supported(forest) else [LoopEngine, ArrayEngine]


class CompiledForest:
    """A forest over the genes of a space.

    Args:
        forest: The forest.
        ranks: Its columns.

    Attributes:
        beats_library: Whether batches are faster than by the library that grew the trees.
    """

    def __init__(self, forest: Forest, ranks: Ranks) -> None:
        self._engine = engines(forest)[0](forest)
        self._ranks, self._row = ranks, OneByOne(ranks)
        self.beats_library = self._engine.name == "vectors" or (self._engine.name == "loops" and not forest.is_single)

    @classmethod
    def of(cls, forest: Forest | None, features: Features) -> CompiledForest | None:
        """Compiles a forest; None where trees are too deep, or genes may hold any number."""
        ranks = None if forest is None else Ranks.of(forest, features)
        return None if forest is None or ranks is None else cls(forest, ranks)

    def many(self, codes: Codes) -> Floats:
        """Returns the sums of codes (n, genes), shape (n,), in as many threads as pay."""
        if self._engine.name == "arrays":
            return self._engine.many(self._ranks(codes), len(codes))
        from hwcost.cost_models.forest_loops import ranks_by_loop

        return shared_out(lambda part: self._engine.many(ranks_by_loop(self._ranks, part), len(part)), codes)

    def one(self, genes: tuple[Any, ...]) -> float:
        """Returns the sum of one architecture's values.

        Raises:
            KeyError: When a gene has another value.
        """
        return self._engine.one(self._row(genes))


Batches = Callable[[Codes], Floats]
"""A compiled loop over the codes of a batch."""


def batches(tables: Tables, scale: float, floor: float) -> Batches | None:
    """Compiles ``max(tables(codes) * scale, floor)``; None without numba, or where codes do not fit into bytes."""
    if find_spec("numba") is None:
        return None
    from hwcost.cost_models.table_loops import TableKernel

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
