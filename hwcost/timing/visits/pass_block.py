"""A block with its place in a pass, as a worker tells it and a store keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from hwcost.timing.timer import Block

Role = Literal["warm-up", "timed"]


@dataclass(frozen=True, slots=True)
class PassBlock:
    """A block of one workload in one pass.

    Attributes:
        workload_key: Key of the workload.
        number: Number of the pass; 0 is the pilot pass.
        started_s: Seconds on the campaign's common clock when the block began.
        block: The block itself.
        role: Role of the block: ``warm-up`` in the pilot pass, else ``timed``.
        warmup_calls: Calls between the switch to this workload and the block.
        first_s: Seconds of the very first call after the switch; None where it was not timed by itself.
        compiled: Compilations in the warm-up calls and the block.
    """

    workload_key: str
    number: int
    started_s: float
    block: Block
    role: Role = "timed"
    warmup_calls: int = 0
    first_s: float | None = None
    compiled: int = 0

    @property
    def ended_s(self) -> float:
        """Seconds on the same clock when the block ended."""
        return self.started_s + self.block.seconds

    @property
    def spent_s(self) -> float:
        """Seconds of the block, with the pause before it where calls come with pauses."""
        return (self.block.idle_s or 0.0) + self.block.seconds

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON without what is unknown, that :meth:`from_dict` turns back into an equal block."""
        plain: dict[str, Any] = {"workload_key": self.workload_key, "pass": self.number, "started_s": self.started_s}
        plain |= {"role": self.role, "warmup_calls": self.warmup_calls}
        plain |= {name: value for name in _OF_BLOCK if (value := getattr(self.block, name)) is not None}
        if self.first_s is not None:
            plain["first_s"] = self.first_s
        return plain | {"compiled": self.compiled} if self.compiled else plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> PassBlock:
        """Makes a block of what :meth:`to_dict` returned, also after a journey through JSON."""
        found = {name: plain[name] for name in _OF_BLOCK if name in plain}
        block = Block(**found | ({"layers_s": tuple(found["layers_s"])} if "layers_s" in found else {}))
        return cls(
            plain["workload_key"], plain["pass"], plain["started_s"], block, plain["role"], plain["warmup_calls"],
            plain.get("first_s"), plain.get("compiled", 0),
        )  # fmt: skip


_OF_BLOCK = tuple(field.name for field in fields(Block))
