"""The contract of a quantity: a number of one call of a workload, worked out from what a visit keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from hwcost.spaces.accounting import Work

REASONS = "unavailable"
"""Name of the fact of a visit that says why other facts are unknown."""


class Unavailable(Exception):  # noqa: N818 - no fault: it says why there is no value
    """Says why a quantity has no value for a call, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a workload as one visit saw it.

    Attributes:
        latency_s: Seconds of the call.
        batch_size: Sequences in it; None where unknown.
        seq_len: Tokens of a sequence; None where unknown.
        work: Parameters, operations and numbers moved; None where they are unknown.
        itemsize: Bytes per number; None where the format is not one of the library's.
        conditions: Facts about the visit by name, see :mod:`hwcost.facts`.
    """

    latency_s: float
    batch_size: int | None = None
    seq_len: int | None = None
    work: Work | None = None
    itemsize: int | None = None
    conditions: Mapping[str, Any] = field(default_factory=dict)

    def fact(self, name: str, otherwise: str) -> Any:
        """Returns a fact about the visit.

        Args:
            name: Name of the fact.
            otherwise: Reason for its lack where the record holds none.

        Raises:
            Unavailable: When the visit has no such fact; with the record's reason where it holds one.
        """
        value = self.conditions.get(name)
        if value is None:
            raise Unavailable((self.conditions.get(REASONS) or {}).get(name, otherwise))
        return value


class Quantity(ABC):
    """One quantity. Subclasses hold no state; hwcost makes one object of each in a process.

    Attributes:
        name: Name in records, options and cost models; it ends in the unit where it has one.
        meaning: One line that says what it is.
        power_of_latency: Power of the latency that it is proportional to, such as -1 for a rate: value and interval then
            follow from the latency's. None where every visit has a value of its own.
        uninterrupted_s: Seconds of calls without a pause that every visit makes for it, where it is asked for.
        reads: Facts of telemetry that these calls are made for; where the device cannot tell one, they are not made.
        watches_memory: Whether workloads are prepared with weights of their own and their memory is watched, where it is
            asked for.
    """

    name: ClassVar[str]
    meaning: ClassVar[str]
    power_of_latency: ClassVar[int | None] = None
    uninterrupted_s: ClassVar[float] = 0.0
    reads: ClassVar[tuple[str, ...]] = ()
    watches_memory: ClassVar[bool] = False

    @abstractmethod
    def of_call(self, call: Call) -> float:
        """Returns the value for one call.

        Raises:
            Unavailable: When it is not known; says why, and what to do.
        """

    def source(self, call: Call) -> str:
        """Returns where the value comes from; empty where it follows from the latency alone."""
        return ""
