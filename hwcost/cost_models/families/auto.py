"""Chooses a cost model by cross-validation inside the training rows.

Where rows are few, the choice is part of the error: the error on a left-out row is that of the candidate which the errors on
the rows of the other folds choose (compare I. Tsamardinos, E. Greasidou and G. Borboudakis, Bootstrapping the out-of-sample
predictions for efficient and accurate cross-validation, Machine Learning 2018). That costs no further fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hwcost._left_out import left_out
from hwcost._types import Codes, Floats, Indices
from hwcost.cost_models.arguments import parameters
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.families.shrinkage import clearly_better
from hwcost.cost_models.features.fixed_shape import FixedShape
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.registry import candidates as known_candidates
from hwcost.cost_models.registry import cost_model, cost_model_class
from hwcost.cost_models.training.intervals import RECHOOSING_ROWS, left_out_errors
from hwcost.cost_models.training.remembered import remembering
from hwcost.errors import ContractError, MissingExtraError, UsageError
from hwcost.spaces.base import Architecture, SearchSpace

CLEAR = 1.0
"""Standard errors by which a more general candidate must be better than a plainer one."""


class _Tried(NamedTuple):
    """Rows of a fit, and the errors of the logarithm on each, left out, by the name of the candidate."""

    genes: Floats
    values: Floats
    errors: dict[str, Floats]


class Auto(CostModel):
    """The candidate with the lowest cross-validated error of the logarithm; of about equal ones, the plainest.

    Args:
        space: The space of the architectures.
        candidates: Names of cost models, from plain to general; None takes every registered one that is a candidate, takes
            the space and is installed, by its ``complexity``.
        monotone: Whether boosters are held to what the space knows, see :class:`hwcost.cost_models.families.gbm.Boosted`.
        **common: Arguments of :class:`hwcost.cost_models.base.CostModel`.

    Attributes:
        chosen_: Name of the model that was taken.
        candidate_errors_: Mean absolute out-of-fold error of the logarithm of each candidate.
        model_: The fitted model.
    """

    name = "auto"
    complexity = None
    learns = False

    chosen_: str
    candidate_errors_: dict[str, float]
    model_: CostModel

    def __init__(
        self, space: SearchSpace, *, candidates: Sequence[str] | None = None, monotone: bool = True, **common: Any
    ) -> None:
        super().__init__(space, **common)
        if candidates is not None and (not candidates or not all(cost_model_class(name).learns for name in candidates)):
            raise UsageError(f"auto chooses among cost models that are fitted, got {list(candidates)}")
        self.candidates = None if candidates is None else tuple(candidates)
        self.monotone = bool(monotone)
        self._choice: Auto | None = None
        self._tried: _Tried | None = None

    def _fit(self, genes: Floats, values: Floats, weights: Floats) -> None:
        if self._choice is not None:
            self.chosen_, self.candidate_errors_ = self._choice.chosen_, self._choice.candidate_errors_
            self._take(self._choice.model_.clone_with_hyperparameters().fit(genes, values, weights))
            return
        with remembering():
            tried, errors = self._candidates(genes, values, weights)
        self.candidate_errors_ = {name: float(np.abs(error).mean()) for name, error in errors.items()}
        self.chosen_ = _best(errors)
        is_few = len(Groups.of_architectures(self.features, genes)) < RECHOOSING_ROWS
        self._tried = _Tried(genes, values, errors) if is_few else None
        taken = tried[self.chosen_]
        self._take(taken if taken.is_fitted else taken.fit(genes, values, weights))

    def _candidates(
        self, genes: Floats, values: Floats, weights: Floats
    ) -> tuple[dict[str, CostModel], dict[str, Floats]]:
        """Returns every candidate, fitted where it chooses something, and its errors of the logarithm, left out."""
        tried: dict[str, CostModel] = {}
        errors: dict[str, Floats] = {}
        for name in known_candidates(self.space) if self.candidates is None else self.candidates:
            if len(genes) < cost_model_class(name).candidate_rows:
                continue
            made = self._make(name)
            try:
                errors[name] = left_out_errors(_settled(made, genes, values, weights), genes, values, weights)
            except MissingExtraError:
                continue
            except ContractError as error:
                if self.candidates is not None:
                    raise
                left_out(__name__, str(error))
                continue
            tried[name] = made
        return tried, errors

    def _make(self, name: str) -> CostModel:
        own = {"monotone": self.monotone} if "monotone" in parameters(cost_model_class(name)) else {}
        return cost_model(name, self.space, **self.common_params(), **own)

    def _take(self, model: CostModel) -> None:
        self.model_, self.monotone_, self.extrapolates = model, model.monotone_, model.extrapolates

    @property
    def chosen(self) -> str | None:
        """Name of the model that was chosen; None before the fit."""
        return self.chosen_ if self.is_fitted else None

    def rechosen_errors(
        self, genes: Floats, values: Floats, parts: Sequence[tuple[Indices, Indices]]
    ) -> Floats | None:
        """See the base class: in each fold the candidate is taken that the errors in the other folds choose."""
        tried = self._tried
        if tried is None or not (np.array_equal(tried.genes, genes) and np.array_equal(tried.values, values)):
            return None
        found = np.empty(len(values))
        for kept, left in parts:
            found[left] = tried.errors[_best({name: one[kept] for name, one in tried.errors.items()})][left]
        return found

    @property
    def plain(self) -> CostModel:
        """What answers in place of the model that was chosen."""
        return self.model_.plain

    def clone_with_hyperparameters(self) -> Auto:
        """Returns an unfitted copy that takes the model that was chosen here, with its own hyperparameters."""
        copy = self.clone()
        copy._choice = self
        return copy

    def _predict(self, genes: Floats) -> Floats:
        return self.model_.predict_encoded(genes)

    def predict_codes(self, codes: Codes) -> Floats:
        """See the base class; the chosen model's own way."""
        return self.model_.predict_codes(codes)

    def compile(self) -> Auto:
        """See the base class: the chosen model is compiled."""
        self._check_fitted()
        self.model_.compile()
        return self

    def _one(self, arch: Architecture) -> float:
        return self.model_(arch)

    def at_shape(self, shape: FixedShape) -> CostModel | None:
        """See the base class; that of the chosen model."""
        return self.model_.at_shape(shape)

    def tiling_rise(self, sizes: Floats) -> Floats | None:
        """See the base class; that of the chosen model."""
        return self.model_.tiling_rise(sizes)

    def importance(self) -> dict[str, float]:
        """Returns the chosen model's shares."""
        return self.model_.importance()

    def _state(self) -> dict[str, Any]:
        inner = self.model_
        chosen = {"chosen": self.chosen_, "errors": self.candidate_errors_}
        return {**chosen, "options": inner.get_params(), "model": inner.state()}

    def _files(self) -> dict[str, str]:
        return self.model_.files()

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self.chosen_ = str(state["chosen"])
        self.candidate_errors_ = {str(name): float(error) for name, error in state["errors"].items()}
        model = cost_model(self.chosen_, self.space, **state["options"])
        model.restore(state["model"], files)
        self._take(model)


def _best(errors: Mapping[str, Floats]) -> str:
    """Returns the plainest candidate that is about as good as the best one, by errors of the logarithm on left-out rows."""
    sizes = {name: np.abs(error) for name, error in errors.items()}
    best = min(sizes, key=lambda name: float(sizes[name].mean()))
    return next(name for name in sizes if name == best or not clearly_better(sizes[best], sizes[name], CLEAR))


def _settled(model: CostModel, genes: Floats, values: Floats, weights: Floats) -> CostModel:
    """Fits a model where its fit finds out what fits with rows left out keep; returns it."""
    kind = type(model)
    keeps = kind.clone_with_hyperparameters, kind.chosen, kind.plain
    is_plain = keeps == (CostModel.clone_with_hyperparameters, CostModel.chosen, CostModel.plain)
    return model if is_plain else model.fit(genes, values, weights)
