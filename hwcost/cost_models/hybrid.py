"""A lookup table first, boosted trees on what it leaves.

The trees see the log ratio of latency to the table's prediction. How many there are is chosen by cross-validation, and
none at all unless they clearly help on typical rows and do no harm on the worst ones, so that the hybrid is its table when
that is all there is to learn.
Away from the training rows the correction fades to nothing and the table alone answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwcost.cost_models.base import CostModel
from hwcost.cost_models.folds import Rows, folds
from hwcost.cost_models.gbm import BOOSTER_FILE, predict_lightgbm, read_lightgbm, train_lightgbm
from hwcost.cost_models.lut import LookupTable
from hwcost.cost_models.shrinkage import clearly_better
from hwcost.cost_models.tabulate import Floats
from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture, SearchSpace

STAGES = (25, 50, 100, 200, 400, 800)
"""Numbers of trees among which cross-validation chooses, besides none."""

DEPTH, RATE = 4, 0.05
FOLDS = 5
MIN_ROWS = 30
"""Below so many rows the trees have nothing to learn from."""

NOTHING_LEFT = 1e-4
"""Left-over log ratios below this are finer than any measurement: there is nothing for trees to learn."""


class Hybrid(CostModel):
    """Lookup table plus boosted residual.

    Args:
        space: The space of the architectures.
        rounds: Trees on the residual; None chooses by cross-validation, and may choose none.
        form: Form of the table, see :class:`hwcost.cost_models.lut.LookupTable`.
        penalties: Shrinkage of the table; None chooses it.
        **common: See :class:`hwcost.cost_models.base.CostModel`.

    Attributes:
        table_: The fitted lookup table.
        rounds_: Trees taken; 0 makes the hybrid equal to its table.
        booster_: LightGBM booster of the log ratio; None without trees.
    """

    name = "hybrid"

    def __init__(
        self,
        space: SearchSpace,
        *,
        rounds: int | None = None,
        form: str = "auto",
        penalties: Mapping[str, float] | None = None,
        **common: Any,
    ) -> None:
        super().__init__(space, **common)
        if rounds is not None and rounds < 0:
            raise UsageError(f"the number of rounds must not be negative, got {rounds}")
        self.rounds = rounds
        self.table_ = LookupTable(space, form=form, penalties=penalties, **self._shape())
        self.rounds_ = 0
        self.booster_: Any = None

    def _shape(self) -> dict[str, int]:
        return {"batch_size": self.features.batch_size, "seq_len": self.features.seq_len}

    # -- fitting -------------------------------------------------------------------------------------------------------

    def _fit(self, genes: Floats, latency_s: Floats, weights: Floats) -> None:
        self.table_.fit_encoded(genes, latency_s, weights)
        self.rounds_ = self._chosen_rounds(genes, latency_s, weights) if self.rounds is None else self.rounds
        self.booster_ = self._boost(self.table_, genes, latency_s, weights, self.rounds_) if self.rounds_ else None

    def _boost(self, table: LookupTable, genes: Floats, latency_s: Floats, weights: Floats, rounds: int) -> Any:
        left = np.log(latency_s / table.predict_encoded(genes))
        return train_lightgbm(self.features.learner_columns(genes), left, weights, rounds, DEPTH, RATE)

    def _chosen_rounds(self, genes: Floats, latency_s: Floats, weights: Floats) -> int:
        left = np.log(latency_s / self.table_.predict_encoded(genes))
        if len(genes) < MIN_ROWS or float(np.abs(left).max()) < NOTHING_LEFT:
            return 0
        errors = np.empty((1 + len(STAGES), len(genes)))
        for kept, held in folds(len(genes), FOLDS):
            errors[:, held] = self._stage_errors(genes, latency_s, weights, kept, held)
        best = 1 + int(np.argmin(np.abs(errors[1:]).mean(axis=1)))
        is_better = clearly_better(np.abs(errors[best]), np.abs(errors[0]))
        is_no_worse = float((errors[best] ** 2).mean()) <= float((errors[0] ** 2).mean())
        return STAGES[best - 1] if is_better and is_no_worse else 0

    def _stage_errors(self, genes: Floats, latency_s: Floats, weights: Floats, kept: Rows, held: Rows) -> Floats:
        """Errors of log latency on held-out rows: without trees, then for each number of trees."""
        table = self.table_.settled()
        table.fit_encoded(genes[kept], latency_s[kept], weights[kept])
        booster = self._boost(table, genes[kept], latency_s[kept], weights[kept], STAGES[-1])
        columns = self.features.learner_columns(genes[held])
        bare = np.log(latency_s[held] / table.predict_encoded(genes[held]))
        return np.stack([bare, *(bare - predict_lightgbm(booster, columns, stage) for stage in STAGES)])

    def settled(self) -> Hybrid:
        """Returns an unfitted copy with the table's form, its penalties and the number of rounds that were chosen."""
        table = self.table_
        chosen = {"rounds": self.rounds_, "form": table.form_, "penalties": table.penalties_}
        return Hybrid(self.space, **{**self.options(), **chosen})

    # -- predicting ----------------------------------------------------------------------------------------------------

    def _predict(self, genes: Floats) -> Floats:
        seconds = self.table_.predict_encoded(genes)
        if self.booster_ is None or self.domain_ is None:
            return seconds
        correction = predict_lightgbm(self.booster_, self.features.learner_columns(genes))
        return np.asarray(seconds * np.exp(correction * self.domain_.trust(self.features, genes)))

    def _one(self, arch: Architecture) -> float:
        return super()._one(arch) if self.booster_ is not None else self.table_(arch)

    # -- telling and keeping -------------------------------------------------------------------------------------------

    def importance(self) -> dict[str, float]:
        """Returns the table's shares; the trees only correct it."""
        return self.table_.importance()

    def options(self) -> dict[str, Any]:
        """Returns the options of the constructor."""
        return {
            **super().options(),
            "rounds": self.rounds,
            "form": self.table_.form,
            "penalties": self.table_.penalties,
        }

    def _state(self) -> dict[str, Any]:
        return {"rounds": self.rounds_, "table": self.table_.state()}

    def _files(self) -> dict[str, str]:
        return {} if self.booster_ is None else {BOOSTER_FILE: self.booster_.model_to_string()}

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self.rounds_ = int(state["rounds"])
        self.table_.restore(state["table"], {})
        self.booster_ = read_lightgbm(files[BOOSTER_FILE]) if self.rounds_ else None
