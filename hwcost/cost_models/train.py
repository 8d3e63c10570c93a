"""From rows to a finished cost model: fitted, with an interval, cross-validated metrics and provenance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.data import CHECK, FIT, Data
from hwcost.cost_models.fitting import DriftChoice, drift_of, fit_rows
from hwcost.cost_models.metrics import Metrics, metrics
from hwcost.cost_models.table_faults import refuse_faults
from hwcost.errors import DataError

if TYPE_CHECKING:
    from hwcost.workloads.slopes import ComponentTable

__all__ = ["Training", "train", "training"]

MIN_ROWS = 5
"""Fewest different architectures for cross-validated metrics."""


@dataclass(frozen=True)
class Training:
    """A finished model and how well it predicts rows that it has not seen.

    Attributes:
        model: The fitted model.
        measured_s: Latencies of the fitted rows, shape (n,).
        left_out_s: Prediction for each row by a fit that has not seen its architecture, shape (n,).
        metrics: Metrics of the predicted latencies against the measured ones.
    """

    model: CostModel
    measured_s: Floats
    left_out_s: Floats
    metrics: Metrics


def train(data: Data, model: str = "hybrid", drift: DriftChoice = "auto", **options: Any) -> CostModel:
    """Fits a cost model on the rows with the role ``fit``; see :func:`training`."""
    return training(data, model, drift, **options).model


def training(data: Data, model: str = "hybrid", drift: DriftChoice = "auto", **options: Any) -> Training:
    """Fits and cross-validates a cost model on the rows with the role ``fit``.

    Args:
        data: The rows.
        model: Name of a cost model. ``lut`` takes the prices of components as they stand where the campaign measured them.
        drift: ``auto`` takes the machine's moving level out of a table's rows; ``none`` takes them as they stand.
        **options: What the model takes.

    Raises:
        DataError: When there are too few rows, too few different architectures, or a fault of the table that would make any
            fit wrong.
        UnknownNameError: When there is no such model.
        UsageError: When an option is unknown to the model.
    """
    if data.components is not None and model == "lut":
        return _priced(data, data.components, **options)
    rows = data.rows(FIT)
    architectures = len({data.space.canonical(data.architectures[i].genes) for i in rows})
    if architectures < MIN_ROWS:
        what = f"{len(rows)} rows" + (f" of {architectures} different architectures" if architectures < len(rows) else "")
        raise DataError(f"{data.source}: {what} to fit on; at least {MIN_ROWS} are needed. Measure more architectures.")
    refuse_faults(data)
    result = fit_rows(model, data, rows, drift_of(data, rows, drift), **{"exact": True, **options})
    fitted, latency_s = result.model, data.latency_s[result.rows]
    left_out_s = np.asarray(latency_s * np.exp(-result.errors))
    found = metrics(latency_s, left_out_s)
    fitted.provenance = {
        **data.provenance,
        **data.shape,
        "data_sha256": data.sha256,
        "rows": len(rows),
        "architectures": architectures,
        **({"monotone": list(fitted.monotone_)} if fitted.monotone_ else {}),
        **({} if result.drift is None else {"drift": result.drift.as_dict()}),
        "metrics": {name: value for name, value in found.items() if value is not None},
    }
    return Training(fitted, latency_s, left_out_s, found)


def _priced(data: Data, table: ComponentTable, **options: Any) -> Training:
    """Makes a lookup table of measured components, and judges it on the whole models of the same campaign.

    Prices that noise made negative are replaced by positive ones, which the provenance names.
    """
    from hwcost.cost_models.lut import LookupTable
    from hwcost.workloads.positive import positive

    options = {**data.shape, "exact": True, **options}
    priced = {part.name for part in data.space.components()}
    prices = positive(table, priced)
    model = LookupTable.from_components(data.space, prices.costs_s, prices.overhead_s, **options)
    archs, measured_s, _ = data.take(data.rows(CHECK))
    if not archs:
        raise DataError(f"{data.source}: no whole models were measured to check the components on. Measure some.")
    predicted_s = model.predict(archs).latency_s
    found = metrics(measured_s, predicted_s)
    model.n_rows_, model.n_architectures_ = len(archs), len({data.space.canonical(arch.genes) for arch in archs})
    facts: dict[str, Any] = {"priced_by": "components", "data_sha256": data.sha256, "rows": len(archs)}
    if prices.shrunk:
        facts["shrunk"] = {name: one.to_dict() for name, one in prices.shrunk.items()}
    kept = {name: value for name, value in found.items() if value is not None}
    model.provenance = {**data.provenance, **data.shape, **facts, "metrics": kept}
    return Training(model, measured_s, predicted_s, found)
