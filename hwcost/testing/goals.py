"""The conformance suite of goals: what every goal of a campaign promises, as tests.

::

    class TestMyGoal(GoalSuite):
        kind = MyGoal
        bound = 2.0
"""

from __future__ import annotations

import json
from abc import ABC
from dataclasses import FrozenInstanceError, replace
from typing import ClassVar

import numpy as np
import pytest

from hwcost.campaign.goals.goal import Goal, read_goals
from hwcost.campaign.plans.plan import Plan, items
from hwcost.errors import UsageError
from hwcost.spaces import space
from hwcost.timing.measurement import Measurement
from hwcost.timing.protocol import protocol
from hwcost.workloads import models


class GoalSuite(ABC):
    """Subclass it as ``Test...`` and name the class.

    Attributes:
        kind: Class of the goal.
        bound: Bound that it can have.
    """

    kind: ClassVar[type[Goal]]
    bound: ClassVar[float]

    @pytest.fixture
    def goal(self) -> Goal:
        """The goal."""
        return self.kind(self.bound)

    @pytest.fixture
    def plan(self, goal: Goal) -> Plan:
        """A plan of 16 architectures."""
        made = space("supershaper", scale="mini")
        works = models(made, made.sample(16, seed=0), batch_size=1, seq_len=16, dtype="float32")
        return Plan(tuple(items(works)), "cpu", "null", protocol("standard"), until=(str(goal),))

    @pytest.fixture
    def measurements(self, plan: Plan) -> list[Measurement]:
        """Measurements of them, precise to about 1 %."""
        noise = np.random.default_rng(0).normal(0, 0.01, len(plan.items))
        sizes = [float(plan.sizes[key] or 0.0) for key in plan.by_key]
        latency_s = 1e-3 + 1e-12 * np.array(sizes) * np.exp(noise)
        return [
            Measurement(one.workload, one.role, float(seconds), 0.02, 2, ())
            for one, seconds in zip(plan.items, latency_s, strict=True)
        ]

    def test_its_text_makes_an_equal_goal(self, goal: Goal) -> None:
        """Plans keep the text alone."""
        assert read_goals([str(goal)], {self.kind.name: self.kind}) == (goal,)

    def test_plans_keep_it(self, plan: Plan) -> None:
        """A plan that is read back ends by the same goal; one without goals is read as before."""
        plain = json.loads(json.dumps(plan.to_dict()))
        assert Plan.from_dict(plain) == plan
        del plain["until"]
        assert Plan.from_dict(plain) == replace(plan, until=())

    def test_it_never_changes(self, goal: Goal) -> None:
        """One object judges all rounds of a campaign."""
        assert hash(goal) == hash(self.kind(self.bound))
        with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
            goal.bound = 1.0  # type: ignore[misc]

    def test_the_other_sign_is_refused(self) -> None:
        """The message says how it is written."""
        other, unit = ">=" if self.kind.sign == "<=" else "<=", self.kind.unit
        with pytest.raises(UsageError, match=f"write {self.kind.name}{self.kind.sign}"):
            read_goals([f"{self.kind.name}{other}{self.bound}{unit}"], {self.kind.name: self.kind})

    def test_these_workloads_are_accepted(self, goal: Goal, plan: Plan) -> None:
        """Architectures of one space at one shape are what campaigns measure most."""
        goal.check(plan)

    def test_equal_measurements_give_equal_verdicts(
        self, goal: Goal, plan: Plan, measurements: list[Measurement]
    ) -> None:
        """So a campaign that is resumed decides as it would have."""
        first = goal.judge(plan, measurements)
        assert first == goal.judge(plan, list(measurements))
        assert first.value is not None
        assert first.is_met == goal.holds(first.value)
        assert set(first.due) <= set(plan.by_key)
        assert not (first.is_met and first.due)

    def test_nothing_measured_is_not_met(self, goal: Goal, plan: Plan, measurements: list[Measurement]) -> None:
        """A campaign whose workloads all failed has no figure, and raises nothing."""
        lost = [replace(one, latency_s=None, half_width=None) for one in measurements]
        verdict = goal.judge(plan, lost)
        assert (verdict.value, verdict.is_met) == (None, False)
