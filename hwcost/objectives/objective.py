"""Objectives: quantities that a search minimises or maximises."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from hwcost._arguments import NUMBER, TEXT, check
from hwcost._types import Floats
from hwcost.errors import UsageError
from hwcost.objectives.cost_function import is_vectorised, name_of, values_of
from hwcost.spaces.candidates import Candidates


class Objective:
    """A cost function with a direction; see :class:`Minimize` and :class:`Maximize`.

    Args:
        value: A callable that takes an architecture, such as a cost model, a size or a function of the user.
        name: Name of the objective in studies; by default the name of the function.
        reference: Value to be dominated: the search looks for architectures that are better.

    Attributes:
        sign: Factor that makes a loss of a value: 1 where less is better, -1 where more is.

    Raises:
        UsageError: When the value cannot be called, or the reference is not a finite number.
    """

    sign: ClassVar[int]

    def __init__(self, value: Any, name: str | None = None, reference: float | None = None) -> None:
        if not callable(value):
            raise UsageError(f"an objective is a callable over architectures or a cost model, got {value!r:.60}")
        check({"name": name, "reference": reference}, name=TEXT.or_none, reference=NUMBER.or_none)
        if reference is not None and not math.isfinite(reference):
            raise UsageError(f"a reference is a finite number, got {reference}")
        self.value = value
        self.name = name or name_of(value)
        self.reference = reference

    @property
    def is_vectorised(self) -> bool:
        """Whether many architectures are valued at once, so that a searcher may take the objective as known."""
        return is_vectorised(self.value)

    def values(self, candidates: Candidates) -> Floats:
        """Returns the value of every candidate in its own units, shape (n,)."""
        return values_of(self.value, candidates)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"


class Minimize(Objective):
    """Objective whose value is to be small: a latency, a perplexity."""

    sign = 1


class Maximize(Objective):
    """Objective whose value is to be large: an accuracy, a throughput."""

    sign = -1
