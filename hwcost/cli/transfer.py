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
    out: Annotated[
        str,
        typer.Option(
            "--out", metavar="FILE.jsonl|DIR.parquet|-", help="File to add to, or a new folder; - for JSON Lines to stdout."
        ),
    ],
    store: console.StoreUrl = None,
    campaign: Annotated[
        str | None, typer.Option("--campaign", metavar="ID", help="Campaign to export.", show_default="all")
    ] = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Write campaigns with all their raw samples, and their history, for another machine's store or other tools.

    A JSON Lines file that is there already keeps what it holds and gets what is new. Parquet files, one for each table, are
    written whole into a new folder.
    """
    from hwcost.errors import UsageError
    from hwcost.stores import open_store
    from hwcost.stores.copy import copy
    from hwcost.stores.jsonl import JsonLinesStore
    from hwcost.stores.parquet import is_parquet, write_parquet

    if out == "-" and json == "-":
        raise UsageError("--out - and --json - both want stdout; give one of them a file")
    with open_store(store, create=False) as source:
        _say(source.remarks)
        if out == "-":
            _print(source, campaign)
            return
        if campaign is not None:
            source.campaign(campaign)  # an unknown one must not leave an empty file behind
        if is_parquet(Path(out)):
            _report("exported", source.url, out, write_parquet(source, Path(out), campaign), json)
            return
        with JsonLinesStore(Path(out)) as target:
            _say(target.remarks)
            _report("exported", source.url, target.url, copy(source, target, campaign_id=campaign), json)


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.jsonl|DIR", help="File or folder that hwcost export wrote; a job folder, or its results.",
            show_default=False,
        ),
    ],
    store: console.StoreUrl = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Add what hwcost export wrote, or results of a job folder, to a store; records that are already there stay as they are.

    Records of another store are marked as imported; those of a job are measurements like any other. A file with a corrupt
    line is refused whole.
    """
    from hwcost.elsewhere.results import is_results
    from hwcost.stores import open_store
    from hwcost.stores.copy import copy
    from hwcost.stores.jsonl import JsonLinesStore
    from hwcost.stores.parquet import is_parquet, read_parquet

    if is_parquet(file):
        with read_parquet(file) as source, open_store(store) as target:
            _say(target.remarks)
            _report("imported", str(file), target.url, copy(source, target, imported=True), json)
        return
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
        history = f", {counts.estimates} estimates" if counts.estimates else ""
        console.note(f"{verb} {counts.records} records of {counts.campaigns} new campaigns{history} into {target}{known}")
