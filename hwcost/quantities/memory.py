"""Memory that a workload takes."""

from __future__ import annotations

from hwcost.quantities.base import Call, Quantity

NOT_ASKED = "memory was not watched while it was measured. Measure with --quantity peak_memory_bytes."

SOURCES = {
    "allocator_peak_bytes": "the runtime's allocator on the device",
    "device_growth_bytes": "memory in use on the device, before and after",
    "resident_peak_bytes": "resident memory of the process",
}
"""Facts that hold it, the most direct one first, and what each is."""


class PeakMemory(Quantity):
    """Most bytes that a workload took beyond what the process had, while it was prepared and run.

    On an accelerator these are bytes of its memory: those of the runtime's allocator, or else what came into use on the
    device. On a CPU they are the growth of the process's resident memory, what building the model took meanwhile included.
    """

    name = "peak_memory_bytes"
    meaning = "Most bytes that the workload took while it was prepared and run, with weights of its own."
    watches_memory = True

    def of_call(self, call: Call) -> float:
        """See the base class."""
        return float(call.fact(self._fact(call), NOT_ASKED))

    def source(self, call: Call) -> str:
        """See the base class."""
        return SOURCES[self._fact(call)]

    def _fact(self, call: Call) -> str:
        known = (name for name in SOURCES if call.conditions.get(name) is not None)
        return next(known, "resident_peak_bytes")
