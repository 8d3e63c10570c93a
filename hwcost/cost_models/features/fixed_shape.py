"""One shape, at which a model over shapes is asked as a cost function of architectures alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwcost._types import Floats
from hwcost.spaces.base import GeneValue
from hwcost.spaces.shape_columns import ShapeColumns

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel

__all__ = ["FixedShape"]


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

    def points(self, genes: Floats) -> Floats:
        """Returns the encoded points of encoded architectures (n, genes) at the shape."""
        return self.columns.joined(genes, self.sizes)

    def point(self, genes: tuple[GeneValue, ...]) -> tuple[GeneValue, ...]:
        """Returns the values of the point of an architecture's values at the shape."""
        return self.columns.with_sizes(genes, self.sizes)

    def asked_of(self, model: CostModel) -> CostModel:
        """Returns another model over the same shapes, such as a refit, as a cost function of architectures at this one."""
        return model.at(**self.sizes)
