"""One round: a fresh process measures what is due, and another one takes over where it dies."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from hwcost._log import logger
from hwcost.agent.groups import LEAST_PASSES
from hwcost.agent.memory import SHARE
from hwcost.campaign.processes.arms import Arm, Places, arms_of, in_turn
from hwcost.campaign.processes.cpus import beside
from hwcost.campaign.processes.exports import export, job_of, missing
from hwcost.campaign.processes.worker_process import DeviceLostInWorkerError, WorkerEndedError, WorkerProcess
from hwcost.devices import device_kind
from hwcost.errors import DeviceLostError, HwcostError, StoreError
from hwcost.timing import timer
from hwcost.timing.execution.memory import free_bytes
from hwcost.timing.measurement import Flag, Visit
from hwcost.timing.processes.worker import Job

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.campaign.processes.cpus import Reservation
    from hwcost.campaign.processes.fork_client import ForkServer
    from hwcost.campaign.processes.interrupt import Interrupt
    from hwcost.campaign.rounds.budget import Budget
    from hwcost.campaign.rounds.journal import Journal
    from hwcost.campaign.rounds.progress import Tally
    from hwcost.devices import DeviceHandle

_log = logger(__name__)

LESS = 0.5
"""Share of the memory of before that a group may take once a process was killed."""

ARM = 0.5
"""Share of a round's time for each of two revisions that are measured in it, where they cannot be measured in turn."""

LOSSES = 5
"""Processes in a row that lose the device before a pass is made, after which the campaign stops."""


class Rounds:
    """Runs rounds of a campaign.

    Args:
        plan: Plan of the campaign.
        handle: Device that is measured on.
        journal: Visits and passes that the campaign has made.
        budget: The seconds of the campaign.
        tally: Counter of blocks, which reports the progress.
        interrupt: Ctrl-C, which is looked at after every event.
        server: Warm process that workers are forked from.

    Attributes:
        reservation: The CPUs that the campaign holds; None where it needs none.
    """

    def __init__(
        self,
        plan: Plan,
        handle: DeviceHandle,
        journal: Journal,
        budget: Budget,
        tally: Tally,
        interrupt: Interrupt,
        server: ForkServer,
    ) -> None:
        self.plan, self.handle, self.journal = plan, handle, journal
        self.budget, self.tally, self.interrupt, self.server = budget, tally, interrupt, server
        self.reservation: Reservation | None = None
        self._memory_bytes: int | None = None
        self._losses = 0

    def run(self, number: int, order: list[str], to_go: int) -> None:
        """Measures what is left of a round; where calls come with pauses, until the budget ends it.

        Args:
            number: Number of the round.
            order: Keys of its workloads in the order of their positions.
            to_go: Rounds to go, this one included, which share what is left of the budget.
        """
        self._export(number, order, to_go)
        while left := self._left(number, order):
            try:
                self._process(number, left, to_go)
            except WorkerEndedError as error:
                self._after_end(error, number, order)
            except StoreError:
                raise
            except BaseException:
                self.journal.close(is_whole=False)
                raise
            else:
                if self.plan.protocol.has_pauses and self.budget.left_s <= 0:
                    return
                if self._left(number, order) == left:
                    raise HwcostError(f"the measuring process ended without a visit of {len(left)} workloads. Report this.")

    def _export(self, number: int, order: list[str], to_go: int) -> None:
        """Exports what the round is to measure, as far as it is not exported, before any process measures."""
        workloads = missing(self.plan, self.handle.kind, [key for _, key in self._left(number, order)])
        if not workloads:
            return
        took, holder = timer.stopwatch(), {"campaign": self.journal.campaign_id, "store": self.journal.store.url}
        with beside(self.reservation, holder) as cpus:
            export(job_of(self.plan, cpus), workloads, lambda text: self.tally.wait(text, to_go), self.interrupt.check)
        self.budget.exported(len(workloads), took())

    def _left(self, number: int, order: list[str]) -> Places:
        """Returns what has no record of the round.

        Workloads that are timed in turn are measured once a round, also where an order of before has canaries in between.
        """
        made = [visit for visit in self.journal.visits if visit.round == number]
        places = [(position, key) for position, key in enumerate(order)]
        if self.plan.protocol.has_pauses:
            done = {visit.position for visit in made}
            return [(position, key) for position, key in places if position not in done]
        known = {visit.workload_key for visit in made}
        first = {key: position for position, key in reversed(places)}
        return [(position, key) for position, key in places if key not in known and first[key] == position]

    def _process(self, number: int, left: Places, to_go: int) -> None:
        """Measures what is left of a round in a fresh process; where several revisions are left, in one for each."""
        arms = self._arms(left)
        share = ARM if len(arms) == 1 and arms[0].tree is not None else 1.0
        budget_s = self.budget.round_s(to_go)
        round_s = None if budget_s is None else share * budget_s
        workloads = sum(len(arm.places) for arm in arms)
        self.tally.begin(number, to_go, workloads, round_s)
        with ExitStack() as stack:
            jobs = [self._job(number, arm, round_s, takes_turns=len(arms) > 1) for arm in arms]
            workers = [
                stack.enter_context(WorkerProcess(job, self.server, arm.tree)) for job, arm in zip(jobs, arms, strict=True)
            ]
            age, spare_s = timer.stopwatch(), 0.0  # without the start of a warm process, which is paid for once
            begun = 0
            streams = [map(arm.renamed, worker.events()) for arm, worker in zip(arms, workers, strict=True)]
            for event in in_turn(streams, f"{self.plan.seed}/{number}"):
                kind = event["event"]
                if kind == "environment":
                    self.journal.begin(number, event, round_s, is_first=not begun)
                    begun += 1
                elif kind == "visit":
                    self.journal.keep(Visit.from_dict(event["visit"]))
                elif kind == "closed":
                    if len(arms) == 1:
                        self.journal.close(is_whole=True)
                else:
                    self.journal.add(event)
                    spare_s += _spare_s(event)
                    self._losses = 0 if kind == "pass" else self._losses
                self._report(event, workloads)
                self.interrupt.check()
        self.journal.close(is_whole=True)
        self.budget.learn(age() / share, (age() - spare_s) / share)

    def _arms(self, left: Places) -> list[Arm]:
        """Returns the arms that are measured next: all of them on the host, else the first one.

        A GPU that a second process holds counts as disturbed, a chip of a TPU cannot be held by two; and calls with pauses
        are measured for a given time each.
        """
        arms = arms_of(self.plan, left)
        is_in_turn = device_kind(self.handle.kind).is_host and not self.plan.protocol.has_pauses
        return arms if is_in_turn else arms[:1]

    def _report(self, event: dict[str, Any], workloads: int) -> None:
        if event["event"] == "pass":
            self.tally.passed(event)
            keys = {block["workload_key"] for block in event["blocks"]}
            self.tally.report(self._name(*keys) if len(keys) == 1 else f"{len(keys)} workloads in turn")
        elif event["event"] == "prepared":
            self.tally.report(self._name(event["workload_key"]))
        elif event["event"] == "visit":
            self.tally.report(self._name(event["visit"]["workload_key"]))

    def _name(self, key: str) -> str:
        return self.journal.maker.name(key)

    def _after_end(self, error: WorkerEndedError, number: int, order: list[str]) -> None:
        """Keeps the passes that were made, and lets the workload that was in hand be tried once more.

        That happens in a fresh process, whose groups take half as much memory, since memory is the usual cause of a death. A
        workload that is in hand when it happens again has failed, and so has one that stalled.

        Raises:
            DeviceLostError: When one process after another loses the device before it has made a pass.
            WorkerEndedError: When the process ended before it had a workload in hand.
        """
        is_lost = isinstance(error, DeviceLostInWorkerError)
        self._losses += is_lost
        if error.position is None or self._losses >= LOSSES:
            self.journal.close(is_whole=False)
            raise DeviceLostError(f"{error.code}: {error}") if is_lost else error
        key = order[error.position]
        self._memory_bytes = int(LESS * (self._memory_bytes or SHARE * free_bytes()))
        if self.journal.deaths[key] + 1 < error.attempts:
            _log.warning("the process that measured %s ended (%s); a fresh one tries again", self._name(key), error)
            self.journal.deaths[key] += 1
            self.journal.close(is_whole=False)
            return
        _log.warning("%s has failed: %s", self._name(key), error)
        self.journal.close(is_whole=False, without=[key])
        flag = Flag(error.code, str(error), error.remedy)
        self.journal.keep(Visit(key, number, error.position, started_at=timer.utc_now(), status="failed", flags=(flag,)))
        self.journal.deaths[key] += 1

    def _job(self, number: int, arm: Arm, round_s: float | None, takes_turns: bool) -> Job:
        return Job(
            backend=self.plan.backend,
            backend_options=self.plan.backend_options,
            threads=self.plan.threads,
            device=self.handle.to_dict(),
            protocol=self.plan.protocol.to_dict(),
            round=number,
            workloads=[workload.as_dict() for workload in arm.workloads],
            positions=[position for position, _ in arm.places],
            cpus=self._cpus(),
            round_s=round_s,
            seed=self.plan.seed,
            memory_bytes=self._memory_bytes,
            takes_turns=takes_turns,
            tree=None if arm.tree is None else arm.tree.folder,
        )

    def _cpus(self) -> list[int] | None:
        """Returns the CPUs that workers are bound to; None where they are not, and the system chooses."""
        if self.reservation is None or not self.plan.pin or sys.platform != "linux":
            return None
        return list(self.reservation.cpus)


def _spare_s(event: dict[str, Any]) -> float:
    """Returns the seconds of the passes beyond the fewest that a process may make."""
    if event["event"] != "pass" or event["pass"] <= LEAST_PASSES:
        return 0.0
    numbers = {block["pass"] for block in event["blocks"]}
    return float(event["seconds"] * sum(number > LEAST_PASSES for number in numbers) / len(numbers))
