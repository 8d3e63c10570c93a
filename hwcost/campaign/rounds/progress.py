"""How far a campaign is: blocks made and planned, counted as passes come in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost.agent.groups import LEAST_PASSES
from hwcost.campaign.rounds.precision import block_noise, half_width, unseen_loss
from hwcost.timing import timer
from hwcost.timing.guards.guards import taken_fraction
from hwcost.timing.measurement import Visit

if TYPE_CHECKING:
    from hwcost.campaign.estimates.reached import Reached
    from hwcost.campaign.rounds.budget import Budget
    from hwcost.timing.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign is.

    Attributes:
        done: Blocks made; a block is one workload in one pass.
        planned: Blocks planned so far; further rounds for imprecise workloads add to them.
        round: The present round, from 0.
        remaining_s: Expected seconds to go; None before the first pass.
        name: Name of the workload that was prepared last, or the number of workloads that are timed in turn.
        call_s: Seconds of one call, in the mean over the blocks made by now; None before the first pass.
        idle_s: Seconds of the pause before each call, likewise; 0 for calls back to back.
        waiting: Reason why the campaign waits, the holder of its CPUs or exports; empty when it measures.
        rounds: Rounds planned so far, the present one included.
        passes: Passes of the present round by now.
        planned_passes: Passes of the present round, as far as is known; 0 before the first one.
        standing: Values of the campaign's goals after the last process; empty before they are known.
        half_width: Relative half-width that is expected at the end; None before anything tells.
        workloads: Number of workloads of the present round.
        lost: Log delay that counters tell and blocks do not show, which is part of the half-width.
    """

    done: int
    planned: int
    round: int
    remaining_s: float | None
    name: str
    call_s: float | None = None
    idle_s: float = 0.0
    waiting: str = ""
    rounds: int = 0
    passes: int = 0
    planned_passes: int = 0
    standing: str = ""
    half_width: float | None = None
    workloads: int = 0
    lost: float = 0.0


class Tally:
    """Counts what a campaign does.

    Args:
        protocol: Limits and criteria of every workload.
        budget: The seconds of the campaign.
        report: Function that takes the progress.
        visits: Visits that were made before.

    Attributes:
        standing: Values of the campaign's goals after the last process; empty before they are known.
        reached: Half-width that the typical workload has by now; None before it has one.
    """

    def __init__(
        self, protocol: Protocol, budget: Budget, report: Callable[[Progress], None], visits: Iterable[Visit]
    ) -> None:
        self._protocol, self._budget, self._report = protocol, budget, report
        self._before = sum(len(visit.samples_s) for visit in visits)
        self._made = self._round = self._to_go = self._workloads = self._in_process = 0
        self._passes = 0
        self._round_s: float | None = None
        self._start_s: float | None = None
        self._call_sum_s = self._idle_sum_s = self._block_sum_s = self._taken_s = 0.0
        self._age = timer.stopwatch()
        self._blocks: dict[str, list[float]] = {}
        self._waited: list[float] = []
        self._shares_host = False
        self.standing = ""
        self.reached: Reached | None = None

    def begin(self, number: int, to_go: int, workloads: int, round_s: float | None) -> None:
        """Begins with a process.

        Args:
            number: Number of the round.
            to_go: Processes to go, this one included.
            workloads: Number of workloads in it.
            round_s: Seconds after which it begins no further pass; None for no such end.
        """
        self._round, self._to_go, self._workloads, self._round_s = number, to_go, workloads, round_s
        self._in_process = self._passes = 0
        self._start_s = None
        self._blocks, self._waited = {}, []
        self._age = timer.stopwatch()

    def passed(self, event: dict[str, Any]) -> None:
        """Counts the blocks of one or more passes."""
        if self._start_s is None:
            self._start_s = max(0.0, self._age() - event["seconds"])
        self._passes = event["pass"]
        for block in event["blocks"]:
            self._call_sum_s += block["seconds"] / block["calls"]
            self._idle_sum_s += block.get("idle_s", 0.0)
            if block["role"] == "timed":
                self._blocks.setdefault(block["workload_key"], []).append(block["seconds"] / block["calls"])
                self._waited.append(min(1.0, (block.get("wait_s") or 0.0) / max(block["seconds"], 1e-9)))
        self._block_sum_s += event["seconds"]
        seen = event.get("conditions", {})
        self._taken_s += taken_fraction(seen, event["seconds"]) * event["seconds"]
        self._shares_host = bool(seen.get("shares_host"))
        self._made += len(event["blocks"])
        self._in_process += len(event["blocks"])

    def report(self, name: str) -> None:
        """Reports how far the campaign is."""
        made, in_process = self._made, self._planned_in_process()
        in_this, after = max(0, in_process - self._in_process), self._processes_after()
        left = in_this + after * in_process
        done = self._before + made
        remaining_s = None if not made else min(left * self._budget.spent_s / made, max(0.0, self._budget.left_s))
        call_s, idle_s = (self._call_sum_s / made, self._idle_sum_s / made) if made else (None, 0.0)
        lost = unseen_loss(self._taken_s / self._block_sum_s, self._waited, self._blocks) if self._block_sum_s else 0.0
        planned_passes = max(self._passes, round(in_process / max(1, self._workloads))) if made else 0
        self._report(
            Progress(
                done, done + left, self._round, remaining_s, name, call_s, idle_s, rounds=self._round + 1 + after,
                passes=self._passes, planned_passes=planned_passes, standing=self.standing,
                half_width=self._expected(planned_passes, self._round + 1 + after, lost, remaining_s or 0.0),
                workloads=self._workloads, lost=lost,
            )
        )  # fmt: skip

    def wait(self, what: str, planned: int) -> None:
        """Reports that the campaign waits.

        Args:
            what: Holder of the CPUs, or progress of exports.
            planned: Number of rounds that are planned.
        """
        self._report(Progress(self._before, self._before, 0, None, "", waiting=what, rounds=planned))

    def _processes_after(self) -> int:
        """Returns the processes that are expected after this one: fewer than planned where starting took too long."""
        after = max(0, self._to_go - 1)
        if self._start_s is None or self._round_s is None:
            return after
        pass_s = self._workloads * self._block_sum_s / self._made
        present_s = max(self._round_s - self._age(), (LEAST_PASSES - self._passes) * pass_s, 0.0)
        return self._budget.expected(after, self._round + 1, present_s, self._start_s + LEAST_PASSES * pass_s)

    def _expected(self, planned_passes: int, rounds: int, lost: float, remaining_s: float) -> float | None:
        """Returns the half-width that is expected at the end: by that of now, or else by the noise of the first blocks.

        Time that is lost where no block shows it is a part of it that stays.
        """
        if self.reached is not None:
            return self.reached.after(rounds, lost)
        noise = block_noise(self._blocks)
        if noise is None:
            return None
        host_s = self._budget.spent_s + remaining_s if self._shares_host else None
        return half_width(max(1, rounds), max(1, planned_passes), noise, host_s) + lost

    def _planned_in_process(self) -> int:
        """Returns the blocks of the present process, as far as is known."""
        fewest = self._protocol.min_blocks
        if not self._block_sum_s:
            return self._workloads * fewest
        block_s = self._block_sum_s / self._made
        if self._round_s is not None:
            fit = int(max(0.0, self._round_s - self._age()) / block_s)
            return min(self._in_process + fit, max(self._in_process, self._workloads * self._protocol.max_blocks))
        wanted = max(fewest, math.ceil(self._protocol.min_visit_s / block_s))
        return max(self._in_process, self._workloads * min(wanted, self._protocol.max_blocks))
