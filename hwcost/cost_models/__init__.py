"""Cost models: from a few dozen measurements to any architecture's latency in microseconds, with an interval.

``base`` has the contract of a cost model, ``data`` what it is fitted on, ``prediction`` what it answers, ``persistence`` the
folder that keeps it, and ``registry`` the kinds by name. The rest stands in packages, each of which imports only from those
before it:

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

from hwcost.cost_models.registry import COST_MODELS, candidates, cost_model, cost_model_class, takes

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


def load(folder: str | Path, *, space: SearchSpace | None = None) -> CostModel:
    """Loads a cost model that ``save`` wrote; nothing in the folder is ever executed.

    Args:
        folder: Folder of the model.
        space: The space of the model, where it is a class of yours that no entry point names; None for a space that has a
            name, or is declared.

    Raises:
        DataError: When the folder holds no model, a damaged or newer one, or one of another space.
    """
    from hwcost.cost_models.persistence import load as load_folder

    return load_folder(folder, space=space)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hwcost.cost_models' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
