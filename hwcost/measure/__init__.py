"""Timing one workload well: clock, steady state, stopping, guards, and the process that does it.

Calling the package, ``hwcost.measure(...)``, runs a whole campaign: see :func:`hwcost.api.measure`.
"""

from hwcost._callable import make_callable

make_callable(__name__, "hwcost.api", "measure")
