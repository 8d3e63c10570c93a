"""``hwcost run``: a suite, from what is due to a table of what was measured."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console

if TYPE_CHECKING:
    from hwcost.campaign.progress import Progress
    from hwcost.stores.runs import Run
    from hwcost.suites import Observer, Outcome, RunOptions, RunResult, Suite
    from hwcost.suites.planning import Planned

WHAT = "What is measured"
NIGHT = "Which run it is"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("run")(run)


def run(
    suite: Annotated[str, typer.Argument(metavar="SUITE|FILE.toml", help="Suite, see: hwcost config show.")],
    device: Annotated[
        list[str] | None,
        typer.Option(
            "--device", "-d", metavar="NAME|here|NAME@ssh://HOST", help="Device in place of the suite's; repeatable.",
            show_default="the suite's own", rich_help_panel=WHAT,
        ),
    ] = None,
    tier: Annotated[
        str | None,
        typer.Option("--tier", help="Wanted precision.", show_default="the suite's own, or standard", rich_help_panel=WHAT),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="GLOB", help="Pattern of the names of sets or workloads to measure; repeatable.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", "-k", help="Leave out what was tried for this commit.", rich_help_panel=WHAT),
    ] = False,
    skip_existing_successful: Annotated[
        bool,
        typer.Option(
            "--skip-existing-successful", help="Leave out what was measured for this commit.", rich_help_panel=WHAT
        ),
    ] = False,
    skip_existing_failed: Annotated[
        bool,
        typer.Option("--skip-existing-failed", help="Leave out what failed for this commit.", rich_help_panel=WHAT),
    ] = False,
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--new", help="Resume the latest unfinished run, or begin a new one.",
            show_default="resume one of this commit and these options from the last 24 hours", rich_help_panel=NIGHT,
        ),
    ] = None,
    repository: Annotated[
        Path | None,
        typer.Option(
            "--repository", metavar="DIR", help="Git repository of the code under test.", show_default="the current folder",
            rich_help_panel=NIGHT,
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", metavar="TIME", help="Time that all campaigns share, e.g. 8m.", show_default="the suite's own"
        ),
    ] = None,
    wait: Annotated[
        str, typer.Option("--wait", metavar="TIME", help="Longest wait for CPUs that other campaigns hold; 0s: none.")
    ] = "10m",
    store: console.StoreUrl = None,
    dry_run: console.DryRun = False,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Measure a suite: everything that is due on its devices, whatever fails on the way.

    Failures are kept as such, and the run goes on; the exit code is that of the first one. Ctrl-C is safe at any moment: the
    same command resumes the run.
    """
    from hwcost.cli.running import RunOptions as Times
    from hwcost.configuration import settings
    from hwcost.stores import open_store
    from hwcost.suites import RunOptions, code_under_test, load_suite, run_suite

    configured = {name: one.value for name, one in settings().items()}
    chosen, times = load_suite(suite).with_defaults(configured), Times.parse(budget, wait, json)
    skipped = {
        "ok": skip_existing or skip_existing_successful, "unconfirmed": skip_existing or skip_existing_successful,
        "invalid": skip_existing or skip_existing_failed, "failed": skip_existing or skip_existing_failed,
    }  # fmt: skip
    options = RunOptions(
        tier=tier, devices=tuple(device or ()), only=tuple(only or ()), budget_s=times.budget_s, wait_s=times.wait_s,
        skip=tuple(status for status, is_left_out in skipped.items() if is_left_out), resume=resume,
        code=code_under_test(repository), argv=_argv(),
    )  # fmt: skip
    if dry_run:
        _show_plan(chosen, options, store, json)
        return
    with open_store(store) as opened, _shown() as observer:
        result = run_suite(chosen, opened, options, observer)
    _show(result, json)
    if result.error is not None:
        raise result.error


def _argv() -> tuple[str, ...]:
    """Returns the command line without passwords of URLs, since it is kept with the run."""
    return ("hwcost", *(re.sub(r"(://[^/@:\s]*):[^/@\s]*@", r"\1@", text) for text in sys.argv[1:]))


@contextmanager
def _shown() -> Iterator[Observer]:
    """Yields what shows a run's progress: the plan, a line a campaign, and a bar within it."""
    from hwcost.cli.progress import progress
    from hwcost.cli.running import progress_text

    with progress(progress_text) as update:
        yield _observer(update)


def _observer(update: Callable[[Any], None]) -> Observer:
    from hwcost.suites import Observer
    from hwcost.units import format_clock

    class Shown(Observer):
        """Says on stderr how far a run is."""

        def planned(self, run: Run, planned: Sequence[Planned], budget_s: float | None, is_resumed: bool) -> None:
            self.count = len(planned)
            what = "resumed" if is_resumed else "begins"
            shared = "" if budget_s is None else f", within {format_clock(budget_s)}"
            console.note(f"run {run.run_id} of suite '{run.suite}' {what}: {_summary(planned)}{shared}")

        def begins(self, number: int, planned: Planned, budget_s: float | None) -> None:
            console.note(f"campaign {number + 1} of {self.count}: {planned.part}: {_expected(planned, budget_s)}")

        def progress(self, state: Progress) -> None:
            update(state)

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


def _expected(planned: Planned, budget_s: float | None) -> str:
    from hwcost.units import format_clock

    if planned.plan is None:
        return "cannot be measured" if planned.error is not None else "nothing is due"
    within = "" if budget_s is None else f", within {format_clock(budget_s)}"
    return f"{len(planned.plan.items)} workloads, {planned.expected}{within}"


def _show_plan(suite: Suite, options: RunOptions, store: str | None, json: str | None) -> None:
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
    rows = [[str(one.part), "" if one.plan is None else len(one.plan.items), _expected(one, None)] for one in planned]
    errors = "".join(f"{one.part}: {one.error}\n" for one in planned if one.error is not None)
    footer = f"{errors}{_summary(planned)}. Nothing was measured."
    console.print_table(f"Suite {suite.name}", ["campaign", "workloads", "time"], rows, footer)


def _show(result: RunResult, json: str | None) -> None:
    """Writes what became of a run as JSON, or as tables."""
    from hwcost.units import format_clock

    if console.write_json(result.to_dict(), json):
        return
    rows = [
        [one.part, one.measured, one.failed, one.skipped, one.doubtful, format_clock(one.seconds)] for one in result.outcomes
    ]
    columns = ["campaign", "measured", "failed", "skipped", "doubts", "time"]
    footer = f"Run {result.run.run_id} {_of_code(result.run)}is {result.run.status}, after {format_clock(result.seconds)}."
    console.print_table(f"Suite {result.run.suite}", columns, rows, footer)
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
            check.model, check.device, check.n, shown(check.mape, "{:.2f} %"), shown(check.coverage_90, "{:.0%}"),
            "holds" if check.holds else "does not hold",
        ]
        for check in result.checks
    ]  # fmt: skip
    footer = "\n".join(f"{check.model}: {check.reason}" for check in result.checks)
    console.print_table("Cost models", ["model", "device", "n", "mean error", "in 90 %", "verdict"], rows, footer)
