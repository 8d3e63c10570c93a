"""``hwcost export`` and ``hwcost import``: carry campaigns from one machine's store to another's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console

if TYPE_CHECKING:
    from hwcost.stores.copy import Counts


def register(app: typer.Typer) -> None:
    """Adds the two commands."""
    app.command("export")(export)
    app.command("import")(import_)


def export(
    out: Annotated[str, typer.Option("--out", metavar="FILE.jsonl|-", help="File to add to; - for stdout.")],
    store: console.StoreUrl = None,
    campaign: Annotated[
        str | None, typer.Option("--campaign", metavar="ID", help="Campaign to export.", show_default="all")
    ] = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Write campaigns with all their raw samples as JSON Lines, for another machine's store.

    A file that is there already keeps what it holds and gets what is new.
    """
    from hwcost.errors import UsageError
    from hwcost.stores import open_store
    from hwcost.stores.copy import copy
    from hwcost.stores.jsonl import JsonLinesStore

    if out == "-" and json == "-":
        raise UsageError("--out - and --json - both want stdout; give one of them a file")
    with open_store(store, create=False) as source:
        _say(source.remarks)
        if out == "-":
            _print(source, campaign)
            return
        if campaign is not None:
            source.campaign(campaign)  # an unknown one must not leave an empty file behind
        with JsonLinesStore(Path(out)) as target:
            _say(target.remarks)
            _report("exported", source.url, target.url, copy(source, target, campaign_id=campaign), json)


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.jsonl|DIR", help="File that hwcost export wrote; a job folder, or its results.",
            show_default=False,
        ),
    ],
    store: console.StoreUrl = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Add campaigns from a JSON Lines file, or results of a job folder, to a store; what is already there stays as it is.

    Records of another store are marked as imported; those of a job are measurements like any other. A file with a corrupt
    line is refused whole.
    """
    from hwcost.elsewhere.results import is_results
    from hwcost.stores import open_store
    from hwcost.stores.copy import copy
    from hwcost.stores.jsonl import JsonLinesStore

    if file.is_dir() or is_results(file):
        _import_results(file, store, json)
        return
    with JsonLinesStore(file, create=False) as source:
        _say(source.remarks)
        with open_store(store) as target:
            _say(target.remarks)
            _report("imported", source.url, target.url, copy(source, target, imported=True), json)


def _import_results(path: Path, store: str | None, json: str | None) -> None:
    """Takes in what a job's runner measured, and shows the campaign as one that was measured here."""
    from hwcost.cli import results
    from hwcost.cli.running import refuse_invalid
    from hwcost.elsewhere import import_results
    from hwcost.stores import open_store

    with open_store(store) as target:
        _say(target.remarks)
        done = import_results(path, target)
        _say([*done.remarks])
        known = f", {done.known_records} were already there" if done.known_records else ""
        console.note(f"imported {done.records} records of campaign {done.campaign_id} into {target.url}{known}")
        if not done.is_complete:
            console.note("the job is not done: run its run.py again on that machine, which repeats nothing, then import")
        results.show(done.result, json)
        refuse_invalid(done.result)


def _print(source: Any, campaign: str | None) -> None:
    from hwcost.stores.lines import store_lines

    for line in store_lines(source, campaign):
        sys.stdout.write(line.decode())
    sys.stdout.flush()


def _say(remarks: list[str]) -> None:
    for remark in remarks:
        console.note(remark)


def _report(verb: str, source: str, target: str, counts: Counts, json: str | None) -> None:
    from dataclasses import asdict

    document = {"source": source, "target": target, **asdict(counts)}
    if not console.write_json(document, json):
        known = f", {counts.known_records} were already there" if counts.known_records else ""
        console.note(f"{verb} {counts.records} records of {counts.campaigns} new campaigns into {target}{known}")
