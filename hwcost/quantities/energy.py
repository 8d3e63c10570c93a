"""Energy of a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwcost.quantities.base import REASONS, Call, Quantity, Unavailable

NOT_ASKED = "energy was not measured. Measure with --quantity energy_j."
NO_COUNTER = "no counter of energy or power is known for this kind of device."


class Energy(Quantity):
    """Joules of a call, from calls without a pause: counters are coarse, and a block among others' is shorter than a step.

    It is all that the counted part of the machine took meanwhile, what it takes at rest included.
    """

    name = "energy_j"
    meaning = "Joules of a call, calls one after another, of the whole device."
    uninterrupted_s = 1.0
    reads = ("visit_energy_j",)

    def of_call(self, call: Call) -> float:
        """See the base class."""
        run = _run(call)
        energy_j = run.get("visit_energy_j")
        if energy_j is None:
            raise Unavailable(NO_COUNTER)
        return float(energy_j) / int(run["calls"])

    def source(self, call: Call) -> str:
        """See the base class."""
        return str(_run(call).get("energy_source") or "energy counter of the device")


def _run(call: Call) -> Mapping[str, Any]:
    """Returns the calls without a pause; their lack is the lack of a counter where the record says so."""
    reason = (call.conditions.get(REASONS) or {}).get("visit_energy_j", NOT_ASKED)
    found: Mapping[str, Any] = call.fact("uninterrupted", reason)
    return found
