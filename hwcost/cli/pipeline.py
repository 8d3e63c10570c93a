"""``hwcost pipeline``: the four systems end to end, each one command that goes on where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console
from hwcost.cli.progress import ProgressText, progress

if TYPE_CHECKING:
    from hwcost.systems.base import Event


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("pipeline")(pipeline)


def pipeline(
    name: Annotated[str, typer.Argument(help="supershaper, autodistil, components or autodistill.")],
    preset: Annotated[
        str, typer.Option("--preset", help="smoke: a minute or two; quick: up to 20 on two cores; paper: all of it.")
    ] = "quick",
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="Folder of the run. [default: runs/pipelines/NAME-PRESET]")
    ] = None,
    corpus: Annotated[
        str, typer.Option("--corpus", metavar="PATH", help="stdlib, text files, or a data set on disk.")
    ] = "stdlib",
    weights: Annotated[
        str | None, typer.Option("--weights", metavar="DIR", help="A BERT on disk to start from, or to learn from.")
    ] = None,
    device: Annotated[str, typer.Option("--device", "-d", help="Where latencies are measured.")] = "cpu",
    backend: Annotated[str, typer.Option("--backend", help="Through what.")] = "torch",
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads inside an operator, while measuring.")] = 1,
    train_on: Annotated[
        str | None, typer.Option("--train-on", help="cpu or cuda. [default: cuda where latencies are measured on a GPU]")
    ] = None,
    seed: console.Seed = 0,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Run one of the papers' systems from training to measured results, and write report.html and report.json.

    Stages are kept as they finish, and what is expensive within a stage too: after Ctrl-C or worse, the same command goes on
    and ends in the same result. What does not come out as a paper has it is reported as it came out.
    """
    from pathlib import Path

    from hwcost.report.page import write_page
    from hwcost.systems import Settings
    from hwcost.systems import pipeline as made

    folder = Path(out or f"runs/pipelines/{name}-{preset}")
    settings = Settings(preset, seed, corpus, device, backend, threads, train_on, weights)
    with progress(_told) as tell:
        report = made(name, folder, settings, tell).run()
    page = write_page(report, folder)
    if not console.write_json(report, json):
        _show(report)
        typer.echo(f"report: {page}")


def _show(report: dict[str, Any]) -> None:
    typer.echo(report["title"])
    for verdict in report["verdicts"]:
        typer.echo(f"  {'yes' if verdict['holds'] else 'no '}  {verdict['claim']}")
        typer.echo(f"       {verdict['found']}")
    spent = sum(stage["seconds"] for stage in report["stages"].values())
    typer.echo(f"{len(report['stages'])} stages, {spent:.0f} s")


def _told(event: Event) -> ProgressText:
    what = f"{event.stage}: {event.doing}"
    return ProgressText(
        event.done, event.total, f"{event.number}/{event.stages} {what}", f"stage {event.number} of {event.stages}, {what}",
        what,
    )  # fmt: skip
