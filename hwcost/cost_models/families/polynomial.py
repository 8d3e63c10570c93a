"""Physics by products: work is a product of sizes, so latency is close to a line in products of the columns.

Two forms compete by leave-one-out errors: seconds as a sum of products up to the third degree (a launch floor, bytes,
operations: the terms of a roofline), and factors, a power law with interactions between the logarithms. A space that knows
in which columns cost is linear by construction (``terms``) adds these first.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import comb
from typing import Any

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.families.importance import Variation
from hwcost.cost_models.families.shrinkage import RidgeFit, fit_ridge
from hwcost.cost_models.features.domain import Domain
from hwcost.cost_models.features.extractor import Features
from hwcost.errors import UsageError
from hwcost.spaces.base import SearchSpace

FORMS = ("auto", "linear", "log")
LOG_GAIN = 0.98
"""Factors are taken when their error is below this share of the sum's."""

FLOOR = 0.05
"""No prediction falls below this share of the quickest training row."""

CEILING = 20.0
"""Nor above so many times the slowest one: products grow without bounds far outside."""

MAX_COLUMNS = 120
"""Products of a degree are left out where there would be more of them."""


class Columns:
    """Blocks of columns of one form, in the order in which they are shrunk.

    Args:
        features: The feature extractor.
        form: ``linear`` or ``log``.
        numeric: Numbers of the genes that take part in products.
        floor: Smallest value per encoded gene, shape (genes,).
        scales: Mean and standard deviation of every column, block by block.
    """

    def __init__(
        self, features: Features, form: str, numeric: list[int], floor: Floats, scales: list[tuple[Floats, Floats]]
    ) -> None:
        self.features = features
        self.form = form
        self.numeric = numeric
        self.floor = floor
        self.scales = scales

    @classmethod
    def of(cls, features: Features, form: str, genes: Floats) -> Columns:
        """Takes what varies, and how to scale it, from encoded training architectures (n, genes)."""
        varying = [i for i, gene in enumerate(features.space.genes) if not gene.categorical and np.ptp(genes[:, i]) > 0]
        numeric = [i for i in varying if form == "linear" or genes[:, i].min() > 0]
        columns = cls(features, form, numeric, genes.min(axis=0), [])
        columns.scales = [_scale(block) for block in columns._blocks(genes)]
        return columns

    def __call__(self, genes: Floats) -> list[Floats]:
        """Returns the blocks for encoded genes (n, genes), each column about of unit size."""
        return [(block - mean) / sd for block, (mean, sd) in zip(self._blocks(genes), self.scales, strict=True)]

    def _blocks(self, genes: Floats) -> list[Floats]:
        known = [self._known(genes)] if self.form == "linear" else []
        sizes = self._sizes(genes)
        blocks = [*known, self.features.one_hot(genes), *([sizes] if self.form == "log" else [])]
        for degree in (2, 3):
            if comb(sizes.shape[1] + degree - 1, degree) <= MAX_COLUMNS:  # counted first: thousands of columns have billions
                chosen = list(combinations_with_replacement(range(sizes.shape[1]), degree))
                blocks.append(rowwise.products(sizes, chosen))
        return [block for block in blocks if block.shape[1]]

    def _known(self, genes: Floats) -> Floats:
        """Columns in which cost is linear by construction, as the space knows them; shape (n, k), k may be 0."""
        terms = self.features.space.terms(genes)
        if terms is not None:
            return terms[1]
        return self.features.work(genes) if self.features.is_buildable else np.empty((len(genes), 0))

    def _sizes(self, genes: Floats) -> Floats:
        """What is multiplied: genes in units of their smallest value, or logarithms of that."""
        floor = self.floor[self.numeric]
        chosen = genes[:, self.numeric]
        if self.form == "log":
            return rowwise.log(np.maximum(chosen, floor) / floor)
        return np.asarray(chosen / np.where(floor != 0, np.abs(floor), 1.0))

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return {
            "form": self.form,
            "numeric": self.numeric,
            "floor": self.floor.tolist(),
            "scales": [[mean.tolist(), sd.tolist()] for mean, sd in self.scales],
        }

    @classmethod
    def from_dict(cls, features: Features, state: dict[str, Any]) -> Columns:
        """Reads what :meth:`as_dict` returned."""
        scales = [(np.array(mean, dtype=float), np.array(sd, dtype=float)) for mean, sd in state["scales"]]
        numeric = [int(i) for i in state["numeric"]]
        return cls(features, str(state["form"]), numeric, np.array(state["floor"], dtype=float), scales)


def _scale(block: Floats) -> tuple[Floats, Floats]:
    sd = block.std(axis=0)
    return block.mean(axis=0), np.where(sd > 1e-12 * np.maximum(np.abs(block).max(axis=0), 1.0), sd, 1.0)


class Polynomial(CostModel):
    """Ridge regression on products of the columns, or of their logarithms.

    Args:
        space: The space of the architectures.
        form: ``linear`` adds seconds, ``log`` multiplies factors, ``auto`` takes what leave-one-out errors favour.
        penalties: Shrinkage per block of columns; None chooses it by leave-one-out errors.
        **common: Arguments of :class:`hwcost.cost_models.base.CostModel`.

    Attributes:
        form_: The form that was taken.
        penalties_: The penalties that were taken.
        error_: Mean absolute leave-one-out error of log latency.
    """

    name = "polynomial"
    complexity = 30

    form_: str
    penalties_: list[float]
    error_: float
    columns_: Columns
    intercept_: float
    coefficients_: Floats
    scale_: float
    bounds_: tuple[float, float]
    variation_: Variation

    def __init__(
        self, space: SearchSpace, *, form: str = "auto", penalties: list[float] | None = None, **common: Any
    ) -> None:
        super().__init__(space, **common)
        if form not in FORMS:
            raise UsageError(f"unknown form '{form}' of a polynomial. Known: {', '.join(FORMS)}")
        self.form = form
        self.penalties = penalties

    def _fit(self, genes: Floats, values: Floats, weights: Floats) -> None:
        self.scale_ = float(np.median(values))
        self.bounds_ = (FLOOR * float(values.min()), CEILING * float(values.max()))
        latency = values / self.scale_
        forms = ("linear", "log") if self.form == "auto" else (self.form,)
        fits = {form: self._ridge(form, genes, latency, weights) for form in forms}
        errors = {form: _error(form, fit, latency) for form, (_, fit) in fits.items()}
        self.form_ = min(errors, key=lambda form: errors[form] / (LOG_GAIN if form == "log" else 1.0))
        self.columns_, best = fits[self.form_]
        self.error_ = errors[self.form_]
        self.penalties_ = list(best.penalties)
        self.intercept_, self.coefficients_ = best.intercept, best.coefficients
        self.variation_ = Variation(genes)
        vars(self).pop("shares_", None)

    def _ridge(self, form: str, genes: Floats, latency: Floats, weights: Floats) -> tuple[Columns, RidgeFit]:
        columns = Columns.of(self.features, form, genes)
        blocks = columns(genes)
        penalties = self.penalties if self.penalties is not None and len(self.penalties) == len(blocks) else None
        if form == "log":
            return columns, fit_ridge(blocks, np.log(latency), weights, penalties)
        return columns, fit_ridge(blocks, latency, weights / latency**2, penalties)

    def _predict(self, genes: Floats) -> Floats:
        raw = self.intercept_ + rowwise.dot(np.column_stack(self.columns_(self._on_relations(genes))), self.coefficients_)
        seconds = rowwise.exp(np.minimum(raw, 700.0)) if self.form_ == "log" else raw
        return np.asarray(np.clip(seconds * self.scale_, *self.bounds_))

    def _on_relations(self, genes: Floats) -> Floats:
        """Moves rows that leave a relation of the fit's rows back to it: what products do off it is rounding, enlarged."""
        domain: Domain | None = vars(self).get("domain_")
        return genes if domain is None or not domain.relations else domain.nearest(genes)

    @cached_property
    def shares_(self) -> dict[str, float]:
        """Share of each gene in what the prediction varies by, the other genes at their typical values."""
        return self.variation_.shares(self._predict, self.features.gene_names)

    def importance(self) -> dict[str, float]:
        """Returns the shares of the genes."""
        return dict(self.shares_)

    def clone_with_hyperparameters(self) -> Polynomial:
        """Returns an unfitted copy with the form and the penalties that were chosen."""
        return Polynomial(self.space, **{**self.get_params(), "form": self.form_, "penalties": self.penalties_})

    def _state(self) -> dict[str, Any]:
        return {
            "form": self.form_,
            "penalties": self.penalties_,
            "error": self.error_,
            "intercept": self.intercept_,
            "coefficients": self.coefficients_.tolist(),
            "scale_s": self.scale_,
            "bounds_s": list(self.bounds_),
            "importance": self.importance(),
            "columns": self.columns_.as_dict(),
        }

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self.form_, self.penalties_ = str(state["form"]), [float(one) for one in state["penalties"]]
        self.error_, self.scale_ = float(state["error"]), float(state["scale_s"])
        self.intercept_, self.coefficients_ = float(state["intercept"]), np.array(state["coefficients"], dtype=float)
        low, high = state["bounds_s"]
        self.bounds_ = (float(low), float(high))
        self.shares_ = dict(state["importance"])
        self.columns_ = Columns.from_dict(self.features, state["columns"])
        if len(self.coefficients_) != sum(len(mean) for mean, _ in self.columns_.scales):
            raise ValueError("the number of coefficients does not fit the space")


def _error(form: str, fit: RidgeFit, latency: Floats) -> float:
    """Mean absolute leave-one-out error of log latency, which is fair to both forms."""
    left_out = fit.left_out if form == "log" else np.log(np.maximum(fit.left_out, FLOOR * latency.min()))
    return float(np.abs(left_out - np.log(latency[fit.rows])).mean())
