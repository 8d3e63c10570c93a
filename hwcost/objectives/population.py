"""Architectures of one space, many at a time: as codes for searchers, as numbers for models, as objects for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwcost._types import Codes, Floats
from hwcost.cost_models.features import shared_features
from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, SearchSpace

CostFunction = Callable[[Architecture], float]


class Population:
    """n architectures; each form of them is made when it is first asked for.

    A code is the index of a gene's value among its choices, in ascending order where they are numbers.

    Args:
        space: A space whose architectures can be listed.
        codes: Shape (n, genes).

    Raises:
        UsageError: When the space describes data only.
    """

    def __init__(self, space: SearchSpace, codes: Codes) -> None:
        _ = space.size
        self.space = space
        self._features = shared_features(space)
        self.codes = np.asarray(codes, dtype=np.intp).reshape(-1, len(space.genes))
        if space.has_synonyms and len(self.codes):
            self.codes = self._features.codes(self._features.encode(self.archs)).astype(np.intp)

    @classmethod
    def of(cls, space: SearchSpace, archs: Sequence[Architecture]) -> Population:
        """Makes one of architectures.

        Raises:
            ArchitectureError: When one belongs to another space.
        """
        features = shared_features(space)
        return cls(space, features.codes(features.encode(archs)))

    @classmethod
    def everything(cls, space: SearchSpace) -> Population:
        """Returns every architecture once, the last gene moving fastest."""
        rows = np.indices(sizes_of(space)).reshape(len(space.genes), -1).T
        whole = cls(space, rows)
        return whole if np.array_equal(whole.codes, rows) else whole.where((whole.codes == rows).all(axis=1))

    def where(self, rows: ArrayLike) -> Population:
        """Returns the rows that a mask or indices choose."""
        chosen = np.asarray(rows)
        return Population(self.space, self.codes[chosen if chosen.dtype == bool else chosen.astype(np.intp)])

    @cached_property
    def genes(self) -> Floats:
        """Encoded genes, shape (n, genes); what cost models take."""
        return self._features.genes_of(self.codes)

    @cached_property
    def archs(self) -> list[Architecture]:
        """The architectures."""
        choices = [self._features.choices(i) for i in range(len(self.space.genes))]
        return [
            self.space.made(values[code] for values, code in zip(choices, row, strict=True)) for row in self.codes.tolist()
        ]

    @cached_property
    def keys(self) -> list[bytes]:
        """A short hashable name of every row, equal where architectures are."""
        small = self.codes.astype(np.uint16)
        return [row.tobytes() for row in small]

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Architecture]:
        return iter(self.archs)


def sizes_of(space: SearchSpace) -> list[int]:
    """Returns the number of choices of every gene.

    Raises:
        UsageError: When the space describes data only.
    """
    _ = space.size
    return shared_features(space).sizes


def takes_codes(function: Any) -> bool:
    """Whether a cost function values whole populations from their codes."""
    return hasattr(function, "predict_codes")


def values_of(function: Any, population: Population) -> Floats:
    """Returns what a cost function says of every architecture, shape (n,).

    Outside what a cost model was fitted on the value is NaN, which stands for unknown: nothing is priced silently.

    Raises:
        UsageError: When it returns something else than numbers, or is of another space.
    """
    own, given = getattr(function, "space", None), population.space
    if isinstance(own, SearchSpace) and (own.name, own.genes, own.options()) != (given.name, given.genes, given.options()):
        raise UsageError(
            f"the cost function {name_of(function)} is of space '{own.name}' {own.options()}, the architectures are of "
            f"'{given.name}' {given.options()}"
        )
    found = function.predict_codes(population.codes) if takes_codes(function) else list(map(function, population.archs))
    try:
        values = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"the cost function {name_of(function)} returned no number: {found!r:.80}") from None
    values = values.reshape(len(population))
    if hasattr(function, "in_domain"):
        values = np.where(function.in_domain(population.genes), values, np.nan)
    return values


def name_of(function: Any) -> str:
    """Returns what a cost function is called."""
    return str(getattr(function, "name", None) or getattr(function, "__name__", None) or type(function).__name__)
