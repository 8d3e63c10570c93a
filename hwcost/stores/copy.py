"""Copies campaigns and their history from one store to another; records that the target already has are left as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from hwcost.stores.base import Store
from hwcost.stores.history import History, history
from hwcost.stores.runs import Run

PAGE = 20_000
"""Estimates that are added in one change."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a copy did.

    Attributes:
        campaigns: Campaigns that are new in the target.
        rounds: Rounds of the copied campaigns.
        records: Records that are new in the target.
        known_records: Records that the target already had.
        runs: Runs that are new in the target.
        estimates: Estimates that are new in the target, or have changed there.
        entries: Entries of the history that are new in the target.
    """

    campaigns: int = 0
    rounds: int = 0
    records: int = 0
    known_records: int = 0
    runs: int = 0
    estimates: int = 0
    entries: int = 0


def copy(source: Store, target: Store, *, campaign_id: str | None = None, imported: bool = False) -> Counts:
    """Copies everything, or one campaign with its run and its estimates.

    Estimates take the place of those that the target has of the same campaign.

    Args:
        source: Store that is read.
        target: Store to which campaigns are added.
        campaign_id: Only this campaign.
        imported: Mark the records as imported: their ``origin`` says that they were not measured into the target.

    Raises:
        UnknownNameError: When the campaign is not in the source.
        StoreError: When a store cannot be read or written; what was copied until then stays, and a second copy goes on.
    """
    new_campaigns = rounds = new_records = known = 0
    for campaign in source.campaigns() if campaign_id is None else [source.campaign(campaign_id)]:
        is_new_campaign = target.add_campaign(campaign)
        new_campaigns += is_new_campaign
        for number, order in source.rounds(campaign.campaign_id).items():
            target.add_round(campaign.campaign_id, number, order)
            rounds += 1
        for record in source.records(campaign.campaign_id):
            is_new = target.append(record.model_copy(update={"origin": "imported"}) if imported else record)
            new_records += is_new
            known += not is_new
        if is_new_campaign:
            _copy_passes(source, target, campaign.campaign_id)
    found = history(source, campaign_id)
    runs, estimates = _add_runs(found.runs, target), _add_estimates(found, target)
    entries = sum(map(target.add_entry, found.entries))
    return Counts(new_campaigns, rounds, new_records, known, runs, estimates, entries)


def _copy_passes(source: Store, target: Store, campaign_id: str) -> None:
    """Copies the journal of rounds under way to a store that has none of the campaign."""
    for number, events in source.passes(campaign_id).items():
        for event in events:
            target.add_pass(campaign_id, number, event)


def _add_runs(runs: Sequence[Run], target: Store) -> int:
    """Adds runs, and the ends of those that the target knew as under way; returns how many are new."""
    new = 0
    for run in runs:
        is_new = target.add_run(run)
        new += is_new
        if not is_new and run.ended_at is not None and target.run(run.run_id).ended_at is None:
            target.end_run(run.run_id, run.status, run.ended_at)
    return new


def _add_estimates(found: History, target: Store) -> int:
    """Adds estimates, and the series that they are of; returns how many are new or have changed."""
    left, changed = found.table.estimates(), 0
    while some := list(islice(left, PAGE)):
        keys = sorted({estimate.series_key for estimate in some})
        changed += target.add_estimates([found.series[key] for key in keys], some)
    return changed
