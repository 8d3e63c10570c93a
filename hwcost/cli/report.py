"""``hwcost report``: the dashboard over the history of a store, as files or served."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwcost.cli import console
from hwcost.cli.check import policy_of

if TYPE_CHECKING:
    from hwcost.history import Policy
    from hwcost.report.dashboard.history import PolicyOf
    from hwcost.stores.base import Store
    from hwcost.stores.runs import Run

app = typer.Typer(help="The dashboard over the history of a store.", no_args_is_help=True)

Since = Annotated[
    str | None, typer.Option("--since", metavar="90d|RUN|DATE", help="Earliest night to show.", show_default="all nights")
]
Studies = Annotated[
    list[Path] | None, typer.Option("--study", metavar="LOG", help="Log of a study whose front is shown; repeatable.")
]


@app.command("build")
def build(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the site.")],
    store: console.StoreUrl = None,
    since: Since = None,
    study: Studies = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> int:
    """Write the dashboard as static files, which open from a disk and from any host.

    A folder of an earlier build is brought up to date: files whose content is the same stay as they are.
    """
    from hwcost.report.dashboard import build_site
    from hwcost.stores import open_store

    with open_store(store, create=False) as opened:
        built = build_site(opened, out, since=_instant(since, opened.runs()), studies=study or (), policy=_policies(opened))
        for remark in opened.remarks:
            console.note(remark)
    if not console.write_json({**vars(built), "page": str(built.page)}, json):
        counts = ", ".join(f"{n} {verdict}" for verdict, n in built.counts.items() if n)
        print(built.page)
        found = counts or "nothing to judge, since no suite was run"
        console.note(f"{built.series} series, {built.estimates} estimates: {found}")
        console.note(f"{built.written} files written, {built.kept} as they were")
    return 0


@app.command("serve")
def serve(
    store: console.StoreUrl = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 for a free one.")] = 8050,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; others than this machine need a --token.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option("--token", envvar="HWCOST_TOKEN", help="Secret that readers give once, as ?token=..., or as a bearer."),
    ] = None,
    since: Since = None,
    study: Studies = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> int:
    """Serve the dashboard, read-only, on this machine; with the records of every night.

    Another address needs --host and a token.
    """
    from hwcost.report.dashboard.access import Settings
    from hwcost.report.dashboard.server import serve_site
    from hwcost.stores import open_store

    with open_store(store, create=False) as opened:
        since = _instant(since, opened.runs())

    def policy(suite: str) -> Policy:
        with open_store(store, create=False) as followed:
            return policy_of(suite, followed.runs(suite))

    settings = Settings(host=host, port=port, token=token, since=since, studies=tuple(study or ()), policy=policy)
    serve_site(store, settings, lambda url: console.note(f"serving {url}; Ctrl-C ends it"))
    return 0


@app.command("grafana")
def grafana(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for both files.")],
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> int:
    """Write a Grafana dashboard over a PostgreSQL store, and the SQL of the views that it reads."""
    from hwcost.report.dashboard.grafana import write_grafana

    written = [str(path) for path in write_grafana(out)]
    if not console.write_json({"files": written}, json):
        print("\n".join(written))
    console.note("Run views.sql in the database with psql, then import hwcost.json in Grafana.")
    return 0


def _policies(store: Store) -> PolicyOf:
    """Returns what tells the policy of each suite of a store."""
    return lambda suite: policy_of(suite, store.runs(suite))


def _instant(since: str | None, runs: list[Run]) -> str | None:
    if since is None:
        return None
    from hwcost.history.selection import instant_of
    from hwcost.stores.ids import utc_now

    return instant_of(since, runs, utc_now())
