"""Audits of the campaigns of a run, kept when they end: the fit to their visits is at hand then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.auditing.campaign import audit_fit
from hwcost.auditing.kept import kept
from hwcost.errors import DataError

if TYPE_CHECKING:
    from hwcost.campaign.run import Result
    from hwcost.stores.base import Store
    from hwcost.stores.runs import Run

__all__ = ["keep_audit"]


def keep_audit(store: Store, run: Run, result: Result) -> None:
    """Keeps the audit of a campaign; one of too few usable visits has none.

    Args:
        store: Store that takes it.
        run: Run that the campaign belongs to.
        result: The campaign as it ended.

    Raises:
        StoreError: When the store cannot be written.
    """
    try:
        report = audit_fit(result.plan, result.fit, store.url)
    except DataError:
        return
    store.add_entry(kept(report, result.campaign_id, run.run_id))
