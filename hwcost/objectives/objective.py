"""What a search wants less or more of."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from hwcost._types import Floats
from hwcost.errors import UsageError
from hwcost.objectives.population import Population, name_of, takes_codes, values_of


class Objective:
    """A cost function with a direction; see :class:`Minimize` and :class:`Maximize`.

    Args:
        value: A callable that takes an architecture, or anything that also values populations, such as a cost model.
        name: What it is called in studies; by default what the function is called.
        reference: A value to be dominated: better than it is what the search is after.

    Attributes:
        sign: 1 where less is better, -1 where more is.

    Raises:
        UsageError: When the value cannot be called, or the reference is no finite number.
    """

    sign: ClassVar[int]

    def __init__(self, value: Any, name: str | None = None, reference: float | None = None) -> None:
        if not callable(value):
            raise UsageError(f"an objective is a callable over architectures or a cost model, got {value!r:.60}")
        if reference is not None and not math.isfinite(reference):
            raise UsageError(f"a reference is a finite number, got {reference}")
        self.value = value
        self.name = name or name_of(value)
        self.reference = reference

    @property
    def is_cheap(self) -> bool:
        """Whether whole populations are valued at once, so that a searcher may take it as known."""
        return takes_codes(self.value)

    def values(self, population: Population) -> Floats:
        """Returns the value of every architecture in its own units, shape (n,)."""
        return values_of(self.value, population)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"


class Minimize(Objective):
    """Less is better."""

    sign = 1


class Maximize(Objective):
    """More is better."""

    sign = -1
