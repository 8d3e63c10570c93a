"""Measures a campaign on another machine: plan, copy, run and import, round after round, resumed after a lost connection.

A queue may end a job, and nobody may be there to see it. So what the job was to measure and did not gets failed records with
the reason. They do not count, and the campaign measures what is missing in a further round once it is resumed.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from time import sleep
from typing import TYPE_CHECKING, Any

from hwcost.backends.cache import cache_dir
from hwcost.campaign.plans.plan import Plan, find_campaign
from hwcost.campaign.run import Further, Result, run
from hwcost.elsewhere.folder import RESULTS, JobFolder, check, write_folder
from hwcost.elsewhere.importing import take_in
from hwcost.elsewhere.nets import check_workload
from hwcost.elsewhere.results import read_results
from hwcost.elsewhere.transports import ConnectionLostError, JobEndedError, Transport
from hwcost.errors import DataError, DeviceError, HwcostError, MeasurementError, UsageError
from hwcost.timing import timer
from hwcost.timing.measurement import UNFINISHED, Flag, Visit

if TYPE_CHECKING:
    from hwcost.campaign.goals.goal import Goal
    from hwcost.campaign.rounds.budget import Budget
    from hwcost.campaign.rounds.journal import Journal
    from hwcost.campaign.rounds.progress import Progress, Tally
    from hwcost.stores.base import Store
    from hwcost.stores.schema import Campaign

PAUSES_S = (2.0, 5.0, 15.0, 30.0, 60.0)
"""Seconds between attempts to reach a machine whose connection was cut; then the campaign stops, and can be resumed."""

JOB = re.compile(r"[0-9A-Za-z-]{1,64}")
"""Names of jobs: folders here and there are called so, and a shell there reads the name."""

ERRORS = {2: UsageError, 3: DeviceError, 4: MeasurementError}
"""Errors by the exit status of the runner."""


def admit(plan: Plan, transport: Transport) -> None:
    """Refuses a plan that cannot be carried out on another machine, before anything is written or sent.

    Args:
        plan: Plan of the campaign.
        transport: Way to the machine.

    Raises:
        UsageError: When the runner does not know its backend, one of its options, the kind of device, the criterion or a
            workload.
        DeviceError: When a queue has no such device, or cannot be reached; says what it has.
    """
    check(plan)
    for item in plan.items:
        check_workload(item.workload, plan.backend)
    transport.claim(plan.device, plan.threads)


def measure_on(
    transport: Transport,
    store: Store,
    campaign_id: str,
    *,
    budget_s: float | None = None,
    wait_s: float = 600.0,
    progress: Callable[[Progress], None] = lambda state: None,
    remark: Callable[[str], None] | None = None,
    goals: Mapping[str, type[Goal]],
    further: Further | None = None,
) -> Result:
    """Runs, or resumes, a campaign of a store on another machine.

    Args:
        transport: Way to the machine.
        store: Store that holds the plan and takes the visits.
        campaign_id: Campaign in the store, whose plan was made by ``JobOptions``.
        budget_s: Seconds that the rounds share.
        wait_s: Seconds to wait for CPUs that other campaigns hold there.
        progress: Function that is called after every pass.
        remark: Function that gets lines on how long it takes, see :func:`hwcost.campaign.run.run`; None for no remarks.
        goals: Kinds of goal that the plan may hold, by name.
        further: Function that says after every round which workloads the next one measures, as
            :func:`hwcost.campaign.run.run` takes it; None for what the plan says.

    Raises:
        InterruptedRunError: On Ctrl-C; the machine is asked to stop, and what it measured is kept.
        DeviceError: When the machine cannot be reached or has no such device; what was measured is kept.
        DataError: When what it sends back cannot be used, or the campaign's id is none that can name a folder.
        UsageError: When the plan cannot be carried out there.
    """
    campaign = find_campaign(store, campaign_id)
    plan = Plan.from_dict(campaign.plan)
    place = _Place(transport, plan, campaign, wait_s)
    admit(plan, transport)
    how: dict[str, Any] = {"progress": progress, "remark": remark, "goals": goals, "further": further}
    return run(store, campaign_id, budget_s=budget_s, elsewhere=place, **how)


class _Place:
    """A machine that measures one campaign."""

    def __init__(self, transport: Transport, plan: Plan, campaign: Campaign, wait_s: float) -> None:
        if not JOB.fullmatch(campaign.campaign_id):
            raise DataError(
                f"the campaign's id '{campaign.campaign_id:.100}' cannot name a folder on another machine. Expected "
                "letters, digits and dashes. Measure it here, or begin a new campaign"
            )
        self.transport, self.plan, self.campaign, self.wait_s = transport, plan, campaign, wait_s

    @property
    def url(self) -> str:
        """Address of the machine."""
        return self.transport.url

    def rounds(self, journal: Journal, budget: Budget, tally: Tally) -> RemoteRounds:
        """Makes what measures the rounds there; the job folder is written here first, once for a campaign."""
        path = cache_dir("jobs") / self.campaign.campaign_id
        if not (path / "rounds.json").exists():
            shutil.rmtree(path, ignore_errors=True)
            write_folder(path, self.plan, self.campaign)
        return RemoteRounds(self, JobFolder(path), journal, budget, tally)


class RemoteRounds:
    """Runs rounds of a campaign on another machine.

    Args:
        place: The machine.
        folder: Job folder of the campaign on this machine.
        journal: Visits that the campaign has made.
        budget: The seconds of the campaign.
        tally: Counter of blocks, which reports the progress.
    """

    def __init__(self, place: _Place, folder: JobFolder, journal: Journal, budget: Budget, tally: Tally) -> None:
        self._transport, self._plan, self._wait_s, self._url = place.transport, place.plan, place.wait_s, place.url
        self._job = place.campaign.campaign_id
        self._folder, self._journal, self._budget, self._tally = folder, journal, budget, tally
        self._is_sent = False
        self._transport.waiting = self._wait

    def run(self, number: int, order: list[str], to_go: int) -> None:
        """Measures what is left of a round there, and takes its visits in; see ``hwcost.campaign.run.RoundRunner``."""
        if not self._is_sent:
            self._persistently(self._take_in)  # what a job measured whose client died
        if self._is_known(number, order):
            return
        self._folder.set_rounds({number: order})
        round_s, age, waited_s = self._budget.round_s(to_go), timer.stopwatch(), self._budget.waited_s
        self._tally.begin(number, to_go, len(order), round_s)
        arguments = ["--stream", "--wait", f"{self._wait_s:g}"]
        arguments += [] if round_s is None else ["--budget", f"{round_s:g}"]
        try:
            self._persistently(lambda: self._attempt(number, order, arguments))
        except KeyboardInterrupt:
            self._stop()
            raise
        self._persistently(self._take_in)
        if not self._is_known(number, order) and self._budget.left_s > 0:
            raise HwcostError(f"{self._url} ended round {number + 1} without results of all workloads. Report this.")
        took_s = age() - (self._budget.waited_s - waited_s)
        self._budget.learn(took_s, min(took_s, self._budget.least_s or took_s))

    def _is_known(self, number: int, order: list[str]) -> bool:
        return set(order) <= {visit.workload_key for visit in self._journal.visits if visit.round == number}

    def _attempt(self, number: int, order: list[str], arguments: list[str]) -> None:
        """Sends the job, or what is new of it, and runs it."""
        parts = [self._folder.path / "rounds.json"] if self._is_sent else self._folder.parts
        self._transport.send(parts, self._job)
        self._is_sent = True
        try:
            status, said = self._transport.run(self._job, arguments, self._hear)
        except JobEndedError as error:
            self._persistently(self._take_in)
            if not self._is_known(number, order):  # a queue may forget a job that was done
                self._give_up(number, order, str(error))
                raise
            return
        if status:
            self._persistently(self._take_in)
            text = said.rpartition("error: ")[2].strip() or f"it ended with status {status}"
            if self._transport.leaves_failures:
                self._give_up(number, order, f"the job failed: {text}.")
            raise ERRORS.get(status, HwcostError)(f"{self._url}: {text}.")

    def _give_up(self, number: int, order: list[str], why: str) -> None:
        """Keeps a failed record of everything that a job did not finish, beside the passes that it made of it."""
        finished = {visit.workload_key for visit in self._journal.visits if visit.round == number}
        self._persistently(lambda: self._take_in(is_over=True))
        for key in dict.fromkeys(order):
            if key not in finished:
                self._journal.keep(_unfinished(key, number, order.index(key), why), "job")

    def _persistently(self, action: Callable[[], None]) -> None:
        """Does something that needs the machine, again where the connection is cut meanwhile.

        Raises:
            ConnectionLostError: When the machine stays out of reach.
        """
        for pause_s in PAUSES_S:
            try:
                return action()
            except ConnectionLostError as error:
                self._tally.wait(f"{error} Trying again in {pause_s:g} s", self._plan.protocol.rounds)
                sleep(pause_s)
        return action()

    def _take_in(self, *, is_over: bool = False) -> None:
        """Brings the results here and makes records of what is new in them.

        Args:
            is_over: Whether the last process there has ended, although the results do not say so.
        """
        target = self._folder.path / RESULTS
        if not self._transport.fetch(self._job, RESULTS, target):
            return
        results = read_results(target)
        if results.campaign.campaign_id != self._job:
            raise DataError(f"{self._url} sent results of campaign {results.campaign.campaign_id}, not {self._job}")
        take_in(results, self._journal, is_over=is_over)

    def _stop(self) -> None:
        """Asks the machine to stop, and takes in what it has; an unreachable one goes on until its round ends."""
        try:
            self._transport.stop(self._job)
            self._take_in()
        except HwcostError:
            return

    def _wait(self, text: str, seconds: float) -> None:
        """Reports what a job waits for; that time is not the campaign's."""
        self._budget.waited_s += seconds
        self._tally.wait(text, self._plan.protocol.rounds)

    def _hear(self, line: str) -> None:
        """Reports the progress that a line of the runner's tells of; one that is none is passed over."""
        try:
            event: dict[str, Any] = json.loads(line)
            if event["event"] == "pass":
                self._tally.passed(event)
                self._tally.report(f"{len({block['workload_key'] for block in event['blocks']})} workloads in turn")
            elif event["event"] == "prepared":
                self._tally.report(self._journal.maker.name(event["workload_key"]))
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            return


def _unfinished(key: str, number: int, position: int, why: str) -> Visit:
    """Returns the failed visit of a workload that a job did not finish, which does not count as one of its rounds."""
    flag = Flag(UNFINISHED, why, "Resume the campaign, which measures it in a further round.")
    return Visit(key, number, position, started_at=timer.utc_now(), status="failed", flags=(flag,))
