"""What a campaign has measured: the visits that are records, and the passes of the round under way, which become visits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hwcost.campaign.estimates import estimate
from hwcost.campaign.processes.worker_process import ATTEMPTS
from hwcost.campaign.rounds.records import RecordMaker
from hwcost.timing import timer
from hwcost.timing.measurement import Visit
from hwcost.timing.visits.assemble import assembled_group

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.stores.base import Store
    from hwcost.stores.schema import Record
    from hwcost.timing.protocol import Protocol

Event = dict[str, Any]

PROCESS = "process"
"""Name of the journal's event about a process: its facts, and how long its passes may go on."""

HALF = 0.5
"""Share of a round's passes below which a visit does not count as one of the rounds that a workload gets."""


class Journal:
    """Keeps what the processes of a campaign report.

    Args:
        plan: The campaign's plan.
        campaign_id: Its id.
        store: Store that holds it.

    Attributes:
        visits: Visits that have a record, in the order they were stored.
        maker: Maker of their records.
        deaths: Processes that died on each workload, by its key.
    """

    def __init__(self, plan: Plan, campaign_id: str, store: Store) -> None:
        self.plan, self.campaign_id, self.store = plan, campaign_id, store
        self.visits = estimate.visits_of(store, campaign_id)
        self.maker = RecordMaker(plan, campaign_id, store)
        self.deaths: Counter[str] = Counter()
        self._round = 0
        self._heading: Event = {}
        self._open: list[Event] = []
        self._elapsed = timer.stopwatch()

    def recover(self) -> None:
        """Makes records of the passes that were stored when a process, or its parent, was killed."""
        for number, events in self.store.passes(self.campaign_id).items():
            for heading, part in _processes(events):
                self._round, self._heading, self._open = number, heading, part
                self.maker.resume(heading["run_id"], heading["environment"])
                self.close(is_whole=False)

    def begin(
        self, number: int, environment: Mapping[str, Any], round_s: float | None, *, is_first: bool = True
    ) -> None:
        """Begins with a process.

        Args:
            number: Number of the round.
            environment: Facts that the process reports about its machine and software.
            round_s: Seconds after which it begins no further pass; None for no such end.
            is_first: Whether it does not measure in turn with a process of before.

        Raises:
            DataError: When the campaign was begun on another machine or with other software; names what differs.
        """
        found = self.maker.new_process(environment)
        if not is_first:
            return
        self._round, self._open, self._elapsed = number, [], timer.stopwatch()
        facts = found.model_dump(mode="json")
        self._heading = {"event": PROCESS, "run_id": self.maker.run_id, "environment": facts, "round_s": round_s}

    def add(self, event: Event) -> None:
        """Stores an event of the process, ``prepared``, ``pass`` or ``deferred``."""
        if not self._open:
            self.store.add_pass(self.campaign_id, self._round, self._heading)
        stamped = {**event, "elapsed_s": self._elapsed()}
        self.store.add_pass(self.campaign_id, self._round, stamped)
        self.take(stamped)

    def take(self, event: Event) -> None:
        """Takes an event that is kept elsewhere, with its ``elapsed_s``; it becomes part of the visits all the same."""
        self._open.append(event)

    def close(self, *, is_whole: bool, without: Collection[str] = ()) -> list[Visit]:
        """Makes visits of the passes since the last group was closed, and stores their records in place of the passes.

        Args:
            is_whole: Whether the process made all the passes that it was to make.
            without: Keys of workloads that get no visit.

        Returns:
            The visits. A workload that was prepared and not timed by then has none.
        """
        visits = [one for one in self._assembled() if one.workload_key not in without]
        if not is_whole:
            share = passes_share(self._open, self._heading.get("round_s"), self.plan.protocol.min_blocks)
            visits = [replace(one, conditions={**one.conditions, "round_share": share}) for one in visits]
        self.store.close_group([self._record(visit) for visit in visits])
        self.visits += visits
        self._open = []
        return visits

    def keep(self, visit: Visit, addition: str = "") -> None:
        """Stores the record of a visit that belongs to a failed workload, and so not to a group.

        Args:
            visit: The visit.
            addition: Addition to the key of its record, where the workload may have another one of the round.
        """
        self.store.append(self._record(visit, addition))
        self.visits.append(visit)

    def _record(self, visit: Visit, addition: str = "") -> Record:
        return self.maker.record(visit, min(ATTEMPTS, 1 + self.deaths[visit.workload_key]), addition)

    def _assembled(self) -> list[Visit]:
        """Makes visits of the workloads that were timed and have no record of the round yet."""
        known = {visit.workload_key for visit in self.visits if visit.round == self._round}
        if self.plan.protocol.has_pauses:
            known -= set(self.plan.canary_keys)  # which are visited again and again
        return visits_of_events(self._open, self.plan.protocol, known)


def visits_of_events(events: Sequence[Event], protocol: Protocol, known: Collection[str] = ()) -> list[Visit]:
    """Makes visits of what one process reported.

    Blocks of a workload in a group that it left because memory ran out count in no visit: the next group measures it anew.

    Args:
        events: Its events ``prepared``, ``pass`` and ``deferred``, in the order they came.
        protocol: Protocol that it measured with.
        known: Keys of workloads that have a visit.
    """
    passes = [event for event in events if event["event"] == "pass"]
    timed = {block["workload_key"] for event in passes for block in event["blocks"] if block["role"] == "timed"}
    wanted = timed.difference(known)
    deferred = {(event["group"], event["workload_key"]) for event in events if event["event"] == "deferred"}
    ready = [
        event for event in events
        if event["event"] == "prepared" and event["workload_key"] in wanted
        and (event["group"], event["workload_key"]) not in deferred
    ]  # fmt: skip
    found: list[Visit] = []
    for group in dict.fromkeys(event["group"] for event in ready):
        of_group = [event for event in ready if event["group"] == group]
        found += assembled_group(of_group, [event for event in passes if event["group"] == group], protocol)
    return found


def _processes(events: Sequence[Event]) -> list[tuple[Event, list[Event]]]:
    """Parts the journal of a round by process."""
    found: list[tuple[Event, list[Event]]] = []
    for event in events:
        if event["event"] == PROCESS:
            found.append((event, []))
        else:
            found[-1][1].append(event)
    return found


def passes_share(events: Sequence[Event], round_s: float | None, least: int) -> float:
    """Returns the share of its passes that a process made before it ended.

    Args:
        events: Its events.
        round_s: Seconds that its passes were to go on until; None for no such end.
        least: Number of passes that are enough in any case.
    """
    passes = [event for event in events if event["event"] == "pass"]
    if not passes:
        return 0.0
    share: float = passes[-1]["pass"] / least
    if round_s is not None:
        began_s = passes[0]["elapsed_s"] - passes[0]["seconds"]
        planned_s = round_s - began_s
        share = max(share, (passes[-1]["elapsed_s"] - began_s) / planned_s if planned_s > 0 else 1.0)
    return min(1.0, share)


def is_counted(visit: Visit) -> bool:
    """Whether a visit is one of the rounds that its workload gets; one that a kill cut short before its half is not."""
    return not visit.is_unfinished and bool(visit.conditions.get("round_share", 1.0) >= HALF)


def failed(visits: Sequence[Visit]) -> set[str]:
    """Returns the keys of the workloads that failed, which are never tried again."""
    return {visit.workload_key for visit in visits if visit.status == "failed" and not visit.is_unfinished}
