"""``hwcost check``: what the latest run of a suite says beside its history; the gate of a nightly job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hwcost.cli import console
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.history import Policy
    from hwcost.history.check import Check
    from hwcost.stores.base import Store
    from hwcost.stores.runs import Run

FORMATS = ("text", "json", "github")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("check")(check)


def check(
    suite: Annotated[
        str | None, typer.Option("--suite", metavar="NAME", help="Suite to check.", show_default="that of the latest run")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="7d|RUN|DATE", help="Earliest begin of the changes to report.", show_default="any"),
    ] = None,
    workload: Annotated[str, typer.Option("--workload", metavar="GLOB", help="Pattern of the names of workloads.")] = "*",
    device: Annotated[str, typer.Option("--device", metavar="GLOB", help="Pattern of the names of devices.")] = "*",
    backend: Annotated[str, typer.Option("--backend", metavar="GLOB", help="Pattern of the names of backends.")] = "*",
    format: Annotated[str, typer.Option("--format", metavar="text|json|github", help="Form of the output.")] = "text",
    fail_on: Annotated[
        str, typer.Option("--fail-on", metavar="VERDICT,...", help="Verdicts on which the exit code is 1.")
    ] = "regressed",
    confirm: Annotated[
        bool, typer.Option("--confirm/--no-confirm", help="Whether alarms are measured again before they count.")
    ] = True,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", metavar="TIME", help="Most time for measuring each alarm again, until it is known; e.g. 15m.",
            show_default="5m",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", metavar="REF", help="Branch to compare with; or first run or commit of the history."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="List what is ok, or has too few nights, too.")] = False,
    store: console.StoreUrl = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> int:
    """Judge the latest run of a suite: ok, regressed, improved, ambiguous, insufficient or missing.

    Every series is compared with its own history, the level common to its device taken out. An alarm is measured again,
    interleaved with the code of before, and only a regression that is confirmed this way, or a run in which every series
    is missing, makes the exit code 1; --fail-on also takes unconfirmed, ambiguous, missing, improved, insufficient and none.
    """
    gates = _gates(fail_on)
    if format not in FORMATS:
        raise UsageError(f"unknown format '{format}'. Known: {', '.join(FORMATS)}")
    json = console.document_target(json, format)
    from hwcost.history.selection import instant_of, matching, select_runs
    from hwcost.stores import open_store
    from hwcost.stores.ids import utc_now

    with open_store(store, create=False) as opened:
        runs = select_runs(opened.runs(), suite, baseline)
        at = None if since is None else instant_of(since, runs, utc_now())
        if (workload, device, backend) != ("*", "*", "*"):
            matching(opened.series().values(), workload, device, backend)
        patterns = {"since": at, "workload": workload, "device": device, "backend": backend}
        found = _found(opened, runs, patterns, confirm, budget)
    with console.readers_may_leave():
        _show(found, format, json, everything)
    return int(found.fails(gates))


def _gates(text: str) -> list[str]:
    from hwcost.history.check import GATES

    gates = console.names(text)
    for name in gates:
        if name not in GATES:
            raise UsageError(f"unknown verdict '{name}' for --fail-on. Known: {', '.join(GATES)}")
    return gates


def _found(
    store: Store, runs: Sequence[Run], patterns: dict[str, str | None], confirm: bool, budget: str | None
) -> Check:
    """Judges the runs, measures alarms again where that is asked for, and judges once more."""
    from hwcost.history.check import check as judged
    from hwcost.history.remeasure import measure_again
    from hwcost.units import parse_duration

    policy = policy_of(runs[-1].suite, runs)
    found = judged(store, runs, policy=policy, **patterns)  # type: ignore[arg-type]
    budget_s = None if budget is None else parse_duration(budget)
    if not confirm or not any(found.alarms()):
        return found
    remarks = measure_again(store, found, budget_s=budget_s, say=console.note)
    for remark in remarks:
        console.note(remark)
    if remarks:
        console.note("A regression that stays unconfirmed fails the check only with --fail-on regressed,unconfirmed.")
    return judged(store, runs, policy=policy, **patterns)  # type: ignore[arg-type]


def policy_of(suite: str, runs: Sequence[Run]) -> Policy:
    """Returns the policy of a suite: as it is declared here, else as its latest run kept it, else the default one.

    Args:
        suite: Name of the suite.
        runs: Runs of the suite.
    """
    from hwcost.errors import UnknownNameError
    from hwcost.history import Policy
    from hwcost.stores.runs import POLICY
    from hwcost.suites import load_suite

    try:
        return Policy.of(load_suite(suite).rules())
    except UnknownNameError:
        kept = max(runs, key=lambda run: run.started_at).extra.get(POLICY) if runs else None
    if kept is None:
        console.note(f"Suite '{suite}' is not declared here: its policy is not known, and the default one holds.")
    return Policy.of(kept or [])


def _show(found: Check, format: str, json: str | None, everything: bool) -> None:
    from hwcost.report.verdict_table import COLUMNS, github, reasons, rows, too_short, vague

    if console.write_json(found.to_dict(), json):
        return
    if format == "github":
        print(github(found), end="")
        return
    shown = rows(found, everything)
    if shown:
        console.print_table(found.headline, COLUMNS, shown)
    else:
        print(found.headline)
    for name, text in reasons(found, everything):
        print(f"{name}: {text}")
    if too_short(found) and not everything:
        print(f"{too_short(found)} --all lists them.")
    if vague(found):
        print(vague(found))
    if found.older:
        console.note(f"{found.older} changes began earlier and are left out.")
