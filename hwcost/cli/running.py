"""Runs a campaign for the command line: its plan, its progress, its result, and what makes a result invalid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost.cli import console
from hwcost.cli.progress import ProgressText, progress
from hwcost.errors import MeasurementError
from hwcost.units import about_half_width, format_half_width

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.campaign.rounds.progress import Progress
    from hwcost.campaign.run import Result
    from hwcost.cost_models.priors.design import Few
    from hwcost.elsewhere.transports import Transport
    from hwcost.stores.base import Store


@dataclass(frozen=True)
class RunOptions:
    """How far a campaign is run, and where its result goes.

    Attributes:
        budget_s: Seconds that the rounds share; None for as long as the protocol asks for.
        wait_s: Seconds to wait for CPUs that other campaigns hold.
        json: File for the result as JSON, or ``-`` for stdout; None for tables.
    """

    budget_s: float | None
    wait_s: float
    json: str | None

    @classmethod
    def parse(cls, budget: str | None, wait: str, json: str | None) -> RunOptions:
        """Reads the durations as they are typed.

        Raises:
            UsageError: When one is not a duration.
        """
        from hwcost.units import parse_duration, parse_wait

        wait_s = parse_wait(wait)
        return cls(None if budget is None else parse_duration(budget), wait_s, json)


def show_plan(
    plan: Plan, store: str | None, options: RunOptions, few: Few | None = None, is_here: bool = True
) -> None:
    """Shows what would be measured, how long that takes and how precise it becomes; measures nothing.

    Args:
        plan: Plan of the campaign.
        store: Store whose earlier calls say how long calls take.
        options: Options of the run.
        few: Choice of the first items of the plan by a prior; None where they were not chosen so.
        is_here: Whether this machine measures.
    """
    from hwcost.cli.forecast import expected

    time = expected(plan, store, options.budget_s, is_here)
    widths = [] if few is None else few.half_widths.tolist()
    chosen = {} if few is None else {"few": few.to_list()}
    if console.write_json({"plan": plan.to_dict(), "expected": time.to_dict(), **chosen}, options.json):
        return
    rows = [[item.workload.name, item.role] for item in plan.items]
    footer = f"{len(rows)} workloads, {plan.protocol.rounds} rounds or more with {plan.backend}: {time}."
    footer += f" It ends early when {' and '.join(plan.until)}." if plan.until else ""
    footer += " Nothing was measured."
    if few is None:
        console.print_table("Plan", ["workload", "role"], rows, footer)
        return
    shown = [format_half_width(width, sign="±") for width in widths] + [""] * (len(rows) - len(widths))
    rows = [[*row, width] for row, width in zip(rows, shown, strict=True)]
    console.print_table("Plan", ["workload", "role", "expected 90 % interval with it and all above"], rows, footer)


def run_campaign(store: Store, campaign_id: str, options: RunOptions, place: Transport | None = None) -> None:
    """Runs a campaign, shows its progress and then its result.

    Args:
        store: Store that holds the plan.
        campaign_id: Identifier of the campaign.
        options: Options of the run.
        place: Way to the machine that measures; None for this one.

    Raises:
        MeasurementError: When the result is invalid; it was shown by then.
    """
    from hwcost.campaign.run import run
    from hwcost.cli import results
    from hwcost.cost_models.evaluation.goals import GOALS

    with progress(progress_text) as update:
        how: dict[str, Any] = {
            "budget_s": options.budget_s, "wait_s": options.wait_s, "progress": update, "remark": console.note,
            "goals": GOALS,
        }  # fmt: skip
        if place is None:
            result = run(store, campaign_id, **how)
        else:
            from hwcost.elsewhere import measure_on

            result = measure_on(place, store, campaign_id, **how)
    results.show(result, options.json)
    refuse_invalid(result)


def refuse_invalid(result: Result) -> None:
    """Refuses a result that cannot be used.

    Raises:
        MeasurementError: When a workload could not be measured, nothing was, or the campaign as a whole is invalid.
    """
    for flag in result.flags:
        if flag.code.startswith("E_"):
            raise MeasurementError(str(flag))
    lost = [m for m in result.measurements if m.latency_s is None and m.visits]
    if lost:
        first = next(flag for flag in lost[0].flags if flag.code.startswith("E_"))
        share = f"{len(lost)} of {len(result.measurements)} workloads"
        raise MeasurementError(f"{share} could not be measured. The first: {first}")
    if all(m.latency_s is None for m in result.measurements):
        raise MeasurementError("nothing was measured; give a longer --budget")


def progress_text(state: Progress) -> ProgressText:
    """Returns what is shown of a campaign's progress."""
    if state.waiting:
        return ProgressText(state.done, state.planned, state.waiting, state.waiting, state.waiting)
    where = f"process {state.round + 1} of {max(state.rounds, state.round + 1)}"
    made = f"pass {state.passes} of {state.planned_passes}" if state.passes else "preparing"
    left = ", ".join(filter(None, (_remaining(state), _precision(state))))
    return ProgressText(
        state.done, state.planned, ", ".join(filter(None, (where, made, left, state.standing, state.name))),
        ", ".join(filter(None, (where, made, left, state.standing))), step=(state.round, made),
    )  # fmt: skip


def _remaining(state: Progress) -> str:
    from hwcost.units import format_clock

    return "" if state.remaining_s is None else f"{format_clock(state.remaining_s)} to go"


def _precision(state: Progress) -> str:
    return "" if state.half_width is None else f"{about_half_width(state.half_width, '±')} expected"
