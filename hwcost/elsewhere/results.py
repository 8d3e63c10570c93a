"""A results file, read whole and checked before anything of it is believed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hwcost.campaign.plans.plan import Plan
from hwcost.elsewhere.events import Closed, Deferred, Died, Done, Environment, Failed, Job, Pass, Prepared, Round, checked
from hwcost.errors import DataError, UsageError
from hwcost.stores.fields import reason
from hwcost.stores.schema import Campaign

Event = dict[str, Any]


@dataclass
class Process:
    """What one process of the runner reported.

    Attributes:
        round: Number of its round.
        environment: Facts about its machine and software.
        events: Events that followed, as plain JSON.
        is_over: Whether it has ended, or another one has begun since, so that nothing more comes of it.
    """

    round: int
    environment: Event
    events: list[Event] = field(default_factory=list)
    is_over: bool = False


@dataclass(frozen=True)
class Results:
    """A results file.

    Attributes:
        campaign: Campaign that was measured.
        plan: Its plan.
        rounds: Order of every round that was begun, by its number.
        processes: Reports of the processes, in the order they ran.
        remarks: Remarks for the reader about what was found.
    """

    campaign: Campaign
    plan: Plan
    rounds: dict[int, list[str]]
    processes: list[Process]
    remarks: list[str]


def is_results(path: Path) -> bool:
    """Says whether a file is one of a job's runner: by the event of its first line."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return b'"event": "job"' in file.readline(1_000)
    except OSError:
        return False


def read_results(path: Path) -> Results:
    """Reads a results file.

    A last line without its end is one that is being written, or that a kill cut short: it is left out, with a remark.

    Raises:
        DataError: When a line is cut short, repeated, missing, of another job, or holds what no runner writes.
        UsageError: When the file cannot be read.
    """
    if path.exists() and not path.is_file():
        raise UsageError(f"cannot read '{path}': it is not a plain file")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read '{path}': {error.strerror}") from None
    whole, _, rest = data.rpartition(b"\n")
    remarks = [f"the last line of '{path}' was cut short and is left out"] if rest else []
    lines = whole.split(b"\n") if whole else []
    if not lines:
        raise DataError(f"'{path}' holds no results yet. Run the job's run.py on the machine that has the device")
    reader = _Reader(path)
    for number, line in enumerate(lines):
        reader.add(number, line)
    return Results(reader.campaign, reader.plan, reader.rounds, reader.processes, remarks)


class _Reader:
    """Reads line after line, and knows what may come next."""

    campaign: Campaign
    plan: Plan

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rounds: dict[int, list[str]] = {}
        self.processes: list[Process] = []
        self._groups: dict[str, int] = {}
        self._closed: set[int] = set()

    def add(self, number: int, line: bytes) -> None:
        """Takes one line in."""
        place = f"line {number + 1} of '{self._path}'"
        plain = _document(line, place)
        if plain["n"] != number:
            what = "repeats an earlier one" if plain["n"] < number else "comes too early: others are missing before it"
            raise DataError(f"{place} has the number {plain['n']}, expected {number}: it {what}. Copy the file again")
        event = checked(plain["event"], place)
        if (number == 0) != isinstance(event, Job):
            raise DataError(f"{place}: the first line, and no other, names the job. Copy the file again")
        if isinstance(event, Job):
            self._begin(event, place)
        if plain["campaign_id"] != self.campaign.campaign_id:
            raise DataError(f"{place} is of another job. Import the results of each job from their own file")
        wrong = next(self._faults(event), None)
        if wrong:
            raise DataError(f"{place}: {wrong}. Copy the file again")
        self._keep(event, plain["event"])

    def _begin(self, event: Job, place: str) -> None:
        try:
            self.campaign = Campaign.model_validate(event.campaign)
        except ValidationError as error:
            raise DataError(f"{place} holds no campaign: {reason(error)}. Copy the file again") from None
        try:
            self.plan = Plan.from_dict(self.campaign.plan)
        except (AttributeError, ValueError) as error:
            raise DataError(f"{place} holds no plan of a campaign: {error}. Copy the file again") from None

    def _faults(self, event: Any) -> Iterator[str]:
        """Yields what is wrong with an event at this place of the file."""
        if isinstance(event, Round):
            yield from self._faults_of_round(event)
        elif isinstance(event, Environment):
            if event.round not in self.rounds:
                yield f"round {event.round} was not begun"
        elif isinstance(event, Died | Done | Prepared | Pass | Deferred | Closed):
            if not self.processes or self.processes[-1].is_over:
                yield "no process has begun"
                return
            yield from self._faults_of_process(event, self.processes[-1].round)
        elif isinstance(event, Failed):
            if not self.processes:
                yield "no process has begun"
            yield from self._faults_of_place(event.visit["workload_key"], event.visit["round"], event.visit["position"])

    def _faults_of_round(self, event: Round) -> Iterator[str]:
        known = {*self.plan.by_key, *self.plan.canary_keys}
        if event.number in self.rounds:
            yield f"round {event.number} begins twice"
        if not set(event.order) <= known:
            yield f"round {event.number} holds workloads that are not in the plan"

    def _faults_of_process(self, event: Any, number: int) -> Iterator[str]:
        if isinstance(event, Died | Done) and event.round != number:
            yield f"the process is of round {number}, not {event.round}"
        if isinstance(event, Died) and event.position >= len(self.rounds[number]):
            yield f"position {event.position} is not one of the round"
        if isinstance(event, Prepared):
            if event.round != number:
                yield f"the process is of round {number}, not {event.round}"
            yield from self._faults_of_place(event.workload_key, event.round, event.position)
            if event.workload_key in self._groups and not self.plan.protocol.has_pauses:
                yield "a workload is prepared twice"
        if isinstance(event, Pass):
            if any(self._groups.get(block.workload_key) != event.group for block in event.blocks):
                yield "a block is of a workload that was not prepared for this group"
            if event.group in self._closed:
                yield f"group {event.group} is closed"
        if isinstance(event, Deferred) and self._groups.get(event.workload_key) != event.group:
            yield "a workload is put off that was not prepared for this group"
        if isinstance(event, Closed) and event.group not in self._groups.values():
            yield f"group {event.group} was never begun"

    def _faults_of_place(self, key: str, number: int, position: int) -> Iterator[str]:
        order = self.rounds.get(number, [])
        if position >= len(order) or order[position] != key:
            yield f"workload {key[:12]} does not stand at position {position} of round {number}"

    def _keep(self, event: Any, plain: Event) -> None:
        if isinstance(event, Round):
            self.rounds[event.number] = list(event.order)
        elif isinstance(event, Environment):
            for process in self.processes[-1:]:
                process.is_over = True
            self._groups, self._closed = {}, set()
            self.processes.append(Process(event.round, plain))
        elif not isinstance(event, Job):
            if isinstance(event, Prepared):
                self._groups[event.workload_key] = event.group
            elif isinstance(event, Deferred):
                del self._groups[event.workload_key]
            elif isinstance(event, Closed):
                self._closed.add(event.group)
            self.processes[-1].is_over |= isinstance(event, Died | Done)
            self.processes[-1].events.append(plain)


def _document(line: bytes, place: str) -> dict[str, Any]:
    """Reads a line: its number, its campaign and its event.

    Raises:
        DataError: When it is none.
    """
    try:
        plain = json.loads(line.decode(), parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place} is not JSON: {error}. Copy the file again") from None
    if not isinstance(plain, dict) or plain.keys() != {"n", "campaign_id", "event"} or type(plain["n"]) is not int:
        raise DataError(f"{place} is not a line of a job's runner. Copy the file again")
    return plain


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is not a number")
