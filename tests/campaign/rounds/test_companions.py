"""Companions of a further round: known workloads beside the few that it is made for."""

from __future__ import annotations

from dataclasses import replace

from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.rounds.companions import companions
from hwcost.timing.measurement import Measurement, Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

PLAN = Plan(
    tuple(Item(SyntheticWorkload(f"w{i}", flops=10 ** (6 + i // 4))) for i in range(12)), "cpu", "null", protocol("standard")
)
KEYS = list(PLAN.by_key)
KNOWN = [Measurement(item.workload, item.role, 1.0, 0.005, 4, (), (), "") for item in PLAN.items]
COUNTS = dict.fromkeys(KEYS, 4)


def names(due: list[int], known: list[Measurement] = KNOWN, counts: dict[str, int] = COUNTS, plan: Plan = PLAN) -> list[int]:
    return [KEYS.index(key) for key in companions(plan, [KEYS[i] for i in due], known, counts)]


def test_few_are_filled_up_to_four_by_workloads_of_their_class() -> None:
    assert names([5]) == [4, 6, 7]
    assert names([5, 8]) == [4, 6]
    assert names([0, 1, 2]) == [3]
    assert names([0, 1, 2, 3]) == names([]) == []
    assert len(names([4, 5, 6])) == 1


def test_they_take_turns() -> None:
    assert names([5], counts={**COUNTS, KEYS[4]: 5, KEYS[6]: 5}) == [7, 4, 6]


def test_only_what_is_known_goes_along() -> None:
    failed = Visit(KEYS[6], 2, 0, status="failed")
    changed = {
        4: replace(KNOWN[4], half_width=0.02),
        6: replace(KNOWN[6], visits=(failed,)),
        7: replace(KNOWN[7], is_confirmed=False),
        0: replace(KNOWN[0], half_width=None),
    }
    assert names([5], [changed.get(i, one) for i, one in enumerate(KNOWN)]) == [1, 2, 3]


def test_campaigns_whose_rounds_are_their_own_have_none() -> None:
    assert names([5], plan=replace(PLAN, first=3)) == []
    assert names([5], plan=replace(PLAN, prior=("auto",))) == []
    assert names([5], plan=replace(PLAN, protocol=protocol("standard", arrival="gap=10ms"))) == []


def test_a_single_workload_has_none() -> None:
    assert companions(Plan(PLAN.items[:1], "cpu", "null", protocol("standard")), KEYS[:1], KNOWN[:1], COUNTS) == []
