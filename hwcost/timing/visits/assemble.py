"""Visits from the events of a worker: pure, so that the passes before a kill give what an orderly end gives.

Blocks of the pilot pass are warm-up. In a group of four and more workloads the others say how slow the machine was, so that
only a trend of the workload's own makes it unsteady. In a smaller one its blocks are judged by themselves: a window of them
is steady or, beside a neighbour that computes in bursts, the quickest ones stay as quick from first to last.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hwcost.agent.blocks import PassBlock
from hwcost.agent.rules import LEAST_BLOCKS, LEAST_GROUP
from hwcost.timing import conditions, steady, timer
from hwcost.timing.guards import guards, work
from hwcost.timing.measurement import Flag, Status, Visit
from hwcost.timing.protocol import Protocol
from hwcost.timing.visits import floor
from hwcost.timing.visits.accepted import AcceptedBlocks, accepted
from hwcost.timing.visits.surroundings import surroundings

QUEUED = 0.01
"""A call whose pause is below this share of its own time arrived while the one before it ran."""

Event = Mapping[str, Any]


def assembled(prepared: Event, passes: Sequence[Event], protocol: Protocol) -> Visit:
    """Makes the visit of one workload.

    Args:
        prepared: Its event ``prepared``.
        passes: Events ``pass`` of its group, those of the other workloads included, in the order they came.
        protocol: Protocol that they were measured with.
    """
    return assembled_group([prepared], passes, protocol)[0]


def assembled_group(prepared: Sequence[Event], passes: Sequence[Event], protocol: Protocol) -> list[Visit]:
    """Makes the visits of workloads of one group; see :func:`assembled`.

    Args:
        prepared: Events ``prepared`` of the workloads that are wanted.
        passes: Events ``pass`` of the group in the order they came.
        protocol: Protocol that they were measured with.
    """
    blocks = blocks_of(passes)
    is_large = bool(passes) and passes[0]["size"] >= LEAST_GROUP
    levels = surroundings(blocks) if is_large else {}
    shares = [_shares(event) for event in passes]
    return [
        _Assembly(one, blocks.get(one["workload_key"], []), _Group(passes, shares, levels), protocol).visit()
        for one in prepared
    ]


def blocks_of(passes: Sequence[Event]) -> dict[str, list[PassBlock]]:
    """Returns the blocks of every workload in the order they ran."""
    found: dict[str, list[PassBlock]] = {}
    for event in passes:
        for plain in event["blocks"]:
            found.setdefault(plain["workload_key"], []).append(PassBlock.from_dict(plain))
    return found


@dataclass(frozen=True, slots=True)
class _Group:
    """The passes of a group, as each of its workloads needs them.

    Attributes:
        passes: Events of the passes.
        shares: Share of each pass's time by workload.
        levels: Log slowing of what ran around each timed block, by workload; empty where the group is too small.
    """

    passes: Sequence[Event]
    shares: Sequence[Mapping[str, float]]
    levels: Mapping[str, Sequence[float]]


class _Assembly:
    """One visit in the making."""

    def __init__(self, prepared: Event, blocks: Sequence[PassBlock], group: _Group, protocol: Protocol) -> None:
        self.prepared, self.blocks, self.group, self.protocol = prepared, blocks, group, protocol
        self.pilot = [one for one in blocks if one.role == "warm-up"]
        self.timed = [one for one in blocks if one.role == "timed"]
        self.levels = group.levels.get(prepared["workload_key"], ())
        self.steady_from = self._steady_from()
        self.steady = [] if self.steady_from is None else self.timed[self.steady_from :]
        self.warmup = [one.block.per_call_s for one in [*self.pilot, *self.timed[: self.steady_from]]]
        self.accepted: AcceptedBlocks = accepted([one.block for one in self.steady], protocol)

    def visit(self) -> Visit:
        """Returns the visit."""
        if not self.blocks:
            flag = Flag("E_NO_STEADY", "the process ended before a block was timed.", "Measure it again.")
            return Visit(
                self.prepared["workload_key"], self.prepared["round"], self.prepared["position"], flags=(flag,),
                prepare_s=self.prepared["prepare_s"], first_run_s=self.prepared["first_run_s"], status="void",
                started_at=timer.utc_now() if not self.group.passes else timer.utc(self.group.passes[0]["begun_s"]),
            )  # fmt: skip
        seen = self._conditions()
        flags = self._flags(seen)
        kept, samples = [self.steady[index] for index in self.accepted.kept], self.accepted.samples
        started_s = self.blocks[0].started_s - (self.blocks[0].block.idle_s or 0.0)
        cpu_s = [one.block.cpu_s for one in self.blocks if one.block.cpu_s is not None]
        device = self.accepted.device_samples
        return Visit(
            workload_key=self.prepared["workload_key"],
            round=self.prepared["round"],
            position=self.prepared["position"],
            samples_s=tuple(samples),
            block_starts_s=tuple(one.started_s - started_s for one in kept),
            passes=tuple(one.number for one in kept),
            device_samples_s=None if device is None else tuple(device),
            calls_per_block=self.prepared["calls"],
            warmup_s=tuple(self.warmup),
            steady=steady.classify(self.warmup[len(self.pilot) :], samples, self.protocol.steady_tolerance),
            started_at=self._started_at(),
            started_s=started_s,
            ended_s=self.blocks[-1].ended_s,
            prepare_s=self.prepared["prepare_s"],
            first_run_s=self.prepared["first_run_s"],
            cpu_s=sum(cpu_s) if cpu_s else None,
            conditions=seen,
            facts=dict(self.prepared["facts"]),
            flags=tuple(flags),
            status=_status(flags),
        )

    def _steady_from(self) -> int | None:
        """Returns the index of the first steady block of those timed; None where there is none."""
        per_call_s = [one.block.per_call_s for one in self.timed]
        if self.levels:
            return steady.trendless_from([math.log(one) for one in self._own(per_call_s)], self.protocol.steady_tolerance)
        if len(self.timed) < LEAST_BLOCKS:
            return 0 if self.timed else None
        window = min(self.protocol.window, len(self.timed))
        for count in range(window, len(per_call_s) + 1):
            found = steady.first_steady(per_call_s[:count], self.protocol.steady_tolerance, window)
            if found is not None:
                return found
        return 0 if floor.is_level(per_call_s, self.protocol.steady_tolerance) else None

    def _started_at(self) -> str:
        """Returns the instant of the first block; on a virtual clock, which may run ahead, not after the last pass."""
        first, last = self.group.passes[0], self.group.passes[-1]
        offset_s = self.blocks[0].started_s - first["blocks"][0]["started_s"]
        return timer.utc(min(first["begun_s"] + max(0.0, offset_s), last["begun_s"] + last["seconds"]))

    def _own(self, per_call_s: Sequence[float]) -> list[float]:
        """Returns the times of the timed blocks as they were without what slowed everything around them."""
        if not self.levels:
            return list(per_call_s)
        return [one * math.exp(-level) for one, level in zip(per_call_s, self.levels, strict=True)]

    def _conditions(self) -> dict[str, Any]:
        """Returns what the machine did meanwhile, and what the blocks and the checks say."""
        key = self.prepared["workload_key"]
        pairs = zip(self.group.passes, self.group.shares, strict=True)
        reported = [(event["seconds"], shares[key], event["conditions"]) for event, shares in pairs if key in shares]
        seen = conditions.together(reported)
        found = self.accepted
        seen |= {
            "clock_ratio": guards.clock_ratio([one.block for one in self.timed]),
            "left_out_s": found.left_out,
            "cpu_wait_fraction": found.wait_fraction,
            "cpu_fraction": found.cpu_fraction,
            "disturbed_blocks": found.disturbed,
        }
        seen |= self._of_device() | self._lost(seen)
        hot = self.prepared["checks"].get("hot_cache")
        seen |= self._arrival() | self._switch() | self.prepared.get("quantities", {})
        return seen | ({"hot_cache": hot} if hot else {})

    def _lost(self, seen: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the share of every counted block's time that others took, by counters; nothing where that is little.

        What a hypervisor or a quota took is known of whole passes, and it is less what the blocks that were left out lost.
        """
        if not self.accepted.kept or not guards.has_lost_much(seen, self._span_s):
            return {}
        taken = {plain["pass"]: guards.taken_fraction(event["conditions"], event["seconds"])
                 for event in self.group.passes for plain in event["blocks"]}
        kept, usual_s = [self.steady[index] for index in self.accepted.kept], statistics.median(self.accepted.samples)
        rest = [one.block for index, one in enumerate(self.steady) if index not in set(self.accepted.kept)]
        left_out_s = sum(max(0.0, block.seconds - block.calls * usual_s) for block in rest)
        kept_s = sum(one.block.seconds for one in kept)
        all_s = kept_s + sum(block.seconds for block in rest)
        waits = [(one.block.wait_s or 0.0) / one.block.seconds for one in kept]
        others = [max(0.0, taken[one.number] * all_s - left_out_s) / kept_s for one in kept]
        had = [max(0.0, 1.0 - other) * max(0.0, 1.0 - wait) for other, wait in zip(others, waits, strict=True)]
        return {"block_lost_fraction": [1.0 - share for share in had]}

    @property
    def _span_s(self) -> float:
        """Seconds of the passes of the group."""
        return float(sum(event["seconds"] for event in self.group.passes))

    def _of_device(self) -> dict[str, Any]:
        """Returns a call's time on the device's own clock, the host's time to launch it, and each block's layers and clock.

        What the device or its runtime does not report is left out.
        """
        kept = [self.steady[index].block for index in self.accepted.kept]
        device, launches = self.accepted.device_samples, [one.enqueue_s for one in kept if one.enqueue_s is not None]
        clocks = [one.clock_hz for one in kept if one.clock_hz is not None]
        found: dict[str, Any] = {"device_s": statistics.median(device)} if device else {}
        if launches:
            found["enqueue_s"] = statistics.median(launches)
        layers = [list(one.layers_s) for one in kept if one.layers_s is not None]
        if layers and len(layers) == len(kept):
            found["block_layers_s"] = layers
        if any(one.quick_s is not None for one in kept):
            found["block_quick_s"] = [one.per_call_s if one.quick_s is None else one.quick_s for one in kept]
            found["block_quickest_s"] = [one.per_call_s if one.quickest_s is None else one.quickest_s for one in kept]
        if clocks and len(clocks) == len(kept):
            found |= {"clock_hz": statistics.median(clocks), "block_clock_hz": clocks}
        return found

    def _arrival(self) -> dict[str, Any]:
        """Returns how calls arrived, where they came with pauses: the median pause, and the share that had to queue."""
        if not self.protocol.has_pauses:
            return {}
        pauses = [(one.block.idle_s or 0.0, one.block.seconds) for one in self.timed]
        queued = sum(idle_s < QUEUED * seconds for idle_s, seconds in pauses) / len(pauses)
        idle_s = statistics.median(idle_s for idle_s, _ in pauses)
        return {"arrival": {"calls": self.protocol.arrival, "idle_s": idle_s, "queued": queued}}

    def _switch(self) -> dict[str, Any]:
        """Returns the calls before each block, and the time of the first call after a switch over one in a loop."""
        if not self.pilot and self.group.passes[0]["size"] == 1:
            return {}
        calls = self.timed[-1].warmup_calls if self.timed else self.pilot[-1].warmup_calls
        ratios = [
            one.first_s / (one.block.per_call_s if one.warmup_calls else self.prepared["loop_s"])
            for one in self.blocks
            if one.first_s is not None and one.block.seconds > 0
        ]
        return {"warmup_calls": calls, "switch_ratio": statistics.median(ratios) if ratios else None}

    def _flags(self, seen: Mapping[str, Any]) -> list[Flag]:
        if self.steady_from is None:
            return [self._never_steady()]
        checks = self.prepared["checks"]
        compiled = checks["compiled"] + sum(one.compiled for one in self.blocks)
        own = self._own([one.block.per_call_s for one in self.timed])[self.steady_from :]
        flags = guards.of_visit(
            [own[index] for index in self.accepted.kept], seen, name=self.prepared["name"],
            left_out=self.accepted.left_out, compiled=compiled, span_s=self._span_s,
        )  # fmt: skip
        latency_s = min(one.block.per_call_s for one in self.steady)
        not_executed = work.check_async(latency_s, checks["bound_s"], checks["repeat_ratio"])
        return [*flags, not_executed] if not_executed else flags

    def _never_steady(self) -> Flag:
        if not self.timed:
            return Flag("E_NO_STEADY", "no block was timed after the pilot pass.", "Measure it again.")
        tolerance, window = self.protocol.steady_tolerance, self.protocol.window
        what, per_block = steady.why_not([one.block.per_call_s for one in self.timed], tolerance, window)
        spent_s = sum(one.spent_s for one in self.timed)
        cap_s = self.protocol.cap_s(spent_s / len(self.timed))
        text = f"{len(self.timed)} blocks in {spent_s:.1f} s (cap {cap_s:.3g} s) never became steady: "
        text += f"{what}, by {100 * per_block * len(self.timed) / spent_s:+.2g} % per second."
        remedy = "Let the machine cool or rest, and see the samples."
        if what.endswith("slower"):
            remedy += " A model that keeps a state between calls, such as a cache that grows, has to reset it in forward."
        return Flag("E_NO_STEADY", text, remedy)


def _shares(event: Event) -> dict[str, float]:
    """Returns the share of a pass's blocks, by time, of every workload."""
    found: dict[str, float] = {}
    for plain in event["blocks"]:
        found[plain["workload_key"]] = found.get(plain["workload_key"], 0.0) + plain["seconds"]
    total_s = sum(found.values())
    return {key: seconds / total_s if total_s else 0.0 for key, seconds in found.items()}


def _status(flags: Sequence[Flag]) -> Status:
    if any(flag.code.startswith("E_") for flag in flags):
        return "void"
    return "warn" if any(flag.code.startswith("W_") for flag in flags) else "ok"
