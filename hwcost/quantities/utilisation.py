"""Shares of what a device can do: of its peak rate, of its memory's bandwidth, and of the roofline of both.

Operations and bytes are those that the space counts: matrix products, one multiply-add being two operations, and the numbers
that every operator reads and writes when nothing stays in a cache. A share of the bandwidth above 100 % therefore says
that caches served the call. Peaks are measured ones (``hwcost devices probe``), or else those of data sheets.

Source of the roofline: Williams et al., "Roofline", 2009.
"""

from __future__ import annotations

from hwcost.quantities.base import Call, Quantity, Unavailable
from hwcost.spaces.accounting import Work

UNCOUNTED = "the operations of this workload are not known: only architectures and components of a space are counted."
NO_PEAK = "the record holds no peak of its device. Measure again: the peaks of a probe or a data sheet are then kept."


class FlopsUtilisation(Quantity):
    """Operations per second over the device's peak rate."""

    name = "flops_utilisation"
    meaning = "Share of the device's peak rate of matrix products."
    power_of_latency = -1

    def of_call(self, call: Call) -> float:
        """See the base class."""
        return _arithmetic_s(call) / call.latency_s

    def source(self, call: Call) -> str:
        """See the base class."""
        return f"peak of {call.conditions.get('peak_flops_source', 'unknown source')}"


class BandwidthUtilisation(Quantity):
    """Bytes per second over the bandwidth of the device's memory."""

    name = "bandwidth_utilisation"
    meaning = "Share of the bandwidth of the device's memory, as if nothing stayed in a cache."
    power_of_latency = -1

    def of_call(self, call: Call) -> float:
        """See the base class."""
        return _traffic_s(call) / call.latency_s

    def source(self, call: Call) -> str:
        """See the base class."""
        return f"bandwidth of {call.conditions.get('peak_bytes_source', 'unknown source')}"


class RooflineSeconds(Quantity):
    """The longer of arithmetic at the peak rate and traffic at the peak bandwidth."""

    name = "roofline_s"
    meaning = "Estimate from the device's peaks: the longer of arithmetic and memory traffic."
    power_of_latency = 0

    def of_call(self, call: Call) -> float:
        """See the base class."""
        return max(_arithmetic_s(call), _traffic_s(call))

    def source(self, call: Call) -> str:
        """See the base class."""
        seen = call.conditions
        return f"peak of {seen.get('peak_flops_source')}, bandwidth of {seen.get('peak_bytes_source')}"


class RooflineUtilisation(RooflineSeconds):
    """The estimate from the device's peaks over the measured latency."""

    name = "roofline_utilisation"
    meaning = "Share of the attainable speed: the estimate from the device's peaks over the latency."
    power_of_latency = -1

    def of_call(self, call: Call) -> float:
        """See the base class."""
        return super().of_call(call) / call.latency_s


def _work(call: Call) -> Work:
    if call.work is None or not (call.work.flops or call.work.elements):
        raise Unavailable(UNCOUNTED)
    return call.work


def _arithmetic_s(call: Call) -> float:
    return _work(call).flops / float(call.fact("peak_flops_per_s", NO_PEAK))


def _traffic_s(call: Call) -> float:
    work = _work(call)
    if call.itemsize is None:
        raise Unavailable("the bytes of this workload's number format are not known, so its traffic is not.")
    return work.bytes(call.itemsize) / float(call.fact("peak_bytes_per_s", NO_PEAK))
