"""Runs a suite: campaign after campaign, whatever fails, resumed where an earlier attempt was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hwcost.auditing.campaign import audit_fit
from hwcost.auditing.kept import kept
from hwcost.campaign import run as campaign
from hwcost.campaign.plans.plan import Plan
from hwcost.cost_models.evaluation.goals import GOALS
from hwcost.elsewhere import measure_on
from hwcost.elsewhere.transports import transport
from hwcost.errors import DataError, HwcostError, InterruptedRunError, UsageError
from hwcost.stores.schema import measured_on
from hwcost.suites.beginning import RunOptions, begin
from hwcost.suites.expansion import expand
from hwcost.suites.failures import planned_series, record_failure
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
    from hwcost.stores.schema import Campaign

__all__ = ["run_suite"]


def run_suite(
    suite: Suite, store: Store, options: RunOptions | None = None, observer: Observer | None = None
) -> RunResult:
    """Runs a suite, or resumes a run of it that was interrupted.

    A campaign that fails is written down as failed, and so is a set of workloads that cannot be made and was measured
    before; the run goes on, and the result's ``error`` is the first failure. Then the suite's cost models are judged.

    Args:
        suite: The suite.
        store: Store that takes everything.
        options: Options of the run; None for the suite's own.
        observer: Object that is called as the run goes on.

    Raises:
        InterruptedRunError: On Ctrl-C; the same call resumes the run.
        UnknownNameError: When the suite names an unknown device.
        UsageError: When nothing can be measured for reasons of the declaration, and never could; or when there is no
            unfinished run to resume.
        BusyError: When another process runs the same run.
        StoreError: When the store cannot be written.
    """
    options = options or RunOptions()
    parts = expand(suite, tier=options.tier, devices=options.devices, only=options.only)
    planned = plan_parts(parts, store)
    _refuse_hopeless(planned, store)
    run, is_resumed = begin(suite, store, options, planned)
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
        """Measures one campaign, or says why that was not done; what cannot be made of it is written down as failed."""
        lost = sum(record_failure(self.store, self.run, one.series, one.error) for one in planned.broken)
        found = self._of_plan(planned, share_s)
        return replace(found, failed=found.failed + lost, skipped=found.skipped + planned.skipped, broken=planned.broken)

    def _of_plan(self, planned: Planned, share_s: float | None) -> Outcome:
        """Measures what of a campaign is planned, or writes it down as failed."""
        if planned.error is not None:
            lost = record_failure(self.store, self.run, planned.lost, planned.error)
            return Outcome(planned.part, failed=lost, error=planned.error)
        if planned.plan is None:
            return Outcome(planned.part)
        watch = timer.stopwatch()
        try:
            campaign_id, is_done = self._found(planned, planned.plan)
            if is_done:
                return Outcome(planned.part, campaign_id, skipped=len(planned.plan.items))
            result = self._measured(planned, campaign_id, share_s)
            self._keep_audit(result)
            return Outcome.of(planned.part, result)
        except InterruptedRunError:
            raise
        except HwcostError as error:
            lost = record_failure(self.store, self.run, planned_series(planned.part, planned.plan, self.store), error)
            return Outcome(planned.part, failed=lost, error=error, seconds=watch())

    def _keep_audit(self, result: campaign.Result) -> None:
        """Keeps the audit of a campaign that ended, whose fit is at hand; one of too few usable visits has none."""
        try:
            report = audit_fit(result.plan, result.fit, self.store.url)
        except DataError:
            return
        self.store.add_entry(kept(report, result.campaign_id, self.run.run_id))

    def _found(self, planned: Planned, plan: Plan) -> tuple[str, bool]:
        """Returns the run's campaign of a plan at a place, which is begun where there is none, and whether it is done."""
        mine, on = self.store.campaigns(self.run.run_id), planned.part.on
        same = next((one for one in mine if one.on == on and _is_of(one, plan)), None)
        if same is None:
            return campaign.start(plan, self.store, self.run.run_id, {**planned.facts, **measured_on(on)}), False
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


def _is_of(one: Campaign, plan: Plan) -> bool:
    """Says whether a campaign measures just what a plan says; one whose workloads can no longer be made does not."""
    try:
        return Plan.from_dict(one.plan).is_same(plan)
    except HwcostError:
        return False


def _refuse_hopeless(planned: Sequence[Planned], store: Store) -> None:
    """Raises where nothing can be measured, the suite itself is the reason, and nothing of it ever was measured."""
    errors = [error for one in planned for error in one.errors]
    if any(one.plan is not None for one in planned) or not all(_is_of_suite(error) for error in errors):
        return
    broken = [one for part in planned for one in part.broken]
    lost = [series for one in planned for series in one.lost] + [series for one in broken for series in one.series]
    if not {one.series_key for one in lost}.isdisjoint(store.series()):
        return
    if broken:
        raise UsageError("nothing can be measured. " + "; ".join(dict.fromkeys(map(str, broken))))
    raise errors[0]


def _is_of_suite(error: HwcostError) -> bool:
    """Says whether the declaration of a suite may be the reason of an error, rather than its device or runtime."""
    return isinstance(error, UsageError) and error.exit_code == 2
