"""Which workloads each round of a campaign measures, and how many rounds are to come."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from hwcost.campaign.estimates import estimate
from hwcost.campaign.estimates.reached import Reached
from hwcost.campaign.goals.until import Standing, Until
from hwcost.campaign.rounds.budget import NEEDED, Budget
from hwcost.campaign.rounds.companions import companions
from hwcost.campaign.rounds.journal import Journal, failed, is_counted
from hwcost.timing.measurement import Measurement, Visit

if TYPE_CHECKING:
    from hwcost.campaign.goals.goal import Goal
    from hwcost.campaign.plans.plan import Plan

Further = Callable[[Sequence[Visit]], Collection[str]]
"""Says of the visits made so far which workloads are to be measured further, by their keys."""

DOUBTFUL = 2.0
"""An interval this many times as wide as the median one is visited first."""


class Schedule:
    """The rounds of a campaign that are to come, by what the visits so far say.

    Args:
        plan: Plan of the campaign.
        journal: Visits that the campaign has made, which grow while it runs.
        budget: The seconds of the campaign.
        goals: Kinds of goal that the plan may hold, by name.
        further: Function that says which workloads the next round measures, in place of the protocol and of goals; None for
            what the plan says.

    Attributes:
        standing: Values of the campaign's goals; None where it has none, or could not judge them yet.
    """

    def __init__(
        self, plan: Plan, journal: Journal, budget: Budget, goals: Mapping[str, type[Goal]], further: Further | None
    ) -> None:
        self.plan, self.journal, self.budget, self.further = plan, journal, budget, further
        self.standing: Standing | None = None
        self._until = Until(plan, goals)
        self._estimate: tuple[int, list[Measurement]] = (0, [])
        self._joined = 0

    @property
    def failed(self) -> set[str]:
        """Keys of the workloads that failed; they are never tried again."""
        return failed(self.journal.visits)

    def _counts(self) -> Counter[str]:
        """Returns the rounds that each workload got; those that a kill cut short do not count."""
        return Counter(visit.workload_key for visit in self.journal.visits if is_counted(visit))

    def _made(self) -> int:
        """Returns the rounds that count."""
        return len({visit.round for visit in self.journal.visits if is_counted(visit)})

    def required(self) -> int:
        """Returns the rounds to go that every workload gets in any case, or that share the budget at first."""
        if self.further is not None:
            return max(0, self.plan.protocol.rounds - self._made())
        counts, failed = self._counts(), self.failed
        least = min((counts[key] for key in self._open() if key not in failed), default=self.plan.protocol.rounds)
        return max(0, self.plan.protocol.rounds - least)

    def to_go(self) -> int:
        """Returns how many rounds are to come, which share the rest of the budget; 0 when none fits."""
        if self.plan.protocol.has_pauses and self.budget.budget_s is not None:
            return int(self.budget.left_s > 0)  # workloads one after another, until the budget ends them
        if required := self.required():
            return self.budget.processes(required, self.plan.protocol.rounds - required)
        return self.budget.further(self._most_confirming() - self._made())

    def _open(self) -> list[str]:
        """Returns the keys of the workloads that are measured by now: those that joined were visited, or are due."""
        joining, visited = self.plan.joining, {visit.workload_key for visit in self.journal.visits}
        self._joined = max(self._joined, *(i + 1 for i, key in enumerate(joining) if key in visited), 0)
        waiting = set(joining[self._joined :])
        return [key for key in self.plan.by_key if key not in waiting]

    def _join(self) -> list[str]:
        """Lets further workloads join, a third as many as there are or one, and returns them; none when all have joined."""
        new = self.plan.joining[self._joined :][: max(1, (self.plan.first + self._joined) // 3)]
        self._joined += len(new)
        return list(new)

    def _most(self) -> int:
        """Returns the most rounds that there may be; those that joined have rounds of their own."""
        return self.plan.protocol.max_rounds + self.plan.protocol.rounds * self._joined

    def _most_confirming(self) -> int:
        """Returns the most rounds that there may be for workloads that too few visits show uncontended."""
        return self._most() + max(0, self.plan.protocol.most_rounds - self.plan.protocol.max_rounds)

    def due(self) -> list[str]:
        """Returns what a round measures: everything at first, then what is still too imprecise; never what failed before.

        Few that are too imprecise get companions, which count as due with them. A campaign with goals ends as soon as no
        further process would bring one nearer, and nothing is left to join.
        """
        protocol, failed, counts = self.plan.protocol, self.failed, self._counts()
        keys = [key for key in self._open() if key not in failed]
        if self.further is not None:
            return self._due_further(keys, self.further)
        lacking = [key for key in keys if counts[key] < protocol.rounds]
        wanted = self._wanted(min((counts[key] for key in keys), default=0))
        if wanted is not None and not wanted:
            return [] if self.standing is None or self.standing.is_met else self._join()
        if lacking:
            return lacking
        if wanted is not None and (joined := self._join()):
            return joined
        if self._made() >= self._most():
            wanted = self._unconfirmed() if wanted is None else set()
        elif wanted is None:
            wanted = set(estimate.needs_more_rounds(self._estimated(), self.plan)) | self._unconfirmed()
        due = [key for key in keys if key in wanted]
        return due + companions(self.plan, due, self._estimated(), counts) if due else []

    def _due_further(self, keys: list[str], further: Further) -> list[str]:
        """Returns what a round measures where the campaign's caller says it; everything in the rounds before."""
        made = self._made()
        if made < NEEDED:
            return keys
        wanted = set(further(self.journal.visits)) if made < self._most() else set()
        return [key for key in keys if key in wanted]

    def _unconfirmed(self) -> set[str]:
        """Returns the workloads that too few visits show uncontended, where a budget has room for more; else none."""
        if self.budget.budget_s is None or self._made() >= self._most_confirming():
            return set()
        return {one.workload.key for one in self._estimated() if not one.is_confirmed}

    def _wanted(self, least: int) -> set[str] | None:
        """Judges the goals, and returns the workloads that they need; None without goals, or before they can be judged.

        Args:
            least: Number of rounds that every workload got.
        """
        if not self._until.goals or least < NEEDED:
            return None
        self.standing = self._until.judge(self._estimated(), self._made())
        return self.standing.due

    def _estimated(self) -> list[Measurement]:
        """Returns what the visits say by now; equal ones are estimated once."""
        made = len(self.journal.visits)
        if self._estimate[0] != made:
            self._estimate = made, estimate.estimate(self.plan, self.journal.visits)
        return self._estimate[1]

    def outcome(self) -> Standing | None:
        """Returns what the campaign says of its goals at its end, unknown values included; None where none of them count."""
        if self.standing is not None or not self._until.goals or self.further is not None:
            return self.standing
        failed = self.failed
        return self._until.unjudged([key for key in self._open() if key not in failed], self._made())

    def reached(self) -> Reached | None:
        """Returns the median half-width after the processes that were made; None before it is known."""
        if self.further is not None or (made := self._made()) < NEEDED:
            return None
        widths = [one.half_width for one in self._estimated() if one.half_width is not None]
        return Reached(statistics.median(widths), made, len(widths)) if widths else None

    def order(self, number: int, due: list[str]) -> list[str]:
        """Draws the order of a round; from the third on, what is far less certain than the rest comes first.

        So a budget that ends within a round was spent where it was needed.
        """
        if number < 2 or self.further is not None:
            return self.plan.order(number, due)
        found = {m.workload.key: math.inf if m.half_width is None else m.half_width for m in self._estimated()}
        widths = [width for width in found.values() if width < math.inf]
        usual = statistics.median(widths) if widths else 0.0
        parts: dict[bool, list[str]] = {True: [], False: []}
        for key in due:
            parts[found[key] > DOUBTFUL * usual].append(key)
        return self.plan.order(number, parts[True]) + self.plan.order(number, parts[False])
