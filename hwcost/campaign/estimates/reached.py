"""The precision that a campaign has reached, and what further rounds make of it."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass

__all__ = ["Reached"]


@dataclass(frozen=True, slots=True)
class Reached:
    """The half-width of an interval after some rounds.

    It falls with the square root of the rounds, and with the quantile of t: each further round brings one degree of freedom
    for every workload but one, or one where there is a single workload. Of two rounds of one workload that quantile is 12.7,
    of four 3.2.

    Attributes:
        half_width: Relative half-width.
        rounds: Rounds that gave it, from 2.
        workloads: Workloads that share their noise.
    """

    half_width: float
    rounds: int
    workloads: int

    def after(self, rounds: int, lasting: float = 0.0) -> float:
        """Returns the half-width that is expected after more rounds in all; the present one for no more.

        Args:
            rounds: Rounds in all.
            lasting: Part of the half-width that rounds do not make narrower, such as time that was lost in all of them.
        """
        if rounds <= self.rounds:
            return self.half_width
        lasting = min(lasting, self.half_width)
        share = math.sqrt(self.rounds / rounds) * self._quantile(rounds) / self._quantile(self.rounds)
        return lasting + (self.half_width - lasting) * share

    def rounds_for(self, wanted: float) -> int:
        """Returns the rounds in all after which the half-width is expected to be as wanted."""
        most = max(self.rounds, math.ceil(self.rounds * (self.half_width / wanted) ** 2))
        counts = range(self.rounds, most)
        return counts.start + bisect.bisect_left(counts, -wanted, key=lambda count: -self.after(count))

    def _quantile(self, rounds: int) -> float:
        from scipy import special

        return float(special.stdtrit(max(1, self.workloads - 1) * max(1, rounds - 1), 0.975))
