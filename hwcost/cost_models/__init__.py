"""Cost models: from a few dozen measurements to any architecture's latency in microseconds, with an interval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.registry import Registry

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel
    from hwcost.spaces.base import SearchSpace

__all__ = ["COST_MODELS", "cost_model", "load"]

COST_MODELS = Registry(
    "hwcost.cost_models",
    "cost model",
    {
        "auto": "hwcost.cost_models.auto:Auto",
        "constant": "hwcost.cost_models.constant:Constant",
        "hybrid": "hwcost.cost_models.hybrid:Hybrid",
        "lightgbm": "hwcost.cost_models.gbm:LightGBM",
        "lut": "hwcost.cost_models.lut:LookupTable",
        "params": "hwcost.cost_models.linear:ParamsLine",
        "products": "hwcost.cost_models.products:Products",
        "ridge": "hwcost.cost_models.linear:Ridge",
        "roofline": "hwcost.cost_models.roofline:Roofline",
        "xgboost": "hwcost.cost_models.gbm:XGBoost",
    },
)


def cost_model(name: str, space: SearchSpace, **options: Any) -> CostModel:
    """Makes an unfitted cost model by name.

    Args:
        name: For example ``hybrid``.
        space: The space that it predicts for.
        **options: What the model takes, for example ``seq_len=128``.

    Raises:
        UnknownNameError: When there is no such model; lists the known ones.
        UsageError: When an option is unknown to the model.
    """
    made: CostModel = COST_MODELS.make(name, space, **options)
    return made


def load(folder: str | Path) -> CostModel:
    """Loads a cost model that ``save`` wrote; nothing in the folder is ever executed.

    Args:
        folder: Folder of the model.

    Raises:
        DataError: When the folder holds no model, or a damaged or newer one.
    """
    from hwcost.cost_models.persistence import load as load_folder

    return load_folder(folder)
