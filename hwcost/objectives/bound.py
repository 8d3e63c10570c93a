"""A bound on any cost function, absolute or relative to a named baseline, predicted or measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import UsageError
from hwcost.objectives.population import Population, name_of, takes_codes, values_of
from hwcost.spaces.base import Architecture, SearchSpace


class Bound:
    """Values of a cost function must lie within bounds.

    Args:
        value: A callable that takes an architecture, or anything that also values populations, such as ``Params(space)``.
        most: Upper bound, or None.
        least: Lower bound, or None.
        of: A baseline: the bounds are multiples of its value.
        name: What it is called in studies; by default what the function is called.
        measured: The value is expensive: it is found together with the objectives and told back, instead of being checked
            before an architecture is asked for.

    Raises:
        UsageError: When there is no bound, a bound is no number, bounds exclude each other, or the baseline has no value.
    """

    def __init__(
        self,
        value: Any,
        *,
        most: float | None = None,
        least: float | None = None,
        of: Architecture | None = None,
        name: str | None = None,
        measured: bool = False,
    ) -> None:
        if not callable(value):
            raise UsageError(f"a bound is on a callable over architectures or a cost model, got {value!r:.60}")
        if most is None and least is None:
            raise UsageError("a bound needs most=, least=, or both")
        for given in (most, least):
            if given is not None and not math.isfinite(given):
                raise UsageError(f"a bound is a finite number, got {given}")
        if most is not None and least is not None and least > most:
            raise UsageError(f"nothing is at least {least:g} and at most {most:g}")
        self.value, self.measured = value, measured
        self.name = name or name_of(value)
        unit = 1.0 if of is None else float(self._values([of])[0])
        if not (math.isfinite(unit) and unit > 0):
            raise UsageError(f"the baseline {of} has {self.name} = {unit}: nothing can be bounded relative to it")
        self.most = None if most is None else most * unit
        self.least = None if least is None else least * unit

    @property
    def is_cheap(self) -> bool:
        """Whether whole populations are valued at once."""
        return takes_codes(self.value)

    def values(self, population: Population) -> NDArray[np.float64]:
        """Returns the value of every architecture, shape (n,)."""
        return values_of(self.value, population)

    def holds(self, archs: Sequence[Architecture] | Population) -> NDArray[np.bool_]:
        """Says for each of n architectures whether it is within the bounds; shape (n,). No number is within no bounds."""
        return np.asarray(self.violations(self._values(archs)) == 0)

    def violations(self, values: Any) -> NDArray[np.float64]:
        """Returns how far values are outside, relative to the bound; 0 within, infinity for what is no number."""
        found = np.asarray(values, dtype=np.float64)
        outside = np.zeros(found.shape)
        if self.most is not None:
            outside = np.maximum(outside, found - self.most)
        if self.least is not None:
            outside = np.maximum(outside, self.least - found)
        scale = abs(self.most if self.most is not None else self.least or 0.0) or 1.0
        return np.where(np.isnan(found), np.inf, outside / scale)

    def refusals(self, archs: Sequence[Architecture] | Population) -> list[str | None]:
        """Returns for each architecture why it is refused; None where it is not."""
        return [self.reason(value) for value in self._values(archs).tolist()]

    def reason(self, value: float) -> str | None:
        """Returns why a value is refused; None where it is not."""
        if math.isnan(value):
            return f"{self.name} is not known: no number, or outside what the cost model was fitted on"
        if self.most is not None and value > self.most:
            return f"{self.name} {value:.6g} is above {self.most:.6g}"
        if self.least is not None and value < self.least:
            return f"{self.name} {value:.6g} is below {self.least:.6g}"
        return None

    def _values(self, archs: Sequence[Architecture] | Population) -> NDArray[np.float64]:
        if isinstance(archs, Population):
            return values_of(self.value, archs)
        own = getattr(self.value, "space", None)
        if takes_codes(self.value) and isinstance(own, SearchSpace):
            return values_of(self.value, Population.of(own, archs))
        return np.array([self.value(arch) for arch in archs], dtype=np.float64)

    def __repr__(self) -> str:
        ends = [f"{name}={end!r}" for name, end in (("least", self.least), ("most", self.most)) if end is not None]
        return f"Bound({self.name}, {', '.join(ends)})"
