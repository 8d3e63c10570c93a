"""What a cost model answers that is a sum over genes, and pairs of neighbours: look-ups of several genes at a time.

One architecture is a few look-ups in dictionaries, a batch a few in arrays, and a large one a compiled loop over codes.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Codes, Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.compiled.models import ENOUGH_CODES, Batches, OnDemand, batches
from hwcost.cost_models.features.extractor import Features
from hwcost.cost_models.features.tabulate import Quick, Tables, check_codes
from hwcost.errors import ArchitectureError
from hwcost.spaces.base import Architecture

__all__ = ["Tabled", "Tabulated", "finished"]

Model = TypeVar("Model", bound="Tabled")


def finished(sums: Floats, scale: float, floor: float, is_log: bool) -> Floats:
    """Returns ``max(sums * scale, floor)``, of the exponential of sums where these are logarithms; any shape."""
    values = rowwise.exp(sums) if is_log else sums
    return np.asarray(np.maximum(values * scale, floor))


class Tabulated:
    """A tabulated cost model: ``max(tables(codes) * scale, floor)``, or that of the exponential of the sum.

    Args:
        features: Extractor of the architectures.
        tables: The sum, scalar.
        scale: Factor of the sum, or of its exponential.
        floor: Least value of any answer.
        is_log: Whether the sum is a logarithm.
    """

    def __init__(
        self, features: Features, tables: Tables, scale: float = 1.0, floor: float = 0.0, is_log: bool = False
    ) -> None:
        self.features, self.tables = features, tables
        self.scale, self.floor, self.is_log = scale, floor, is_log

    def __call__(self, genes: Floats) -> Floats:
        """Returns the values (n,) of encoded genes (n, genes)."""
        return self._finished(self.tables(self.features.codes(genes)))

    def of_codes(self, codes: Codes) -> Floats:
        """Returns the values (n,) of gene codes (n, genes); see :meth:`Tabled.predict_codes`.

        Raises:
            ArchitectureError: When a code is not one of its gene's.
        """
        loop = self._loop.when_it_pays(len(codes))
        if loop is None:
            check_codes(codes, self.features.sizes)
            return self._finished(self.tables(codes))
        return self._finished(loop(codes)) if self.is_log else loop(codes)

    def one(self, arch: Architecture) -> float:
        """Returns the value of one architecture.

        Raises:
            ArchitectureError: When it is none of the space.
        """
        try:
            total = self._quick(arch.genes)
        except KeyError:
            space = self.features.space
            space.architecture(arch.genes)
            raise ArchitectureError(f"architecture {arch} does not lie in space '{space.name}'") from None
        return max((rowwise.exp_of(total) if self.is_log else total) * self.scale, self.floor)

    def compile(self) -> None:
        """Prepares both ways to ask now."""
        _ = self._quick
        loop = self._loop.now()
        if loop is not None:
            loop(np.zeros((1, len(self.tables.single)), np.uint8))  # numba compiles at the first batch

    @cached_property
    def _loop(self) -> OnDemand[Batches]:
        """The loop over the codes of batches, compiled once they were asked for often enough."""
        ends = (1.0, -np.inf) if self.is_log else (self.scale, self.floor)  # neither changes a sum of logarithms
        return OnDemand(lambda: batches(self.tables, *ends), ENOUGH_CODES)

    @cached_property
    def _quick(self) -> Quick:
        """The tables as dictionaries, made when the first single architecture is asked for."""
        return Quick.of(self.tables, self.features.ordered_choices)

    def _finished(self, sums: Floats) -> Floats:
        return finished(sums, self.scale, self.floor, self.is_log)


class Tabled(CostModel):
    """A cost model that answers from tables where it is a sum over genes, and pairs of neighbours."""

    @abstractmethod
    def _tabulated(self) -> Tabulated | None:
        """Returns the fitted model as tables; None where it is another function of genes."""

    @abstractmethod
    def _untabled(self, genes: Floats) -> Floats:
        """Returns values (n,) for encoded genes (n, genes), where there are no tables."""

    @cached_property
    def _table(self) -> Tabulated | None:
        """The tables, made when the model is first asked."""
        return self._tabulated()

    def _forget_table(self) -> None:
        """Drops the tables of what was learnt before."""
        vars(self).pop("_table", None)

    def _predict(self, genes: Floats) -> Floats:
        table = self._table
        return self._untabled(genes) if table is None else table(genes)

    def predict_codes(self, codes: Codes) -> Floats:
        """Predicts values (n,) for gene codes (n, genes), where there are tables by one look-up for several genes.

        Quickest for bytes that stand row after row; from 20 million rows on, or after ``compile``, by a compiled loop where
        the extra ``fast`` is installed.

        Raises:
            ArchitectureError: When there are tables and a code is not one of its gene's.
        """
        table = self._table
        return super().predict_codes(codes) if table is None else table.of_codes(codes)

    def _one(self, arch: Architecture) -> float:
        table = self._table
        return super()._one(arch) if table is None else table.one(arch)

    def compile(self: Model) -> Model:
        """See the base class: the tables of several genes are joined, and the loop over batches compiled."""
        self._check_fitted()
        if self._table is not None:
            self._table.compile()
        return self
