"""A cost model of a new device from three measurements or more, with what other devices taught as its prior.

Devices have much in common about the prices of a space: the new one's cost is a mixture of theirs, an overhead, and a
deviation of its own, which :mod:`hwcost.cost_models.priors.experts` weighs on the new device's rows. With few rows the
sources speak, with many rows the deviation does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.compiled.tabulated import Tabled, Tabulated
from hwcost.cost_models.families.expected import expected_sum
from hwcost.cost_models.features.tabulate import Tables
from hwcost.cost_models.features.trend import Trend
from hwcost.cost_models.priors.answer import Answer, answer
from hwcost.cost_models.priors.basis import Basis, anchors
from hwcost.cost_models.priors.experts import Expert, experts
from hwcost.cost_models.priors.factor import factor
from hwcost.cost_models.priors.noise import beside_visits, learnt_noises, learnt_tails
from hwcost.cost_models.priors.source import Source
from hwcost.cost_models.priors.sources import read_prior, refuse_other_space
from hwcost.cost_models.priors.stacking import ENOUGH, Stacking
from hwcost.cost_models.priors.tails import weigh_tails
from hwcost.cost_models.priors.views import learnt_views
from hwcost.errors import UsageError
from hwcost.spaces.base import SearchSpace

FLOOR = 0.05
"""No prediction falls below this share of the quickest training row."""


@dataclass(frozen=True, eq=False)
class Learnt:
    """What sources teach before any row of the new device is known.

    Attributes:
        genes: Encoded anchors, shape (n, genes).
        columns: Their columns, shape (n, columns).
        basis: The columns.
        members: The experts.
        views: Log probability of every expert and setting, shape (experts, settings).
        noises: Log probability of every noise, shape (noises,).
        tails: Probability that noise has heavy tails.
        stacking: Shares of families of views with few rows.
    """

    genes: Floats
    columns: Floats
    basis: Basis
    members: list[Expert]
    views: Floats
    noises: Floats
    tails: float
    stacking: Stacking


class PriorModel(Tabled):
    """A few rows of a new device, and models of other devices.

    Args:
        space: The space of the architectures.
        sources: Fitted cost models of other devices, folders of such, or what ``get_params`` gives of them.
        row_noise: Relative standard deviation that its own visits leave to a row of mean weight; rows are expected to be no
            less noisy. 0 where that is not known.
        **common: Arguments of :class:`hwcost.cost_models.base.CostModel`.

    Attributes:
        answer_: Coefficients of the columns, their covariance, and the noise of a row.
        weights_: Probability that the new device resembles each source, the ``mean`` of all, or ``none``.
        floor_: Least value of any prediction.

    Raises:
        DataError: When a source is of another space or quantity.
        UsageError: When there is no source, or the noise is not a number from 0 to below 1.
    """

    name = "prior"
    complexity = None
    learns = False
    has_interval = True
    narrowest = 0.0
    fewest_architectures = 3

    answer_: Answer
    weights_: dict[str, float]
    floor_: float
    basis_: Basis

    def __init__(self, space: SearchSpace, *, sources: Sequence[Any] = (), row_noise: float = 0.0, **common: Any) -> None:
        super().__init__(space, **common)
        if not sources:
            raise UsageError("the cost model 'prior' learns from models of other devices: give prior= (--prior)")
        documents = [Source.of_document(space, one) if isinstance(one, Mapping) else one for one in sources]
        if not (isinstance(row_noise, (int, float)) and 0.0 <= row_noise < 1.0):
            raise UsageError(f"row_noise= is a relative standard deviation, from 0 to below 1; got {row_noise!r}")
        self.row_noise = float(row_noise)
        self._sources = read_prior(documents, space)
        refuse_other_space(self._sources, space, self.quantity)
        self._learnt: Learnt | None = None

    @property
    def sources(self) -> list[Source]:
        """The models of other devices, by name."""
        return list(self._sources)

    def get_params(self) -> dict[str, Any]:
        """Returns the keyword arguments that make an equal unfitted model; sources as plain data."""
        own = {"row_noise": self.row_noise, "sources": [source.document() for source in self._sources]}
        return {**self.common_params(), **own}

    def clone(self) -> PriorModel:
        """Returns an unfitted model with the same sources."""
        copy = type(self)(self.space, sources=self._sources, row_noise=self.row_noise, **self.common_params())
        copy._learnt = self._learnt
        return copy

    def learnt(self) -> Learnt:
        """Returns what the sources teach; found once, and shared with clones."""
        if self._learnt is None:
            models = [source.model for source in self._sources]
            names = [source.name for source in self._sources]
            genes = anchors(self.space, models, self.features)
            basis = Basis.of(self.features, models, genes)
            columns = basis(genes)
            members = experts(columns, basis.kinds, names)
            views = learnt_views(columns, basis.kinds, models)
            noises, tails = learnt_noises(models), learnt_tails(models)
            stacking = Stacking(columns, basis.kinds, members, views, noises)
            self._learnt = Learnt(genes, columns, basis, members, views, noises, tails, stacking)
        return self._learnt

    # -- fitting -------------------------------------------------------------------------------------------------------

    def _fit(self, genes: Floats, values: Floats, weights: Floats) -> None:
        self._forget_table()
        known = self.learnt()
        rows = known.basis(genes)
        noises = beside_visits(known.noises, self.row_noise)
        found = [
            replace(one, weight=share * one.weight)
            for views, share in known.stacking(rows, values)
            for one in weigh_tails(known.members, views, noises, known.tails, rows, values, weights)
        ]
        self.basis_ = known.basis
        self.floor_ = FLOOR * float(values.min())
        self.answer_ = answer(found, known.columns)
        if len(values) < ENOUGH:
            shape = np.maximum(rows @ self.answer_.mean, self.floor_)
            self.answer_ = self.answer_.times(factor(values / shape, weights, noises))
        totals = dict.fromkeys((one.name for one in known.members), 0.0)
        for one in found:
            totals[known.members[one.expert].name] += one.weight
        self.weights_ = totals

    def fit(self, archs: Any, values: Any, weights: Any = None) -> PriorModel:
        """See the base class; the interval comes with the fit."""
        super().fit(archs, values, weights)
        self._widen()
        self.domain_ = replace(self.domain_, trend=self._trend(self.features.read(archs)[1]))
        return self

    def _trend(self, genes: Floats) -> Trend | None:
        """Returns the trend of the likeliest source's rows, as far as they or own ones reach; None if it extrapolates."""
        likeliest = max(self._sources, key=lambda one: self.weights_[one.name])
        trend = likeliest.model.domain_.edge
        return None if trend is None else trend.reaching(self.features, genes)

    def _widen(self) -> None:
        """Sets the typical half-width and errors, which belong to no architecture in particular."""
        self.log_interval_half_width_ = self.answer_.half_width
        self.errors_ = self.answer_.errors

    # -- predicting ----------------------------------------------------------------------------------------------------

    def _untabled(self, genes: Floats) -> Floats:
        return np.maximum(rowwise.dot(self.basis_(genes), self.answer_.mean), self.floor_)

    def _tabulated(self) -> Tabulated | None:
        tables = self.basis_.tables(self.answer_.mean)
        return None if tables is None else Tabulated(self.features, tables, floor=self.floor_)

    def tables(self) -> Tables | None:
        """Returns the mixture as sums over genes, and pairs of neighbours; None where a source is not a lookup table."""
        return None if self._table is None else self._table.tables

    def expected(self, probabilities: Sequence[Any]) -> Any:
        """See the base class; known where the sources are lookup tables, and without the floor under predictions."""
        tables = self.tables()
        return super().expected(probabilities) if tables is None else expected_sum(tables, probabilities)

    def half_widths(self, genes: Floats) -> Floats:
        """See the base class; wider where rows and sources say less."""
        return self.answer_.half_widths(self.basis_(genes), self.floor_)

    def relative_widths(self, genes: Floats) -> Floats:
        """See the base class; that of the intervals."""
        return np.asarray(self.half_widths(genes) / self.answer_.half_width)

    # -- keeping -------------------------------------------------------------------------------------------------------

    def importance(self) -> dict[str, float]:
        """Returns the probability that the device resembles each source, the mean of all, or none."""
        return dict(self.weights_)

    def _state(self) -> dict[str, Any]:
        return {
            "basis": self.basis_.as_dict(),
            "answer": self.answer_.as_dict(),
            "weights": self.weights_,
            "floor_s": self.floor_,
        }

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self._forget_table()
        models = [source.model for source in self._sources]
        self.basis_ = Basis.from_dict(self.features, models, state["basis"])
        self.answer_ = Answer.from_dict(state["answer"])
        self.weights_ = {str(name): float(share) for name, share in state["weights"].items()}
        self.floor_ = float(state["floor_s"])
