"""Methods of cost models that other people give, checked where hwcost calls them: an error names the model and its slip.

Arrays are handed over as copies, so that a method may change them. hwcost's own models are not checked.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost._types import Floats
from hwcost.errors import ContractError
from hwcost.registry import is_own, named

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel


def check_methods(kind: type[Any]) -> None:
    """Replaces the methods that a class of another package gives by ones that check them."""
    if is_own(kind):
        return
    for name, checked in (("_fit", _checked_fit), ("_predict", _checked_predict), ("_state", _checked_state)):
        if name in vars(kind):
            setattr(kind, name, checked(vars(kind)[name]))


def _called(model: CostModel) -> str:
    return f"the cost model '{getattr(model, 'name', type(model).__name__)}'"


def _checked_fit(method: Callable[..., Any]) -> Callable[..., None]:
    @functools.wraps(method)
    def _fit(self: CostModel, genes: Floats, values: Floats, weights: Floats) -> None:
        with named(_called(self), "_fit"):
            method(self, genes.copy(), values.copy(), weights.copy())

    return _fit


def _checked_predict(method: Callable[..., Any]) -> Callable[..., Floats]:
    @functools.wraps(method)
    def _predict(self: CostModel, genes: Floats) -> Floats:
        """Answers as the method does, with NaN for what is not a positive number."""
        with named(_called(self), "_predict"):
            found = np.asarray(method(self, genes.copy()), dtype=np.float64)
        if found.shape != (len(genes),):
            raise ContractError(
                f"{_called(self)} gave an array of shape {found.shape} from _predict for {len(genes)} architectures; "
                f"expected one number for each, shape ({len(genes)},)"
            )
        is_value = np.isfinite(found) & (found > 0)
        return found if is_value.all() else np.where(is_value, found, np.nan)

    return _predict


def _checked_state(method: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    @functools.wraps(method)
    def _state(self: CostModel) -> dict[str, Any]:
        with named(_called(self), "_state"):
            found: dict[str, Any] = method(self)
        try:
            json.dumps(found, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ContractError(
                f"{_called(self)} gave what is not plain JSON from _state: {error}. Turn arrays into lists (.tolist()), and "
                f"numbers of NumPy into int(...) or float(...)"
            ) from None
        return found

    return _state
