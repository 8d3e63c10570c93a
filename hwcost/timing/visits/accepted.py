"""Which blocks of a visit count: those that ran at the usual clock and kept the processor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hwcost.agent import contention
from hwcost.timing.guards import guards
from hwcost.timing.protocol import Protocol
from hwcost.timing.timer import Block


@dataclass(frozen=True, slots=True)
class AcceptedBlocks:
    """The steady blocks of a visit, in seconds per call.

    Attributes:
        samples: Seconds per call of the blocks that count.
        device_samples: Seconds per call of the same blocks on the device's own clock; None where it has none.
        left_out: Seconds per call of the others, by reason: ``disturbed`` or ``throttled``.
        disturbed: Number of counted blocks that lost the processor; they count because too few others would be left.
        wait_fraction: Share of the time of counted blocks in which the process had no CPU; None where it is unknown.
        cpu_fraction: CPU seconds over wall seconds of counted blocks; None where CPU time is not read.
        kept: Indices of the blocks that count.
    """

    samples: list[float]
    device_samples: list[float] | None
    left_out: dict[str, list[float]]
    disturbed: int = 0
    wait_fraction: float | None = None
    cpu_fraction: float | None = None
    kept: tuple[int, ...] = ()


def accepted(blocks: Sequence[Block], protocol: Protocol) -> AcceptedBlocks:
    """Sorts steady blocks.

    Blocks that ran at a low clock are left out, and so are those that lost the processor, unless less than half a visit
    would be left. Of calls that come with pauses none is left out: a low clock is what pauses do.

    Args:
        blocks: Steady blocks of one visit in the order they ran.
        protocol: Protocol, which has the least number of blocks of a visit.
    """
    if protocol.has_pauses:
        samples = [block.per_call_s for block in blocks]
        wait, kept = guards.wait_fraction(blocks), tuple(range(len(blocks)))
        return AcceptedBlocks(samples, _device_samples(blocks), {}, wait_fraction=wait, kept=kept)
    slow, lost = contention.slowed(blocks), contention.disturbed(blocks)
    reasons = ["throttled" if s else "disturbed" if d else "" for s, d in zip(slow, lost, strict=True)]
    if reasons.count("") < min(protocol.min_blocks, len(blocks)) / 2:
        reasons = ["throttled" if s else "" for s in slow]
    left_out: dict[str, list[float]] = {}
    for block, reason in zip(blocks, reasons, strict=True):
        left_out.setdefault(reason, []).append(block.per_call_s)
    kept = tuple(index for index, reason in enumerate(reasons) if not reason)
    counting = [blocks[index] for index in kept]
    put_back = sum(lost[index] for index in kept)
    shares = guards.wait_fraction(counting), guards.cpu_fraction(counting)
    return AcceptedBlocks(left_out.pop("", []), _device_samples(counting), left_out, put_back, *shares, kept)


def _device_samples(blocks: Sequence[Block]) -> list[float] | None:
    """Returns the device's seconds per call of every block; None where a block has none."""
    known = [block.device_s / block.calls for block in blocks if block.device_s is not None]
    return known if known and len(known) == len(blocks) else None
