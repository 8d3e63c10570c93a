"""Fits a new device's cost model on a few measurements, with models of other devices as its prior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hwcost.cost_models.data import Data, rows_of
from hwcost.cost_models.priors.source import Source, is_same
from hwcost.cost_models.priors.sources import AUTO, read_prior, suited
from hwcost.cost_models.training.train import DriftChoice, Trained, train
from hwcost.errors import UsageError
from hwcost.exchange.options import DEFAULTS, TableOptions
from hwcost.quantities import LATENCY
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.shaped import Shaped
from hwcost.spaces.table import Table
from hwcost.units import format_half_width

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel

NAME = "prior"
"""Name of the cost model that a prior leads to."""

DEFAULT = "hybrid"
"""Name of the cost model that is fitted where none is named."""

ORIGIN = ("device", "backend", "data", "data_sha256", "source")
"""Facts of a source's provenance that the new model's provenance keeps."""

WIDE = 0.10
"""Half-width of an interval from which on a warning advises more measurements."""


def fit_with_prior(
    source: Any,
    prior: Any,
    model: str = DEFAULT,
    space: SearchSpace | str | None = None,
    campaign_id: str | None = None,
    drift: DriftChoice = "auto",
    table: TableOptions = DEFAULTS,
    quantity: str = LATENCY,
    **options: Any,
) -> Trained:
    """Reads a few measurements and fits the cost model ``prior``; arguments as those of :func:`hwcost.fit`.

    Raises:
        DataError: When the source holds nothing usable, or a prior is of another space or quantity.
        UsageError: When another cost model is named.
    """
    data, sources = read_with_prior(source, prior, model, space, campaign_id, table, quantity, options)
    return train_with_prior(data, sources, drift, options)


def transferred(prior: CostModel, measurements: Any, options: Mapping[str, Any]) -> CostModel:
    """Returns the model of another device; see :meth:`hwcost.CostModel.transfer`."""
    if "prior" in options:
        raise UsageError("transfer takes the model itself as the prior; for others, hwcost.fit(measurements, prior=[...])")
    return fit_with_prior(measurements, prior, **{"quantity": prior.quantity, **options}).model


def read_with_prior(
    source: Any,
    prior: Any,
    model: str = DEFAULT,
    space: SearchSpace | str | None = None,
    campaign_id: str | None = None,
    table: TableOptions = DEFAULTS,
    quantity: str = LATENCY,
    options: Mapping[str, Any] | None = None,
) -> tuple[Data, list[Source]]:
    """Reads a few measurements and the sources of a prior. A table is read as the sources' space.

    Few rows of a table do not show all that its columns may hold; the sources' tables did.
    """
    if model not in (NAME, DEFAULT):
        raise UsageError(f"with a prior, the cost model is '{NAME}', and '{model}' was given. Leave out one of the two.")
    shape = {name: size for name, size in (options or {}).items() if name in ("batch_size", "seq_len")}

    def rows(of: SearchSpace | str | None) -> Data:
        return rows_of(source, of, campaign_id, table, shape, quantity)

    is_shipped = AUTO in (prior if isinstance(prior, (list, tuple)) else [prior])
    sources = read_prior(prior, rows(None).space if is_shipped and space is None else space)
    first = sources[0].model.space
    known = first.base if isinstance(first, Shaped) else first
    data = rows(known if space is None or space == known.name == Table.name else space)
    alike = next((one for one in (first, known) if is_same(data.space, one)), data.space)
    data = replace(data, space=alike)
    return data, suited(sources, data.space, data.quantity, data.shape)


def train_with_prior(
    data: Data, sources: list[Source], drift: DriftChoice = "auto", options: Mapping[str, Any] | None = None
) -> Trained:
    """Fits the cost model ``prior`` on rows, and keeps in its provenance what it was made of."""
    trained = train(data, NAME, drift, **{**(options or {}), "sources": sources, "row_noise": data.row_noise})
    model = trained.model
    shares = model.importance()
    model.provenance["prior"] = [
        {"name": source.name, "share": shares[source.name], **_origin(source)} for source in sources
    ]
    return trained


def warning(trained: Trained) -> str | None:
    """Returns a sentence on an interval that is wide because measurements are few; None where it is narrow."""
    half_width = trained.model.log_interval_half_width_
    if half_width is None or half_width < WIDE:
        return None
    return (
        f"the 90 % interval is {format_half_width(half_width, sign='±')}, because {trained.model.n_architectures_} "
        "architectures say little about how far this device differs. Measure more of them."
    )


def _origin(source: Source) -> dict[str, Any]:
    found = source.model.provenance
    kept: dict[str, Any] = {name: found[name] for name in ORIGIN if name in found}
    return {"model": source.model.name, "rows": source.model.n_rows_, **kept}
