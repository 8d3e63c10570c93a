"""Latency, and the rates that follow from it."""

from __future__ import annotations

from hwcost.quantities.base import Call, Quantity, Unavailable

SHAPELESS = "the workload does not say how many {} a call has. Give it a batch size and a sequence length."


class Latency(Quantity):
    """Seconds of a call."""

    name = "latency_s"
    meaning = "Seconds of a call on the uncontended machine."
    power_of_latency = 1

    def of_call(self, call: Call) -> float:
        """See the base class."""
        return call.latency_s


class Throughput(Quantity):
    """Sequences per second of calls one after another."""

    name = "throughput_per_s"
    meaning = "Sequences per second, calls one after another."
    power_of_latency = -1

    def of_call(self, call: Call) -> float:
        """See the base class."""
        if call.batch_size is None:
            raise Unavailable(SHAPELESS.format("sequences"))
        return call.batch_size / call.latency_s


class Tokens(Quantity):
    """Tokens per second of calls one after another."""

    name = "tokens_per_s"
    meaning = "Tokens per second, calls one after another."
    power_of_latency = -1

    def of_call(self, call: Call) -> float:
        """See the base class."""
        if call.batch_size is None or call.seq_len is None:
            raise Unavailable(SHAPELESS.format("tokens"))
        return call.batch_size * call.seq_len / call.latency_s
