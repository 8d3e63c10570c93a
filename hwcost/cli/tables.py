"""The options of every command that reads a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from hwcost.cli import console

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
Runs = Annotated[
    str | None,
    typer.Option(
        "--runs", metavar="COLUMN", help="A column that names the measuring run of each row.", rich_help_panel=PANEL
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
Drop = Annotated[str, typer.Option("--drop", metavar="A,B", help="Columns that are no features.", rich_help_panel=PANEL)]
Id = Annotated[
    str | None, typer.Option("--id", metavar="COLUMN", help="A column that names each row.", rich_help_panel=PANEL)
]


def say(remarks: Iterable[str], source: str = "") -> None:
    """Writes the decisions about a table to stderr."""
    for remark in remarks:
        console.note(f"{source}: {remark}" if source else remark)
