"""How workloads and devices are grouped on the overview: families of workloads down, devices across."""

from __future__ import annotations

from collections.abc import Iterable

from hwcost.quantities import LATENCY
from hwcost.stores.series import Series
from hwcost.units import in_words

NAMELESS = "(no name)"


def family(one: Series) -> str:
    """Returns the family of a series, such as ``supershaper components``; other quantities than latency stand apart."""
    of = named(one.search_space or one.kind)
    what = "components" if one.component else "models" if one.search_space else ""
    quantity = "" if one.quantity == LATENCY else f", {in_words(one.quantity)}"
    return f"{of} {what}".strip() + quantity


def places(series: Iterable[Series]) -> dict[tuple[str, str], str]:
    """Returns the label of each pair of device and backend: the device alone where it has one backend only."""
    pairs = sorted({(one.device, one.backend) for one in series})
    devices = [device for device, _ in pairs]
    return {
        (device, backend): named(device) if devices.count(device) == 1 else f"{named(device)} / {named(backend)}"
        for device, backend in pairs
    }


def named(text: str) -> str:
    """Returns a name as it is shown; one without anything to see is said to be none, since links need a text."""
    return text if text.strip() else NAMELESS
