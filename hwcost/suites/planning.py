"""Plans the campaigns of a run: what each measures, how long that will take, and what of it was measured before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.campaign.plans.plan import Plan
from hwcost.campaign.rounds.forecast import Forecast, forecast, known_calls
from hwcost.elsewhere.folder import check
from hwcost.elsewhere.transports import transport
from hwcost.errors import HwcostError
from hwcost.quantities import LATENCY
from hwcost.stores.series import STATUSES, Series
from hwcost.suites.expansion import NothingLeftError, Part
from hwcost.suites.failures import lost_series, planned_series, with_series
from hwcost.suites.histories import facts
from hwcost.suites.making import Broken

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.runs import Run
    from hwcost.stores.schema import Campaign

__all__ = ["Planned", "plan_parts", "without_existing"]


@dataclass(frozen=True, slots=True)
class Planned:
    """One campaign of a run, planned.

    Attributes:
        part: The campaign as it is declared.
        plan: Plan; None where it cannot be planned, or nothing of it is due.
        error: Reason why it cannot be planned as a whole; None where it can.
        lost: Series of a campaign that cannot be planned as a whole.
        broken: Sets of workloads that cannot be made, so that the plan lacks them.
        unsuited: Sets that the backend, or the machine, does not run, and another campaign of the suite does.
        facts: Facts that the campaign keeps beside its plan, see :mod:`hwcost.suites.histories`.
        expected: Time that it will take without a budget; None without a plan.
        skipped: Workloads that are left out, since they were measured before.
    """

    part: Part
    plan: Plan | None = None
    error: HwcostError | None = None
    lost: tuple[Series, ...] = ()
    broken: tuple[Broken, ...] = ()
    unsuited: tuple[Broken, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    expected: Forecast | None = None
    skipped: int = 0

    @property
    def weight(self) -> float:
        """Expected seconds, by which campaigns share a budget; 0 without a plan."""
        return 0.0 if self.expected is None else max(self.expected.total_s, 1e-3)

    @property
    def errors(self) -> list[HwcostError]:
        """Reasons why the campaign as a whole, or some of its sets, cannot be measured."""
        return [*(one.error for one in self.broken), *([] if self.error is None else [self.error])]

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return {
            "campaign": str(self.part), "device": self.part.device, "backend": self.part.runtime.name,
            "workloads": [] if self.plan is None else [item.workload.name for item in self.plan.items],
            "expected": None if self.expected is None else self.expected.to_dict(),
            "error": None if self.error is None else str(self.error),
            "broken": [one.to_dict() for one in self.broken],
            "unsuited": [one.to_dict() for one in self.unsuited],
        }  # fmt: skip


RECENT = 3
"""Runs of a suite whose calls tell how long the next one takes."""


def plan_parts(parts: Sequence[Part], store: Store | None) -> list[Planned]:
    """Plans campaigns; what cannot be planned keeps its error, and what has no workload that is wanted is left out.

    A set that a backend does not run, as torch runs no ONNX file, stays out of that campaign where another one has it.

    Args:
        parts: The campaigns as they are declared.
        store: Store with earlier runs of the suite, whose calls tell how long these will take; None without one.

    Raises:
        UsageError: When none is left.
    """
    runs = [] if store is None else store.runs(parts[0].suite.name)[-RECENT:]
    recent = [] if store is None else [one for run in runs for one in store.campaigns(run.run_id)]
    planned = _suited([_planned(part, store, recent) for part in parts])
    wanted = [one for one in planned if not isinstance(one.error, NothingLeftError)]
    if not wanted and planned[0].error is not None:
        raise planned[0].error
    return wanted


def _suited(planned: Sequence[Planned]) -> list[Planned]:
    """Leaves sets out of the campaigns whose backend or machine does not run them, where another campaign may."""
    homes = {
        chosen.name
        for one in planned
        for chosen in one.part.sets
        if chosen.name not in {broken.name for broken in one.broken if broken.is_unsuited}
    }
    found = []
    for one in planned:
        unsuited = tuple(broken for broken in one.broken if broken.is_unsuited and broken.name in homes)
        broken = tuple(each for each in one.broken if each not in unsuited)
        if one.plan is not None or one.error is not None or broken or not unsuited:
            found.append(replace(one, broken=broken, unsuited=unsuited))
    return found


def without_existing(planned: Planned, store: Store, run: Run, statuses: Sequence[str]) -> Planned:
    """Leaves out the workloads that have an estimate of the same commit.

    A working tree with changes has no commit of its own, so that nothing is left out then.

    Args:
        planned: A campaign that is planned.
        store: Store with the earlier runs.
        run: The run that is under way.
        statuses: Statuses of the estimates that count.
    """
    code = run.code
    if planned.plan is None or not statuses or code is None or code.commit is None or code.is_dirty:
        return planned
    runs = [one.run_id for one in store.runs(run.suite) if one.run_id != run.run_id and _is_of(one, code.commit)]
    series = planned_series(planned.part, planned.plan, store)
    keys = {one.series_key: one.workload_key for one in series if one.quantity == LATENCY}
    table = store.estimates(series_keys=list(keys), run_ids=runs)
    counted = table.take(np.isin(table.status, [STATUSES.index(status) for status in statuses]))
    known = {keys[table.series_key[index]] for index in np.unique(counted.series).tolist()}
    left = tuple(item for item in planned.plan.items if item.workload.key not in known)
    skipped = len(planned.plan.items) - len(left)
    return replace(planned, plan=replace(planned.plan, items=left) if left else None, skipped=skipped)


def _is_of(run: Run, commit: str) -> bool:
    """Says whether a run measured just the code of a commit."""
    return run.code is not None and run.code.commit == commit and not run.code.is_dirty


def _planned(part: Part, store: Store | None, recent: Sequence[Campaign]) -> Planned:
    try:
        options = part.options()
        made = part.made(options)
        broken = with_series(part, made, store)
        if broken and not made.items:
            return Planned(part, broken=broken)
        plan = part.planned(made, options)
        if part.on is not None:
            check(plan)
            transport(part.on)
    except NothingLeftError as error:
        return Planned(part, error=error)
    except HwcostError as error:
        return Planned(part, error=error, lost=() if store is None else tuple(lost_series(part, store)))
    known = None if store is None else known_calls(plan, store, recent)
    expected = forecast(plan, known)
    return Planned(part, plan, broken=broken, facts=facts(part, made), expected=expected)
