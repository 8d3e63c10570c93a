"""The structured model over batch sizes and sequence lengths: what components do, times what that costs on the device.

``latency = sum over components of factor * (overhead + sum over kinds of work of amount * price)``. Overheads and prices are
found per kind of component, are never negative, and are fitted to relative errors, so that a larger batch or a longer
sequence never costs less. The factor of a component, such as a layer of one width, is what the device makes of its sizes; it
is shrunk to 1 as far as rows left out ask for. At one shape all of this is a lookup table.

The work of each component at a shape is the space's own count, which is a roofline's input (Williams et al., "Roofline",
2009); a sum in place of its maximum is what AIConfigurator and Vidur measure their operators for, and needs no peak.

Matrix units compute whole tiles. Rows say what a call of less than one tile costs. Whether one of one and a half tiles costs
as much as one of two, only rows at such sizes would say: the interval at sizes that were not measured holds both.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost._stats import median_deviation
from hwcost._types import Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.families.shrinkage import fit_ridge
from hwcost.cost_models.features.fixed_shape import FixedShape
from hwcost.cost_models.features.shape_work import KINDS_OF_WORK, by_shape, shared_work
from hwcost.errors import UsageError
from hwcost.quantities import QUANTITIES, quantity
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.shaped import SHAPE_GENES, Shape, Shaped, split

if TYPE_CHECKING:
    from hwcost.cost_models.families.lut import LookupTable

PER_CALL = {"throughput_per_s": ("batch_size",), "tokens_per_s": ("batch_size", "seq_len")}
"""Rates of calls one after another, by the sizes whose product a call delivers: what adds up is the time that they take."""

OUTLIER = 4.0
"""Rows further off than this many robust standard deviations count less (Huber)."""

SWEEPS = 6
"""Fits of the prices, each with weights from the one before."""

OWN = 1e-3
"""Shrinkage of what a kind of component costs beyond the rates that all kinds share, for columns of about unit size."""

FLOOR = 0.01
"""No prediction falls below this share of the quickest training row."""


class Shapes(CostModel):
    """Prices of work, for architectures at any batch size and sequence length.

    Args:
        space: Architectures with their shapes, whose components are known.
        penalty: Shrinkage of the components' factors; None chooses it by leave-one-out errors.
        **common: Arguments of :class:`hwcost.cost_models.base.CostModel`.

    Attributes:
        prices_: Value per unit of each column of :class:`hwcost.cost_models.features.shape_work.ShapeWork`, shape
            (columns,).
        factors_: Factor of each component of the space of architectures, shape (components,).
        penalty_: The shrinkage that was taken.
        floor_: Least value of any prediction.
        shares_: Share of each column in what the rows of the fit cost, shape (columns,).
        measured_shapes_: Shapes of the rows of the fit, shape (k, 2).
        usual_counts_: Mean count of each component in the rows of the fit, shape (components,).

    Raises:
        UsageError: When the space has no shapes, its components are not known, or the quantity is a share or another rate,
            which does not add up over components.
    """

    name = "shapes"
    complexity = 15

    prices_: Floats
    factors_: Floats
    penalty_: float
    floor_: float
    shares_: Floats
    measured_shapes_: Floats
    usual_counts_: Floats

    def __init__(self, space: SearchSpace, *, penalty: float | None = None, **common: Any) -> None:
        super().__init__(space, **common)
        if not isinstance(space, Shaped):
            raise UsageError(f"'{self.name}' is a model over batch sizes and lengths, and space '{space.name}' has none")
        power = quantity(self.quantity).power_of_latency if self.quantity in QUANTITIES else None
        if self.quantity not in PER_CALL and power is not None and power < 0:
            raise UsageError(f"'{self.quantity}' does not add up over components: fit latency_s, and work it out from that")
        self.penalty = penalty
        self.work = shared_work(space)

    # -- fitting -------------------------------------------------------------------------------------------------------

    def _fit(self, genes: Floats, values: Floats, weights: Floats) -> None:
        values = self._turned(genes, values)
        columns = self.work(genes)
        self.floor_ = FLOOR * float(values.min())
        own, sizes = split(genes)
        self.measured_shapes_, self.usual_counts_ = np.unique(sizes, axis=0), self.work.features.counts(own).mean(axis=0)
        self.prices_ = _prices(columns, values, weights)
        self.factors_ = np.ones(len(self.work.features.components))
        self._forget()
        shares = self._component_values(genes)
        bare = np.maximum(shares.sum(axis=1), self.floor_)
        shares = shares / bare[:, None]
        is_held = shares.any(axis=0)  # a space may have thousands of components, of which few rows hold a fraction
        shares = shares[:, is_held]
        middle = shares.mean(axis=0)
        penalties = None if self.penalty is None else [self.penalty]
        fit = fit_ridge([shares - middle], np.log(values / bare), weights, penalties)
        self.penalty_ = fit.penalties[0]
        logs = np.zeros(len(self.factors_))
        logs[is_held] = fit.coefficients
        self.factors_ = np.exp(fit.intercept + logs - middle @ fit.coefficients)
        self._forget()
        parts = columns * self.prices_ / values[:, None]
        self.shares_ = parts.sum(axis=0) / parts.sum()

    def _turned(self, genes: Floats, values: Floats) -> Floats:
        """Returns the seconds of a call (n,) for a rate, and the rate for seconds; other quantities as they are."""
        sizes = dict(zip(SHAPE_GENES, split(genes)[1].T, strict=True))
        delivered = [sizes[name] for name in PER_CALL.get(self.quantity, ())]
        return values if not delivered else np.asarray(np.prod(delivered, axis=0) / values)

    def _forget(self) -> None:
        self._at: dict[Shape, Floats] = {}

    def _component_values(self, genes: Floats) -> Floats:
        """Returns what the components of each encoded point cost, shape (n, components)."""
        own, sizes = split(genes)
        found = self.work.features.counts(own)
        for shape, rows in by_shape(sizes):
            found[rows] *= self.component_values(shape)
        return found

    def component_values(self, shape: Shape) -> Floats:
        """Returns the price of every component at a shape, in the quantity's unit or seconds of a rate; (components,)."""
        found = self._at.get(shape)
        if found is None:
            found = self._at[shape] = rowwise.dot(self.work.of_components(shape), self.prices_) * self.factors_
        return found

    def tiling_rise(self, sizes: Floats) -> Floats | None:
        """See the base class: what a usual architecture would cost if all tiles were whole ones, where none was measured."""
        rise = np.zeros(len(sizes))
        for shape, rows in by_shape(sizes):
            if len(self.usual_counts_) and not (self.measured_shapes_ == shape).all(axis=1).any():
                whole = rowwise.dot(self.work.of_components(shape, whole_tiles=True), self.prices_) * self.factors_
                least = float(self.usual_counts_ @ self.component_values(shape))
                most = float(self.usual_counts_ @ whole)
                rise[rows] = math.log(most / least) if most > least > 0 else 0.0
        return rise

    def clone_with_hyperparameters(self) -> Shapes:
        """Returns an unfitted copy with the shrinkage that was chosen."""
        return Shapes(self.space, **{**self.get_params(), "penalty": self.penalty_})

    # -- predicting ----------------------------------------------------------------------------------------------------

    def _predict(self, genes: Floats) -> Floats:
        own, sizes = split(genes)
        counts, values = self.work.features.counts(own), np.empty(len(genes))
        for shape, rows in by_shape(sizes):
            values[rows] = rowwise.dot(counts[rows], self.component_values(shape))
        return self._turned(genes, np.maximum(values, self.floor_))

    def at_shape(self, shape: FixedShape) -> LookupTable | None:
        """See the base class: the lookup table that this model is at one shape; None for a rate."""
        if self.quantity in PER_CALL:
            return None
        from hwcost.cost_models.families.at_shape import priced_table

        at = Shape(**shape.sizes)
        names = [part.name for part in self.work.features.components]
        prices = dict(zip(names, self.component_values(at).tolist(), strict=True))
        return priced_table(shape.columns.rest, at, prices, self.quantity, self.floor_)

    # -- explaining and keeping -------------------------------------------------------------------------------------------

    def importance(self) -> dict[str, float]:
        """Returns the share of each kind of component's kinds of work in what the rows of the fit cost."""
        pairs = zip(self.work.names, self.shares_.tolist(), strict=True)
        return {name: share for name, share in pairs if share > 0}

    def _state(self) -> dict[str, Any]:
        components = (part.name for part in self.work.features.components)
        return {
            "prices": dict(zip(self.work.names, self.prices_.tolist(), strict=True)),
            "factors": dict(zip(components, self.factors_.tolist(), strict=True)),
            "penalty": self.penalty_,
            "floor": self.floor_,
            "importance": dict(zip(self.work.names, self.shares_.tolist(), strict=True)),
            "shapes": self.measured_shapes_.tolist(),
            "usual": self.usual_counts_.tolist(),
        }

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        prices, shares = state["prices"], state["importance"]  # the first folders lack the tiles, which cost nothing there
        self.prices_ = np.array([prices.get(name, 0.0) for name in self.work.names], dtype=np.float64)
        components = [part.name for part in self.work.features.components]
        self.factors_ = np.array([state["factors"][name] for name in components], dtype=np.float64)
        self.penalty_, self.floor_ = float(state["penalty"]), float(state["floor"])
        self.shares_ = np.array([shares.get(name, 0.0) for name in self.work.names], dtype=np.float64)
        self.measured_shapes_ = np.array(state.get("shapes", []), dtype=np.float64).reshape(-1, len(SHAPE_GENES))
        self.usual_counts_ = np.array(state.get("usual", []), dtype=np.float64)
        self._forget()


def _prices(columns: Floats, values: Floats, weights: Floats) -> Floats:
    """Finds prices that are not negative and predict values by their relative errors.

    The kinds of component share their rates as far as that explains the rows; what a kind costs beyond them is shrunk.

    Args:
        columns: Work of the rows, shape (n, columns): for every kind of component one column of each kind of work.
        values: Measured values, shape (n,).
        weights: Weights of the rows, shape (n,).

    Returns:
        Shape (columns,).
    """
    from scipy.optimize import nnls

    n, width = columns.shape
    shared = np.tile(np.eye(len(KINDS_OF_WORK)), (width // len(KINDS_OF_WORK), 1))
    mapping = np.hstack([shared, np.eye(width)])
    wide = columns @ mapping
    size = np.median(np.abs(wide) / values[:, None], axis=0)
    size[size == 0] = np.inf  # nothing of the kind is done
    shrunk = np.sqrt(OWN * n) * np.hstack([np.zeros((width, shared.shape[1])), np.eye(width)])
    trust, scaled = np.sqrt(weights), wide / values[:, None] / size
    found = np.zeros(len(size))
    for _ in range(SWEEPS):
        found, _ = nnls(np.vstack([scaled * trust[:, None], shrunk]), np.concatenate([trust, np.zeros(width)]))
        off = np.log(np.maximum(scaled @ found, 1e-6))
        limit = OUTLIER * max(median_deviation(off), 1e-9)
        slope = np.where(np.abs(off) > 1e-6, np.abs(off) / np.maximum(np.abs(np.expm1(off)), 1e-12), 1.0)
        trust = np.sqrt(weights * np.minimum(1.0, limit / np.maximum(np.abs(off), limit))) * np.minimum(slope, 3.0)
    return np.asarray(mapping @ (found / size))
