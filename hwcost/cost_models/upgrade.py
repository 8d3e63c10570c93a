"""Reads what earlier versions wrote as ``config.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.cost_models.features.ends import LEAST_ROWS
from hwcost.quantities import QUANTITIES

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel

RENAMED = {"products": "polynomial"}
"""Models that have another name now."""

NAMING = ("base", "chosen", "model")
"""Keys below which the name of a model stands."""


def upgraded(config: dict[str, Any]) -> dict[str, Any]:
    """Returns a configuration of schema version 1 as version 2 holds it.

    Version 1 named no quantity: all models predicted seconds, but for those whose data were called ``quality``.
    """
    renamed = {key: _renamed(value, key) for key, value in config.items() if key in ("model", "options", "state")}
    quantity = {"quantity": "quality"} if config["provenance"].get("data") == "quality" else {}
    return {**config, **renamed, "options": {**renamed["options"], **quantity}}


def missing(model: CostModel) -> str | None:
    """Returns what a model lacks that an earlier version wrote, and what follows from that; None where nothing does."""
    again = "It answers as it did; fit it again for what models know now."
    domain = model.domain_
    if model.quantity not in QUANTITIES or model.has_interval:
        return None
    if not model.extrapolates and domain.trend is None:
        what = "does not know how far its rows reach: beyond the quickest and the slowest it answers as if it did"
    elif model.log_interval_half_width_ is not None and model.n_architectures_ >= LEAST_ROWS and domain.ends is None:
        what = "does not know whether its errors are larger for the quickest and the slowest: intervals are equally wide"
    else:
        return None
    return f"an earlier version of hwcost wrote this cost model, which {what}. {again}"


def _renamed(value: Any, key: str = "") -> Any:
    """Returns a part of the configuration with the models' names of today."""
    if isinstance(value, str):
        return RENAMED.get(value, value) if key in NAMING else value
    if key == "candidates" and isinstance(value, list):
        return [RENAMED.get(one, one) for one in value]
    if key == "errors" and isinstance(value, dict):
        return {RENAMED.get(name, name): error for name, error in value.items()}
    if isinstance(value, dict):
        return {name: _renamed(one, name) for name, one in value.items()}
    return value
