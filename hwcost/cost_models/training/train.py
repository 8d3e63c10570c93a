"""From rows to a finished cost model: fitted, with an interval, left-out errors, the machine's level and provenance.

This is the second of three layers. Below it ``CostModel.fit`` learns from architectures and values; above it
``hwcost.fit`` and ``hwcost fit`` read campaigns and tables.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hwcost._cached import cached_property
from hwcost._log import logger
from hwcost._stats import quantile, rounded
from hwcost._types import Floats, Indices
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.checks.table_faults import level_fault, refuse_faults
from hwcost.cost_models.data import CHECK, FIT, Data
from hwcost.cost_models.features.extractor import Features
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.registry import cost_model, cost_model_class
from hwcost.cost_models.training.conformal import LEVEL
from hwcost.cost_models.training.doubts import order_doubts, table_doubts
from hwcost.cost_models.training.drift import AS_MEASURED, Drift, estimate_drift
from hwcost.cost_models.training.intervals import CHECK_ERRORS, calibrate, left_out_errors, widen
from hwcost.cost_models.training.metrics import Metrics, metrics
from hwcost.cost_models.training.remembered import remembering
from hwcost.cost_models.unconfirmed_level import UnconfirmedLevel
from hwcost.errors import DataError, UsageError
from hwcost.quantities import LATENCY

if TYPE_CHECKING:
    from hwcost.campaign.components.slopes import ComponentTable

_log = logger(__name__)

__all__ = ["DriftChoice", "Trained", "drift_of", "train", "train_on"]

MIN_ARCHITECTURES = CostModel.fewest_architectures
"""Fewest different architectures for cross-validated metrics, of most cost models."""

DriftChoice = Literal["auto", "none"]
DRIFT_CHOICES = ("auto", "none")


@dataclass(frozen=True)
class Trained:
    """A fitted and calibrated model, and how well it predicts rows that it has not seen.

    Attributes:
        model: A fitted model, which predicts at the median level of its rows.
        rows: Numbers of the rows of the fit, shape (n,); ascending where there is a level.
        measured: Measured values of these rows, shape (n,).
        errors: Errors of the logarithm on each of these rows left out, the level's own error in them, shape (n,).
        drift: The level over the rows; None where none was looked for, or none found.
    """

    model: CostModel
    rows: Indices
    measured: Floats
    errors: Floats
    drift: Drift | None = None

    @cached_property
    def left_out(self) -> Floats:
        """Prediction for each row by a fit that has not seen its architecture, shape (n,); equal ones to the last bit."""
        return rounded(self.measured * np.exp(-self.errors))

    @cached_property
    def metrics(self) -> Metrics:
        """Metrics of these predictions against the measured values."""
        return metrics(self.measured, self.left_out)

    def level(self, data: Data, rows: Indices) -> Floats:
        """Returns the log level at any rows of the data; shape (n,), zero without drift."""
        return np.zeros(len(rows)) if self.drift is None else self.drift(rows, _runs_of(data, rows))

    def as_measured(self, data: Data) -> float:
        """Returns the half-width of the interval of the logarithm of its rows as they were measured, the level in them."""
        return quantile(np.abs(self.errors + self.level(data, self.rows)), LEVEL)


def train(
    data: Data, model: str | type[CostModel] = "hybrid", drift: DriftChoice = "auto", **options: Any
) -> Trained:
    """Fits and cross-validates a cost model on the rows with the role ``fit``.

    Args:
        data: The rows.
        model: Name of a cost model, or a class of the user's own. ``lut`` takes the prices of components as they stand where
            the campaign measured them.
        drift: ``auto`` takes the machine's moving level out of a table's rows; ``none`` takes them as they stand.
        **options: Arguments of the model.

    Raises:
        DataError: When there are too few rows, too few different architectures, or a fault of the table that would make any
            fit wrong.
        UnknownNameError: When no model has that name.
        UsageError: When an option is unknown to the model.
    """
    if data.components is not None and model == "lut":
        return _priced(data, data.components, **options)
    rows = data.rows(FIT)
    architectures = len({data.space.canonical(data.architectures[i].genes) for i in rows})
    fewest = cost_model_class(model).fewest_architectures
    if architectures < fewest:
        what = f"{len(rows)} rows" + (f" of {architectures} different architectures" if architectures < len(rows) else "")
        held = "" if len(rows) or not len(data) else f" (it holds {data.of_roles})"
        raise DataError(
            f"{data.source}: {what} to fit on{held}; at least {fewest} are needed. Measure more architectures."
        )
    refuse_faults(data)
    with remembering():
        found = drift_of(data, rows, drift)
        trained = train_on(rows, data, model, found, **options)
    fitted = trained.model
    monotone = {"monotone": list(fitted.monotone_)} if fitted.monotone_ else {}
    level = {} if trained.drift is None else {"drift": {**trained.drift.as_dict(), AS_MEASURED: trained.as_measured(data)}}
    is_confounded = found is not None and found.is_confounded
    doubts = [*table_doubts(data, trained), *order_doubts(found if is_confounded else trained.drift)]
    unconfirmed = UnconfirmedLevel.in_provenance(data.provenance)
    for doubt in [*doubts, *([unconfirmed] if unconfirmed else [])]:
        _log.warning("%s: %s", data.source, doubt)
    fitted.provenance = {
        **_origin(data), "rows": len(rows), "architectures": architectures, **monotone, **level,
        **({"doubts": doubts} if doubts else {}), "metrics": known(trained.metrics),
    }  # fmt: skip
    return trained


def train_on(
    rows: Indices, data: Data, model: str | type[CostModel], drift: Drift | None = None, **options: Any
) -> Trained:
    """Fits and calibrates a model on some rows.

    The model is fitted on what the level leaves; what the model leaves then gives the level once more, and the model is
    fitted on what that leaves.

    Args:
        rows: Numbers of the rows to fit on.
        data: All rows.
        model: Name of a cost model, or a class of the user's own.
        drift: Level from :func:`drift_of` on the same rows; None to take them as they stand.
        **options: Arguments of the model.
    """
    with remembering():
        return _train_on(np.sort(rows), data, model, drift, **options)


def _train_on(
    rows: Indices, data: Data, model: str | type[CostModel], drift: Drift | None, **options: Any
) -> Trained:
    made = cost_model(model, data.space, **{**data.shape, **_named(data), **options})
    archs, values, weights = data.take(rows)
    genes, even = data.genes[rows], weights / weights.mean()
    if drift is None or drift.is_none:
        errors = left_out_errors(made.fit(archs, values, weights), genes, values, even)
        return Trained(calibrate(made, archs, values, weights, errors), rows, values, errors)
    runs, level = _runs_of(data, rows), drift(rows, _runs_of(data, rows))
    levelled = np.asarray(values * np.exp(-level))
    made.fit(genes, levelled, weights)
    bare = left_out_errors(made, genes, levelled, even)
    own = drift.visits.without_own(Groups.of(made.features, genes), bare)
    again = drift.again(own + level, values, runs)
    levelled = np.asarray(values * np.exp(-again(rows, runs)))
    made = made.clone_with_hyperparameters().fit(archs, levelled, weights)
    errors = bare + level - again.left_out()
    calibrate(made, archs, levelled, weights, errors)
    widen(made, again.between_blocks)
    return Trained(made, rows, values, errors, None if again.is_none else again)


def drift_of(data: Data, rows: Indices, choice: DriftChoice = "auto") -> Drift | None:
    """Estimates how the level moved over some rows of a table; None where that is not asked for, or makes no sense.

    A campaign's rows have no order: its rounds have dealt with the level already.

    Raises:
        DataError: When the level moved further than the level of any machine does.
        UsageError: When the choice is unknown.
    """
    if choice not in DRIFT_CHOICES:
        raise UsageError(f"unknown drift '{choice}'. Known: {', '.join(DRIFT_CHOICES)}")
    if choice == "none" or not data.is_ordered:
        return None
    features = Features(data.space, **data.shape)
    drift = estimate_drift(features, data.genes[rows], data.values[rows], rows, _runs_of(data, rows))
    fault = level_fault(data, drift.rows, drift(drift.rows, _runs_of(data, drift.rows)))
    if fault is not None:
        raise DataError(f"{data.source}: {fault.flag.text} {fault.flag.remedy}")
    return drift


def known(found: Metrics) -> Metrics:
    """Returns the metrics that are defined."""
    return {name: value for name, value in found.items() if value is not None}


def _runs_of(data: Data, rows: Indices) -> Indices | None:
    """Returns the measuring runs of some rows; None where the table does not name them."""
    return None if data.runs is None else data.runs[rows]


def _origin(data: Data) -> dict[str, Any]:
    return {**data.provenance, **data.shape, "data_sha256": data.sha256}


def _named(data: Data) -> dict[str, str]:
    """Returns the argument of a model of another quantity than latency."""
    return {} if data.quantity == LATENCY else {"quantity": data.quantity}


def _priced(data: Data, table: ComponentTable, **options: Any) -> Trained:
    """Makes a lookup table of measured components, and tests it on the whole models of the same campaign.

    Prices that noise made negative are replaced by positive ones, which the provenance names.
    """
    from hwcost.campaign.components.positive_prices import positive_prices
    from hwcost.cost_models.families.lut import LookupTable

    prices = positive_prices(table, {part.name for part in data.space.components()})
    made = LookupTable.from_components(data.space, prices.costs_s, prices.overhead_s, **{**data.shape, **options})
    rows = data.rows(CHECK)
    archs, measured_s, _ = data.take(rows)
    if not archs:
        raise DataError(f"{data.source}: no whole models were measured to check the components on. Measure some.")
    made.n_rows_, made.n_architectures_ = len(archs), len({data.space.canonical(arch.genes) for arch in archs})
    trained = Trained(made, rows, measured_s, np.log(measured_s / made.predict(archs).values))
    shrunk = {"shrunk": {name: asdict(one) for name, one in prices.shrunk.items()}} if prices.shrunk else {}
    errors = {CHECK_ERRORS: trained.errors.round(6).tolist()}
    facts = {"priced_by": "components", "rows": len(archs), **shrunk, **errors, "metrics": known(trained.metrics)}
    made.provenance = {**_origin(data), **facts}
    return trained
