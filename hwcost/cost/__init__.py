"""Cost functions judge: what is minimised or maximised, and what may not be exceeded.

A cost function is anything that takes an architecture and returns a number. Cost models and the sizes of
:mod:`hwcost.cost.sizes` also take whole populations at once, which is what makes searches quick.
"""

from hwcost.cost.bound import Bound
from hwcost.cost.gates import GateCosts
from hwcost.cost.limit import Limit
from hwcost.cost.objective import Maximize, Minimize, Objective
from hwcost.cost.population import Population
from hwcost.cost.sizes import Flops, Memory, Params

__all__ = ["Bound", "Flops", "GateCosts", "Limit", "Maximize", "Memory", "Minimize", "Objective", "Params", "Population"]
