"""How far a campaign is from its goals: judged after every process, from the second on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost.campaign.goals.goal import Goal, Verdict, read_goals
from hwcost.timing.measurement import Flag

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.timing.measurement import Measurement

LONGER = "--resume --budget TIME goes on."
"""Advice where the budget ended the campaign."""

UNJUDGED = "Goals are judged once every workload was measured in two processes."
"""Reason for unknown values where a campaign ended before that."""

QUIETER = "All rounds were made: give a longer --budget or a stricter --tier, or measure on a quieter machine."
"""Advice where the campaign made all its rounds."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the measurements so far say of all goals.

    Attributes:
        verdicts: One per goal.
        processes: Processes that were made.
    """

    verdicts: tuple[Verdict, ...]
    processes: int

    @property
    def is_met(self) -> bool:
        """Whether all goals are met."""
        return all(one.is_met for one in self.verdicts)

    @property
    def due(self) -> set[str]:
        """Keys of the workloads of which further processes may bring a goal nearer."""
        return {key for one in self.verdicts if not one.is_met for key in one.due}

    def __str__(self) -> str:
        """For example ``mape 2.71 %, wanted mape<=2%``."""
        return "; ".join(f"{one}, wanted {one.goal}" for one in self.verdicts)

    def flag(self, is_complete: bool) -> Flag | None:
        """Says what was not reached, and what to do about it; None where all goals are met.

        Args:
            is_complete: Whether the campaign ended by itself, not by its budget.
        """
        missed = [one for one in self.verdicts if not one.is_met]
        if not missed:
            return None
        made = f"{self.processes} process" if self.processes == 1 else f"{self.processes} processes"
        text = "; ".join(f"{one} after {made}, wanted {one.goal}" for one in missed)
        usual = QUIETER if is_complete else LONGER
        remedies = [" ".join(filter(None, (one.remedy, usual if one.due else ""))) for one in missed]
        return Flag("I_UNTIL", f"{text}.", " ".join(dict.fromkeys(filter(None, remedies))))

    def to_list(self) -> list[dict[str, Any]]:
        """Returns plain JSON."""
        return [{"goal": str(one.goal), "value": one.value, "met": one.is_met} for one in self.verdicts]


class Until:
    """The goals of a plan.

    Args:
        plan: Plan of the campaign.
        kinds: Kinds of goal by name.

    Raises:
        UsageError: When a goal of the plan is of no such kind.
    """

    def __init__(self, plan: Plan, kinds: Mapping[str, type[Goal]]) -> None:
        self._plan, self.goals = plan, read_goals(plan.until, kinds)

    def judge(self, measurements: Sequence[Measurement], processes: int) -> Standing:
        """Judges all goals.

        Args:
            measurements: One measurement per item of the plan.
            processes: Processes that were made.
        """
        return Standing(tuple(goal.judge(self._plan, measurements) for goal in self.goals), processes)

    def unjudged(self, due: Collection[str], processes: int) -> Standing:
        """Returns what is known of all goals where the campaign ended before they could be judged: nothing.

        Args:
            due: Keys of the workloads that further processes would measure.
            processes: Processes that were made.
        """
        return Standing(tuple(Verdict(goal, None, tuple(due), UNJUDGED) for goal in self.goals), processes)
