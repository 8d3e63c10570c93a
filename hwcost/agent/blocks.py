"""A block, which is a run of calls timed as one: its time by the runtime, its counters, and its place in a pass.

Processes of job folders and of hwcost's own campaigns make the same blocks, and tell of them in the same plain JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Dict, Literal, Mapping, Optional, Tuple

Role = Literal["warm-up", "timed"]


@dataclass(frozen=True)
class BlockTiming:
    """The time that a run of calls took.

    Attributes:
        host_s: Seconds on the host's clock, from the first call until the device was done with the last one.
        device_s: Seconds on the device's own clock for the same calls; None where it has none.
        enqueue_s: Seconds on the host's clock until the first call returned to the host, which may be long before the
            device was done with it; None where calls return when they are done.
        layers_s: Seconds of the layers of a single call, one after another, ``host_s`` together; None where they are not
            timed.
        quick_s: Seconds per call of the quick slices; None where the calls were not timed slice by slice.
        quickest_s: The same of the quickest ones.
    """

    host_s: float
    device_s: Optional[float] = None
    enqueue_s: Optional[float] = None
    layers_s: Optional[Tuple[float, ...]] = None
    quick_s: Optional[float] = None
    quickest_s: Optional[float] = None


@dataclass(frozen=True)
class BlockReading:
    """Counters of one block.

    Attributes:
        clock_hz: Mean of the processor's clock before and after the block.
        cpu_s: CPU seconds of this process, all threads together.
        wait_s: Seconds in which this process was ready to run and had no CPU.
    """

    clock_hz: Optional[float] = None
    cpu_s: Optional[float] = None
    wait_s: Optional[float] = None

    def over(self, other: BlockReading) -> BlockReading:
        """Returns this reading, with the other one's facts where this one has none."""
        return BlockReading(
            other.clock_hz if self.clock_hz is None else self.clock_hz,
            other.cpu_s if self.cpu_s is None else self.cpu_s,
            other.wait_s if self.wait_s is None else self.wait_s,
        )


@dataclass(frozen=True)
class Block:
    """One timed block.

    Attributes:
        seconds: Wall seconds of the whole block.
        calls: Calls in it.
        cpu_s: CPU seconds of this process meanwhile; None where they are not read.
        clock_hz: Mean of the processor's clock before and after; None where it is unknown.
        idle_s: Seconds of the pause before it; None where calls are back to back.
        wait_s: Seconds that this process was ready to run and had no CPU; None where they are unknown.
        device_s: Seconds of the block on the device's own clock; None where it has none.
        enqueue_s: Seconds until the block's first call returned to the host; None where calls return when they are done.
        layers_s: Seconds of the layers of the block's only call; None where they are not timed.
        quick_s: Seconds per call of the quick slices; None where the block was not timed slice by slice.
        quickest_s: The same of the quickest ones.
    """

    seconds: float
    calls: int
    cpu_s: Optional[float] = None
    clock_hz: Optional[float] = None
    idle_s: Optional[float] = None
    wait_s: Optional[float] = None
    device_s: Optional[float] = None
    enqueue_s: Optional[float] = None
    layers_s: Optional[Tuple[float, ...]] = None
    quick_s: Optional[float] = None
    quickest_s: Optional[float] = None

    @property
    def per_call_s(self) -> float:
        """Seconds per call."""
        return self.seconds / self.calls


@dataclass(frozen=True)
class PassBlock:
    """A block of one workload in one pass, as a process tells it and a store keeps it.

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
    first_s: Optional[float] = None
    compiled: int = 0

    @property
    def ended_s(self) -> float:
        """Seconds on the same clock when the block ended."""
        return self.started_s + self.block.seconds

    @property
    def spent_s(self) -> float:
        """Seconds of the block, with the pause before it where calls come with pauses."""
        return (self.block.idle_s or 0.0) + self.block.seconds

    def to_dict(self) -> Dict[str, Any]:
        """Returns plain JSON without what is unknown, that :meth:`from_dict` turns back into an equal block."""
        plain: Dict[str, Any] = {
            "workload_key": self.workload_key, "pass": self.number, "started_s": self.started_s, "role": self.role,
            "warmup_calls": self.warmup_calls,
        }  # fmt: skip
        own = {name: getattr(self.block, name) for name in _OF_BLOCK}
        plain.update((name, value) for name, value in own.items() if value is not None)
        if self.first_s is not None:
            plain["first_s"] = self.first_s
        if self.compiled:
            plain["compiled"] = self.compiled
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> PassBlock:
        """Makes a block of what :meth:`to_dict` returned, also after a journey through JSON."""
        found = {name: plain[name] for name in _OF_BLOCK if name in plain}
        if "layers_s" in found:
            found["layers_s"] = tuple(found["layers_s"])
        return cls(
            plain["workload_key"], plain["pass"], plain["started_s"], Block(**found), plain["role"], plain["warmup_calls"],
            plain.get("first_s"), plain.get("compiled", 0),
        )  # fmt: skip


_OF_BLOCK = tuple(field.name for field in fields(Block))
