"""The history of a store, whole or the part that belongs to one campaign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwcost.stores.entries import KINDS, Entry

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.estimate_table import EstimateTable
    from hwcost.stores.runs import Run
    from hwcost.stores.series import Series


NOWHERE = -2
"""Index that no row has."""


@dataclass(frozen=True)
class History:
    """Everything of a history, read at once.

    Attributes:
        runs: Runs, the oldest first.
        series: Series by key.
        table: Estimates of them.
        entries: Entries, kind by kind, the oldest first.
    """

    runs: list[Run]
    series: dict[str, Series]
    table: EstimateTable
    entries: list[Entry]


def history(store: Store, campaign_id: str | None = None) -> History:
    """Reads the history of a store.

    Args:
        store: The store.
        campaign_id: Only the estimates of this campaign, their series, and its run.

    Raises:
        UnknownNameError: When the campaign is not there.
    """
    runs, series, table = store.runs(), store.series(), store.estimates()
    if campaign_id is None:
        return History(runs, series, table, [entry for kind in KINDS.values() for entry in store.entries(kind)])
    run_id = store.campaign(campaign_id).run_id
    index = table.campaign_id.index(campaign_id) if campaign_id in table.campaign_id else NOWHERE
    own = table.take(table.campaign == index)
    used = {table.series_key[index] for index in own.series.tolist()}
    return History(
        [run for run in runs if run.run_id == run_id], {key: one for key, one in series.items() if key in used}, own, []
    )
