"""A cost model over shapes, asked at one of them: a cost function of architectures alone.

Where the model is a sum of component prices at a shape, that is a lookup table of its own, which answers as fast and to as
many searchers as any other. Boosted trees are compiled for the architectures at the shape. Else the shape is joined to the
architectures and the model is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes, Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.families.lut import LookupTable
from hwcost.cost_models.features.domain import Domain
from hwcost.cost_models.features.fixed_shape import FixedShape
from hwcost.errors import UsageError
from hwcost.quantities import LATENCY
from hwcost.spaces.base import Architecture, GeneValue, SearchSpace
from hwcost.spaces.shape_columns import ShapeColumns
from hwcost.spaces.shaped import Shape, Shaped

__all__ = ["AtShape", "at_shape", "priced_table"]

Genes = tuple[GeneValue, ...]
Value = TypeVar("Value")


class AtShape(CostModel):
    """A fitted cost model over shapes at one shape; made by :meth:`CostModel.at`, and never fitted itself.

    Args:
        shape: The fitted model and the shape.
        own: A model that :meth:`CostModel.at_shape` gave for the shape, which answers; None where the model itself is asked.
    """

    name = "at-shape"
    complexity = None
    learns = False
    narrowest = 0.0

    def __init__(self, shape: FixedShape, own: CostModel | None = None) -> None:
        super().__init__(shape.columns.rest, **{**shape.sizes}, quantity=shape.model.quantity)
        self.shape, self.model, self._own = shape, shape.model, own

    def _fit(self, genes: Floats, values: Floats, weights: Floats) -> None:
        self._refuse()

    def _predict(self, genes: Floats) -> Floats:
        if self._own is not None:
            return self._own.predict_encoded(genes)
        return self.model.predict_encoded(self.shape.points(genes))

    def predict_codes(self, codes: Codes) -> Floats:
        """See the base class; trees take codes as they are."""
        return super().predict_codes(codes) if self._own is None else self._own.predict_codes(codes)

    def _one(self, arch: Architecture) -> float:
        return super()._one(arch) if self._own is None else self._own._one(arch)

    def compile(self) -> AtShape:
        """See the base class: trees are compiled for the shape."""
        self._check_fitted()
        if self._own is not None:
            self._own.compile()
        return self

    def in_domain(self, genes: Floats) -> NDArray[np.bool_]:
        """See the base class; the shape counts too."""
        return self.model.in_domain(self.shape.points(genes))

    def half_widths(self, genes: Floats) -> Floats:
        """See the base class; wider at a shape beyond those of the fit."""
        return self.model.half_widths(self.shape.points(genes))

    def relative_widths(self, genes: Floats) -> Floats:
        """See the base class; those of the model over shapes."""
        return self.model.relative_widths(self.shape.points(genes))

    def importance(self) -> dict[str, float]:
        """Returns the model's own shares."""
        return self.model.importance()

    def clone(self) -> NoReturn:
        """Raises UsageError: there is nothing to fit."""
        self._refuse()

    def _state(self) -> NoReturn:
        self._refuse()

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        at = ", ".join(f"{name}={size}" for name, size in self.shape.sizes.items())
        raise UsageError(
            f"this is the cost model '{self.model.name}' at {at}: fit, clone or save that model itself, and ask it for "
            ".at(...) again"
        )


def at_shape(model: CostModel, columns: ShapeColumns, sizes: Mapping[str, int]) -> CostModel:
    """Returns a fitted model over shapes as a model of architectures alone; see :meth:`CostModel.at`.

    Args:
        model: The fitted model.
        columns: Its genes that give the shape.
        sizes: Size of each of them.
    """
    fixed = FixedShape(model, columns, dict(sizes))
    own = model.at_shape(fixed)
    made = own if isinstance(own, LookupTable) else AtShape(fixed, own)
    made.fixed_shape = fixed
    made.n_rows_, made.n_architectures_, made.monotone_ = model.n_rows_, model.n_architectures_, ()
    made.errors_, made.noise_half_width_ = model.errors_, model.noise_half_width_
    made.provenance = {**model.provenance, **sizes}

    def of_shape(by_point: Mapping[Genes, Value]) -> dict[Genes, Value]:
        return {columns.without(genes): value for genes, value in by_point.items() if columns.are(genes, sizes)}

    made.measured_, made.doubts_ = of_shape(model.measured_), of_shape(model.doubts_)
    made.measured_half_widths_ = of_shape(model.measured_half_widths_)
    made.domain_ = model.domain_.at(columns.places, sizes)
    made.log_interval_half_width_ = model.log_interval_half_width_
    if isinstance(model.space, Shaped) and model.domain_.follows:  # a line through architectures, whatever their shape
        known = model.domain_
        made.domain_ = replace(made.domain_, trend=known.trend, ends=known.ends, follows=True)
    if isinstance(model.space, Shaped) and made.log_interval_half_width_:
        asked = Shape(**sizes)
        rise = model.tiling_rise(np.array([asked], dtype=np.float64))
        more = 0.0 if rise is None else float(rise[0]) / made.log_interval_half_width_
        widening = model.domain_.widening_at(asked) + more
        made.log_interval_half_width_ *= widening
        if isinstance(made, LookupTable) and made.errors_ is not None:
            made.errors_ = made.errors_ * widening
    return made


def priced_table(
    space: SearchSpace, shape: Shape, prices: Mapping[str, float], quantity: str = LATENCY, floor: float = 0.0
) -> LookupTable:
    """Makes a lookup table of prices that a model found, some of which may be zero.

    Args:
        space: Space of architectures, with components.
        shape: Shape at which the prices hold.
        prices: Price of every component by its name.
        quantity: Quantity that is priced.
        floor: Least value of any prediction.
    """
    table = LookupTable(space, **shape._asdict(), quantity=quantity)
    learned = {
        "form": "linear", "penalties": {}, "scale_s": 1.0, "floor_s": floor, "constant": 0.0, "components": dict(prices),
        "genes": [], "importance": {},
    }  # fmt: skip
    facts = {"n_rows": 0, "n_architectures": 0, "spread": None, "errors": None, "noise": None}
    table.restore({"domain": Domain.whole(table.features).as_dict(), **facts, "learned": learned}, {})
    return table
