"""Runs a plan: round after round in fresh processes, every pass stored before the next begins, resumable at any moment."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from hwcost._cached import cached_property
from hwcost._log import logger
from hwcost.backends import BACKENDS
from hwcost.campaign.comparisons.former_levels import read_former_levels
from hwcost.campaign.estimates import estimate
from hwcost.campaign.goals.half_width import KINDS
from hwcost.campaign.plans import canaries
from hwcost.campaign.plans.plan import Plan, find_campaign
from hwcost.campaign.processes import clocks
from hwcost.campaign.processes.cpus import WAIT_S, Reservation, reserved
from hwcost.campaign.processes.fork_client import ForkServer
from hwcost.campaign.processes.interrupt import Interrupt
from hwcost.campaign.result import Result
from hwcost.campaign.rounds.announcements import announced
from hwcost.campaign.rounds.budget import Budget
from hwcost.campaign.rounds.journal import Journal
from hwcost.campaign.rounds.progress import Progress, Tally
from hwcost.campaign.rounds.round import Rounds
from hwcost.campaign.rounds.schedule import Further, Schedule
from hwcost.campaign.series import keep_estimates
from hwcost.devices import DeviceHandle, require
from hwcost.errors import DeviceError, HwcostError, InterruptedRunError, StoreError
from hwcost.stores.ids import utc_now
from hwcost.timing import timer

if TYPE_CHECKING:
    from hwcost.campaign.goals.goal import Goal
    from hwcost.stores.base import Store

__all__ = ["Further", "Progress", "Result", "run", "start"]

_log = logger(__name__)


class RoundRunner(Protocol):
    """What measures the rounds of a campaign: processes here, or another machine."""

    def run(self, number: int, order: list[str], to_go: int) -> None:
        """Measures what is left of a round; its visits are in the campaign's journal when this returns.

        Args:
            number: Number of the round.
            order: Keys of its workloads in the order of their positions.
            to_go: Rounds to go, this one included, which share what is left of the budget.
        """


class Elsewhere(Protocol):
    """Another machine that measures a campaign.

    Attributes:
        url: Address of the machine.
    """

    @property
    def url(self) -> str:
        """Address of the machine, as ``--on`` takes it."""

    def rounds(self, journal: Journal, budget: Budget, tally: Tally) -> RoundRunner:
        """Makes what measures the rounds there.

        Args:
            journal: Visits that the campaign has made, which gets those that are to come.
            budget: The seconds of the campaign.
            tally: Counter of blocks, which reports the progress.
        """


def start(plan: Plan, store: Store, run_id: str | None = None, extra: Mapping[str, Any] | None = None) -> str:
    """Writes a plan into a store and returns the new campaign's id.

    Args:
        plan: The plan.
        store: Store that takes it.
        run_id: Run of a suite that the campaign belongs to; None for one by itself.
        extra: Further facts by name that are kept with the campaign, as plain JSON, such as ``on``, the address of the
            machine that is to measure it.
    """
    from hwcost import __version__
    from hwcost.stores.schema import Campaign

    campaign = Campaign(plan=plan.to_dict(), hwcost_version=__version__, run_id=run_id, extra=dict(extra or {}))
    latest = store.latest_campaign()
    store.add_campaign(campaign)
    if latest is not None and latest.created_at > campaign.created_at:
        _log.warning(
            "campaign %s in store %s is dated %s, later than now: the system's time was set since. Until then commands take "
            "it for the latest one; name this one, %s#%s.",
            latest.campaign_id, store.url, latest.created_at[:19] + "Z", store.url, campaign.campaign_id,
        )  # fmt: skip
    return campaign.campaign_id


def run(
    store: Store,
    campaign_id: str,
    *,
    budget_s: float | None = None,
    wait_s: float = WAIT_S,
    progress: Callable[[Progress], None] = lambda state: None,
    remark: Callable[[str], None] | None = None,
    goals: Mapping[str, type[Goal]] = KINDS,
    elsewhere: Elsewhere | None = None,
    further: Further | None = None,
    advice: str | None = None,
) -> Result:
    """Runs a campaign that lies in a store, or resumes it; what it says by then becomes part of the store's history.

    The campaign itself, and as many CPUs as it has threads, are held for this process until it ends or dies. At the end its
    level is compared with those of former campaigns in the store, unless it belongs to a run of a suite, whose history tells
    the level of every night.

    Args:
        store: Store that holds the plan and takes the visits.
        campaign_id: Id from :func:`start`, or that of a campaign that was interrupted.
        budget_s: Seconds that the rounds share; waiting for CPUs does not count. At least two rounds are made, even if that
            takes longer, since an interval needs them; None for as long as the protocol asks for.
        wait_s: Seconds to wait for CPUs that other campaigns hold.
        progress: Function that is called after every pass, and while the campaign waits.
        remark: Function that gets lines on how long it takes: beforehand where that is long, and after the first passes;
            None for no remarks.
        goals: Kinds of goal that the plan may hold, by name; :data:`hwcost.cost_models.evaluation.goals.GOALS` for all.
        elsewhere: Machine that measures; None for this one.
        further: Function that is called after every round from the second on, and says which workloads the next one
            measures; the campaign ends once there is none. It takes the place of the protocol's precision and of goals; the
            protocol's rounds only share the budget then. None for what the plan says.
        advice: Sentence that tells how to go on with a campaign that ended early; None for ``hwcost measure --resume``.

    Raises:
        InterruptedRunError: On Ctrl-C; what was measured is kept.
        DataError: When the campaign was begun on another machine or with other software.
        BusyError: When another process runs this campaign, or others hold the CPUs for longer than ``wait_s``.
        DeviceError: When the device is not here, or was lost on the way; what was measured is kept.
        StoreError: When the store cannot be written, such as on a full disk; what was measured before is kept.
        UsageError: When this process may use fewer CPUs than the plan has threads, or the plan has a goal of another kind.
    """
    begun = find_campaign(store, campaign_id)
    with store.held(campaign_id):
        campaign = _Run(store, campaign_id, budget_s, progress, remark, goals, elsewhere, further)
        try:
            with campaign.interrupt, campaign.processors(wait_s), campaign.clocks():
                complete = campaign.all_rounds()
        except KeyboardInterrupt:
            store.set_status(campaign_id, "interrupted")
            kept = f"interrupted; {len(campaign.journal.visits)} visits are kept."
            raise InterruptedRunError(f"{kept} {advice or campaign.advice}") from None
        except HwcostError as error:
            with suppress(StoreError):
                store.set_status(campaign_id, "stopped")
            if isinstance(error, (DeviceError, StoreError)):  # a device that is busy or lost, a full disk, a locked store
                raise type(error)(f"{error} {advice or campaign.advice}") from None
            raise
        store.set_status(campaign_id, "done" if complete else "stopped")
    fit = estimate.fit_campaign(campaign.plan, campaign.journal.visits)
    keep_estimates(store, campaign_id, fit)
    standing = campaign.schedule.outcome()
    doubts = [campaign.budget.flag, None if standing is None else standing.flag(complete)]
    former = None if begun.run_id else read_former_levels(store, begun, campaign.plan, fit.measurements)
    doubts.append(None if former is None else former.flag(store.url))
    flags = (*fit.flags, *campaign.journal.maker.machine_flags(), *(flag for flag in doubts if flag is not None))
    seconds = campaign.watch()
    measured = tuple(one for one in fit.measurements if one.visits or one.workload.key not in campaign.plan.joining)
    return Result(campaign_id, store.url, campaign.plan, measured, flags, seconds, complete, fit, standing, former)


class _Run:
    """A campaign while it runs."""

    def __init__(
        self, store: Store, campaign_id: str, budget_s: float | None, progress: Callable[[Progress], None],
        remark: Callable[[str], None] | None, goals: Mapping[str, type[Goal]], elsewhere: Elsewhere | None = None,
        further: Further | None = None,
    ) -> None:  # fmt: skip
        self.store, self.campaign_id, self.elsewhere = store, campaign_id, elsewhere
        self.plan = Plan.from_dict(find_campaign(store, campaign_id).plan)
        self.journal = Journal(self.plan, campaign_id, store)
        timer.renew_epoch()
        self.watch = timer.stopwatch()
        self.budget = Budget(budget_s, lambda: self.watch())
        if remark is not None:
            is_begun = bool(self.journal.visits)
            progress = announced(self.plan, progress, remark, budget_s, is_here=elsewhere is None, is_begun=is_begun)
        self.tally = Tally(self.plan.protocol, self.budget, progress, self.journal.visits)
        self.schedule = Schedule(self.plan, self.journal, self.budget, goals, further)
        self.interrupt = Interrupt()
        self.reservation: Reservation | None = None

    @property
    def advice(self) -> str:
        """What goes on with the campaign for as long as its budget was to last.

        One that measures changes again is not resumed: the next check begins another.
        """
        if self.plan.confirms:
            return "Run hwcost check again: it measures the changes that are still open."
        there = "" if self.elsewhere is None else f" --on '{self.elsewhere.url}'"
        within = "" if self.budget.budget_s is None else f" --budget {max(1, math.ceil(self.budget.left_s))}s"
        return f"Go on with: hwcost measure --resume --store {self.store.url}{there}{within}"

    @cached_property
    def handle(self) -> DeviceHandle:
        """Device that is measured on; plans of version 0.1.0 hold its name only."""
        return self.plan.handle or require(self.plan.device)

    @contextmanager
    def processors(self, wait_s: float) -> Iterator[None]:
        """Holds the CPUs that the campaign measures on; a synthetic backend needs none."""
        if self.elsewhere is not None or not BACKENDS.load(self.plan.backend).uses_processor:
            yield
            return
        holder = {"campaign": self.campaign_id, "store": self.store.url, "since": f"{utc_now()[:19]}Z"}
        rounds = self.plan.protocol.rounds
        with reserved(
            self.plan.threads, holder, wait_s=wait_s, waiting=lambda who: self.tally.wait(who, rounds)
        ) as self.reservation:
            self.journal.maker.reservation = self.reservation
            self.watch = timer.stopwatch()
            yield

    @contextmanager
    def clocks(self) -> Iterator[None]:
        """Holds the device's clock where the plan asks for that."""
        if not self.plan.lock_clocks:
            yield
            return
        with clocks.locked(self.handle) as self.journal.maker.locked_clock_hz:
            yield

    def all_rounds(self) -> bool:
        """Runs round after round until nothing is due; returns False when the budget ended it."""
        self.store.set_status(self.campaign_id, "running")
        if self.elsewhere is not None:
            return self._all(self.elsewhere.rounds(self.journal, self.budget, self.tally))
        with ForkServer(self.plan.backend, self.handle.kind) as server:
            rounds = Rounds(self.plan, self.handle, self.journal, self.budget, self.tally, self.interrupt, server)
            rounds.reservation = self.reservation
            return self._all(rounds)

    def _all(self, rounds: RoundRunner) -> bool:
        schedule = self.schedule
        self.journal.recover()
        stored = self.store.rounds(self.campaign_id)
        for number, order in stored.items():
            rounds.run(number, order, max(1, schedule.required()))
        number = max(stored, default=-1) + 1
        while due := schedule.due():
            to_go = schedule.to_go()
            if not to_go:
                return False
            self.tally.standing = "" if schedule.standing is None else str(schedule.standing)
            self.tally.reached = schedule.reached()
            drawn = canaries.join(self.plan, schedule.order(number, due), schedule.failed)
            rounds.run(number, self.store.add_round(self.campaign_id, number, drawn), to_go)
            number += 1
        return True
