"""A fitted cost model fitted again: on its own measurements weighed anew, or on further ones too.

A model at one shape is fitted again as the model over shapes that it was made of, on the measurements of that one at all
shapes; the refit is then asked at the same shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.features.fixed_shape import FixedShape
from hwcost.cost_models.training.intervals import calibrate, left_out_errors
from hwcost.spaces.base import Architecture, GeneValue

__all__ = ["OwnRows"]


@dataclass(frozen=True, eq=False)
class OwnRows:
    """The measurements that a fitted cost model kept, and perhaps further ones.

    Attributes:
        model: The model that was fitted: of a model at one shape, the one over shapes.
        values: Measured value of each architecture, or point, by its genes.
        shape: The shape at which refits are asked; None where they are asked as they are.
    """

    model: CostModel
    values: Mapping[tuple[GeneValue, ...], float]
    shape: FixedShape | None

    @classmethod
    def of(cls, cost: CostModel) -> OwnRows:
        """Returns the measurements of a fitted model; none where it kept none."""
        shape = cost.fixed_shape
        model = cost if shape is None else shape.model
        return cls(model, model.measured_, shape)

    def __len__(self) -> int:
        return len(self.values)

    def joined(self, news: Mapping[Architecture, float]) -> OwnRows:
        """Returns these measurements and further ones, which replace those of the same architectures."""
        return OwnRows(self.model, {**self.values, **{self._key(arch): one for arch, one in news.items()}}, self.shape)

    def places(self, archs: Iterable[Architecture]) -> dict[Architecture, int]:
        """Returns the number of the measurement of each given architecture that has one."""
        numbers = {genes: number for number, genes in enumerate(self.values)}
        return {arch: numbers[key] for arch in archs if (key := self._key(arch)) in numbers}

    def refitted(self, weights: Floats) -> CostModel:
        """Fits the model again, with the hyperparameters that it chose.

        Args:
            weights: Positive weight of each measurement, shape (n,).

        Returns:
            A cost function of what the given model was one of; it has no interval and keeps no measurements.
        """
        return self._asked(self.model.clone_with_hyperparameters().fit(self.genes, self._measured, weights))

    def learned(self) -> CostModel:
        """Returns the model fitted on all the measurements alike, with an interval and the provenance that it had."""
        archs = [self.model.space.architecture(genes) for genes in self.values]
        fitted = self.model.clone_with_hyperparameters().fit(archs, self._measured)
        made = calibrate(fitted, archs, self._measured)
        made.provenance = self.model.provenance
        return self._asked(made)

    def left_out_errors(self) -> Floats:
        """Returns errors of the logarithm (n,) by fits that have not seen the architecture."""
        return left_out_errors(self.model, self.genes, self._measured, np.ones(len(self)))

    def _key(self, arch: Architecture) -> tuple[GeneValue, ...]:
        return self.model.space.canonical(arch.genes if self.shape is None else self.shape.point(arch.genes))

    def _asked(self, model: CostModel) -> CostModel:
        return model if self.shape is None else self.shape.asked_of(model)

    @cached_property
    def genes(self) -> Floats:
        """Encoded genes of the architectures, or points, shape (n, genes)."""
        return self.model.features.encode([self.model.space.architecture(genes) for genes in self.values])

    @cached_property
    def _measured(self) -> Floats:
        return np.array(list(self.values.values()), dtype=np.float64)
