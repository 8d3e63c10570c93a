"""Quantities, one class each: what is measured of a workload, predicted, minimised and bounded.

A quantity is declared once: a subclass of :class:`Quantity` and one line, in ``QUANTITIES`` here or in the entry-point group
``hwcost.quantities`` of another distribution. Campaigns then keep what it is worked out from, measurements and their JSON
have its value or the reason why there is none, and ``--quantity`` takes its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from hwcost._left_out import left_out
from hwcost.errors import ContractError, HwcostError
from hwcost.quantities.base import Call, Quantity, Unavailable
from hwcost.registry import Registry

__all__ = ["LATENCY", "QUANTITIES", "Call", "Quantity", "Unavailable", "quantity", "selected", "usable"]

LATENCY = "latency_s"
"""The quantity that a cost model predicts unless it was made for another one."""

_LATENCY = "hwcost.quantities.latency"
_SHARES = "hwcost.quantities.utilisation"

QUANTITIES = Registry(
    "hwcost.quantities",
    "quantity",
    {
        LATENCY: f"{_LATENCY}:Latency",
        "throughput_per_s": f"{_LATENCY}:Throughput",
        "tokens_per_s": f"{_LATENCY}:Tokens",
        "flops_utilisation": f"{_SHARES}:FlopsUtilisation",
        "bandwidth_utilisation": f"{_SHARES}:BandwidthUtilisation",
        "roofline_s": f"{_SHARES}:RooflineSeconds",
        "roofline_utilisation": f"{_SHARES}:RooflineUtilisation",
        "peak_memory_bytes": "hwcost.quantities.memory:PeakMemory",
        "energy_j": "hwcost.quantities.energy:Energy",
    },
)


@cache
def quantity(name: str) -> Quantity:
    """Returns a quantity by name; there is one object of each in a process.

    Raises:
        UnknownNameError: When there is no such quantity; lists the known ones.
        UsageError: When the class of another distribution cannot be made, or is not a quantity.
    """
    made = QUANTITIES.make(name)
    if not isinstance(made, Quantity):
        raise ContractError(f"'{name}' is registered as a quantity, and is not a subclass of hwcost.quantities.Quantity")
    own = getattr(made, "name", None)
    if own != name:
        raise ContractError(f"the class {type(made).__name__} is quantity '{name}', and its attribute name is {own!r}")
    return made


def usable() -> tuple[str, ...]:
    """Returns the names of all quantities but those of other distributions that cannot be made, with a warning once."""
    return _usable(tuple(QUANTITIES.names()))


@cache
def _usable(names: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    for name in names:
        try:
            quantity(name)
        except HwcostError as error:
            left_out(__name__, str(error))
        else:
            found.append(name)
    return tuple(found)


def selected(names: str | Sequence[str]) -> tuple[str, ...]:
    """Returns names of quantities, each once, in the order given; a text is one name.

    Raises:
        UnknownNameError: When one is unknown; lists the known ones.
    """
    given = (names,) if isinstance(names, str) else names
    return tuple(dict.fromkeys(quantity(name).name for name in given))
