"""Runs a plan: round after round in fresh processes, every visit stored before the next begins, resumable at any moment."""

from __future__ import annotations

import math
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwcost._cached import cached_property
from hwcost._log import logger
from hwcost.backends import BACKENDS
from hwcost.campaign import canaries, estimate
from hwcost.campaign.cpus import WAIT_S, Reservation, reserved
from hwcost.campaign.interrupt import Interrupt
from hwcost.campaign.plan import Plan, find_campaign
from hwcost.campaign.process import WorkerDiedError, WorkerProcess
from hwcost.campaign.records import RecordMaker
from hwcost.devices import DeviceHandle, require
from hwcost.errors import DeviceError, InterruptedRunError
from hwcost.stores.ids import utc_now
from hwcost.timing import timer
from hwcost.timing.measurement import Flag, Measurement, Visit
from hwcost.timing.worker import Job

if TYPE_CHECKING:
    from hwcost.stores.base import Store

__all__ = ["Progress", "Result", "run", "start"]

_log = logger(__name__)

DOUBTFUL = 2.0
"""An interval this many times as wide as the median one is visited first."""

ATTEMPTS = 2
"""Processes that may die on a workload before it has failed; the attempt's number is kept in the record."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign is.

    Attributes:
        done: Visits made.
        planned: Visits planned so far; further rounds for imprecise workloads add to them.
        round: The present round, from 0.
        remaining_s: Expected seconds to go; None before the first visit.
        name: Name of the workload that is measured now.
        call_s: Seconds of one call, in the mean over the visits made by now; None before the first visit.
        idle_s: Seconds of the pause before each call, likewise; 0 for calls back to back.
        waiting: Holder of the CPUs that the campaign waits for; empty when it measures.
    """

    done: int
    planned: int
    round: int
    remaining_s: float | None
    name: str
    call_s: float | None = None
    idle_s: float = 0.0
    waiting: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A campaign that has run.

    Attributes:
        campaign_id: Id of the campaign in the store.
        store_url: Path or URL of the store.
        plan: Plan of the campaign.
        measurements: Measurements, one per item, in the plan's order.
        flags: Doubts about the campaign as a whole.
        seconds: Seconds that this run took.
        is_complete: Whether every planned visit was made; false when the budget ended it.
        fit: Level of the machine meanwhile, and the residual of each visit.
    """

    campaign_id: str
    store_url: str
    plan: Plan
    measurements: tuple[Measurement, ...]
    flags: tuple[Flag, ...]
    seconds: float
    is_complete: bool
    fit: estimate.CampaignFit

    def __repr__(self) -> str:
        state = "" if self.is_complete else ", not complete"
        return f"<campaign {self.campaign_id} in {self.store_url}: {len(self.measurements)} measurements{state}>"


def start(plan: Plan, store: Store) -> str:
    """Writes a plan into a store and returns the new campaign's id."""
    from hwcost import __version__
    from hwcost.stores.schema import Campaign

    campaign = Campaign(plan=plan.to_dict(), hwcost_version=__version__)
    store.add_campaign(campaign)
    return campaign.campaign_id


def run(
    store: Store,
    campaign_id: str,
    *,
    budget_s: float | None = None,
    wait_s: float = WAIT_S,
    progress: Callable[[Progress], None] = lambda state: None,
) -> Result:
    """Runs a campaign that lies in a store, or resumes it.

    The campaign itself, and as many CPUs as it has threads, are held for this process until it ends or dies.

    Args:
        store: Store that holds the plan and takes the visits.
        campaign_id: Id from :func:`start`, or that of a campaign that was interrupted.
        budget_s: Seconds after which no further visit is begun; waiting for CPUs does not count.
        wait_s: Seconds to wait for CPUs that other campaigns hold.
        progress: Function that is called before and after every visit, and while the campaign waits.

    Raises:
        InterruptedRunError: On Ctrl-C; what was measured is kept.
        DataError: When the campaign was begun on another machine or with other software.
        BusyError: When another process runs this campaign, or others hold the CPUs for longer than ``wait_s``.
        DeviceError: When the device is not here, or was lost on the way; what was measured is kept.
        UsageError: When this process may use fewer CPUs than the plan has threads.
    """
    find_campaign(store, campaign_id)
    with store.held(campaign_id):
        campaign = _Run(store, campaign_id, budget_s, progress)
        try:
            with campaign.interrupt, campaign.processors(wait_s):
                complete = campaign.all_rounds()
        except KeyboardInterrupt:
            store.set_status(campaign_id, "interrupted")
            kept = f"interrupted; {len(campaign.visits)} visits are kept."
            raise InterruptedRunError(f"{kept} Go on with: hwcost measure --resume --store {store.url}") from None
        except DeviceError as error:  # busy, or lost
            store.set_status(campaign_id, "stopped")
            raise type(error)(f"{error} Go on with: hwcost measure --resume --store {store.url}") from None
        store.set_status(campaign_id, "done" if complete else "stopped")
    fit = estimate.fit_campaign(campaign.plan, campaign.visits)
    flags = (*fit.flags, *campaign.maker.machine_flags())
    return Result(campaign_id, store.url, campaign.plan, fit.measurements, flags, campaign.elapsed(), complete, fit)


class _Run:
    """The state of a campaign while it runs."""

    def __init__(
        self, store: Store, campaign_id: str, budget_s: float | None, progress: Callable[[Progress], None]
    ) -> None:
        self.store = store
        self.campaign_id = campaign_id
        self.budget_s = budget_s
        self.progress = progress
        self.plan = Plan.from_dict(find_campaign(store, campaign_id).plan)
        self.visits = estimate.visits_of(store, campaign_id)
        self.maker = RecordMaker(self.plan, campaign_id, store)
        self.elapsed = timer.stopwatch()
        self.interrupt = Interrupt()
        self.planned = 0
        self.made = 0
        self.timed = 0
        self.call_sum_s = self.idle_sum_s = 0.0
        self.deaths: Counter[str] = Counter()
        self.reservation: Reservation | None = None

    @cached_property
    def handle(self) -> DeviceHandle:
        """Device that is measured on; plans of version 0.1.0 hold its name only."""
        return self.plan.handle or require(self.plan.device)

    @contextmanager
    def processors(self, wait_s: float) -> Iterator[None]:
        """Holds the CPUs that the campaign measures on; a synthetic backend needs none."""
        if not BACKENDS.load(self.plan.backend).uses_processor:
            yield
            return
        holder = {"campaign": self.campaign_id, "store": self.store.url, "since": f"{utc_now()[:19]}Z"}
        with reserved(self.plan.threads, holder, wait_s=wait_s, waiting=self._report_waiting) as self.reservation:
            self.maker.reservation = self.reservation
            self.elapsed = timer.stopwatch()
            yield

    def all_rounds(self) -> bool:
        """Runs round after round until nothing is due; returns False when the budget ended it."""
        self.store.set_status(self.campaign_id, "running")
        for number in range(self.plan.protocol.max_rounds):
            known = self.store.rounds(self.campaign_id).get(number)
            order = known if known is not None else self._with_canaries(self._order(number))
            if not order:
                continue
            order = self.store.add_round(self.campaign_id, number, order)
            if not self._round(number, order):
                return False
        return True

    def _due(self, number: int) -> list[str]:
        """Returns what a round measures: everything at first, then what is still too imprecise; never what failed before."""
        failed = {visit.workload_key for visit in self.visits if visit.status == "failed"}
        keys = [key for key in self.plan.by_key if key not in failed]
        if number < self.plan.protocol.rounds:
            return keys
        wide = set(estimate.needs_more_rounds(estimate.estimate(self.plan, self.visits), self.plan))
        return [key for key in keys if key in wide]

    def _order(self, number: int) -> list[str]:
        """Draws the order of a round; from the third on, what is far less certain than the rest comes first.

        So a budget that ends within a round was spent where it was needed.
        """
        due = self._due(number)
        if number < 2:
            return self.plan.order(number, due)
        found = {
            m.workload.key: math.inf if m.half_width is None else m.half_width
            for m in estimate.estimate(self.plan, self.visits)
        }
        widths = [width for width in found.values() if width < math.inf]
        usual = statistics.median(widths) if widths else 0.0
        doubtful = [key for key in due if found[key] > DOUBTFUL * usual]
        rest = [key for key in due if key not in set(doubtful)]
        return self.plan.order(number, doubtful) + self.plan.order(number, rest)

    def _with_canaries(self, order: list[str]) -> list[str]:
        failed = {visit.workload_key for visit in self.visits if visit.status == "failed"}
        return canaries.interleave(order, [key for key in self.plan.canary_keys if key not in failed])

    def _round(self, number: int, order: list[str]) -> bool:
        self.planned = self._planned(number)
        while True:
            done = {visit.position for visit in self.visits if visit.round == number}
            left = [(position, key) for position, key in enumerate(order) if position not in done]
            if not left:
                return True
            if self._is_out_of_budget():
                return False
            try:
                if not self._process(number, left):
                    return False
            except WorkerDiedError as error:
                self._after_death(error, number, left)

    def _after_death(self, error: WorkerDiedError, number: int, left: list[tuple[int, str]]) -> None:
        """Lets a workload whose process died be tried once more, in a fresh process; after that it has failed."""
        key = error.workload_key
        if key is None:
            raise error
        self.deaths[key] += 1
        if self.deaths[key] < ATTEMPTS:
            _log.warning("the process that measured %s died (%s); a fresh one tries again", key, error)
            return
        flag = Flag("E_DIED", str(error), "Take a smaller batch or model, or look at the system's log.")
        done = {visit.position for visit in self.visits if visit.round == number}
        position = next(position for position, its_key in left if its_key == key and position not in done)
        self._keep(Visit(key, number, position, status="failed", flags=(flag,)))

    def _process(self, number: int, left: list[tuple[int, str]]) -> bool:
        """Measures what is left of a round in one fresh process; returns False when the budget ended it."""
        remaining = len(left)
        with WorkerProcess(self._job(number, left)) as worker:
            for event in worker.events():
                if event["event"] == "environment":
                    self.maker.new_process(event)
                elif event["event"] == "begin":
                    self._report(number, event["workload_key"])
                elif event["event"] == "visit":
                    self._keep(Visit.from_dict(event["visit"]))
                    self._report(number, event["visit"]["workload_key"])
                    self.interrupt.check()
                    remaining -= 1
                    if remaining and self._is_out_of_budget():
                        return False
        return True

    def _job(self, number: int, left: list[tuple[int, str]]) -> Job:
        return Job(
            backend=self.plan.backend,
            backend_options=self.plan.backend_options,
            threads=self.plan.threads,
            device=self.handle.to_dict(),
            protocol=self.plan.protocol.to_dict(),
            round=number,
            workloads=[self.plan.workload(key).as_dict() for _, key in left],
            positions=[position for position, _ in left],
            cpus=self._cpus(),
        )

    def _cpus(self) -> list[int] | None:
        """Returns the CPUs that workers are bound to; None where they are not, and the system chooses."""
        if self.reservation is None or not self.plan.pin or sys.platform != "linux":
            return None
        return list(self.reservation.cpus)

    def _keep(self, visit: Visit) -> None:
        self.store.append(self.maker.record(visit, attempt=min(ATTEMPTS, 1 + self.deaths[visit.workload_key])))
        self.visits.append(visit)
        self.made += 1
        if visit.samples_s:
            self.timed += 1
            self.call_sum_s += visit.latency_s
            self.idle_sum_s += visit.conditions.get("arrival", {}).get("idle_s", 0.0)

    def _is_out_of_budget(self) -> bool:
        return self.budget_s is not None and self.elapsed() >= self.budget_s

    def _report(self, number: int, key: str) -> None:
        planned = max(len(self.visits), self.planned)
        per_visit = self.elapsed() / self.made if self.made else None
        remaining = None if per_visit is None else per_visit * (planned - len(self.visits))
        if remaining is not None and self.budget_s is not None:
            remaining = max(0.0, min(remaining, self.budget_s - self.elapsed()))
        name = self.maker.name(key)
        call_s = self.call_sum_s / self.timed if self.timed else None
        idle_s = self.idle_sum_s / self.timed if self.timed else 0.0
        self.progress(Progress(len(self.visits), planned, number, remaining, name, call_s, idle_s))

    def _report_waiting(self, who: str) -> None:
        planned = len(self.plan.items) * self.plan.protocol.rounds
        self.progress(Progress(len(self.visits), planned, 0, None, "", waiting=who))

    def _planned(self, number: int) -> int:
        """Returns the visits of the rounds drawn so far, and of those that follow in any case."""
        stored = self.store.rounds(self.campaign_id)
        beyond = max(0, self.plan.protocol.rounds - 1 - max(number, max(stored)))
        return sum(map(len, stored.values())) + beyond * len(self._with_canaries(list(self.plan.by_key)))

