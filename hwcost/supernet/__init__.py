"""Elastic supernets: the nets of a whole space in one set of weights, trained together and taken out one by one.

Calling the package, ``hwcost.supernet(...)``, makes a supernet: see :func:`hwcost.supernet.family.supernet`.
"""

from hwcost._callable import make_callable

make_callable(__name__, "hwcost.supernet.family", "supernet")
