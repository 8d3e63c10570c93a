"""The value of a quantity for one workload, from all its usable visits, or the reason why there is none."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hwcost.errors import HwcostError
from hwcost.quantities import Call, Quantity, Unavailable
from hwcost.units import unit_of
from hwcost.workloads.base import ITEMSIZES

if TYPE_CHECKING:
    from hwcost.spaces.accounting import Work
    from hwcost.timing.measurement import Measurement, Visit
    from hwcost.workloads.base import Workload

KEPT = 4096
"""Workloads whose work is kept."""

UNUSABLE = "none of its visits can be used; its flags say why."


@dataclass(frozen=True, slots=True)
class QuantityEstimate:
    """A quantity of one workload.

    Attributes:
        quantity: Name of the quantity.
        unit: Unit of the value; ``1`` for a bare number.
        value: Value of a call; None where it is not known.
        half_width: Half-width of the 95 % interval on the log scale; None where nothing determines it.
        visits: Usable visits that have a value.
        source: Origin of the value; empty where it follows from the latency alone.
        reason: Reason for a missing value, and what to do; empty otherwise.
    """

    quantity: str
    unit: str
    value: float | None = None
    half_width: float | None = None
    visits: int = 0
    source: str = ""
    reason: str = ""

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % interval."""
        return None if self.value is None or self.half_width is None else self.value * math.exp(-self.half_width)

    @property
    def high(self) -> float | None:
        """Upper end of the 95 % interval."""
        return None if self.value is None or self.half_width is None else self.value * math.exp(self.half_width)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON, the ends of the interval included; source and reason are None where there is none."""
        plain = asdict(self) | {"low": self.low, "high": self.high}
        return plain | {"source": self.source or None, "reason": self.reason or None}


def estimated(quantity: Quantity, measurement: Measurement) -> QuantityEstimate:
    """Estimates a quantity: from the latency where it follows from it, else as the median of the visits' own values.

    Args:
        quantity: Quantity to estimate.
        measurement: The workload's visits, and its latency.
    """
    unit, latency_s = unit_of(quantity.name), measurement.latency_s
    if latency_s is None:
        return QuantityEstimate(quantity.name, unit, reason=UNUSABLE)
    values, sources, reasons = [], [], []
    for call in _calls(measurement, latency_s, quantity.power_of_latency is not None):
        try:
            value, source = _told(quantity, call)
        except Unavailable as why:
            reasons.append(str(why))
        else:
            values.append(value)
            sources.append(source)
    if not values:
        return QuantityEstimate(quantity.name, unit, reason=_commonest(reasons) if reasons else UNUSABLE)
    if quantity.power_of_latency is None:
        half = _half_width(values)
    else:
        half = None if measurement.half_width is None else abs(quantity.power_of_latency) * measurement.half_width
    return QuantityEstimate(quantity.name, unit, statistics.median(values), half, len(values), _commonest(sources))


def of_visit(quantity: Quantity, workload: Workload, visit: Visit) -> float:
    """Returns the value of a quantity for one visit, at the visit's own latency.

    Args:
        quantity: The quantity.
        workload: Workload of the visit.
        visit: A usable visit.

    Raises:
        Unavailable: When it is not known; says why, and what to do.
    """
    return _told(quantity, _call(workload, visit.conditions, visit.latency_s))[0]


def _told(quantity: Quantity, call: Call) -> tuple[float, str]:
    """Returns the value for a call, and where it comes from.

    Raises:
        Unavailable: When it is not known, also because the quantity, of another distribution, fails or gives no number.
    """
    try:
        value, source = quantity.of_call(call), quantity.source(call)
        if math.isfinite(value):
            return value, source
    except (Unavailable, HwcostError):
        raise
    except Exception as error:
        raise Unavailable(f"the quantity '{quantity.name}' failed: {type(error).__name__}: {error}.") from error
    raise Unavailable(f"the quantity '{quantity.name}' is {value!r}, not a finite number.")


def _calls(measurement: Measurement, latency_s: float, follows: bool) -> list[Call]:
    """Returns a call of every usable visit.

    Args:
        measurement: The workload's visits.
        latency_s: The workload's latency.
        follows: Whether its calls take that latency, and not each its visit's; one call is there then without visits too.
    """
    workload, usable = measurement.workload, [visit for visit in measurement.visits if visit.is_usable]
    known = [(visit.conditions, latency_s if follows else visit.latency_s) for visit in usable]
    if follows and not known:
        known = [({}, latency_s)]
    return [_call(workload, conditions, seconds) for conditions, seconds in known]


def _call(workload: Workload, conditions: Mapping[str, Any], seconds: float) -> Call:
    itemsize = ITEMSIZES.get(workload.dtype)
    return Call(seconds, workload.batch_size, workload.seq_len, _work(workload), itemsize, conditions)


@lru_cache(maxsize=KEPT)
def _work(workload: Workload) -> Work | None:
    """Returns the work of a workload; counted once for all its visits and quantities."""
    return workload.work()


def _commonest(texts: Sequence[str]) -> str:
    return Counter(texts).most_common(1)[0][0]


def _half_width(values: Sequence[float]) -> float | None:
    """Returns the t interval over visits, on the log scale; None for one visit, or a value that is not positive."""
    if len(values) < 2 or min(values) <= 0:
        return None
    from scipy import stats

    logs = [math.log(value) for value in values]
    return float(stats.t.ppf(0.975, len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs)))
