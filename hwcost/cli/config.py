"""``hwcost config``: what is configured, where that comes from, and what a configuration file may hold."""

from __future__ import annotations

from typing import Annotated

import typer

from hwcost.cli import console

app = typer.Typer(help="Show the configuration, and what a configuration file may hold.", no_args_is_help=True)


@app.command()
def show(
    origin: Annotated[
        bool, typer.Option("--origin", help="Show where each value comes from: file and line, or variable.")
    ] = False,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Show the value of every option that can be configured, and the suites that are known here."""
    from hwcost.configuration import OPTIONS, settings
    from hwcost.suites import suites

    found, known = settings(), suites()
    document = {
        "settings": {name: {"value": one.value, "origin": one.origin, "place": one.place} for name, one in found.items()},
        "suites": known,
    }
    if console.write_json(document, json):
        return
    rows = [
        [name, f"({OPTIONS[name].default})" if one.value is None else one.value, one.place or "default"]
        for name, one in found.items()
    ]
    rows += [[f"suite {name}", "", place] for name, place in known.items()]
    columns = ["option", "value", "from"]
    shown = len(columns) if origin else len(columns) - 1
    console.print_table("Configuration", columns[:shown], [row[:shown] for row in rows])


@app.command()
def schema(json: console.Json = "-", quiet: console.Quiet = False, verbose: console.Verbose = False) -> None:
    """Print the JSON Schema of configuration files and suites, for editors and other programs."""
    from hwcost.suites.schema import document_schema

    console.write_json(document_schema(), json)
