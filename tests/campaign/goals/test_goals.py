"""Goals of a campaign: their texts, the half-width, and where campaigns end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwcost
from hwcost.campaign.goals.goal import read_goals
from hwcost.campaign.goals.half_width import KINDS, HalfWidth
from hwcost.cost_models.evaluation.goals import GOALS, MeanError, RSquared
from hwcost.errors import UnknownNameError, UsageError
from hwcost.testing.goals import GoalSuite
from hwcost.workloads import SyntheticWorkload

pytestmark = pytest.mark.usefixtures("laws_here")


class TestHalfWidth(GoalSuite):
    kind = HalfWidth
    bound = 2.0


@given(st.sampled_from(sorted(GOALS)), st.floats(1e-9, 0.999), st.sampled_from(["", "lut", "my-model"]))
def test_every_goal_is_read_as_it_is_written(name: str, bound: float, part: str) -> None:
    kind = GOALS[name]
    goal = kind(bound, part if kind.takes_part else "")
    assert read_goals([str(goal)], GOALS) == (goal,)
    assert read_goals([f" {str(goal).replace('%', ' %').replace('<=', ' <= ')} "], GOALS) == (goal,)


def test_goals_are_written_as_they_are_typed() -> None:
    texts = ["half-width<=0.5%", "mape:lut<=2%", "r2>=0.95"]
    assert read_goals(texts, GOALS) == (HalfWidth(0.5), MeanError(2.0, "lut"), RSquared(0.95))
    assert [str(goal) for goal in read_goals(texts, GOALS)] == texts


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mape", "'mape' is not a goal. Expected WHAT<=VALUE or WHAT>=VALUE, such as"),
        ("mape=2%", "is not a goal"),
        ("mape<=2", "needs a percent sign: write mape<=2%"),
        ("mape<=2ms", "needs a percent sign"),
        ("mape<=wide%", "is not a percentage. Expected a number with a percent sign"),
        ("mape>=2%", "is to be small: write mape<=2%"),
        ("r2<=0.9", "is to be large: write r2>=0.9"),
        ("r2>=95%", "r2 has no unit"),
        ("r2>=1", "between 0 and 1, both excluded"),
        ("half-width<=0%", "between 0 and 100%"),
        ("half-width<=200%", "between 0 and 100%"),
        ("half-width:lut<=1%", "nothing stands behind the colon of half-width: write half-width<=1%"),
        ("mape:<=1%", "the name of a cost model stands behind the colon of mape"),
    ],
)
def test_what_is_no_goal_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_goals([text], GOALS)


def test_unknown_and_repeated_goals_are_refused() -> None:
    known = "Known: half-width, interval, mape, r2"
    with pytest.raises(UnknownNameError, match=f"unknown goal 'mapa'. Did you mean 'mape'. {known}"):
        read_goals(["mapa<=2%"], GOALS)
    with pytest.raises(UsageError, match="two goals bound mape: mape<=2%, mape:lut<=1%. Give one of them"):
        read_goals(["mape<=2%", "mape:lut<=1%"], GOALS)
    with pytest.raises(UnknownNameError, match="Known: half-width"):
        read_goals(["mape<=2%"], KINDS)


def works(n: int) -> list[SyntheticWorkload]:
    return [SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i))) for i in range(n)]


def test_a_campaign_ends_as_soon_as_every_interval_is_as_asked(tmp_path: Path) -> None:
    options = {"process_noise": 0.002, "noise": 0.002}
    how = {"backend": "null", "store": tmp_path / "s.db", "backend_options": options}
    wide = hwcost.measure(works(8), until="half-width<=5%", **how)
    assert {m.n_rounds for m in wide.measurements} == {2}
    assert wide.is_complete
    assert wide.standing is not None
    assert wide.standing.is_met
    assert "I_UNTIL" not in {flag.code for flag in wide.flags}
    assert {m.n_rounds for m in hwcost.measure(works(8), **how).measurements} == {4}


def test_it_takes_the_place_of_the_tiers_half_width(tmp_path: Path) -> None:
    options = {"process_noise": 0.01, "noise": 0.001}
    how = {"backend": "null", "store": tmp_path / "s.db", "backend_options": options}
    result = hwcost.measure(works(8), until=["half-width<=1.2%"], tier="quick", **how)
    assert result.plan.protocol.half_width == pytest.approx(0.012)
    assert 2 < max(m.n_rounds for m in result.measurements) <= 12
    assert all(m.half_width is not None and m.half_width <= 0.012 for m in result.measurements)


def test_what_the_budget_did_not_reach_is_said_and_goes_on_later(tmp_path: Path) -> None:
    options = {"realtime": True, "process_noise": 0.01}
    result = hwcost.measure(
        works(4), backend="null", store=tmp_path / "s.db", backend_options=options, budget_s=0.1, until="half-width<=0.1%"
    )
    (flag,) = [flag for flag in result.flags if flag.code == "I_UNTIL"]
    assert not result.is_complete
    assert "% after 2 processes, wanted half-width<=0.1%." in flag.text
    assert "--resume --budget TIME goes on" in flag.remedy


def test_a_budget_that_ends_before_goals_can_be_judged_is_said_too(tmp_path: Path) -> None:
    """Calls with pauses are measured until the budget ends, which may be within the first process."""
    result = hwcost.measure(
        works(3), backend="null", store=tmp_path / "s.db", backend_options={"realtime": True}, budget_s=0.1,
        arrival="gap=5ms", blocks=4, until="half-width<=1%",
    )  # fmt: skip
    assert not result.is_complete
    assert result.standing is not None
    assert result.standing.to_list() == [{"goal": "half-width<=1%", "value": None, "met": False}]
    (flag,) = [flag for flag in result.flags if flag.code == "I_UNTIL"]
    assert flag.text == "half-width unknown after 1 process, wanted half-width<=1%."
    assert flag.remedy.endswith("--resume --budget TIME goes on.")


def test_a_number_of_rounds_and_goals_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"rounds=3 \(--rounds\) makes exactly so many"):
        hwcost.measure(works(4), backend="null", store=tmp_path / "s.db", rounds=3, until="half-width<=1%")
    with pytest.raises(UsageError, match="until= is a text, or a list of texts, or None; got 2"):
        hwcost.measure(works(4), backend="null", store=tmp_path / "s.db", until=2)  # type: ignore[arg-type]
    assert not (tmp_path / "s.db").exists()
