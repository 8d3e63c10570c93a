"""Shapes rounded up to a few, as servers on a compiler do: each further shape would be one more compilation."""

from __future__ import annotations

import dataclasses
from typing import Any

from hwcost.errors import UsageError
from hwcost.workloads.base import Workload

NONE, POWERS = "none", "powers"


@dataclasses.dataclass(frozen=True, slots=True)
class Buckets:
    """A rule by which shapes are rounded up.

    Attributes:
        multiple: Multiple that sequence lengths are rounded up to; None for the next power of two, also of batch sizes; 1
            leaves all shapes as they are.
    """

    multiple: int | None = 1

    @classmethod
    def parse(cls, text: Any) -> Buckets:
        """Reads ``none``, ``powers``, or the multiple of sequence lengths.

        Raises:
            UsageError: When it is none of these.
        """
        if str(text) in (NONE, POWERS):
            return cls(1 if str(text) == NONE else None)
        if str(text).isdecimal() and int(text) > 0:
            return cls(int(text))
        raise UsageError(f"option 'bucket' must be {NONE}, {POWERS} or a number of tokens such as 128, got {text!r}")

    def of(self, workload: Workload) -> Workload:
        """Returns the workload at the shape that it is executed with.

        Raises:
            UsageError: When its shape is to be rounded up and is not known.
        """
        if self.multiple == 1:
            return workload
        if workload.batch_size is None or workload.seq_len is None:
            raise UsageError(f"'{workload.name}' has no batch size and sequence length to round up. Take bucket={NONE}")
        if self.multiple is None:
            sizes = {"batch_size": _power(workload.batch_size), "seq_len": _power(workload.seq_len)}
        else:
            sizes = {"seq_len": -(-workload.seq_len // self.multiple) * self.multiple}
        own: Any = workload  # a dataclass, as every workload is
        rounded: Workload = dataclasses.replace(own, **sizes)
        return rounded


def _power(size: int) -> int:
    return 1 << (size - 1).bit_length()
