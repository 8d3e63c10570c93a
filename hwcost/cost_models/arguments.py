"""Arguments of cost models: the names that their constructors take, and rows that can be fitted."""

from __future__ import annotations

import inspect

import numpy as np
from numpy.typing import ArrayLike

from hwcost._types import Floats
from hwcost.errors import DataError, UsageError


def parameters(kind: type[object]) -> list[str]:
    """Returns the names of the keyword arguments that a class of cost models and those that it derives from take."""
    names: dict[str, None] = {}
    for one in inspect.getmro(kind):
        if "__init__" in vars(one) and one is not object:
            found = inspect.signature(vars(one)["__init__"]).parameters.values()
            names |= dict.fromkeys(given.name for given in found if given.kind is given.KEYWORD_ONLY)
    return list(names)


def as_numbers(values: ArrayLike, what: str) -> Floats:
    """Returns values as a new array of floats; ``what`` names one of them.

    Raises:
        UsageError: When they are not numbers.
    """
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"every {what} is a number; got {values!r:.60} ({type(values).__name__})") from None


def check_rows(n: int, fewest: int) -> None:
    """Raises DataError when there are fewer rows than that."""
    if n < fewest:
        raise DataError(f"a cost model needs at least {fewest} measurements, got {n}. Measure more architectures.")


def check_values(n: int, values: Floats, what: str) -> None:
    """Raises when there is not one positive finite value for each of n rows; ``what`` names the values."""
    if values.shape != (n,):
        raise UsageError(f"expected one {what} for each of {n} architectures, got an array of shape {values.shape}")
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if len(wrong):
        raise DataError(f"row {wrong[0]}: the {what} {values[wrong[0]]} is not positive and finite. Leave the row out.")
