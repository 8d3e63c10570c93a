"""A structured model first, boosted trees on what it leaves.

The structure is a lookup table, or a polynomial of the columns where the space has no components to price; cross-validation
chooses between them.
The trees see the log ratio of latency to its prediction. How many there are is chosen by cross-validation as well, and none
at all unless they clearly help on typical rows and do no harm on the worst ones, so that the hybrid is its base when
that is all there is to learn.
Away from the training rows the correction fades to nothing and the base alone answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Codes, Floats, Indices
from hwcost.cost_models import cost_model, rowwise
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.compiled.closing import Closing
from hwcost.cost_models.compiled.forest import read_lightgbm_forest
from hwcost.cost_models.compiled.models import ONE, CompiledForest, OnDemand
from hwcost.cost_models.families.boosters import BOOSTER_FILE, predict_lightgbm, read_lightgbm, train_lightgbm
from hwcost.cost_models.families.lut import LookupTable
from hwcost.cost_models.families.shrinkage import clearly_better
from hwcost.cost_models.features.fixed_shape import FixedShape, sharing, whole_points
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.features.structure import BASES, OVER_SHAPES, bases
from hwcost.cost_models.training.folds import folds, side_by_side
from hwcost.cost_models.training.intervals import left_out_errors
from hwcost.errors import UsageError
from hwcost.quantities import LATENCY
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.spaces.shaped import SHAPE_GENES

STAGES = (25, 50, 100, 200, 400, 800)
"""Numbers of trees among which cross-validation chooses, besides none."""

DEPTH, RATE = 4, 0.05
FOLDS = 5
MIN_ROWS = 30
"""Below so many rows the trees have nothing to learn from."""

NOTHING_LEFT = 1e-4
"""Left-over log ratios below this are finer than any measurement: there is nothing for trees to learn."""


class Hybrid(CostModel):
    """A structured model plus boosted residual.

    Args:
        space: The space of the architectures.
        rounds: Trees on the residual; None chooses by cross-validation, and may choose none.
        base: Name of the structured model, ``lut`` or ``polynomial``, over shapes ``shapes``; ``auto`` chooses by
            cross-validation among what fits the space.
        monotone: Never call a larger batch or a longer sequence faster, within the domain; only latency is held to it.
            Turn it off where the device can be faster with more of them.
        base_options: Arguments of the base, for example its form and penalties; None lets it choose them.
        **common: Arguments of :class:`hwcost.cost_models.base.CostModel`.

    Attributes:
        base_: The fitted structured model.
        rounds_: Trees taken; 0 makes the hybrid equal to its base.
        booster_: LightGBM booster of the log ratio; None without trees.
    """

    name = "hybrid"
    complexity = 40

    base_: CostModel
    rounds_: int
    booster_: Any

    def __init__(
        self,
        space: SearchSpace,
        *,
        rounds: int | None = None,
        base: str = "auto",
        monotone: bool = True,
        base_options: Mapping[str, Any] | None = None,
        **common: Any,
    ) -> None:
        super().__init__(space, **common)
        if rounds is not None and rounds < 0:
            raise UsageError(f"the number of rounds must not be negative, got {rounds}")
        if base not in ("auto", *BASES, *OVER_SHAPES):
            raise UsageError(f"unknown base '{base}' of a hybrid. Known: auto, {', '.join((*BASES, *OVER_SHAPES))}")
        self.rounds = rounds
        self.base = base
        self.monotone = bool(monotone)
        self.base_options = None if base_options is None else dict(base_options)

    def _make(self, name: str) -> CostModel:
        return cost_model(name, self.space, **{**self.common_params(), **(self.base_options or {})})

    # -- fitting -------------------------------------------------------------------------------------------------------

    def _fit(self, genes: Floats, values: Floats, weights: Floats) -> None:
        vars(self).pop("_forest", None)
        self.base_ = self._chosen_base(genes, values, weights)
        self.rounds_ = self._chosen_rounds(genes, values, weights) if self.rounds is None else self.rounds
        rounds, is_brief = self.rounds_, self._is_brief
        self.booster_ = self._boost(self.base_, genes, values, weights, rounds, is_brief) if rounds else None
        held = self._held(self.base_) if rounds else []
        self.monotone_ = tuple(name for name, sign in zip(self.features.learner_names, held, strict=False) if sign)

    def _chosen_base(self, genes: Floats, values: Floats, weights: Floats) -> CostModel:
        """Fits the bases that come into question; a later one is taken when it is clearly better on rows left out."""
        names = bases(self.features) if self.base == "auto" else (self.base,)
        best, *others = [self._make(name).fit(genes, values, weights) for name in names]
        for other in others if len(genes) > 1 else []:
            errors = [np.abs(left_out_errors(one, genes, values, weights)) for one in (best, other)]
            best = other if clearly_better(errors[1], errors[0]) else best
        return best

    def _boost(
        self, base: CostModel, genes: Floats, values: Floats, weights: Floats, rounds: int, is_brief: bool = False
    ) -> Any:
        left, columns = np.log(values / base.predict_encoded(genes)), self.features.learner_columns(genes)
        return train_lightgbm(columns, left, weights, rounds, DEPTH, RATE, self._held(base), is_brief)

    def _held(self, base: CostModel) -> list[int]:
        """Returns, per column, 1 where the trees never fall along it: the shape's, where the base never falls either."""
        if not (self.monotone and self.quantity == LATENCY and base.name in OVER_SHAPES):
            return []
        sizes = [1] * len(SHAPE_GENES)
        return [*[0] * (len(self.features.learner_names) - len(sizes)), *sizes]

    def _chosen_rounds(self, genes: Floats, values: Floats, weights: Floats) -> int:
        left = np.log(values / self.base_.predict_encoded(genes))
        if len(genes) < MIN_ROWS or float(np.abs(left).max()) < NOTHING_LEFT:
            return 0
        errors = np.empty((1 + len(STAGES), len(genes)))
        parts = list(folds(Groups.of_architectures(self.features, genes), FOLDS))

        def stages(kept: Indices, held: Indices) -> Floats:
            return self._stage_errors(genes, values, weights, kept, held)

        for (_, held), found in zip(parts, side_by_side(stages, parts, self.name, self.threads_from), strict=True):
            errors[:, held] = found
        best = 1 + int(np.argmin(np.abs(errors[1:]).mean(axis=1)))
        is_better = clearly_better(np.abs(errors[best]), np.abs(errors[0]))
        is_no_worse = float((errors[best] ** 2).mean()) <= float((errors[0] ** 2).mean())
        return STAGES[best - 1] if is_better and is_no_worse else 0

    def _stage_errors(self, genes: Floats, values: Floats, weights: Floats, kept: Indices, held: Indices) -> Floats:
        """Errors of log latency on held-out rows: without trees, then for each number of trees."""
        base = self.base_.clone_with_hyperparameters()
        base.fit(genes[kept], values[kept], weights[kept])
        booster = self._boost(base, genes[kept], values[kept], weights[kept], STAGES[-1], is_brief=True)
        columns = self.features.learner_columns(genes[held])
        bare = np.log(values[held] / base.predict_encoded(genes[held]))
        steps = [predict_lightgbm(booster, columns, first, end - first) for first, end in pairwise((0, *STAGES))]
        return np.stack([bare, *(bare - np.cumsum(steps, axis=0))])

    @property
    def plain(self) -> CostModel:
        """The base where there are no trees."""
        return self if self.rounds_ else self.base_.plain

    def clone_with_hyperparameters(self) -> Hybrid:
        """Returns an unfitted copy with the base, its hyperparameters and the number of rounds that were taken."""
        common = self.common_params()
        of_base = self.base_.clone_with_hyperparameters().get_params()
        chosen = {name: value for name, value in of_base.items() if name not in common}
        kept: dict[str, Any] = {"rounds": self.rounds_, "base": self.base_.name, "monotone": self.monotone}
        return Hybrid(self.space, base_options=chosen, **kept, **common)

    # -- predicting ----------------------------------------------------------------------------------------------------

    def _predict(self, genes: Floats) -> Floats:
        values = self.base_.predict_encoded(genes)
        if self.booster_ is None:
            return values
        forest = self._forest.when_it_pays(len(genes))
        features, points = whole_points(self, genes)
        if forest is None or not forest.beats_library(len(genes)):
            correction = predict_lightgbm(self.booster_, features.learner_columns(points))
        else:
            correction = forest.many(self.features.codes(genes))
        return np.asarray(values * rowwise.exp(correction * self.domain_.trust(features, points)))

    @property
    def _is_trusted(self) -> bool:
        """Whether the trees count in full whatever architecture is asked for."""
        shape = self.fixed_shape
        domain = self.domain_ if shape is None else self.domain_.at(shape.columns.places, shape.sizes)
        return domain.is_whole

    def predict_codes(self, codes: Codes) -> Floats:
        """See the base class; tables and a compiled forest take codes as they are."""
        forest = None if self.booster_ is None else self._forest.when_it_pays(len(codes))
        if self.booster_ is None:
            return self.base_.predict_codes(codes)
        if forest is None or not forest.beats_library(len(codes)) or not self._is_trusted:
            return super().predict_codes(codes)
        return np.asarray(self.base_.predict_codes(codes) * rowwise.exp(forest.many(codes)))

    def _one(self, arch: Architecture) -> float:
        forest = self._forest.forest
        if forest is None and self.booster_ is not None:
            forest = self._forest.when_it_pays(ONE)
        if forest is not None and forest.answer is not None:
            found: float | None = forest.answer(arch.genes)
            return super()._one(arch) if found is None else found  # which says what is wrong with it
        if self.booster_ is None:
            return self.base_(arch)
        if forest is None or not self._is_trusted:
            return super()._one(arch)
        return self.base_(arch) * rowwise.exp_of(forest.one(arch.genes))

    @cached_property
    def _forest(self) -> OnDemand[CompiledForest]:
        """The trees compiled, once they were asked often enough."""
        base, shape = self.base_, self.fixed_shape
        closing: Closing | None = base.closing if self._is_trusted and isinstance(base, LookupTable) else None

        def make() -> CompiledForest | None:
            forest = read_lightgbm_forest(self.booster_.model_to_string())
            return CompiledForest.of(forest, self.features, closing, shape)

        return OnDemand(make)

    def compile(self) -> Hybrid:
        """See the base class: the base is compiled, and the trees where there are any."""
        self._check_fitted()
        self.base_.compile()
        forest = None if self.booster_ is None else self._forest.now()
        if forest is not None:
            forest.compile()
        return self

    def at_shape(self, shape: FixedShape) -> CostModel | None:
        """See the base class: the base at the shape and the same trees, where there are any."""
        if self.booster_ is None:
            return self.base_.at_shape(shape)
        made = sharing(self, shape)
        made.base_ = shape.asked_of(self.base_)
        return made

    # -- explaining and keeping -------------------------------------------------------------------------------------------

    def tiling_rise(self, sizes: Floats) -> Floats | None:
        """See the base class; that of the structured model."""
        return self.base_.tiling_rise(sizes)

    def importance(self) -> dict[str, float]:
        """Returns the base's shares; the trees only correct it."""
        return self.base_.importance()

    def _state(self) -> dict[str, Any]:
        base = {"base": self.base_.name, "options": self.base_.get_params(), "model": self.base_.state()}
        return {"rounds": self.rounds_, "monotone": list(self.monotone_), **base}

    def _files(self) -> dict[str, str]:
        return {} if self.booster_ is None else {BOOSTER_FILE: self.booster_.model_to_string()}

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        vars(self).pop("_forest", None)
        self.rounds_ = int(state["rounds"])
        self.base_ = cost_model(state["base"], self.space, **state["options"])
        self.base_.restore(state["model"], {})
        self.booster_ = read_lightgbm(files[BOOSTER_FILE]) if self.rounds_ else None
        self.monotone_ = tuple(str(name) for name in state.get("monotone", ()))
