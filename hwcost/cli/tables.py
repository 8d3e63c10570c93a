"""The options of commands that read a table or a store, defined once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from hwcost.cli import console

if TYPE_CHECKING:
    from hwcost.cost_models.data import Data
    from hwcost.cost_models.priors.source import Source
    from hwcost.exchange.options import TableOptions

PANEL = "How a table is read"

Space = Annotated[
    str | None, typer.Option("--space", help="Search space; needed for a table.", show_default="the store's own")
]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", min=1, help="Sequences per call, of a campaign with several shapes.")
]
SeqLen = Annotated[
    int | None, typer.Option("--seq-len", min=1, help="Tokens per sequence, of a campaign with several shapes.")
]
Campaign = Annotated[
    str | None,
    typer.Option("--campaign", metavar="ID", help="Campaign of the store.", show_default="the latest with rows to fit on"),
]
Audited = Annotated[
    str | None, typer.Option("--campaign", metavar="ID", help="Campaign of the store.", show_default="the latest")
]
Quantity = Annotated[
    str, typer.Option("--quantity", metavar="NAME", help="Quantity of a campaign, such as energy_j; tables hold latencies.")
]
Drift = Annotated[
    str, typer.Option("--drift", help="Treatment of a moving level in the order of rows: auto (taken out) or none.")
]

Prior = Annotated[
    list[str] | None,
    typer.Option(
        "--prior", metavar="DIR|auto",
        help="Model of another device, so that three measurements are enough; auto for what ships with the space. "
        "Repeat it for several.",
        show_default="none",
    ),
]  # fmt: skip

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
        "--latency", metavar="A[+B]", help="Column of latencies, or a sum of several.", show_default="latency_s",
        rich_help_panel=PANEL,
    ),
]  # fmt: skip
Unit = Annotated[
    str | None,
    typer.Option(
        "--unit", metavar="s|ms|us|ns|min", help="Unit of the latencies.", show_default="as the column's name says",
        rich_help_panel=PANEL,
    ),
]  # fmt: skip
Keep = Annotated[
    str,
    typer.Option("--keep", metavar="A,B", help="Columns that are features, whatever they look like.", rich_help_panel=PANEL),
]
Drop = Annotated[str, typer.Option("--drop", metavar="A,B", help="Columns that are not features.", rich_help_panel=PANEL)]
Id = Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="Column that names each row.", rich_help_panel=PANEL)]


class Rows(NamedTuple):
    """Which rows of a source are read, and how."""

    space: str | None
    campaign: str | None
    options: TableOptions
    shape: dict[str, int]
    quantity: str


def read(source: str, rows: Rows, prior: list[str] | None = None) -> tuple[Data, list[Source]]:
    """Reads rows, and the models of other devices where some are given; says what was decided about a table.

    Args:
        source: Store or table.
        rows: Choice of its rows.
        prior: Folders of models, or ``auto``; the rows are then read as their space.
    """
    if prior:
        from hwcost.cost_models.priors.fit import read_with_prior

        data, sources = read_with_prior(
            source, prior, space=rows.space, campaign_id=rows.campaign, table=rows.options, quantity=rows.quantity,
            options=rows.shape,
        )  # fmt: skip
    else:
        from hwcost.cost_models.data import read

        data, sources = read(source, *rows), []
    say(data.remarks)
    return data, sources


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


def shape(batch_size: int | None, seq_len: int | None) -> dict[str, int]:
    """Returns the sizes that were given, by name."""
    given = {"batch_size": batch_size, "seq_len": seq_len}
    return {name: size for name, size in given.items() if size is not None}
