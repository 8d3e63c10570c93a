"""``hwcost accept``: writes down that a change of level is meant to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hwcost.cli import console
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.entries import Acceptance


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("accept")(accept)


def accept(
    workload: Annotated[
        str | None, typer.Argument(metavar="[WORKLOAD-GLOB]", help="Pattern of the names of workloads.", show_default=False)
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN|COMMIT", help="First run of the new level, or its commit.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Reason in a sentence.")] = None,
    author: Annotated[
        str | None, typer.Option("--author", metavar="NAME", help="Name of who accepts it.", show_default="the user's")
    ] = None,
    device: Annotated[str, typer.Option("--device", metavar="GLOB", help="Pattern of the names of devices.")] = "*",
    backend: Annotated[str, typer.Option("--backend", metavar="GLOB", help="Pattern of the names of backends.")] = "*",
    list_: Annotated[bool, typer.Option("--list", help="List what was accepted, and accept nothing.")] = False,
    store: console.StoreUrl = None,
    dry_run: console.DryRun = False,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Accept a change of level: from a run on, the workloads that match have a new baseline.

    Nothing is deleted; the acceptance stands beside the history with its author and reason.
    """
    if list_ and (workload or run or reason):
        raise UsageError("--list accepts nothing: leave the workload, --run and --reason out")
    from hwcost.stores import open_store
    from hwcost.stores.entries import Acceptance

    with open_store(store, create=False) as opened:
        if list_:
            _show(opened.entries(Acceptance), "Accepted changes", json)
            return
        entry = _entry(opened, workload, run, reason, author, device, backend)
        if not dry_run:
            opened.add_entry(entry)
    _show([entry], "Would be accepted" if dry_run else "Accepted", json)


def _entry(
    store: Store, workload: str | None, run: str | None, reason: str | None, author: str | None, device: str, backend: str
) -> Acceptance:
    """Makes the entry.

    Raises:
        UsageError: When the workload, the run or the reason is missing, or no series of the store matches the patterns.
    """
    import getpass

    from hwcost.history.selection import matching, run_of
    from hwcost.stores.entries import Acceptance

    given = {"WORKLOAD-GLOB": workload, "--run": run, "--reason": reason}
    lacking = [name for name, value in given.items() if not (value or "").strip()]
    if workload is None or run is None or reason is None or lacking:
        example = "hwcost accept 'bert*' --run RUN --reason 'more accurate'"
        raise UsageError(f"{', '.join(lacking)} is missing. Example: {example}")
    matched = {one.name for one in matching(store.series().values(), workload, device, backend)}
    console.note(f"{'1 workload matches' if len(matched) == 1 else f'{len(matched)} workloads match'} '{workload}'.")
    first = run_of(sorted(store.runs(), key=lambda one: one.started_at), run)
    return Acceptance(
        workload=workload, device=device, backend=backend, run_id=first.run_id, reason=reason,
        author=author or getpass.getuser(),
    )  # fmt: skip


def _show(entries: list[Acceptance], title: str, json: str | None) -> None:
    if console.write_json({"accepted": [one.model_dump(mode="json", exclude={"extra"}) for one in entries]}, json):
        return
    rows = [
        [one.workload, one.device, one.backend, one.run_id, one.created_at[:10], one.author, one.reason] for one in entries
    ]
    console.print_table(title, ["workload", "device", "backend", "from run", "on", "by", "reason"], rows)
