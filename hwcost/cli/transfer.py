"""``hwcost export`` and ``hwcost import``: campaigns between stores, and results of and for other benchmark tools."""

from __future__ import annotations

import sys
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console
from hwcost.cli.given import refuse_unused
from hwcost.errors import UsageError
from hwcost.exchange.benchmarks import EXPORTED, IMPORTED
from hwcost.files import check_writable

if TYPE_CHECKING:
    from hwcost.stores.copy import Counts

OTHERS = "Other tools' files"
"""Panel of the options that other tools' formats take."""

LONGEST_RECORD = 10_000_000
"""Bytes of a first line of JSON Lines that is looked at."""

_OF_EXPORT = ("run", "suite", "device")
_OF_IMPORT = ("device", "backend", "suite", "name", "measured_at", "dry_run")

Campaign = Annotated[
    str | None, typer.Option("--campaign", metavar="ID", help="Campaign to export.", show_default="all")
]
Out = Annotated[
    str,
    typer.Option(
        "--out", metavar="FILE.jsonl|DIR.parquet|-",
        help="File to add to, or a new folder; - for stdout. With --format, file to write, or folder for several.",
    ),
]  # fmt: skip
ImportFormat = Annotated[
    str | None,
    typer.Option(
        "--format", metavar="NAME", help=f"Format of another tool: {', '.join(IMPORTED)}.",
        show_default="recognised by content", rich_help_panel=OTHERS,
    ),
]  # fmt: skip
ExportFormat = Annotated[
    str | None,
    typer.Option(
        "--format", metavar="NAME", help=f"Format of another tool: {', '.join(EXPORTED)}.",
        show_default="hwcost's own", rich_help_panel=OTHERS,
    ),
]  # fmt: skip
Device = Annotated[
    str | None,
    typer.Option(
        "--device", metavar="NAME", help="Name of the device.", show_default="as the file says", rich_help_panel=OTHERS
    ),
]
Suite = Annotated[
    str | None,
    typer.Option(
        "--suite", metavar="NAME", help="Name of the suite.", show_default="name of the format", rich_help_panel=OTHERS
    ),
]
OnlyDevice = Annotated[
    str | None,
    typer.Option(
        "--device", metavar="NAME", help="Device whose values are exported.", show_default="all", rich_help_panel=OTHERS
    ),
]
OnlySuite = Annotated[
    str | None,
    typer.Option(
        "--suite", metavar="NAME", help="Suite whose runs are exported.", show_default="all", rich_help_panel=OTHERS
    ),
]
Run = Annotated[
    str | None, typer.Option("--run", metavar="ID", help="Run to export.", show_default="all", rich_help_panel=OTHERS)
]
Backend = Annotated[
    str | None,
    typer.Option(
        "--backend", metavar="NAME", help="Runtime that executed it.", show_default="as the file says",
        rich_help_panel=OTHERS,
    ),
]  # fmt: skip
Name = Annotated[
    str | None,
    typer.Option(
        "--name", metavar="NAME", help="Name of the workload, for files without one.", show_default="name of the file",
        rich_help_panel=OTHERS,
    ),
]  # fmt: skip
MeasuredAt = Annotated[
    str | None,
    typer.Option(
        "--measured-at", metavar="INSTANT", help="Time of the measurement, such as 2025-01-31T12:00:00Z.",
        show_default="as the file says", rich_help_panel=OTHERS,
    ),
]  # fmt: skip
Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...|DIR",
        help="Files that hwcost export or another tool wrote; another store; a job folder, or its results.",
        show_default=False,
    ),
]  # fmt: skip


def register(app: typer.Typer) -> None:
    """Adds the two commands."""
    app.command("export")(export)
    app.command("import")(import_)


def export(
    context: typer.Context,
    out: Out,
    store: console.StoreUrl = None,
    campaign: Campaign = None,
    format: ExportFormat = None,
    run: Run = None,
    suite: OnlySuite = None,
    device: OnlyDevice = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Write campaigns with all their raw samples, and their history, for another machine's store; or values for other tools.

    A JSON Lines file that is there already keeps what it holds and gets what is new. Parquet files, one for each table, are
    written whole into a new folder. With --format, values are written for another tool; a file that is there is replaced.
    """
    if out == "-" and json == "-":
        raise UsageError("--out - and --json - both want stdout; give one of them a file")
    if format is not None:
        from hwcost.cli import formats

        refuse_unused(context, ("campaign",), "with --format, which exports values of runs")
        formats.export(format, out, store, run, suite, device, json)
        return
    refuse_unused(context, _OF_EXPORT, "without --format, since campaigns are exported whole")
    _export_campaigns(out, store, campaign, json)


def import_(
    context: typer.Context,
    files: Files,
    store: console.StoreUrl = None,
    format: ImportFormat = None,
    device: Device = None,
    backend: Backend = None,
    suite: Suite = None,
    name: Name = None,
    measured_at: MeasuredAt = None,
    dry_run: console.DryRun = False,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Add to a store what hwcost export wrote, another store, results of a job folder, or those of other benchmark tools.

    What is already there stays as it is. Records of another store are marked as imported; those of a job are measurements
    like any other. A file with a fault is refused whole. Other tools' files are recognised by content, or by --format.
    """
    from hwcost.elsewhere.results import is_results
    from hwcost.stores.parquet import is_parquet

    tests = (is_parquet, _is_job, is_results)
    own = [file for file in files if _is_store(file) or any(test(file) for test in tests)]
    if format is None and len(files) == 1 and own:
        refuse_unused(context, _OF_IMPORT, "for a file of hwcost's own")
        _import_own(files[0], store, json)
        return
    if format is None and own:
        raise UsageError(f"'{own[0]}' is a file of hwcost's own. Import such files one by one")
    from hwcost.cli import formats
    from hwcost.exchange.benchmarks.base import Given

    given = Given(device=device, backend=backend, suite=suite, name=name, measured_at=measured_at)
    formats.import_(files, store, format, given, dry_run, json)


def _is_store(path: Path) -> bool:
    """Whether a file is named as stores are; one of JSON Lines whose first record is another tool's is none."""
    from hwcost.stores import LINES_SUFFIX, SUFFIXES

    if path.suffix != LINES_SUFFIX:
        return path.suffix in SUFFIXES
    try:
        with path.open("rb") as file:
            first = loads(file.readline(LONGEST_RECORD))
    except (OSError, ValueError, RecursionError):
        return True
    return not isinstance(first, dict) or "hwcost" in first


def _is_job(path: Path) -> bool:
    """Whether a path is a folder that a job runs in, whatever it holds so far."""
    from hwcost.elsewhere.folder import PARTS, RESULTS

    return path.is_dir() and any((path / name).exists() for name in (RESULTS, *PARTS))


def _export_campaigns(out: str, store: str | None, campaign: str | None, json: str | None) -> None:
    from hwcost.stores import open_store
    from hwcost.stores.copy import copy
    from hwcost.stores.jsonl import JsonLinesStore
    from hwcost.stores.parquet import is_parquet, write_parquet

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
        if not Path(out).exists():
            check_writable(Path(out), "--out another file")
        with JsonLinesStore(Path(out)) as target:
            _say(target.remarks)
            _report("exported", source.url, target.url, copy(source, target, campaign_id=campaign), json)


def _import_own(file: Path, store: str | None, json: str | None) -> None:
    """Takes in what hwcost wrote: results of a job, or campaigns of another store."""
    from hwcost.elsewhere.results import is_results
    from hwcost.stores import open_store
    from hwcost.stores.copy import copy
    from hwcost.stores.parquet import is_parquet, read_parquet

    if is_parquet(file):
        with read_parquet(file) as source, open_store(store) as target:
            _say(target.remarks)
            _report("imported", str(file), target.url, copy(source, target, imported=True), json)
        return
    if file.is_dir() or is_results(file):
        _import_results(file, store, json)
        return
    with open_store(file, create=False) as source:
        _say(source.remarks)
        with open_store(store) as target:
            _say(target.remarks)
            if source.url == target.url:
                raise UsageError(f"'{file}' is the store itself. Give --store another one, or leave that file out")
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
