"""The kinds of cost model by name, loaded when they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost._arguments import TEXT, check
from hwcost.errors import ContractError, UsageError
from hwcost.registry import Registry, made

if TYPE_CHECKING:
    from hwcost.cost_models.base import CostModel
    from hwcost.spaces.base import SearchSpace

__all__ = ["COST_MODELS", "candidates", "comparable", "cost_model", "cost_model_class", "takes"]

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


def cost_model(name: str | type[CostModel], space: SearchSpace, **options: Any) -> CostModel:
    """Makes an unfitted cost model by name.

    Args:
        name: Name of the model, for example ``hybrid``; or a class of the user's own.
        space: The space that it predicts for.
        **options: Arguments of the model, for example ``seq_len=128``.

    Raises:
        UnknownNameError: When no model has that name; lists the known ones.
        UsageError: When an option is unknown to the model.
        ContractError: When the class calls itself by another name, under which its saved models would be looked for.
    """
    found: CostModel
    if isinstance(name, type):
        found = made(f"cost model {name.__name__}", name, space, **options)
        if not isinstance(getattr(found, "name", None), str):
            raise ContractError(f"the cost model {name.__name__} lacks its name: a text, as an attribute of the class")
        return found
    check({"name": name}, name=TEXT)
    found = COST_MODELS.make(name, space, **options)
    own = getattr(found, "name", None)
    if own != name:
        raise ContractError(
            f"the class {type(found).__name__} is registered as cost model '{name}', and its attribute name is {own!r}: "
            f"give both the same name"
        )
    return found


def cost_model_class(name: str | type[CostModel]) -> type[CostModel]:
    """Returns the class of cost models that is registered under a name; a class as it is.

    Raises:
        UnknownNameError: When no model has that name; lists the known ones.
    """
    found: type[CostModel] = COST_MODELS.load(name) if isinstance(name, str) else name
    return found


def comparable() -> dict[str, type[CostModel]]:
    """Returns the classes of all models but one by name: ``prior``, which learns from models of other devices as well."""
    return COST_MODELS.members("prior")


def candidates(space: SearchSpace) -> list[str]:
    """Returns the names of the models among which ``auto`` chooses, built-in or not, from plain to general.

    Args:
        space: Space that is predicted for; a model that refuses it is left out.
    """
    ranks = {name: model.complexity for name, model in comparable().items()}
    known = sorted((name for name, rank in ranks.items() if rank is not None), key=lambda name: (ranks[name], name))
    return [name for name in known if takes(name, space)]


def takes(name: str, space: SearchSpace) -> bool:
    """Says whether a model can be made for a space without further options."""
    try:
        cost_model(name, space)
    except UsageError:
        return False
    return True
