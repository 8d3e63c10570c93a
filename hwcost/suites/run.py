"""Runs a suite: campaign after campaign, whatever fails, resumed where an earlier attempt was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hwcost.campaign import run as campaign
from hwcost.campaign.plans.plan import Plan
from hwcost.cost_models.evaluation.goals import GOALS
from hwcost.elsewhere import measure_on
from hwcost.elsewhere.transports import transport
from hwcost.errors import HwcostError, InterruptedRunError, UsageError
from hwcost.stores.schema import measured_on
from hwcost.suites.beginning import RunOptions, begin
from hwcost.suites.expansion import expand
from hwcost.suites.failures import record_failure
from hwcost.suites.models import check_models
from hwcost.suites.observer import Observer
from hwcost.suites.outcome import Outcome, RunResult
from hwcost.suites.planning import Planned, plan_parts, without_existing
from hwcost.suites.suite import Suite
from hwcost.timing import timer
from hwcost.units import parse_duration

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.runs import Run

__all__ = ["run_suite"]


def run_suite(
    suite: Suite, store: Store, options: RunOptions | None = None, observer: Observer | None = None
) -> RunResult:
    """Runs a suite, or resumes a run of it that was interrupted.

    A campaign that fails is written down as failed, and the run goes on; the result's ``error`` is the first failure. Then
    the suite's cost models are judged.

    Args:
        suite: The suite.
        store: Store that takes everything.
        options: Options of the run; None for the suite's own.
        observer: Object that is called as the run goes on.

    Raises:
        InterruptedRunError: On Ctrl-C; the same call resumes the run.
        UnknownNameError: When the suite names an unknown device.
        UsageError: When no campaign can be planned, or there is no unfinished run to resume.
        BusyError: When another process runs the same run.
        StoreError: When the store cannot be written.
    """
    options = options or RunOptions()
    parts = expand(suite, tier=options.tier, devices=options.devices, only=options.only)
    planned = plan_parts(parts, store)
    _refuse_hopeless(planned)
    run, is_resumed = begin(suite, store, options)
    watch = timer.stopwatch()
    try:
        with store.held(run.run_id):
            night = _Night(suite, store, run, options, observer or Observer(), planned)
            outcomes = night.campaigns(is_resumed)
            checks, unjudged = check_models(suite.models, store, run, outcomes)
    except (KeyboardInterrupt, InterruptedRunError):
        store.end_run(run.run_id, "interrupted")
        again = "Running the suite again resumes it; what was measured is kept."
        raise InterruptedRunError(f"run {run.run_id} of suite '{suite.name}' was interrupted. {again}") from None
    store.end_run(run.run_id, "done" if any(one.measured or one.skipped for one in outcomes) else "failed")
    return RunResult(store.run(run.run_id), store.url, tuple(outcomes), tuple(checks), unjudged, watch())


@dataclass
class _Night:
    """A run while it goes on."""

    suite: Suite
    store: Store
    run: Run
    options: RunOptions
    observer: Observer
    planned: Sequence[Planned]
    watch: Callable[[], float] = field(default_factory=timer.stopwatch)

    def campaigns(self, is_resumed: bool) -> list[Outcome]:
        """Runs all campaigns, and returns what became of them."""
        budget_s = self._budget_s()
        planned = [without_existing(one, self.store, self.run, self.options.skip) for one in self.planned]
        self.observer.planned(self.run, planned, budget_s, is_resumed)
        outcomes = []
        for number, one in enumerate(planned):
            share_s = None if budget_s is None else _share(planned[number:], max(0.0, budget_s - self.watch()))
            self.observer.begins(number, one, share_s)
            outcomes.append(self._outcome(one, share_s))
            self.observer.ended(outcomes[-1])
        return outcomes

    def _budget_s(self) -> float | None:
        declared = self.suite.budget_of(self.planned[0].part.tier)
        if self.options.budget_s is not None or declared is None:
            return self.options.budget_s
        return parse_duration(declared)

    def _outcome(self, planned: Planned, share_s: float | None) -> Outcome:
        """Measures one campaign, or says why that was not done."""
        if planned.plan is None:
            return self._failed(planned, planned.error) if planned.error else Outcome(planned.part, skipped=planned.skipped)
        watch = timer.stopwatch()
        try:
            campaign_id, is_done = self._found(planned.plan, planned.part.on)
            if is_done:
                return Outcome(planned.part, campaign_id, skipped=len(planned.plan.items) + planned.skipped)
            return Outcome.of(planned.part, self._measured(planned, campaign_id, share_s), planned.skipped)
        except InterruptedRunError:
            raise
        except HwcostError as error:
            return replace(self._failed(planned, error), seconds=watch())

    def _failed(self, planned: Planned, error: HwcostError) -> Outcome:
        lost = record_failure(self.store, self.run, planned.part, error)
        return Outcome(planned.part, failed=lost, skipped=planned.skipped, error=error)

    def _found(self, plan: Plan, on: str | None) -> tuple[str, bool]:
        """Returns the run's campaign of a plan at a place, which is begun where there is none, and whether it is done."""
        mine = self.store.campaigns(self.run.run_id)
        same = next((one for one in mine if one.on == on and Plan.from_dict(one.plan).is_same(plan)), None)
        if same is None:
            return campaign.start(plan, self.store, self.run.run_id, measured_on(on)), False
        estimated = self.store.estimates(run_ids=[self.run.run_id])
        has_estimates = same.campaign_id in {estimated.campaign_id[i] for i in estimated.campaign.tolist() if i >= 0}
        return same.campaign_id, same.status in ("done", "stopped") and has_estimates

    def _measured(self, planned: Planned, campaign_id: str, share_s: float | None) -> campaign.Result:
        how: dict[str, Any] = {
            "budget_s": share_s, "wait_s": self.options.wait_s, "progress": self.observer.progress, "goals": GOALS,
        }  # fmt: skip
        if planned.part.on is None:
            return campaign.run(self.store, campaign_id, **how)
        return measure_on(transport(planned.part.on), self.store, campaign_id, **how)


def _share(planned: Sequence[Planned], left_s: float) -> float:
    """Returns the first campaign's share of the time that is left, by what each is expected to take."""
    weights = [one.weight for one in planned]
    return left_s * weights[0] / (sum(weights) or 1.0)


def _refuse_hopeless(planned: Sequence[Planned]) -> None:
    """Raises the first error where no campaign can be planned and the suite itself is the reason."""
    errors = [one.error for one in planned if one.error is not None]
    if len(errors) == len(planned) and all(isinstance(error, UsageError) and error.exit_code == 2 for error in errors):
        raise errors[0]
