"""Arguments of cost models: the names that their constructors take, and rows that can be fitted."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwcost._types import Floats
from hwcost.errors import ContractError, DataError, UsageError

NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
"""Kinds of arguments that can be given by name."""


@cache
def parameters(kind: type[object]) -> tuple[str, ...]:
    """Returns the names of the arguments beside the space that a class of cost models and those it derives from take."""
    names: dict[str, None] = {}
    for one in inspect.getmro(kind):
        if "__init__" in vars(one) and one is not object:
            found = list(inspect.signature(vars(one)["__init__"]).parameters.values())[2:]  # behind self and the space
            names |= dict.fromkeys(given.name for given in found if given.kind in NAMED)
    return tuple(names)


def stored(model: object, names: Sequence[str]) -> dict[str, Any]:
    """Returns arguments of a cost model by name, as it keeps them.

    Raises:
        ContractError: When it does not keep one under its own name.
    """
    lost = [name for name in names if not hasattr(model, name)]
    if lost:
        raise ContractError(
            f"the cost model {type(model).__name__} does not keep its argument '{lost[0]}': its __init__ has to store it as "
            f"self.{lost[0]}, so that copies and saved models have it"
        )
    return {name: getattr(model, name) for name in names}


def as_numbers(values: ArrayLike, what: str) -> Floats:
    """Returns values as a new array of floats; ``what`` names one of them.

    Raises:
        UsageError: When they are not numbers.
    """
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"every {what} is a number; got {values!r:.60} ({type(values).__name__})") from None


def checked_rows(
    n: int, fewest: int, values: ArrayLike, weights: ArrayLike | None, what: str
) -> tuple[Floats, Floats]:
    """Returns measured values and weights, each of shape (n,), as arrays that a model can be fitted on.

    Args:
        n: Number of architectures.
        fewest: Fewest architectures that will do.
        values: Measured values, shape (n,).
        weights: Weights, shape (n,); None for equal ones.
        what: Name of a value.

    Raises:
        DataError: When there are too few, or a value or weight is not positive and finite.
        UsageError: When there is not one value and weight for each architecture, or one is not a number.
    """
    rows = as_numbers(values, what)
    row_weights = np.ones(n) if weights is None else as_numbers(weights, "weight")
    if n < fewest:
        raise DataError(f"a cost model needs at least {fewest} measurements, got {n}. Measure more architectures.")
    for numbers, name in ((rows, what), (row_weights, "weight")):
        if numbers.shape != (n,):
            raise UsageError(f"expected one {name} for each of {n} architectures, got an array of shape {numbers.shape}")
        wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers > 0)))
        if len(wrong):
            raise DataError(f"row {wrong[0]}: the {name} {numbers[wrong[0]]} is not positive and finite. Leave the row out.")
    return rows, row_weights
