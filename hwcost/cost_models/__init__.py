"""Cost models: from a few dozen measurements to any architecture's latency in microseconds, with an interval.

``base`` has the contract of a cost model, ``data`` what it is fitted on, ``prediction`` what it answers, and ``persistence``
the folder that keeps it. The rest stands in packages, each of which imports only from those before it:

- ``features``: architectures as numbers, and which rows are the same architecture;
- ``checks``: faults of tables, and of models;
- ``compiled``: forests and lookup tables as machine code or arrays;
- ``training``: from rows to a finished model, with its interval and the level of the machine;
- ``families``: the kinds of model, one a file;
- ``priors``: models of other devices as a prior for a new one;
- ``evaluation``: how good models are, and whether that is good enough.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost._arguments import TEXT, check
from hwcost.errors import UsageError
from hwcost.registry import Registry

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel
    from hwcost.cost_models.prediction import Prediction
    from hwcost.cost_models.training.measured import MeasuredFirst
    from hwcost.spaces.base import SearchSpace

__all__ = [
    "COST_MODELS", "CostModel", "MeasuredFirst", "Prediction", "candidates", "cost_model", "cost_model_class", "load",
    "takes",
]  # fmt: skip

_HOMES = {
    "CostModel": "hwcost.cost_models.base",
    "MeasuredFirst": "hwcost.cost_models.training.measured",
    "Prediction": "hwcost.cost_models.prediction",
}

COST_MODELS = Registry(
    "hwcost.cost_models",
    "cost model",
    {
        "auto": "hwcost.cost_models.families.auto:Auto",
        "constant": "hwcost.cost_models.families.constant:Constant",
        "hybrid": "hwcost.cost_models.families.hybrid:Hybrid",
        "lightgbm": "hwcost.cost_models.families.gbm:LightGBM",
        "lut": "hwcost.cost_models.families.lut:LookupTable",
        "params": "hwcost.cost_models.families.linear:ParamsLine",
        "polynomial": "hwcost.cost_models.families.polynomial:Polynomial",
        "prior": "hwcost.cost_models.priors.model:PriorModel",
        "ridge": "hwcost.cost_models.families.linear:Ridge",
        "shapes": "hwcost.cost_models.families.shapes:Shapes",
        "roofline": "hwcost.cost_models.families.roofline:Roofline",
        "xgboost": "hwcost.cost_models.families.gbm:XGBoost",
    },
)


def cost_model(name: str, space: SearchSpace, **options: Any) -> CostModel:
    """Makes an unfitted cost model by name.

    Args:
        name: Name of the model, for example ``hybrid``.
        space: The space that it predicts for.
        **options: Arguments of the model, for example ``seq_len=128``.

    Raises:
        UnknownNameError: When no model has that name; lists the known ones.
        UsageError: When an option is unknown to the model.
    """
    check({"name": name}, name=TEXT)
    made: CostModel = COST_MODELS.make(name, space, **options)
    return made


def cost_model_class(name: str) -> type[CostModel]:
    """Returns the class of cost models that is registered under a name.

    Raises:
        UnknownNameError: When no model has that name; lists the known ones.
    """
    found: type[CostModel] = COST_MODELS.load(name)
    return found


def candidates(space: SearchSpace) -> list[str]:
    """Returns the names of the models among which ``auto`` chooses, built-in or not, from plain to general.

    Args:
        space: Space that is predicted for; a model that refuses it is left out.
    """
    ranks = {name: model.complexity for name, model in COST_MODELS.members().items()}
    known = sorted((name for name, rank in ranks.items() if rank is not None), key=lambda name: (ranks[name], name))
    return [name for name in known if takes(name, space)]


def takes(name: str, space: SearchSpace) -> bool:
    """Says whether a model can be made for a space without further options."""
    try:
        cost_model(name, space)
    except UsageError:
        return False
    return True


def load(folder: str | Path) -> CostModel:
    """Loads a cost model that ``save`` wrote; nothing in the folder is ever executed.

    Args:
        folder: Folder of the model.

    Raises:
        DataError: When the folder holds no model, or a damaged or newer one.
    """
    from hwcost.cost_models.persistence import load as load_folder

    return load_folder(folder)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hwcost.cost_models' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
