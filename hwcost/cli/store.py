"""``hwcost store``: what is in a store, and its care."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.upkeep.info import Share, StoreInfo
    from hwcost.stores.upkeep.pruning import Pruning

app = typer.Typer(help="Show what is in a store, migrate, examine and prune it.", no_args_is_help=True)

SHOWN = 20
"""Campaigns that are listed before the rest is only counted."""


@app.command()
def info(
    store: console.StoreUrl = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Show what a store holds: revision, size, dates, how much per device and suite, and its latest campaigns.

    A store of an older hwcost is not brought up to date by this; only its rows are counted.
    """
    from hwcost.stores.upkeep.info import look_into

    found = look_into(_location(store))
    if console.write_json(asdict(found), json):
        return
    console.print_table(f"Store {found.url}", ["what", "value"], _facts(found))
    for title, shares in (("device", found.devices), ("suite", found.suites)):
        if shares:
            number = "series" if title == "device" else "runs"
            console.print_table(f"Per {title}", [title, number, "estimates", "first", "latest"], list(map(_share, shares)))
    _campaigns(found)
    if not found.is_current:
        console.note(f"it is of an older hwcost; bring it up to date with: hwcost store migrate --store {found.url}")


@app.command()
def migrate(
    store: console.StoreUrl = None,
    backup: Annotated[bool, typer.Option("--backup/--no-backup", help="Copy an SQLite file beside it first.")] = True,
    dry_run: console.DryRun = False,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Bring a database up to date with this hwcost. Everybody who shares it needs this hwcost, or a later one, afterwards.

    A copy of an SQLite file is made first; a PostgreSQL database is copied with pg_dump before.
    """
    from hwcost.stores.upkeep import migration

    done = migration.migrate(_location(store), backup=backup, dry_run=dry_run)
    if console.write_json({**asdict(done), "dry_run": dry_run}, json):
        return
    if not done.steps:
        console.note(f"{done.url} is up to date: revision {done.after}")
        return
    if done.backup is not None:
        console.note(f"{'would copy' if dry_run else 'copied'} it to {done.backup}")
    verb = "would bring" if dry_run else "brought"
    console.note(f"{verb} {done.url} from revision {done.before} to {done.after} ({', '.join(done.steps)})")


@app.command()
def doctor(
    store: console.StoreUrl = None,
    full: Annotated[bool, typer.Option("--full", help="Read and check every record too.")] = False,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", metavar="warning", help="Exit with 1 on a warning too.", show_default="never")
    ] = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> int:
    """Examine a store: damage, rows that belong to nothing, unfinished campaigns, missing estimates; and what to do.

    The exit code is 5 where something is damaged.
    """
    from hwcost.errors import StoreError, UsageError
    from hwcost.stores import open_store
    from hwcost.stores.upkeep.doctor import examine

    if fail_on not in (None, "warning"):
        raise UsageError(f"--fail-on takes 'warning', got '{fail_on}'")
    with open_store(store, create=False) as opened:
        findings, url = examine(opened, is_full=full), opened.url
    worst = findings[0].severity if findings else "info"
    with console.readers_may_leave():
        if not console.write_json({"store": url, "findings": [asdict(finding) for finding in findings]}, json):
            for finding in findings:
                print(finding)
            if worst == "info":
                console.note(f"nothing is wrong with {url}")
    return StoreError.exit_code if worst == "error" else int(worst == fail_on)


@app.command()
def prune(
    store: console.StoreUrl = None,
    older_than: Annotated[
        float | None,
        typer.Option("--older-than", metavar="DAYS", help="Age from which campaigns lose samples.", show_default="any"),
    ] = None,
    keep_runs: Annotated[
        int | None,
        typer.Option("--keep-runs", metavar="N", help="Latest runs of each suite that keep theirs.", show_default="0"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    vacuum: Annotated[
        bool | None,
        typer.Option("--vacuum/--no-vacuum", help="Give space back; alone, prune nothing.", show_default="after pruning"),
    ] = None,
    dry_run: console.DryRun = False,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Delete the raw samples of old campaigns; their estimates, facts and medians stay.

    With both --older-than and --keep-runs, samples go only where both say so. What was pruned cannot be fitted or audited
    again: export it first where that may be wanted.
    """
    from hwcost.stores import open_store
    from hwcost.stores.upkeep import pruning

    with open_store(store, create=False) as opened:
        if vacuum and older_than is None and keep_runs is None:
            _compact(opened, json)
            return
        age_s = None if older_than is None else pruning.DAY_S * older_than
        found = pruning.plan_pruning(opened, older_than_s=age_s, keep_runs=keep_runs)
        _say_kept(found, opened.url)
        if not dry_run and found.campaign_ids and _may(found, yes):
            found = pruning.prune(opened, found, vacuum=vacuum is not False)
    if not console.write_json({**asdict(found), "dry_run": dry_run}, json):
        _say_pruned(found)


@app.command()
def refresh(
    store: console.StoreUrl = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Estimate the campaigns again that are in the history already.")
    ] = False,
    dry_run: console.DryRun = False,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Add the estimates of campaigns that are not in the history yet, such as those that an older hwcost measured."""
    from hwcost.campaign import series
    from hwcost.stores import open_store
    from hwcost.stores.upkeep.doctor import without_estimates

    with open_store(store, create=False) as opened:
        ids = [one.campaign_id for one in opened.campaigns()] if everything else without_estimates(opened)
        done = {} if dry_run else dict(series.refresh(opened, ids))
    failed = {campaign_id: str(result) for campaign_id, result in done.items() if not isinstance(result, int)}
    changed = sum(result for result in done.values() if isinstance(result, int))
    document = {"campaign_ids": ids, "estimates": changed, "failed": failed, "dry_run": dry_run}
    if console.write_json(document, json):
        return
    for campaign_id, reason in failed.items():
        console.note(f"campaign {campaign_id} was left out: {reason}")
    changes = f"{changed} estimates of {len(ids)} campaigns are new or changed"
    console.note(f"would estimate {len(ids)} campaigns" if dry_run else changes)


def _location(store: str | None) -> str:
    from hwcost.stores import default_location

    return store or default_location()


def _facts(found: StoreInfo) -> list[list[Any]]:
    from hwcost.units import format_bytes

    return [
        ["kind", found.kind],
        ["revision", found.revision],
        ["size", format_bytes(found.size_bytes)],
        ["first campaign", _day(found.first_at)],
        ["latest campaign", _day(found.last_at)],
        *([name, number] for name, number in found.rows.items()),
        *([f"campaigns {status}", number] for status, number in found.statuses.items()),
    ]


def _campaigns(found: StoreInfo) -> None:
    """Lists the latest campaigns, the latest first."""
    rows = [
        [
            one.campaign_id, f"{one.created_at[:16]}Z".replace("T", " "), one.status, one.device, one.backend, one.workloads,
            ", ".join(f"{count} {role}" for role, count in one.roles.items()),
        ]
        for one in found.campaigns[::-1][:SHOWN]
    ]  # fmt: skip
    if rows:
        columns = ["campaign", "planned", "status", "device", "backend", "workloads", "roles"]
        more = len(found.campaigns) - SHOWN
        console.print_table("Campaigns", columns, rows, f"{more} more; --json lists all" if more > 0 else "")


def _share(share: Share) -> list[Any]:
    return [share.name, share.number, share.estimates, _day(share.first_at), _day(share.last_at)]


def _day(instant: str | None) -> str:
    return "-" if instant is None else instant[:10]


def _compact(store: Store, json: str | None) -> None:
    """Gives back the space that nothing uses, and says how much it is."""
    from hwcost.stores.upkeep.pruning import compact
    from hwcost.units import format_bytes

    freed_bytes = compact(store)
    if not console.write_json({"freed_bytes": freed_bytes}, json):
        console.note(f"the store is smaller by {format_bytes(freed_bytes)}")


def _say_kept(found: Pruning, url: str) -> None:
    if found.kept_ids:
        console.note(
            f"{len(found.kept_ids)} campaigns keep their samples because they have no estimates yet; add these with: "
            f"hwcost store refresh --store {url}"
        )


def _may(found: Pruning, yes: bool) -> bool:
    """Asks whether to go on; refuses where nobody can answer."""
    from hwcost.errors import UsageError

    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError("pruning asks before it deletes, and nobody can answer here. Give --yes, or --dry-run to look")
    _list(found)
    return typer.confirm(f"Delete the samples of {found.records} records?", err=True)


def _list(found: Pruning) -> None:
    for campaign_id in found.campaign_ids[:SHOWN]:
        console.note(f"  campaign {campaign_id}")
    if len(found.campaign_ids) > SHOWN:
        console.note(f"  and {len(found.campaign_ids) - SHOWN} more")


def _say_pruned(found: Pruning) -> None:
    from hwcost.units import format_bytes

    what = f"the samples of {found.records} records of {len(found.campaign_ids)} campaigns"
    if found.freed_bytes is None:
        console.note(f"nothing was deleted; it would be {what}, {format_bytes(found.sample_bytes)}")
    else:
        console.note(f"deleted {what}; the store is smaller by {format_bytes(found.freed_bytes)}")
