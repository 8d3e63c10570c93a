"""``hwcost run``: a suite, from what is due to a table of what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from hwcost.cli import console
from hwcost.cli import suite_options as of
from hwcost.cli.suite_shown import show_plan, show_result, shown_progress

if TYPE_CHECKING:
    from hwcost.suites import RunOptions, Suite


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("run")(run)


def run(
    suite: of.Name,
    device: of.Devices = None,
    on: of.On = None,
    tier: of.Tier = None,
    only: of.Only = None,
    skip_existing: of.SkipExisting = False,
    skip_existing_successful: of.SkipSuccessful = False,
    skip_existing_failed: of.SkipFailed = False,
    resume: of.Resume = None,
    repository: of.Repository = None,
    budget: of.Budget = None,
    wait: console.Wait = "10m",
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
    from hwcost.suites import load_suite

    chosen = load_suite(suite).with_defaults({name: one.value for name, one in settings().items()})
    times = Times.parse(budget, wait, json)
    skipped = of.Skipped(skip_existing, skip_existing_successful, skip_existing_failed)
    options = of.run_options(tier, of.placed(device, on), only, skipped, resume, repository, (times.budget_s, times.wait_s))
    if dry_run:
        show_plan(chosen, options, store, json)
    else:
        _measure(chosen, options, store, json)


def _measure(suite: Suite, options: RunOptions, store: str | None, json: str | None) -> None:
    """Runs a suite, shows what became of it, and raises its first failure."""
    from hwcost.stores import open_store
    from hwcost.suites import run_suite

    with open_store(store) as opened, shown_progress() as observer:
        result = run_suite(suite, opened, options, observer)
    show_result(result, json)
    if result.error is not None:
        raise result.error
