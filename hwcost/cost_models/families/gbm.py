"""Gradient boosting: general learners on genes and the number of parameters, fitted to the logarithm.

Left alone, trees call many an enlargement faster than what it enlarges. Where the space says that latency cannot fall as a
gene grows, the trees are held to it. Fits are deterministic.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Codes, Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.compiled.closing import Closing
from hwcost.cost_models.compiled.forest import Forest, read_lightgbm_forest, read_xgboost_forest
from hwcost.cost_models.compiled.models import ONE, CompiledForest, OnDemand
from hwcost.cost_models.families.boosters import (
    BOOSTER_FILE,
    predict_lightgbm,
    predict_xgboost,
    read_lightgbm,
    read_xgboost,
    train_lightgbm,
    train_xgboost,
)
from hwcost.cost_models.features.extractor import Features
from hwcost.cost_models.features.fixed_shape import FixedShape, sharing, whole_points
from hwcost.errors import UsageError
from hwcost.quantities import LATENCY
from hwcost.spaces.base import Architecture, SearchSpace

Model = TypeVar("Model", bound="Boosted")

CANDIDATE_ROWS = 30
"""Boosters alone are worth trying from so many rows on."""


def signs(features: Features) -> list[int]:
    """Returns, per column that boosters see, 1 where latency cannot fall as it grows and 0 where that is unknown.

    The number of parameters counts when every gene does: it then grows with each of them.
    """
    known: list[int] = []
    for gene, sign in zip(features.space.genes, features.space.increasing(), strict=True):
        known += [0] * len(gene.choices) if gene.categorical else [sign]
    return [*known, int(all(known))] if features.is_buildable else known


class Boosted(CostModel):
    """What both boosters share.

    Args:
        space: The space of the architectures.
        rounds: Number of trees.
        depth: Largest depth of a tree.
        rate: Learning rate.
        monotone: Never call an architecture faster for a larger gene, where the space says so; only latency is held to it.
            Turn it off where larger can be faster, for example where sizes that fill whole tiles of the hardware are.
        sizes: Whether the trees see the number of parameters beside the genes, where it is known. Without it they learn from
            the shape alone, as SuperShaper's predictor of perplexity does (Figure 7a).
        **common: Arguments of :class:`hwcost.cost_models.base.CostModel`.

    Attributes:
        offset_: Mean of the logarithm, which the trees add to.
        booster_: Booster of the library itself.
    """

    candidate_rows = CANDIDATE_ROWS
    extrapolates = False

    offset_: float
    booster_: Any

    def __init__(
        self,
        space: SearchSpace,
        *,
        rounds: int = 400,
        depth: int = 4,
        rate: float = 0.05,
        monotone: bool = True,
        sizes: bool = True,
        **common: Any,
    ) -> None:
        super().__init__(space, **common)
        if rounds < 1 or depth < 1 or not 0 < rate <= 1:
            raise UsageError(
                f"boosting needs rounds >= 1, depth >= 1 and a rate within (0, 1], got {rounds}, {depth} and {rate}"
            )
        self.rounds, self.depth, self.rate = rounds, depth, rate
        self.monotone, self.sizes = bool(monotone), bool(sizes)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns that the trees see."""
        return self.features.learner_names if self.sizes else list(self.features.one_hot_names)

    def columns(self, genes: Floats) -> Floats:
        """Returns what the trees see of encoded architectures (n, genes), shape (n, columns)."""
        features, points = whole_points(self, genes)
        return features.learner_columns(points) if self.sizes else features.one_hot(points)

    @abstractmethod
    def _train(self, columns: Floats, target: Floats, weights: Floats, monotone: Sequence[int]) -> Any:
        """Returns a booster fitted to the target, which never falls along the columns marked 1."""

    @abstractmethod
    def _raw(self, columns: Floats) -> Floats:
        """Returns what the trees sum to."""

    @abstractmethod
    def _gains(self) -> Mapping[str, float]:
        """Returns the total gain per column name; columns that no tree uses may be missing."""

    @abstractmethod
    def _read(self, text: str) -> Any:
        """Returns the booster that was saved as text."""

    @abstractmethod
    def _trees(self) -> Forest | None:
        """Returns the booster's trees as arrays; None where they are too deep."""

    def _fit(self, genes: Floats, values: Floats, weights: Floats) -> None:
        target = np.log(values)
        self.offset_ = float(np.average(target, weights=weights))
        is_held = self.monotone and self.quantity == LATENCY
        names = self.column_names
        held = signs(self.features)[: len(names)] if is_held else [0] * len(names)
        self.monotone_ = tuple(name for name, sign in zip(names, held, strict=True) if sign)
        vars(self).pop("_forest", None)
        self.booster_ = self._train(self.columns(genes), target - self.offset_, weights, held)

    def _predict(self, genes: Floats) -> Floats:
        forest = self._forest.when_it_pays(len(genes))
        if forest is None or not forest.beats_library(len(genes)):
            return rowwise.exp(self._raw(self.columns(genes)) + self.offset_)
        return rowwise.exp(forest.many(self.features.codes(genes)) + self.offset_)

    def predict_codes(self, codes: Codes) -> Floats:
        """See the base class; a compiled forest takes codes as they are."""
        forest = self._forest.when_it_pays(len(codes))
        if forest is None or not forest.beats_library(len(codes)):
            return super().predict_codes(codes)
        return rowwise.exp(forest.many(codes) + self.offset_)

    def _one(self, arch: Architecture) -> float:
        forest = self._forest.forest or self._forest.when_it_pays(ONE)
        found: float | None = None if forest is None or forest.answer is None else forest.answer(arch.genes)
        return super()._one(arch) if found is None else found  # which says what is wrong with it

    @cached_property
    def _forest(self) -> OnDemand[CompiledForest]:
        """The trees compiled, once they were asked often enough."""
        closing, shape = Closing(self.offset_), self.fixed_shape
        return OnDemand(lambda: CompiledForest.of(self._trees(), self.features, closing, shape))

    def compile(self: Model) -> Model:
        """See the base class: the trees are laid out, and their kernels compiled where numba is installed."""
        self._check_fitted()
        forest = self._forest.now()
        if forest is not None:
            forest.compile()
        return self

    def at_shape(self: Model, shape: FixedShape) -> Model:
        """See the base class: the same trees, which are compiled for the architectures at the shape."""
        return sharing(self, shape)

    def importance(self) -> dict[str, float]:
        """Returns each column's share of the total gain."""
        gains = self._gains()
        total = sum(gains.values()) or 1.0
        return {name: float(gains.get(name, 0.0) / total) for name in self.column_names}

    def _state(self) -> dict[str, Any]:
        return {"offset": self.offset_, "monotone": list(self.monotone_)}

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self.offset_ = float(state["offset"])
        self.monotone_ = tuple(str(name) for name in state.get("monotone", ()))
        vars(self).pop("_forest", None)
        self.booster_ = self._read(files[BOOSTER_FILE])


class XGBoost(Boosted):
    """XGBoost on genes and the number of parameters; needs the extra ``xgboost-cpu`` or ``xgboost``."""

    name = "xgboost"
    complexity = 60
    baseline_for = frozenset({"table"})

    def _train(self, columns: Floats, target: Floats, weights: Floats, monotone: Sequence[int]) -> Any:
        return train_xgboost(columns, target, weights, self.rounds, self.depth, self.rate, monotone, self._is_brief)

    def _raw(self, columns: Floats) -> Floats:
        return predict_xgboost(self.booster_, columns)

    def _gains(self) -> Mapping[str, float]:
        by_index = self.booster_.get_score(importance_type="total_gain")
        return {name: by_index.get(f"f{i}", 0.0) for i, name in enumerate(self.column_names)}

    def _files(self) -> dict[str, str]:
        return {BOOSTER_FILE: bytes(self.booster_.save_raw("json")).decode()}

    def _trees(self) -> Forest | None:
        return read_xgboost_forest(self._files()[BOOSTER_FILE])

    def _read(self, text: str) -> Any:
        return read_xgboost(text)

    def __getstate__(self) -> dict[str, Any]:
        """Holds the booster as text: the library's own way to unpickle one would wait for ever in a forked child."""
        state = super().__getstate__()
        return {**state, "booster_": self._files()[BOOSTER_FILE]} if "booster_" in state else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Reads what ``__getstate__`` returned."""
        vars(self).update(state)
        if "booster_" in state:
            self.booster_ = self._read(state["booster_"])


class LightGBM(Boosted):
    """LightGBM on genes and the number of parameters."""

    name = "lightgbm"
    complexity = 50

    def _train(self, columns: Floats, target: Floats, weights: Floats, monotone: Sequence[int]) -> Any:
        rounds, depth, rate = self.rounds, self.depth, self.rate
        return train_lightgbm(columns, target, weights, rounds, depth, rate, monotone, is_brief=self._is_brief)

    def _raw(self, columns: Floats) -> Floats:
        return predict_lightgbm(self.booster_, columns)

    def _gains(self) -> Mapping[str, float]:
        gains = self.booster_.feature_importance("gain")
        return dict(zip(self.column_names, map(float, gains), strict=True))

    def _files(self) -> dict[str, str]:
        return {BOOSTER_FILE: self.booster_.model_to_string()}

    def _trees(self) -> Forest | None:
        return read_lightgbm_forest(self._files()[BOOSTER_FILE])

    def _read(self, text: str) -> Any:
        return read_lightgbm(text)
