"""The options of every command that reads a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from hwcost.cli import console

if TYPE_CHECKING:
    from hwcost.exchange.options import TableOptions

PANEL = "How a table is read"

Categorical = Annotated[
    str,
    typer.Option(
        "--categorical", metavar="A,B", help="Columns whose numbers are names (space table).", rich_help_panel=PANEL
    ),
]
Increasing = Annotated[
    str,
    typer.Option(
        "--increasing", metavar="A,B", help="Columns along which latency cannot fall (space table).", rich_help_panel=PANEL
    ),
]
RunColumn = Annotated[
    str | None,
    typer.Option(
        "--run-column", metavar="COLUMN", help="Column that names the measuring run of each row.", rich_help_panel=PANEL
    ),
]
Latency = Annotated[
    str | None,
    typer.Option(
        "--latency", metavar="A[+B]", help="Column of latencies, or a sum of several. [default: latency_s]",
        rich_help_panel=PANEL,
    ),
]  # fmt: skip
Unit = Annotated[
    str | None,
    typer.Option(
        "--unit", metavar="s|ms|us|ns", help="Unit of the latencies. [default: as the column's name says]",
        rich_help_panel=PANEL,
    ),
]  # fmt: skip
Keep = Annotated[
    str,
    typer.Option("--keep", metavar="A,B", help="Columns that are features, whatever they look like.", rich_help_panel=PANEL),
]
Drop = Annotated[str, typer.Option("--drop", metavar="A,B", help="Columns that are not features.", rich_help_panel=PANEL)]
Id = Annotated[
    str | None, typer.Option("--id", metavar="COLUMN", help="Column that names each row.", rich_help_panel=PANEL)
]


def options(context: typer.Context) -> TableOptions:
    """Returns the table options of a command's line; a command takes all of the above, or some of them.

    Raises:
        UsageError: When they contradict each other, or the unit is unknown.
    """
    from dataclasses import fields

    from hwcost.exchange.options import TableOptions

    names = [field.name for field in fields(TableOptions)]
    return TableOptions(**{name: context.params[name] for name in names if name in context.params})


def say(remarks: Iterable[str], source: str = "") -> None:
    """Writes the decisions about a table to stderr."""
    for remark in remarks:
        console.note(f"{source}: {remark}" if source else remark)
