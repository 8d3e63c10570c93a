"""What ``hwcost run`` shows of a suite: its plan, the campaigns as they go on, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hwcost.cli import console

if TYPE_CHECKING:
    from hwcost.campaign.rounds.progress import Progress
    from hwcost.stores.runs import Run
    from hwcost.suites import Observer, Outcome, RunOptions, RunResult, Suite
    from hwcost.suites.making import Broken
    from hwcost.suites.planning import Planned


@contextmanager
def shown_progress() -> Iterator[Observer]:
    """Yields what shows a run's progress: the plan, a line a campaign, and a bar within it."""
    from hwcost.cli.progress import progress
    from hwcost.cli.running import progress_text

    with progress(progress_text) as update:
        yield _observer(update)


def _observer(update: Callable[[Any], None]) -> Observer:
    from hwcost.campaign.rounds.announcements import after_first_passes
    from hwcost.suites import Observer
    from hwcost.units import format_clock

    class Shown(Observer):
        """Says on stderr how far a run is."""

        tell: Callable[[Progress], None] = staticmethod(lambda state: None)

        def planned(self, run: Run, planned: Sequence[Planned], budget_s: float | None, is_resumed: bool) -> None:
            self.count = len(planned)
            what = "resumed" if is_resumed else "begins"
            shared = "" if budget_s is None else f", within {format_clock(budget_s)}"
            console.note(f"run {run.run_id} of suite '{run.suite}' {what}: {_summary(planned)}{shared}")
            for text in [*_broken(one.broken for one in planned), *_unsuited(planned)]:
                console.note(text)

        def begins(self, number: int, planned: Planned, budget_s: float | None) -> None:
            console.note(f"campaign {number + 1} of {self.count}: {planned.part}: {_expected(planned, budget_s)}")
            if planned.plan is not None:
                self.tell = after_first_passes(planned.plan, console.note, budget_s)

        def progress(self, state: Progress) -> None:
            update(state)
            self.tell(state)

        def ended(self, outcome: Outcome) -> None:
            if outcome.error is not None:
                console.note(f"failed: {outcome.part}: {outcome.error}")

    return Shown()


def _summary(planned: Sequence[Planned]) -> str:
    """Says how many campaigns and workloads there are, and how long they take."""
    from hwcost.units import format_clock

    plans = [one for one in planned if one.plan is not None]
    workloads = sum(len(one.plan.items) for one in plans if one.plan is not None)
    total_s = sum(one.weight for one in plans)
    is_least = any(one.expected is not None and one.expected.is_least for one in plans)
    about = "at least" if is_least else "about"
    campaigns = "1 campaign" if len(planned) == 1 else f"{len(planned)} campaigns"
    return f"{campaigns} of {workloads} workloads, {about} {format_clock(total_s)}"


def _short(one: Planned) -> list[str]:
    """Returns the time and the half-width that are expected of a campaign, as cells of a table."""
    from hwcost.units import about_half_width, format_clock

    if one.plan is None or one.expected is None:
        return [_expected(one, None), ""]
    half_width = one.expected.half_width
    about = "at least" if one.expected.is_least else "about"
    return [f"{about} {format_clock(one.expected.total_s)}", "" if half_width is None else about_half_width(half_width)]


def _broken(found: Iterable[Sequence[Broken]]) -> list[str]:
    """Says of every set that cannot be made, once, why that is so."""
    return list(dict.fromkeys(f"cannot be measured: {one}" for of_part in found for one in of_part))


def _unsuited(planned: Iterable[Planned]) -> list[str]:
    """Says of every set that a backend does not run, and another one does, once, why that is so."""
    return list(dict.fromkeys(f"left out where it does not run: {one}" for part in planned for one in part.unsuited))


def _expected(planned: Planned, budget_s: float | None) -> str:
    from hwcost.units import format_clock

    if planned.plan is None:
        return "cannot be measured" if planned.errors else "nothing is due"
    within = "" if budget_s is None else f", within {format_clock(budget_s)}"
    return f"{len(planned.plan.items)} workloads, {planned.expected}{within}"


def show_plan(suite: Suite, options: RunOptions, store: str | None, json: str | None) -> None:
    """Shows what a run would measure; measures nothing."""
    from hwcost.errors import StoreError, UsageError
    from hwcost.stores import open_store
    from hwcost.suites import expand
    from hwcost.suites.planning import plan_parts

    parts = expand(suite, tier=options.tier, devices=options.devices, only=options.only)
    try:
        with open_store(store, create=False) as opened:
            planned = plan_parts(parts, opened)
    except (StoreError, UsageError):  # the store does not exist yet, or cannot be read
        planned = plan_parts(parts, None)
    if console.write_json({"suite": suite.name, "campaigns": [one.to_dict() for one in planned]}, json):
        return
    rows = [[str(one.part), "" if one.plan is None else len(one.plan.items), *_short(one)] for one in planned]
    errors = [f"{one.part}: {one.error}" for one in planned if one.error is not None]
    errors += [*_broken(one.broken for one in planned), *_unsuited(planned)]
    footer = "\n".join([*errors, f"{_summary(planned)}. Nothing was measured."])
    console.print_table(f"Suite {suite.name}", ["campaign", "workloads", "time", "± 95 %"], rows, footer)


def show_result(result: RunResult, json: str | None) -> None:
    """Writes what became of a run as JSON, or as tables."""
    from hwcost.units import format_clock

    if console.write_json(result.to_dict(), json):
        return
    rows = [
        [one.part, one.measured, one.failed, one.skipped, one.doubtful, format_clock(one.seconds)] for one in result.outcomes
    ]
    columns = ["campaign", "measured", "failed", "skipped", "doubts", "time"]
    footer = f"Run {result.run.run_id} {_of_code(result.run)}is {result.run.status}, after {format_clock(result.seconds)}."
    unmade = _broken(one.broken for one in result.outcomes)
    console.print_table(f"Suite {result.run.suite}", columns, rows, "\n".join([*unmade, footer]))
    if result.checks:
        _show_checks(result)
    for name, reason in result.unjudged.items():
        console.note(f"cost model '{name}' was not judged: {reason}")


def _of_code(run: Run) -> str:
    code = run.code
    if code is None or code.commit is None:
        return ""
    return f"of commit {code.commit[:10]}{' with changes' if code.is_dirty else ''} "


def _show_checks(result: RunResult) -> None:
    def shown(value: float | None, text: str) -> str:
        return "-" if value is None else text.format(value)

    rows = [
        [
            check.model, check.device, check.n, shown(check.n_held_out, "{}"), shown(check.mape, "{:.2f} %"),
            shown(check.coverage_90, "{:.0%}"), "holds" if check.holds else "does not hold",
        ]
        for check in result.checks
    ]  # fmt: skip
    footer = "\n".join(f"{check.model}: {check.reason}" for check in result.checks)
    columns = ["model", "device", "n", "held out", "mean error", "in 90 %", "verdict"]
    console.print_table("Cost models", columns, rows, footer)
