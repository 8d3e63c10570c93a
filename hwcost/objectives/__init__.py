"""Cost functions judge: what is minimised or maximised, and what may not be exceeded.

A cost function is anything that takes an architecture and returns a number. Cost models and the sizes of
:mod:`hwcost.objectives.sizes` also take whole populations at once, which is what makes searches quick.
"""

from hwcost.objectives.bound import Bound
from hwcost.objectives.limit import Limit
from hwcost.objectives.objective import Maximize, Minimize, Objective
from hwcost.objectives.population import Population
from hwcost.objectives.sizes import Flops, Memory, Params

__all__ = ["Bound", "Flops", "Limit", "Maximize", "Memory", "Minimize", "Objective", "Params", "Population"]
