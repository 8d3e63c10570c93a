"""Work without a model, for the null backend: only its size is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwcost.errors import UsageError
from hwcost.spaces.accounting import Work
from hwcost.workloads.base import Workload, check_shape


@dataclass(frozen=True, slots=True)
class SyntheticWorkload(Workload):
    """A named amount of work.

    Attributes:
        name: Any text.
        flops: Operations per call.
        elements: Numbers moved per call.
    """

    kind: ClassVar[str] = "synthetic"

    name: str = ""  # a default, because a dataclass would else take the base class's property for one
    flops: int = 0
    elements: int = 0
    batch_size: int = 1
    seq_len: int | None = None
    dtype: str = "float32"

    def __post_init__(self) -> None:
        check_shape(self.batch_size, self.seq_len, self.dtype)
        if not self.name or self.flops < 0 or self.elements < 0:
            raise UsageError(
                f"synthetic work needs a name and no negative amounts, got name='{self.name}', flops={self.flops}, "
                f"elements={self.elements}"
            )

    def work(self) -> Work:
        """Returns the stated amounts."""
        return Work(0, self.flops, self.elements)
