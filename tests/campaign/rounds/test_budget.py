"""A budget is a plan: processes that fit, and the seconds of each."""

from __future__ import annotations

import pytest

from hwcost.campaign.rounds.budget import Budget
from hwcost.campaign.rounds.journal import passes_share


class Watch:
    s = 0.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_rounds_share_what_is_left_of_the_budget(watch: Watch) -> None:
    budget = Budget(60.0, watch)
    assert budget.processes(4, made=0) == 4
    assert budget.round_s(4) == 15.0
    watch.s = 18.0
    budget.learn(18.0, 6.0)
    assert budget.processes(3, made=1) == 3
    assert budget.round_s(3) == 14.0
    assert budget.flag is None


def test_where_starting_takes_long_there_are_fewer_and_never_fewer_than_two(watch: Watch) -> None:
    budget = Budget(60.0, watch)
    watch.s = 25.0
    budget.learn(25.0, 20.0)
    assert budget.processes(3, made=1) == 2
    watch.s = 70.0
    assert budget.processes(3, made=1) == 1
    assert budget.round_s(1) == 0.0
    assert budget.processes(2, made=2) == 0
    assert budget.flag is not None
    assert str(budget.flag).startswith("I_BUDGET: 2 of 4 processes fit into the budget of 1 min 00 s")


def test_a_first_process_that_started_slowly_leaves_no_doubt_once_all_of_them_fit(watch: Watch) -> None:
    """Libraries came from a disk, or nets were compiled for the first time; and its passes ended early."""
    budget = Budget(60.0, watch)
    watch.s = 25.0
    budget.learn(25.0, 20.0)
    assert (budget.processes(3, made=1), budget.flag is None) == (2, False)
    watch.s = 30.0
    budget.learn(5.0, 2.0)
    assert (budget.processes(2, made=2), budget.flag) == (2, None)


def test_the_rest_is_for_further_rounds(watch: Watch) -> None:
    budget = Budget(60.0, watch)
    watch.s = 20.0
    for _ in range(4):
        budget.learn(5.0, 2.0)
    assert budget.further(8) == 8
    assert budget.further(3) == 3
    watch.s = 57.0
    assert budget.further(8) == 1
    watch.s = 59.0
    assert budget.further(8) == 0


def test_without_a_budget_every_round_is_made(watch: Watch) -> None:
    budget = Budget(None, watch)
    watch.s = 1e6
    budget.learn(1e6, 1e6)
    assert (budget.processes(4, made=1), budget.further(8), budget.round_s(4)) == (4, 1, None)


@pytest.mark.parametrize(
    ("made", "round_s", "share"),
    [(0, None, 0.0), (3, None, 0.3), (30, None, 1.0), (2, 20.0, 0.2), (8, 14.0, 0.8), (5, 8.0, 5 / 6)],
)
def test_the_share_of_passes_is_by_number_or_by_time(made: int, round_s: float | None, share: float) -> None:
    """Passes of a second each, from the age of two seconds on."""
    events = [{"event": "pass", "pass": number + 1, "seconds": 1.0, "elapsed_s": number + 3.0} for number in range(made)]
    assert passes_share(events, round_s, least=10) == pytest.approx(share)


def test_waiting_in_a_queue_does_not_count(watch: Watch) -> None:
    budget = Budget(60.0, watch)
    watch.s, budget.waited_s = 3610.0, 3600.0
    assert (budget.spent_s, budget.left_s, budget.round_s(2)) == (10.0, 50.0, 25.0)
