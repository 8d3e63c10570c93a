"""Whether latencies can be trusted: a report on any table or campaign, whoever measured it.

Calling the package, ``hwcost.audit(...)``, audits a source: see :func:`hwcost.audit.source.audit`.
"""

from hwcost._callable import make_callable

make_callable(__name__, "hwcost.audit.source", "audit")
