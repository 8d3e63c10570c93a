"""What a campaign says as part of a history: the series that it measured, and one estimate of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hwcost.campaign.estimate import CampaignFit, fit_campaign, visits_of
from hwcost.campaign.plan import Plan
from hwcost.campaign.records import describe
from hwcost.quantities import LATENCY, QUANTITIES, quantity
from hwcost.stores.environment import Environment
from hwcost.stores.ids import utc
from hwcost.stores.series import Estimate, EstimateStatus, Series
from hwcost.timing.quantity_estimate import QuantityEstimate
from hwcost.units import unit_of

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.schema import Campaign
    from hwcost.timing.measurement import Measurement


def keep_estimates(store: Store, campaign_id: str, fit: CampaignFit | None = None) -> int:
    """Adds what a campaign says to the history in its store.

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
    plan = Plan.from_dict(campaign.plan)
    fit = fit or fit_campaign(plan, visits_of(store, campaign_id))
    environment = Environment() if first is None else first.environment
    return store.add_estimates(*history_of(campaign, plan, fit, environment))


def history_of(
    campaign: Campaign, plan: Plan, fit: CampaignFit, environment: Environment
) -> tuple[list[Series], list[Estimate]]:
    """Returns what a campaign measured as series, and what it says of each.

    Workloads that were never visited have no estimate. Beside the latency there are the quantities that the plan asks for,
    and those with values of their own that were seen in any case.

    Args:
        campaign: The campaign.
        plan: Its plan.
        fit: Fit to its visits.
        environment: Environment that it measured in.
    """
    series, estimates = [], []
    names = _names(plan, fit.measurements)
    for measurement in fit.measurements:
        for name in names if measurement.visits else ():
            one = _series(plan, measurement, name, environment)
            estimate = _estimate(one.series_key, campaign, measurement, name, is_asked=name in plan.protocol.quantities)
            if estimate is not None:
                series.append(one)
                estimates.append(estimate)
    return series, estimates


def _names(plan: Plan, measurements: Sequence[Measurement]) -> list[str]:
    """Returns the quantities that get a history: latency first, what follows from it only where it is asked for."""
    own = [name for name in QUANTITIES.names() if quantity(name).power_of_latency is None]
    seen = [name for name in own if any(one.quantity(name).value is not None for one in measurements)]
    return list(dict.fromkeys([LATENCY, *plan.protocol.quantities, *seen]))


def _series(plan: Plan, measurement: Measurement, name: str, environment: Environment) -> Series:
    """Returns the series of a quantity of a workload."""
    workload = measurement.workload
    info = describe(workload, measurement.role, plan)
    return Series(
        workload_key=workload.key, name=info.name, kind=info.kind, search_space=info.search_space,
        component=info.component, arch=info.arch, spec=info.spec, device_key=environment.device.get("device_key"),
        device=plan.device, backend=plan.backend, backend_options=plan.backend_options, precision=info.precision,
        batch_size=info.batch_size, seq_len=info.seq_len, threads=plan.threads, quantity=name, unit=unit_of(name),
    )  # fmt: skip


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
        measured_at=min(_instants(measurement), default=campaign.created_at), value=found.value,
        half_width=measurement.half_width if name == LATENCY else found.half_width,
        level_half_width=0.0 if found.value is None else abs(power) * measurement.level_half_width,
        n_rounds=found.visits, status=_status(measurement, found),
        flags=tuple(flag.code for flag in measurement.flags), reason=_reason(measurement, found),
    )  # fmt: skip


def _instants(measurement: Measurement) -> Iterator[str]:
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
