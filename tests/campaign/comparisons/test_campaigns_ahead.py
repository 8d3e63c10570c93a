"""Campaigns that a store dates later than now, since the system's time was set back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from hwcost.campaign.planning import find_or_create, make_plan
from hwcost.campaign.plans.plan import items
from hwcost.campaign.run import run, start
from hwcost.stores import open_store
from hwcost.stores.schema import Campaign
from hwcost.workloads import SyntheticWorkload

pytestmark = pytest.mark.usefixtures("laws_here")


def test_a_campaign_dated_later_than_now_counts_as_a_former_one_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    works = [SyntheticWorkload(f"w{i}", flops=10**9) for i in range(1, 4)]
    plan = make_plan(items(works), "cpu", "null", tier="quick", rounds=2)
    with open_store(tmp_path / "s.db") as store:
        first = run(store, find_or_create(plan, store))
        early = store.estimates()
        ahead = (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat(timespec="microseconds")
        later = Campaign(created_at=ahead, plan=plan.to_dict())
        store.add_campaign(later)
        found = [replace(one, campaign_id=later.campaign_id, measured_at=ahead) for one in early.estimates()]
        store.add_estimates([store.series()[one.series_key] for one in found], found)
        assert not caplog.records
        campaign_id = start(plan, store)
        present = run(store, campaign_id).former
    assert f"campaign {later.campaign_id} in store" in caplog.text
    assert f"name this one, {store.url}#{campaign_id}" in caplog.text
    assert present is not None
    assert [(one.campaign_id, one.is_ahead) for one in present.campaigns] == [
        (first.campaign_id, False), (later.campaign_id, True)
    ]  # fmt: skip
    assert f" One of these is dated later than now, up to {ahead[:16]}Z: the system's time was set" in present.text
