"""Announces how long a campaign takes, and how precise it becomes: before it begins, and again after its first passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hwcost.campaign.rounds.forecast import beforehand, underway

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.campaign.rounds.progress import Progress


def announced(
    plan: Plan, progress: Callable[[Progress], None], remark: Callable[[str], None], budget_s: float | None = None, *,
    is_here: bool = True, is_begun: bool = False,
) -> Callable[[Progress], None]:  # fmt: skip
    """Returns a callback for a campaign's progress that also announces, once, what :func:`after_first_passes` does.

    What is known beforehand is announced at once.

    Args:
        plan: Plan of the campaign.
        progress: Function that shows the progress.
        remark: Function that gets what is announced.
        budget_s: Seconds of the campaign; None for as long as the protocol asks for.
        is_here: Whether this machine measures.
        is_begun: Whether a part of it was measured before, so that less is left than a forecast says.
    """
    if not is_begun and (text := beforehand(plan, budget_s, is_here)) is not None:
        remark(text)
    tell = after_first_passes(plan, remark, budget_s)

    def show(state: Progress) -> None:
        progress(state)
        tell(state)

    return show


def after_first_passes(
    plan: Plan, remark: Callable[[str], None], budget_s: float | None = None
) -> Callable[[Progress], None]:
    """Returns a callback that says once, after the first passes, what fits into the budget, or that all will take long.

    Args:
        plan: Plan of the campaign.
        remark: Function that gets what is announced.
        budget_s: Seconds of the campaign; None for as long as the protocol asks for.
    """
    is_said = False

    def tell(state: Progress) -> None:
        nonlocal is_said
        if is_said or not state.passes or (budget_s is not None and state.half_width is None):
            return
        is_said = True
        if (text := underway(state, plan.protocol, budget_s)) is not None:
            remark(text)

    return tell
