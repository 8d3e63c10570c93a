"""One shape, at which a model over shapes is asked as a cost function of architectures alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from hwcost._types import Floats
from hwcost.cost_models.features.extractor import Features
from hwcost.spaces.base import GeneValue
from hwcost.spaces.shape_columns import ShapeColumns

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel

__all__ = ["FixedShape", "sharing", "whole_points"]

Model = TypeVar("Model", bound="CostModel")

OF_SPACE = ("features", "_forest")
"""Attributes that a model makes for its own space when it is first asked."""


@dataclass(frozen=True, eq=False)
class FixedShape:
    """A shape of a model over shapes.

    Attributes:
        model: The model over shapes.
        columns: Its genes that give the shape.
        sizes: Size of each of them.
    """

    model: CostModel
    columns: ShapeColumns
    sizes: Mapping[str, int]

    @property
    def by_place(self) -> dict[int, int]:
        """Size of each gene of the model over shapes that gives one, by the number of the gene."""
        return {place: self.sizes[name] for name, place in self.columns.places.items()}

    def points(self, genes: Floats) -> Floats:
        """Returns the encoded points of encoded architectures (n, genes) at the shape."""
        return self.columns.joined(genes, self.sizes)

    def point(self, genes: tuple[GeneValue, ...]) -> tuple[GeneValue, ...]:
        """Returns the values of the point of an architecture's values at the shape."""
        return self.columns.with_sizes(genes, self.sizes)

    def asked_of(self, model: CostModel) -> CostModel:
        """Returns another model over the same shapes, such as a refit, as a cost function of architectures at this one."""
        return model.at(**self.sizes)


def sharing(model: Model, shape: FixedShape) -> Model:
    """Returns a fitted model over shapes as one of architectures alone, which shares whatever was learnt.

    Args:
        model: The model.
        shape: The shape at which it is asked.
    """
    made = type(model).__new__(type(model))
    kept = {name: value for name, value in vars(model).items() if name not in OF_SPACE}
    vars(made).update(kept, space=shape.columns.rest, fixed_shape=shape)
    return made


def whole_points(model: CostModel, genes: Floats) -> tuple[Features, Floats]:
    """Returns encoded architectures as a model was fitted on them, with their shape, and the extractor of those."""
    shape = model.fixed_shape
    return (model.features, genes) if shape is None else (shape.model.features, shape.points(genes))
