"""Cost functions: anything that takes an architecture and returns a number, and how their values are found.

A cost function is vectorised when it has ``predict_codes(codes)`` and so values n architectures at once from their codes, as
cost models and sizes do. Any other is called once for each architecture.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.errors import ContractError, HwcostError, UsageError
from hwcost.quantities import QUANTITIES
from hwcost.registry import is_own
from hwcost.spaces.base import Architecture, SearchSpace
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
        found = function.predict_codes(candidates.codes if is_own(type(function)) else candidates.codes.copy())
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


def check_agrees(function: Any, space: SearchSpace) -> None:
    """Asks a vectorised function of the user's about two architectures, alone and together.

    A function that fails, or that answers otherwise each time, is not judged here.

    Raises:
        ContractError: When the answers differ, such as where codes were taken for the values of genes.
    """
    if not is_vectorised(function) or is_predictor(function) or is_own(type(function)):
        return
    candidates = Candidates.of(space, space.sample(min(2, space.size), seed=0))
    try:
        together = values_of(function, candidates)
        alone_twice = [[number_of(function, arch) for arch in candidates] for _ in range(2)]
    except HwcostError:
        raise
    except Exception:  # trials of an objective fail, with its words; a constraint names itself
        return
    for arch, value, alone, again in zip(candidates, together, *alone_twice, strict=True):
        if alone == again and not (np.isnan(value) or np.isclose(alone, value, rtol=1e-4, atol=0)):
            raise ContractError(
                f"the cost function {name_of(function)} is {alone:.6g} for {arch}, and {value:.6g} by its predict_codes. "
                "Codes are the indices of choices, not the values of genes: hwcost.spaces.Candidates(space, codes).genes "
                "has the values"
            )


def number_of(function: Any, arch: Architecture) -> float:
    """Returns what a function of an architecture says.

    Raises:
        TypeError: When that is not a number.
    """
    found = function(arch)
    try:
        return float(found)
    except (TypeError, ValueError):
        raise TypeError(f"returned {'None' if found is None else f'{found!r:.80}'}; expected a number") from None


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
