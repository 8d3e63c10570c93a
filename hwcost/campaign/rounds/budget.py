"""What fits into the seconds of a campaign: how many processes, and how long each may go on.

A budget is a plan: the protocol's rounds share what is left of it, start-up included. Where starting takes so long that they
do not fit, there are fewer of them, and never fewer than the two that an interval needs.
"""

from __future__ import annotations

from collections.abc import Callable

from hwcost.agent.groups import LEAST_PASSES
from hwcost.timing.measurement import Flag
from hwcost.units import format_clock

NEEDED = 2
"""Processes that an interval needs."""


class Budget:
    """The seconds of a campaign.

    Args:
        budget_s: Seconds of all rounds; None for as long as it takes.
        elapsed: Seconds since the campaign began to measure.

    Attributes:
        least_s: Seconds of the quickest round that would do, as seen so far: start-up and the fewest passes.
        usual_s: Mean seconds of a process so far.
        flag: Doubt about the budget, by what is known of processes by now; None where all rounds fit.
        waited_s: Seconds of waiting for a machine, which do not count.
        exports: Workloads that were exported before the first process.
        exports_s: Seconds that their exports took.
    """

    def __init__(self, budget_s: float | None, elapsed: Callable[[], float]) -> None:
        self.budget_s, self.elapsed = budget_s, elapsed
        self.least_s = self.usual_s = self.waited_s = 0.0
        self.flag: Flag | None = None
        self.exports, self.exports_s = 0, 0.0
        self._seen = 0

    @property
    def left_s(self) -> float:
        """Seconds that are left; infinite without a budget."""
        return float("inf") if self.budget_s is None else self.budget_s - self.spent_s

    @property
    def spent_s(self) -> float:
        """Seconds that are spent."""
        return self.elapsed() - self.waited_s

    def learn(self, seconds: float, least_s: float) -> None:
        """Takes in how long a process took.

        Args:
            seconds: Seconds of the whole process.
            least_s: Seconds of its start-up with the fewest passes.
        """
        self._seen += 1
        self.usual_s += (seconds - self.usual_s) / self._seen
        self.least_s = least_s if self._seen == 1 else min(self.least_s, least_s)

    def exported(self, exports: int, seconds: float) -> None:
        """Takes in how long exports took, which later campaigns over the same workloads need not make."""
        self.exports += exports
        self.exports_s += seconds

    def processes(self, wanted: int, made: int) -> int:
        """Returns how many further processes there will be.

        Args:
            wanted: Processes that the protocol asks for.
            made: Processes made.
        """
        if self.budget_s is None or not self._seen:
            return wanted
        found = _fitting(wanted, made, self.left_s, self.least_s)
        self.flag = self._too_short(made + found, made + wanted) if found < wanted else None
        return found

    def expected(self, wanted: int, made: int, present_s: float, least_s: float) -> int:
        """Returns how many processes are expected after the present one, by what its start and its first passes take.

        Args:
            wanted: Processes that are planned after it.
            made: Processes made, the present one included.
            present_s: Seconds that the present one still takes.
            least_s: Seconds of its start-up with the fewest passes.
        """
        return wanted if self.budget_s is None else _fitting(wanted, made, self.left_s - present_s, least_s)

    def further(self, most: int) -> int:
        """Returns how many further rounds share the rest, once the protocol's rounds are made; one without a budget.

        Args:
            most: Most rounds that the protocol allows beyond them.
        """
        if self.budget_s is None:
            return min(1, most)
        if self.left_s < self.least_s:
            return 0
        return min(most, max(1, int(self.left_s / max(self.usual_s, 1e-9))))

    def round_s(self, processes: int) -> float | None:
        """Returns the seconds of the next process when so many are to come; None without a budget."""
        return None if self.budget_s is None else max(0.0, self.left_s / max(1, processes))

    def _too_short(self, fit: int, wanted: int) -> Flag:
        assert self.budget_s is not None
        text = f"{fit} of {wanted} processes fit into the budget of {format_clock(self.budget_s)}: starting one and making "
        text += f"{LEAST_PASSES} passes takes {format_clock(self.least_s)}"
        if self.exports:
            text += f", and {self.exports} exports took {format_clock(self.exports_s)} before"
        text += ", so that the intervals are wider."
        return Flag("I_BUDGET", text, "Give a longer budget, or fewer workloads.")


def _fitting(wanted: int, made: int, left_s: float, least_s: float) -> int:
    """Returns how many of the wanted processes fit into what is left, at least those that an interval still needs."""
    fits = round(max(0.0, left_s) / max(least_s, 1e-9))
    needed = min(wanted, max(0, NEEDED - made))
    return max(needed, min(wanted, fits))
