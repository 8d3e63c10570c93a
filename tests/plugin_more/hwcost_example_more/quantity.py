"""The quantity ``mean_power_w``: watts of the device while calls follow one another."""

from __future__ import annotations

from hwcost.quantities import Call, Quantity, Unavailable


class MeanPower(Quantity):
    """Energy over time, of the calls without a pause that hwcost makes for it."""

    name = "mean_power_w"
    meaning = "Mean power of the device while calls follow one another."
    uninterrupted_s = 1.0
    reads = ("visit_energy_j",)

    def of_call(self, call: Call) -> float:
        """Returns the watts of one visit."""
        calls = call.fact("uninterrupted", "power was not measured. Measure with --quantity mean_power_w.")
        if calls.get("visit_energy_j") is None:
            raise Unavailable("this device counts no energy.")
        return float(calls["visit_energy_j"]) / float(calls["seconds"])

    def source(self, call: Call) -> str:
        """Says that it follows from the energy."""
        return "energy over time"
