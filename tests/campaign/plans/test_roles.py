"""Roles: those that something reads, in the options and in the plan; a store may hold others."""

from __future__ import annotations

import pytest

import hwcost as hc
from hwcost.campaign.planning import make_plan
from hwcost.campaign.plans.plan import Item, Plan, find_campaign
from hwcost.campaign.plans.roles import ROLES
from hwcost.errors import UnknownNameError
from hwcost.stores import open_store
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

pytestmark = pytest.mark.usefixtures("laws_here")

WORK = SyntheticWorkload("w", flops=10**8)
KNOWN = "Known: check, component, confirmation, fit, test, uniform, winner"


def test_a_role_that_nothing_reads_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=f"unknown role 'foo'.*{KNOWN}"):
        hc.measure([WORK], backend="null", role="foo")
    with pytest.raises(UnknownNameError, match="Did you mean 'fit'"):
        hc.MeasureOptions(role="fitt")
    with pytest.raises(UnknownNameError, match=KNOWN):
        make_plan([Item(WORK, "foo")], "cpu", "null")


@pytest.mark.parametrize("role", ROLES)
def test_known_roles_are_planned(role) -> None:
    assert hc.MeasureOptions(backend="null", role=role).plan([WORK]).items[0].role == role


def test_a_plan_of_a_store_keeps_its_roles() -> None:
    plan = Plan((Item(WORK, "foo"),), "cpu", "null", protocol("quick"))
    assert Plan.from_dict(plan.to_dict()).items[0].role == "foo"


def test_the_latest_campaign_is_not_one_that_confirms_another(tmp_path) -> None:
    first = hc.measure([WORK], backend="null", store=tmp_path / "s.db", tier="quick")
    again = hc.measure([WORK], backend="null", store=tmp_path / "s.db", tier="quick", role="confirmation", seed=1)
    with open_store(tmp_path / "s.db") as store:
        assert find_campaign(store).campaign_id == first.campaign_id
        assert find_campaign(store, again.campaign_id).campaign_id == again.campaign_id
