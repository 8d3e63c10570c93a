"""A constraint: a bound on a quantity, which says of every architecture whether it is feasible, by how much, and why not.

The quantity is anything with a value per architecture: a size, a cost model, a function. A predicted quantity may be bounded
with a probability: ``P(latency <= most) >= probability``, where the probability comes from the errors that the cost model
made on rows left out of its fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwcost._arguments import NUMBER, SWITCH, TEXT, check
from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.errors import ContractError, HwcostError, UsageError
from hwcost.objectives.confidence import Confidence
from hwcost.objectives.cost_function import (
    check_space,
    is_predictor,
    is_vectorised,
    measured_quantity,
    name_of,
    number_of,
    quantity_of,
    values_of,
)
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.spaces.candidates import Candidates
from hwcost.spaces.reading import several
from hwcost.units import format_quantity, format_seconds, unit_of

DEFAULT_PROBABILITY = 0.95
"""Probability with which an upper bound on a predicted latency holds unless another one is given."""

Architectures = Sequence[Architecture] | Candidates
"""n architectures; a single one counts as a list of one."""


class _Examined(NamedTuple):
    """Values of n architectures, whether each is known: a number, inside the domain of a cost model; and its ``widths``."""

    values: Floats
    known: NDArray[np.bool_]
    widths: Floats | float


class Constraint:
    """Bounds on the value of a cost function.

    Architectures outside the domain of a cost model are infeasible, whatever it predicts for them, and so is everything
    whose value is not a number.

    Args:
        value: A size such as ``Params(space)``, a cost model, or any callable that takes an architecture.
        most: Upper bound, or None.
        least: Lower bound, or None.
        of: A baseline architecture: the bounds are multiples of its value.
        probability: Probability with which a predicted quantity must lie within the bounds. 0 takes predictions as they are.
            None stands for 0.95 where ``most`` bounds a latency that a cost model predicts, and for 0 everywhere else.
        measured: The value is expensive: it is found together with the objectives and reported in the trials, instead of
            being checked before an architecture is asked for.
        name: Name of the constraint in studies; by default the predicted quantity, or the name of the function.

    Attributes:
        most: Upper bound in the quantity's own units, or None.
        least: Lower bound, likewise.
        probability: Probability that is asked for; None where predictions are taken as they are.

    Raises:
        UsageError: Without any bound, or when a bound is not a finite number, bounds exclude each other, the baseline has no
            value or lies outside what the cost model was fitted on, or that was too little for the probability.
    """

    def __init__(
        self,
        value: Any,
        most: float | None = None,
        least: float | None = None,
        of: Architecture | None = None,
        probability: float | None = None,
        measured: bool = False,
        name: str | None = None,
    ) -> None:
        if not callable(value):
            raise UsageError(f"a constraint is on a callable over architectures or a cost model, got {value!r:.60}")
        bounds = {"most": most, "least": least, "probability": probability}
        check(bounds, most=NUMBER.or_none, least=NUMBER.or_none, probability=NUMBER.or_none)
        check({"measured": measured, "name": name}, measured=SWITCH, name=TEXT.or_none)
        self.value, self.measured = value, measured
        self.name = name or (quantity_of(value) if is_predictor(value) else name_of(value))
        _check_bounds(most, least, self._is_predicted_time)
        self._confidence: Confidence | None = None
        unit = 1.0 if of is None else self._baseline(of)
        self.most = None if most is None else most * unit
        self.least = None if least is None else least * unit
        self._confidence = Confidence.of(value, self._default_probability if probability is None else probability)

    # -- judging architectures -----------------------------------------------------------------------------------------

    def feasible(self, archs: Architectures) -> NDArray[np.bool_]:
        """Says for each of n architectures whether it satisfies the constraint, shape (n,)."""
        found = self._examined(archs)
        return np.asarray(found.known & self.within(found.values, found.widths))

    def violation(self, archs: Architectures) -> Floats:
        """Returns how far each of n architectures is outside the bounds, shape (n,); see :meth:`excess`."""
        found = self._examined(archs)
        return np.where(found.known, self.excess(found.values, found.widths), np.inf)

    def reasons(self, archs: Architectures) -> list[str | None]:
        """Returns for each of n architectures why it is infeasible; None where it is feasible."""
        found = self._examined(archs)
        widths = np.broadcast_to(found.widths, found.values.shape)
        columns = (found.values, found.known, self.within(found.values, widths), widths)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return [
            None if known and is_within else self._reason(value, known, width)
            for value, known, is_within, width in rows
        ]

    def values(self, candidates: Candidates) -> Floats:
        """Returns the value of every candidate, shape (n,); NaN where it is unknown."""
        found = self._examined(candidates)
        return np.where(found.known, found.values, np.nan)

    def chance(self, archs: Architectures) -> Floats:
        """Returns the probability that each architecture lies within the bounds, as if it lay in the domain, shape (n,).

        Raises:
            UsageError: When no cost model predicts the value, or the cost model has no interval.
        """
        confidence = self._confidence or Confidence.of(self.value, 0.5)
        assert confidence is not None
        return confidence.chance(self._examined(archs).values, self.most, self.least, self._widths(archs))

    def widths(self, archs: Architectures) -> Floats | float:
        """Returns how many times larger than typical the errors of n architectures are, where a probability is asked.

        Shape (n,); a cost model of few measurements knows some architectures better than others.
        """
        return 1.0 if self._confidence is None else self._widths(archs)

    # -- judging values ------------------------------------------------------------------------------------------------

    def within(self, values: ArrayLike, widths: Floats | float = 1.0) -> NDArray[np.bool_]:
        """Says for n values, predicted or measured, whether they are within the bounds; never where one is not a number.

        Args:
            values: The values, shape (n,).
            widths: Factors of the errors of their architectures, as :meth:`widths` gives them, shape (n,).
        """
        found = _numbers(values)
        if self._confidence is not None:
            return self._confidence.chance(found, self.most, self.least, widths) >= self._confidence.probability
        return self.holds(found)

    def could_hold(self, values: ArrayLike) -> NDArray[np.bool_]:
        """Says for n predicted values whether any architecture with them could be within the bounds.

        Errors are larger for some architectures than for others; those count that suit a value best.

        Args:
            values: The values, shape (n,).
        """
        narrowest = getattr(self.value, "narrowest", 0.0)
        return self.within(values, narrowest) | self.within(values, math.inf)

    def holds(self, values: ArrayLike) -> NDArray[np.bool_]:
        """Says for n true values whether they are within the bounds, whatever probability is asked of predictions."""
        found = _numbers(values)
        is_within = ~np.isnan(found)
        if self.most is not None:
            is_within &= found <= self.most
        if self.least is not None:
            is_within &= found >= self.least
        return np.asarray(is_within)

    def excess(self, values: ArrayLike, widths: Floats | float = 1.0) -> Floats:
        """Returns how far values are outside the bounds, relative to the bound: 0 within, infinite for what is not a number.

        With a probability, what counts is the end of the interval that holds with that probability.

        Args:
            values: The values, shape (n,).
            widths: Factors of the errors of their architectures, as :meth:`widths` gives them, shape (n,).
        """
        found = _numbers(values)
        if self._confidence is None:
            return self._distance(found, found)
        low, high = self._confidence.ends(found, widths)
        beyond = np.maximum(self._distance(low, high), np.finfo(np.float64).eps)
        return np.where(self.within(found, widths), 0.0, beyond)

    def reason(self, value: float) -> str | None:
        """Returns why a value is outside the bounds; None where it is within."""
        return None if self.within([value])[0] else self._reason(value, True)

    # -- words ---------------------------------------------------------------------------------------------------------

    @property
    def probability(self) -> float | None:
        """Probability that is asked for; None where predictions are taken as they are."""
        return None if self._confidence is None else self._confidence.probability

    @property
    def is_vectorised(self) -> bool:
        """Whether many architectures are judged at once."""
        return is_vectorised(self.value)

    def formatted(self, value: float) -> str:
        """Returns a value of the constrained quantity for messages, with its unit where it has one."""
        return format_quantity(self._quantity or self.name, value)

    @property
    def bounds(self) -> str:
        """The bounds for messages, for example ``latency_s <= 10.0 ms``."""
        ends = [(sign, end) for sign, end in (("<=", self.most), (">=", self.least)) if end is not None]
        return " and ".join(f"{self.name} {sign} {self.formatted(end)}" for sign, end in ends)

    def __str__(self) -> str:
        """For example ``latency_s <= 10.0 ms with probability 0.95``."""
        return self.bounds if self.probability is None else f"{self.bounds} with probability {self.probability:g}"

    def __repr__(self) -> str:
        ends = [f"{name}={end!r}" for name, end in (("least", self.least), ("most", self.most)) if end is not None]
        wanted = [] if self.probability is None else [f"probability={self.probability}"]
        return f"Constraint({', '.join([self.name, *ends, *wanted])})"

    # -- how -----------------------------------------------------------------------------------------------------------

    @property
    def _quantity(self) -> str | None:
        """Quantity of a call that a cost model predicts; None for sizes, functions, and predictors of anything else."""
        return measured_quantity(self.value)

    @property
    def _is_predicted_time(self) -> bool:
        return self._quantity is not None and unit_of(self._quantity) == "s"

    @property
    def _default_probability(self) -> float:
        is_limit = self.most is not None and self.least is None and not self.measured
        return DEFAULT_PROBABILITY if is_limit and self._quantity is not None else 0.0

    def _baseline(self, of: Architecture) -> float:
        found = self._examined([of])
        unit = float(found.values[0])
        if not found.known[0] and not math.isnan(unit):
            raise UsageError(
                f"the baseline {of} lies outside what the cost model of {self.name} was fitted on: nothing can be bounded "
                "relative to its prediction. Measure the baseline and fit the model on it too, or give the bound itself"
            )
        if not (math.isfinite(unit) and unit > 0):
            raise UsageError(f"the baseline {of} has {self.name} = {unit}: nothing can be bounded relative to it")
        return unit

    def _examined(self, archs: Architectures) -> _Examined:
        """Finds the values of architectures."""
        if not isinstance(archs, Candidates):
            archs = several(archs)
        if is_predictor(self.value):
            if isinstance(archs, Candidates):
                check_space(self.value, archs.space)
                if isinstance(self.value, CostModel):  # what it predicts, without the intervals that nobody asks for
                    values = self.value.predict_codes(archs.codes)
                    known = self.value.in_domain(archs.genes) & ~np.isnan(values)
                    return _Examined(values, known, self.widths(archs))
            found = self.value.predict(archs.genes if isinstance(archs, Candidates) else list(archs))
            return _Examined(found.values, found.in_domain & ~np.isnan(found.values), self.widths(archs))
        own = getattr(self.value, "space", None)
        if not isinstance(archs, Candidates) and is_vectorised(self.value) and isinstance(own, SearchSpace):
            archs = Candidates.of(own, archs)
        try:
            if isinstance(archs, Candidates):
                values = values_of(self.value, archs)
            else:
                values = np.array([number_of(self.value, arch) for arch in archs], dtype=np.float64)
        except HwcostError:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise ContractError(f"the function of the constraint {self.name} failed: {said}") from error
        return _Examined(values, ~np.isnan(values), 1.0)

    def _widths(self, archs: Architectures) -> Floats | float:
        model = getattr(self.value, "cost", self.value)  # of a wrapper, its model
        if not isinstance(model, CostModel):
            return 1.0
        return model.relative_widths(archs.genes if isinstance(archs, Candidates) else model.features.read(archs)[1])

    def _distance(self, low: Floats, high: Floats) -> Floats:
        """Returns how far intervals reach beyond the bounds, relative to the bound."""
        outside = np.zeros(low.shape)
        if self.most is not None:
            outside = np.maximum(outside, high - self.most)
        if self.least is not None:
            outside = np.maximum(outside, self.least - low)
        scale = abs(self.most if self.most is not None else self.least or 0.0) or 1.0
        return np.where(np.isnan(low) | np.isnan(high), np.inf, outside / scale)

    def _reason(self, value: float, known: bool, width: float = 1.0) -> str:
        if math.isnan(value):
            return f"{self.name} is not known: not a number, or outside what the cost model was fitted on"
        if not known:
            said = f"it would predict {self.formatted(value)}, the constraint is {self.bounds}"
            return f"{self.name} is not known: outside what the cost model was fitted on ({said})"
        if self._confidence is not None:
            chance = float(self._confidence.chance(np.array([value]), self.most, self.least, width)[0])
            wanted = f"with probability {chance:.2f}, wanted {self.probability:g}"
            return f"predicted {self.formatted(value)}; {self.bounds} holds {wanted}"
        is_above = self.most is not None and value > self.most
        end, side = (self.most, "above") if is_above else (self.least, "below")
        shown = _precise_seconds if self._is_predicted_time else "{:.6g}".format
        return f"{self.name} {shown(value)} is {side} {shown(end or 0.0)}"


def _numbers(values: ArrayLike) -> Floats:
    """Returns values as numbers, shape (n,)."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"values are numbers, predicted or measured; got {type(values).__name__} {values!r:.50}") from None


def _precise_seconds(value: float) -> str:
    """Formats seconds with digits enough to tell a value from the bound that it exceeds."""
    return format_seconds(value, digits=6)


def _check_bounds(most: float | None, least: float | None, is_time: bool) -> None:
    """Raises UsageError when bounds are missing or make no sense."""
    if most is None and least is None:
        raise UsageError("a constraint needs most=, least=, or both")
    for given in (most, least):
        if given is not None and not math.isfinite(given):
            raise UsageError(f"a bound is a finite number, got {given}")
        if given is not None and is_time and not given > 0:
            raise UsageError(f"a bound on a latency is a positive number of seconds, got {given!r}")
    if most is not None and least is not None and least > most:
        raise UsageError(f"nothing is at least {least:g} and at most {most:g}")
