"""What a campaign says as part of a history: the series that it measured, and one estimate of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hwcost.campaign.estimates.estimate import CampaignFit, fit_campaign, visits_of
from hwcost.campaign.plans import canaries
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.plans.roles import CONFIRMATION
from hwcost.campaign.rounds.records import describe
from hwcost.errors import UsageError
from hwcost.quantities import LATENCY, quantity, usable
from hwcost.stores.environment import Environment
from hwcost.stores.ids import utc
from hwcost.stores.rows import PRUNED
from hwcost.stores.series import Estimate, EstimateStatus, Series
from hwcost.timing.quantity_estimate import QuantityEstimate
from hwcost.units import unit_of

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.schema import Campaign, WorkloadInfo
    from hwcost.timing.measurement import Measurement


def keep_estimates(store: Store, campaign_id: str, fit: CampaignFit | None = None) -> int:
    """Adds what a campaign says to the history in its store; one whose samples were pruned keeps the estimates that it has.

    Args:
        store: Store that holds the campaign.
        campaign_id: The campaign.
        fit: Fit to its visits; None to fit them now.

    Returns:
        Number of estimates that are new or have changed.

    Raises:
        UnknownNameError: When the campaign is not there.
        StoreError: When the store cannot be written.
    """
    campaign, first = store.campaign(campaign_id), next(store.records(campaign_id), None)
    if first is not None and PRUNED in first.extra:
        return 0
    plan = Plan.from_dict(campaign.plan)
    fit = fit or fit_campaign(plan, visits_of(store, campaign_id))
    environment = Environment() if first is None else first.environment
    return store.add_estimates(*history_of(campaign, plan, fit, environment))


def history_of(
    campaign: Campaign, plan: Plan, fit: CampaignFit, environment: Environment
) -> tuple[list[Series], list[Estimate]]:
    """Returns what a campaign measured as series, and what it says of each.

    Workloads that were never visited have no estimate. Beside the latency there are the quantities that the plan asks for,
    and those with values of their own that were seen in any case. Canaries have series too, with the role ``canary`` among
    their further facts: they tell a change of the machine from one of the code.

    Args:
        campaign: The campaign.
        plan: Its plan.
        fit: Fit to its visits.
        environment: Environment that it measured in.
    """
    found: list[tuple[Series, Estimate]] = []
    device_key, names = environment.device.get("device_key"), _names(plan, fit.measurements)
    for measurement in (one for one in fit.measurements if one.role != CONFIRMATION):
        for name in names if measurement.visits else ():
            item = Item(measurement.workload, measurement.role)
            series = series_of(plan, item, quantity_name=name, device_key=device_key)
            estimate = _estimate(series.series_key, campaign, measurement, name, is_asked=name in plan.protocol.quantities)
            if estimate is not None:
                found.append((series, estimate))
    found += _canaries(campaign, plan, fit, device_key)
    return [series for series, _ in found], [estimate for _, estimate in found]


def refresh(store: Store, campaign_ids: Sequence[str]) -> Iterator[tuple[str, int | UsageError]]:
    """Adds what campaigns say to the history in their store, one after another.

    Args:
        store: The store.
        campaign_ids: The campaigns.

    Yields:
        Each campaign with the number of its estimates that are new or have changed, or the error that kept them out.
    """
    for campaign_id in campaign_ids:
        try:
            yield campaign_id, keep_estimates(store, campaign_id)
        except UsageError as error:
            yield campaign_id, error


def series_of(plan: Plan, item: Item, *, quantity_name: str = LATENCY, device_key: str | None = None) -> Series:
    """Returns the series that a quantity of one of a plan's workloads belongs to; nothing need be measured for it.

    Args:
        plan: The plan.
        item: One of its workloads with its role.
        quantity_name: Name of the quantity.
        device_key: Key of the device, from the facts about it; None where it is not known.
    """
    info = describe(item.workload, item.role, plan)
    return Series(
        workload_key=item.workload.key, name=_name(info), kind=info.kind, search_space=info.search_space,
        component=info.component, arch=info.arch, spec=info.spec, device_key=device_key, device=plan.device,
        backend=plan.backend, backend_options=plan.backend_options, precision=info.precision,
        batch_size=info.batch_size, seq_len=info.seq_len, threads=plan.threads, quantity=quantity_name,
        unit=unit_of(quantity_name), extra={"role": canaries.ROLE} if item.role == canaries.ROLE else {},
    )  # fmt: skip


def _canaries(
    campaign: Campaign, plan: Plan, fit: CampaignFit, device_key: str | None
) -> Iterator[tuple[Series, Estimate]]:
    """Yields the series of the canaries with the geometric mean of their visits, which has no interval."""
    if fit.canaries is None:
        return
    known = fit.canaries.latency_s
    at = min((instant for one in fit.measurements for instant in instants(one)), default=campaign.created_at)
    for key, latency_s in known.items():
        series = series_of(plan, Item(plan.canary_keys[key], canaries.ROLE), device_key=device_key)
        place = series.series_key, campaign.campaign_id, campaign.run_id, at
        yield series, Estimate(*place, value=latency_s, half_width=None, n_rounds=fit.canaries.visits // len(known))


def _name(info: WorkloadInfo) -> str:
    """Returns a workload's name with that of its space, since a night measures several."""
    return info.name if info.search_space is None else f"{info.search_space} {info.name}"


def _names(plan: Plan, measurements: Sequence[Measurement]) -> list[str]:
    """Returns the quantities that get a history: latency first, what follows from it only where it is asked for."""
    own = [name for name in usable() if quantity(name).power_of_latency is None]
    seen = [name for name in own if any(one.quantity(name).value is not None for one in measurements)]
    return list(dict.fromkeys([LATENCY, *plan.protocol.quantities, *seen]))


def _estimate(
    series_key: str, campaign: Campaign, measurement: Measurement, name: str, *, is_asked: bool
) -> Estimate | None:
    """Returns the estimate of a quantity of a workload; None where nobody asked for it and it has no value."""
    found = measurement.quantity(name)
    if found.value is None and not is_asked and name != LATENCY:
        return None
    power = quantity(name).power_of_latency or 0
    return Estimate(
        series_key=series_key, campaign_id=campaign.campaign_id, run_id=campaign.run_id,
        measured_at=min(instants(measurement), default=campaign.created_at), value=found.value,
        half_width=measurement.half_width if name == LATENCY else found.half_width,
        level_half_width=0.0 if found.value is None else abs(power) * measurement.level_half_width,
        n_rounds=found.visits, status=_status(measurement, found),
        flags=tuple(flag.code for flag in measurement.flags), reason=_reason(measurement, found),
    )  # fmt: skip


def instants(measurement: Measurement) -> Iterator[str]:
    """Yields the instants at which a workload was visited, in UTC, as far as they are known."""
    return (utc(visit.started_at) for visit in measurement.visits if visit.started_at)


def _status(measurement: Measurement, found: QuantityEstimate) -> EstimateStatus:
    """Returns the status of an estimate; a quantity that was asked for and that nothing tells has failed."""
    if measurement.latency_s is None:
        return "failed" if measurement.status == "failed" else "invalid"
    if found.value is None:
        return "failed"
    return "ok" if measurement.is_confirmed else "unconfirmed"


def _reason(measurement: Measurement, found: QuantityEstimate) -> str:
    """Returns why there is no value, or no interval; the errors that were met where there are any."""
    if measurement.latency_s is not None:
        return found.reason or measurement.interval_reason
    errors = [flag.text for flag in measurement.flags if flag.code.startswith("E_")]
    return " ".join(errors) or measurement.interval_reason
