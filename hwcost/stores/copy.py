"""Copies campaigns from one store to another; what the target already has is left as it is."""

from __future__ import annotations

from dataclasses import dataclass

from hwcost.stores.base import Store


@dataclass(frozen=True, slots=True)
class Counts:
    """What a copy did.

    Attributes:
        campaigns: Campaigns that are new in the target.
        rounds: Rounds of the copied campaigns.
        records: Records that are new in the target.
        known_records: Records that the target already had.
    """

    campaigns: int = 0
    rounds: int = 0
    records: int = 0
    known_records: int = 0


def copy(source: Store, target: Store, *, campaign_id: str | None = None, imported: bool = False) -> Counts:
    """Copies everything, or one campaign.

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
    return Counts(new_campaigns, rounds, new_records, known)


def _copy_passes(source: Store, target: Store, campaign_id: str) -> None:
    """Copies the journal of rounds under way to a store that has none of the campaign."""
    for number, events in source.passes(campaign_id).items():
        for event in events:
            target.add_pass(campaign_id, number, event)
