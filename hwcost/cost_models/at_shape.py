"""A cost model over shapes, asked at one of them: a cost function of architectures alone.

Where the model is a sum of component prices at a shape, that is a lookup table of its own, which answers as fast and to as
many searchers as any other. Else the shape is joined to the architectures and the model is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.domain import Domain
from hwcost.cost_models.features import shared_features
from hwcost.cost_models.lut import LookupTable
from hwcost.errors import UsageError
from hwcost.quantities import LATENCY
from hwcost.spaces.base import GeneValue, SearchSpace
from hwcost.spaces.shaped import Shape, Shaped, joined

__all__ = ["AtShape", "at_shape", "priced_table"]

Genes = tuple[GeneValue, ...]
Value = TypeVar("Value")


class AtShape(CostModel):
    """A fitted cost model over shapes at one shape; made by :meth:`CostModel.at`, and never fitted itself.

    Args:
        model: The fitted model.
        shape: Batch size and sequence length.
    """

    name = "at-shape"
    complexity = None
    learns = False

    def __init__(self, model: CostModel, shape: Shape) -> None:
        assert isinstance(model.space, Shaped)
        super().__init__(model.space.base, batch_size=shape.batch_size, seq_len=shape.seq_len, quantity=model.quantity)
        self.model, self.shape = model, shape

    def _fit(self, genes: Floats, values: Floats, weights: Floats) -> None:
        self._refuse()

    def _predict(self, genes: Floats) -> Floats:
        return self.model.predict_encoded(joined(genes, self.shape))

    def in_domain(self, genes: Floats) -> NDArray[np.bool_]:
        """See the base class; the shape counts too."""
        return self.model.in_domain(joined(genes, self.shape))

    def half_widths(self, genes: Floats) -> Floats:
        """See the base class; wider at a shape beyond those of the fit."""
        return self.model.half_widths(joined(genes, self.shape))

    def clone(self) -> NoReturn:
        """Raises UsageError: there is nothing to fit."""
        self._refuse()

    def _state(self) -> NoReturn:
        self._refuse()

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise UsageError(
            f"this is the cost model '{self.model.name}' at the shape {self.shape}: fit, clone or save that model itself, "
            "and ask it for .at(...) again"
        )


def at_shape(model: CostModel, shape: Shape) -> CostModel:
    """Returns a fitted model over shapes as a model of architectures alone; see :meth:`CostModel.at`."""
    space = model.space
    assert isinstance(space, Shaped)
    made = model.table_at(shape) or AtShape(model, shape)
    made.n_rows_, made.n_architectures_, made.monotone_ = model.n_rows_, model.n_architectures_, ()
    made.errors_, made.noise_half_width_ = model.errors_, model.noise_half_width_
    made.provenance = {**model.provenance, **shape._asdict()}
    made.measured_ = _of_shape(model.measured_, shape)
    made.measured_half_widths_ = _of_shape(model.measured_half_widths_, shape)
    made.doubts_ = _of_shape(model.doubts_, shape)
    made.domain_ = model.domain_.at(shared_features(space), shape)
    made.log_interval_half_width_ = _half_width(model, shape)
    return made


def _of_shape(by_point: Mapping[Genes, Value], shape: Shape) -> dict[Genes, Value]:
    """Returns what is known of the points at a shape, by the genes of their architectures."""
    own = len(shape)
    return {genes[:-own]: value for genes, value in by_point.items() if genes[-own:] == tuple(shape)}


def _half_width(model: CostModel, shape: Shape) -> float | None:
    """Half-width of the interval at a shape; None where the model has none."""
    if model.log_interval_half_width_ is None:
        return None
    return model.log_interval_half_width_ * model.domain_.widening_at(shape)


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
