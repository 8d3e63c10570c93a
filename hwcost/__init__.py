"""hwcost: how long Transformer architectures take on real devices, measured, modelled, and answered in microseconds.

::

    import hwcost as hc

    space = hc.space("supershaper")
    campaign = hc.measure(space.sample(40, design="spread"), hc.device("cpu"))
    cost = hc.fit(campaign, model="hybrid")
    cost(space.architecture([360] * 12))  # seconds

Names load on first use; importing this package imports nothing but a few modules of the standard library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hwcost.api import device, evaluate, fit, load, measure, plan
    from hwcost.auditing.source import audit
    from hwcost.campaign.comparisons.compare import compare
    from hwcost.campaign.options import MeasureOptions
    from hwcost.cost_models import CostModel, MeasuredFirst, Prediction
    from hwcost.cost_models.families.operators import lookup_table
    from hwcost.exchange.options import TableOptions
    from hwcost.objectives import Constraint, Maximize, Minimize
    from hwcost.spaces import space
    from hwcost.stores import open_store
    from hwcost.study import search
    from hwcost.supernets.registry import supernet

__all__ = [
    "Constraint", "CostModel", "Maximize", "MeasureOptions", "MeasuredFirst", "Minimize", "Prediction", "TableOptions",
    "audit", "compare", "device", "evaluate", "fit", "load", "lookup_table", "measure", "open_store", "plan", "search",
    "space", "supernet",
]  # fmt: skip

__version__ = "0.1.0"

_HOMES = {
    "audit": "hwcost.auditing.source",
    "Constraint": "hwcost.objectives",
    "CostModel": "hwcost.cost_models",
    "Maximize": "hwcost.objectives",
    "MeasureOptions": "hwcost.campaign.options",
    "MeasuredFirst": "hwcost.cost_models",
    "Minimize": "hwcost.objectives",
    "Prediction": "hwcost.cost_models",
    "TableOptions": "hwcost.exchange.options",
    "compare": "hwcost.campaign.comparisons.compare",
    "device": "hwcost.api",
    "evaluate": "hwcost.api",
    "fit": "hwcost.api",
    "load": "hwcost.api",
    "measure": "hwcost.api",
    "lookup_table": "hwcost.cost_models.families.operators",
    "open_store": "hwcost.stores",
    "plan": "hwcost.api",
    "search": "hwcost.study",
    "space": "hwcost.spaces",
    "supernet": "hwcost.supernets.registry",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hwcost' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
