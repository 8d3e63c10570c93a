"""Chooses a cost model by cross-validation inside the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwcost._types import Floats
from hwcost.cost_models import cost_model
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.intervals import left_out_errors
from hwcost.cost_models.shrinkage import clearly_better
from hwcost.errors import HwcostError, MissingExtraError, UsageError
from hwcost.spaces.base import Architecture, SearchSpace

CANDIDATES = ("constant", "ridge", "lut", "products", "hybrid", "lightgbm", "xgboost")
"""From plain to general; a later one is taken only when it is clearly better."""

BOOSTERS = ("lightgbm", "xgboost")
CLEAR = 1.0
"""Standard errors by which a more general candidate must be better than a plainer one."""

BOOSTING_ROWS = 30
"""Boosters alone are tried from so many rows on."""


class Auto(CostModel):
    """The candidate with the lowest cross-validated error of log latency; of about equal ones, the plainest.

    Args:
        space: The space of the architectures.
        candidates: Names of cost models, from plain to general. XGBoost is left out where it is not installed.
        monotone: Whether boosters are held to what the space knows, see :class:`hwcost.cost_models.gbm.Boosted`.
        **common: See :class:`hwcost.cost_models.base.CostModel`.

    Attributes:
        chosen_: Name of the model that was taken.
        candidate_errors_: Mean absolute out-of-fold error of log latency of each candidate.
        model_: The fitted model.
    """

    name = "auto"

    def __init__(
        self, space: SearchSpace, *, candidates: Sequence[str] = CANDIDATES, monotone: bool = True, **common: Any
    ) -> None:
        super().__init__(space, **common)
        if not candidates or "auto" in candidates or "roofline" in candidates:
            raise UsageError(f"auto chooses among cost models that are fitted, got {list(candidates)}")
        self.candidates = tuple(candidates)
        self.monotone = bool(monotone)
        self.chosen_: str | None = None
        self.candidate_errors_: dict[str, float] = {}
        self.model_: CostModel | None = None
        self._is_settled = False

    def _fit(self, genes: Floats, latency_s: Floats, weights: Floats) -> None:
        if self._is_settled:
            self.model_ = self._inner().settled().fit_encoded(genes, latency_s, weights)
            return
        fits: dict[str, CostModel] = {}
        errors: dict[str, Floats] = {}
        for name in self.candidates:
            if name in BOOSTERS and len(genes) < BOOSTING_ROWS:
                continue
            try:
                fits[name] = self._make(name).fit_encoded(genes, latency_s, weights)
            except MissingExtraError:
                continue
            errors[name] = np.abs(left_out_errors(fits[name], genes, latency_s, weights))
        self.candidate_errors_ = {name: float(error.mean()) for name, error in errors.items()}
        best = min(self.candidate_errors_, key=lambda name: self.candidate_errors_[name])
        good = [name for name in errors if name == best or not clearly_better(errors[best], errors[name], CLEAR)]
        self.chosen_ = good[0]
        self.model_ = fits[self.chosen_]
        self.monotone_ = self.model_.monotone_

    def _make(self, name: str) -> CostModel:
        own = {"monotone": self.monotone} if name in BOOSTERS else {}
        return cost_model(name, self.space, batch_size=self.features.batch_size, seq_len=self.features.seq_len, **own)

    @property
    def chosen(self) -> str | None:
        """The name of the model that was chosen."""
        return self.chosen_

    def refit(self, archs: Sequence[Architecture], latency_s: ArrayLike, weights: ArrayLike | None = None) -> CostModel:
        """See the base class; what was chosen stays chosen."""
        fitted = Auto(self.space, **self.options())
        fitted.exact, fitted._is_settled = self.exact, True
        fitted.chosen_, fitted.candidate_errors_, fitted.model_ = self.chosen_, self.candidate_errors_, self.model_
        fitted.monotone_ = self.monotone_
        return fitted.fit(archs, latency_s, weights)

    def settled(self) -> CostModel:
        """Returns an unfitted copy of the chosen model with its own choices kept."""
        return self._inner().settled()

    def _inner(self) -> CostModel:
        if self.model_ is None:
            raise HwcostError("the cost model 'auto' is not fitted yet; call fit(archs, latency_s) first")
        return self.model_

    def _predict(self, genes: Floats) -> Floats:
        return self._inner().predict_encoded(genes)

    def _one(self, arch: Architecture) -> float:
        return self._inner()(arch)

    def importance(self) -> dict[str, float]:
        """Returns the chosen model's shares."""
        return self._inner().importance()

    def options(self) -> dict[str, Any]:
        """Returns the options of the constructor."""
        return {**super().options(), "candidates": list(self.candidates), "monotone": self.monotone}

    def _state(self) -> dict[str, Any]:
        inner = self._inner()
        return {"chosen": self.chosen_, "errors": self.candidate_errors_, "options": inner.options(), "model": inner.state()}

    def _files(self) -> dict[str, str]:
        return self._inner().files()

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self.chosen_ = str(state["chosen"])
        self.candidate_errors_ = {str(name): float(error) for name, error in state["errors"].items()}
        self.model_ = cost_model(self.chosen_, self.space, **state["options"])
        self.model_.restore(state["model"], files)
        self.monotone_ = self.model_.monotone_
