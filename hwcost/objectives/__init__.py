"""Objectives and constraints: what a search minimises or maximises, and the bounds that it keeps within.

Both are made of a cost function: anything that takes an architecture and returns a number. Cost models and the sizes of
:mod:`hwcost.objectives.sizes` also value many architectures at once, which makes searches quick.
"""

from hwcost.objectives.constraint import Constraint
from hwcost.objectives.objective import Maximize, Minimize, Objective
from hwcost.objectives.sizes import Flops, Memory, Params

__all__ = ["Constraint", "Flops", "Maximize", "Memory", "Minimize", "Objective", "Params"]
