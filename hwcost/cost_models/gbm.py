"""Gradient boosting: general learners on genes and the number of parameters, fitted to log latency.

Left alone, trees call many an enlargement faster than what it enlarges. Where the space says that latency cannot fall as a
gene grows, the trees are held to it. Both run on one thread below 10^4 rows: for small batches more threads cost more than
they give. Fits are deterministic.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwcost._extras import imported
from hwcost._types import Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.features import Features
from hwcost.errors import DataError, UsageError
from hwcost.spaces.base import SearchSpace

THREADING_ROWS = 10_000
"""Rows from which more than one thread pays."""

BOOSTER_FILE = "booster.txt"


def threads(rows: int) -> int:
    """Returns how many threads a booster should use for so many rows."""
    return 1 if rows < THREADING_ROWS else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


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
        rounds: Trees.
        depth: Largest depth of a tree.
        rate: Learning rate.
        monotone: Never call an architecture faster for a larger gene, where the space says so. Turn it off where larger
            can be faster, for example where sizes that fill whole tiles of the hardware are.
        **common: See :class:`hwcost.cost_models.base.CostModel`.

    Attributes:
        offset_: Mean log latency, which the trees add to.
        booster_: The library's own booster.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        rounds: int = 400,
        depth: int = 4,
        rate: float = 0.05,
        monotone: bool = True,
        **common: Any,
    ) -> None:
        super().__init__(space, **common)
        if rounds < 1 or depth < 1 or not 0 < rate <= 1:
            raise UsageError(
                f"boosting needs rounds >= 1, depth >= 1 and a rate within (0, 1], got {rounds}, {depth} and {rate}"
            )
        self.rounds, self.depth, self.rate = rounds, depth, rate
        self.monotone = bool(monotone)
        self.offset_ = 0.0
        self.booster_: Any = None

    @abstractmethod
    def _train(self, columns: Floats, target: Floats, weights: Floats, monotone: Sequence[int]) -> Any:
        """Returns a booster fitted to the target, which never falls along the columns marked 1."""

    @abstractmethod
    def _raw(self, columns: Floats) -> Floats:
        """Returns what the trees sum to."""

    @abstractmethod
    def _gains(self) -> Mapping[str, float]:
        """Returns the total gain per column name; columns that no tree uses may be missing."""

    def _fit(self, genes: Floats, latency_s: Floats, weights: Floats) -> None:
        target = np.log(latency_s)
        self.offset_ = float(np.average(target, weights=weights))
        held = signs(self.features) if self.monotone else [0] * len(self.features.learner_names)
        self.monotone_ = tuple(name for name, sign in zip(self.features.learner_names, held, strict=True) if sign)
        self.booster_ = self._train(self.features.learner_columns(genes), target - self.offset_, weights, held)

    def _predict(self, genes: Floats) -> Floats:
        raw = self._raw(self.features.learner_columns(genes))
        return rowwise.exp(raw.astype(np.float64) + self.offset_)

    def importance(self) -> dict[str, float]:
        """Returns each column's share of the total gain."""
        gains = self._gains()
        total = sum(gains.values()) or 1.0
        return {name: float(gains.get(name, 0.0) / total) for name in self.features.learner_names}

    def options(self) -> dict[str, Any]:
        """Returns the options of the constructor."""
        own = {"rounds": self.rounds, "depth": self.depth, "rate": self.rate, "monotone": self.monotone}
        return {**super().options(), **own}

    def _state(self) -> dict[str, Any]:
        return {"offset": self.offset_, "monotone": list(self.monotone_)}

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self.offset_ = float(state["offset"])
        self.monotone_ = tuple(str(name) for name in state.get("monotone", ()))
        self.booster_ = self._read(files[BOOSTER_FILE])

    @abstractmethod
    def _read(self, text: str) -> Any:
        """Returns the booster that was saved as text."""


class XGBoost(Boosted):
    """XGBoost on genes and the number of parameters; needs the extra ``xgboost-cpu`` or ``xgboost``."""

    name = "xgboost"

    def _settings(self, rows: int, monotone: Sequence[int]) -> dict[str, Any]:
        return {
            "max_depth": self.depth,
            "eta": self.rate,
            "objective": "reg:squarederror",
            "base_score": 0.0,
            "tree_method": "hist",
            "nthread": threads(rows),
            "verbosity": 0,
            "seed": 0,
            "monotone_constraints": tuple(monotone),
        }

    def _train(self, columns: Floats, target: Floats, weights: Floats, monotone: Sequence[int]) -> Any:
        xgboost = import_xgboost()
        data = xgboost.DMatrix(columns, target, weight=weights)
        return xgboost.train(self._settings(len(columns), monotone), data, num_boost_round=self.rounds)

    def _raw(self, columns: Floats) -> Floats:
        self.booster_.set_param({"nthread": threads(len(columns))})
        return np.asarray(self.booster_.inplace_predict(columns))

    def _gains(self) -> Mapping[str, float]:
        by_index = self.booster_.get_score(importance_type="total_gain")
        return {name: by_index.get(f"f{i}", 0.0) for i, name in enumerate(self.features.learner_names)}

    def _files(self) -> dict[str, str]:
        return {BOOSTER_FILE: bytes(self.booster_.save_raw("json")).decode()}

    def _read(self, text: str) -> Any:
        xgboost = import_xgboost()
        booster = xgboost.Booster()
        try:
            booster.load_model(bytearray(text.encode()))
        except xgboost.core.XGBoostError as error:
            raise DataError(f"{BOOSTER_FILE} is no XGBoost model: {str(error).splitlines()[0]}") from None
        return booster


class LightGBM(Boosted):
    """LightGBM on genes and the number of parameters."""

    name = "lightgbm"

    def _train(self, columns: Floats, target: Floats, weights: Floats, monotone: Sequence[int]) -> Any:
        return train_lightgbm(columns, target, weights, self.rounds, self.depth, self.rate, monotone)

    def _raw(self, columns: Floats) -> Floats:
        return predict_lightgbm(self.booster_, columns)

    def _gains(self) -> Mapping[str, float]:
        gains = self.booster_.feature_importance("gain")
        return dict(zip(self.features.learner_names, map(float, gains), strict=True))

    def _files(self) -> dict[str, str]:
        return {BOOSTER_FILE: self.booster_.model_to_string()}

    def _read(self, text: str) -> Any:
        return read_lightgbm(text)


def train_lightgbm(
    columns: Floats,
    target: Floats,
    weights: Floats,
    rounds: int,
    depth: int,
    rate: float,
    monotone: Sequence[int] = (),
) -> Any:
    """Fits a LightGBM booster, deterministically; a leaf holds at least a tenth of the rows, and never needs more than 20.

    Args:
        columns: Shape (n, k).
        target: Shape (n,).
        weights: Shape (n,).
        rounds: Trees.
        depth: Largest depth.
        rate: Learning rate.
        monotone: Per column 1 where the target never falls along it and 0 where it may; empty when it always may.
    """
    import lightgbm

    settings = {
        "objective": "regression",
        "max_depth": depth,
        "num_leaves": max(2, 2**depth - 1),
        "learning_rate": rate,
        "min_data_in_leaf": max(2, min(20, len(target) // 10)),
        "min_data_in_bin": 1,
        "boost_from_average": False,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": threads(len(target)),
        "verbosity": -1,
        "seed": 0,
    }
    if any(monotone):
        settings["monotone_constraints"] = list(monotone)
    data = lightgbm.Dataset(columns, target, weight=weights)
    return lightgbm.train(settings, data, num_boost_round=rounds)


def predict_lightgbm(booster: Any, columns: Floats, rounds: int | None = None) -> Floats:
    """Sums the first so many trees of a booster, all of them by default; returns shape (n,)."""
    return np.asarray(booster.predict(columns, num_iteration=rounds, num_threads=threads(len(columns))), dtype=np.float64)


def read_lightgbm(text: str) -> Any:
    """Reads LightGBM's text format.

    Raises:
        DataError: When the text is no such model.
    """
    import lightgbm

    try:
        return lightgbm.Booster(model_str=text)
    except lightgbm.basic.LightGBMError as error:
        raise DataError(f"the text is no LightGBM model: {error}") from None


def import_xgboost() -> Any:
    """Imports XGBoost.

    Raises:
        MissingExtraError: When it is not installed.
    """
    return imported("xgboost", "xgboost-cpu")
