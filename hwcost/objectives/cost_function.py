"""Cost functions: anything that takes an architecture and returns a number, and how their values are found.

A cost function is vectorised when it has ``predict_codes(codes)`` and so values n architectures at once from their codes, as
cost models and sizes do. Any other is called once for each architecture.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.errors import UsageError
from hwcost.quantities import QUANTITIES
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.candidates import Candidates, is_same
from hwcost.spaces.shaped import Shaped
from hwcost.units import unit_of


def is_vectorised(function: Any) -> bool:
    """Whether a cost function values many architectures at once from their codes."""
    return hasattr(function, "predict_codes")


def values_of(function: Any, candidates: Candidates) -> Floats:
    """Returns the value of every candidate, shape (n,).

    Outside the domain of a cost model the value is NaN, which stands for unknown.

    Raises:
        UsageError: When the function returns something else than numbers, or belongs to another space.
    """
    check_space(function, candidates.space)
    if is_vectorised(function):
        found = function.predict_codes(candidates.codes)
    else:
        found = list(map(function, candidates.architectures))
    try:
        values = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"the cost function {name_of(function)} returned no number: {found!r:.80}") from None
    if values.size != len(candidates):
        raise UsageError(
            f"the cost function {name_of(function)} returned {found!r:.40} for {len(candidates)} architectures; expected "
            f"one number for each, shape ({len(candidates)},)"
        )
    values = values.reshape(len(candidates))
    if hasattr(function, "in_domain"):
        values = np.where(function.in_domain(candidates.genes), values, np.nan)
    return values


def check_space(function: Any, space: SearchSpace) -> None:
    """Raises UsageError when a cost function belongs to another space than the one given."""
    own = getattr(function, "space", None)
    if isinstance(own, Shaped) and not is_same(own, space):
        raise UsageError(
            f"the cost function {name_of(function)} is over batch sizes and sequence lengths, and architectures alone are "
            "asked for: give what it is at one shape, such as cost.at(8, 256)"
        )
    if isinstance(own, SearchSpace) and not is_same(own, space):
        raise UsageError(
            f"the cost function {name_of(function)} is of space '{own.name}' {own.options()}, the architectures are of "
            f"'{space.name}' {space.options()}"
        )


def name_of(function: Any) -> str:
    """Returns the name of a cost function in messages and studies."""
    return str(getattr(function, "name", None) or getattr(function, "__name__", None) or type(function).__name__)


def is_predictor(function: Any) -> bool:
    """Whether a cost function is a cost model, or wraps one: it predicts with a domain outside of which it is not known."""
    return isinstance(function, CostModel) or (hasattr(function, "predict") and hasattr(function, "quantity"))


def measured_quantity(function: Any) -> str | None:
    """Returns the quantity of a call that a cost model predicts, or any time; None for everything else.

    Such predictions have intervals from measured rows, which a bound should keep. A quality such as perplexity has none.
    """
    if not is_predictor(function):
        return None
    name = quantity_of(function)
    return name if name in QUANTITIES or unit_of(name) == "s" else None


def quantity_of(predictor: Any) -> str:
    """Returns the name of the quantity that a cost model predicts, for example ``latency_s``."""
    return str(predictor.quantity)
