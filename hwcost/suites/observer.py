"""Following a run while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hwcost.campaign.rounds.progress import Progress
    from hwcost.stores.runs import Run
    from hwcost.suites.outcome import Outcome
    from hwcost.suites.planning import Planned

__all__ = ["Observer"]


class Observer:
    """Follows a run while it goes on; each method does nothing until it is overridden."""

    def planned(self, run: Run, planned: Sequence[Planned], budget_s: float | None, is_resumed: bool) -> None:
        """Is called with the campaigns before the first one begins."""

    def begins(self, number: int, planned: Planned, budget_s: float | None) -> None:
        """Is called when a campaign begins, with its number from 0 and its seconds of the budget."""

    def progress(self, state: Progress) -> None:
        """Is called after every pass of a campaign."""

    def ended(self, outcome: Outcome) -> None:
        """Is called when a campaign has ended."""
