"""``hwcost pipeline``: one of the papers' systems end to end; the same command resumes a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console
from hwcost.cli.measuring import Backend, Device
from hwcost.cli.progress import ProgressText, progress

if TYPE_CHECKING:
    from hwcost.systems import Event

Name = Annotated[
    str, typer.Argument(help="supershaper, autodistil, components, autodistill, or a pipeline of an installed plug-in.")
]
Preset = Annotated[
    str, typer.Option("--preset", help="smoke: a minute or two; quick: up to 20 minutes on two cores; paper: in full.")
]
Out = Annotated[
    str | None, typer.Option("--out", metavar="DIR", help="Folder of the run. [default: runs/pipelines/NAME-PRESET]")
]
CorpusPath = Annotated[
    str, typer.Option("--corpus", metavar="PATH", help="Training text: stdlib, text files, or a data set on disk.")
]
Weights = Annotated[
    str | None, typer.Option("--weights", metavar="DIR", help="Folder of a BERT to start from, or to learn from.")
]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Threads inside an operator, while measuring.")]
TrainOn = Annotated[
    str | None, typer.Option("--train-on", help="cpu or cuda. [default: cuda where latencies are measured on a GPU]")
]

Tasks = Annotated[
    list[str] | None,
    typer.Option(
        "--task", metavar="DIR|NAME",
        help="Labelled task that nets are fine-tuned on, with options: reviews:text=body,label=stars. Can be repeated.",
    ),
]  # fmt: skip


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("pipeline")(pipeline)


def pipeline(
    name: Name,
    preset: Preset = "quick",
    out: Out = None,
    corpus: CorpusPath = "stdlib",
    weights: Weights = None,
    device: Device = "cpu",
    backend: Backend = "torch",
    threads: Threads = 1,
    train_on: TrainOn = None,
    task: Tasks = None,
    seed: console.Seed = 0,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Run one of the papers' systems from training to measured results, and write report.html and report.json.

    Finished stages are kept, and so is expensive work within a stage: after Ctrl-C or a crash, the same command resumes the
    run and ends in the same result. The report compares the paper's claims with what was found, whether they hold or not.
    """
    from hwcost.report import write_page
    from hwcost.systems import Settings
    from hwcost.systems import pipeline as make_pipeline

    folder = Path(out or f"runs/pipelines/{name}-{preset}")
    settings = Settings(preset, seed, corpus, device, backend, threads, train_on, weights, tuple(task or ()))
    with progress(_progress_text) as update:
        report = make_pipeline(name, folder, settings, _shown(update)).run()
    page = write_page(report, folder)
    if not console.write_json(report, json):
        _show(report)
        typer.echo(f"report: {page}")


def _show(report: dict[str, Any]) -> None:
    typer.echo(report["title"])
    for verdict in report["verdicts"]:
        typer.echo(f"  {'yes' if verdict['holds'] else 'no '}  {verdict['claim']}")
        typer.echo(f"       {verdict['found']}")
    typer.echo(f"{len(report['stages'])} stages, {sum(report['seconds'].values()):.0f} s")


def _shown(update: Callable[[Event], None]) -> Callable[[Event], None]:
    """Returns a callback that shows progress by another one, and says remarks."""

    def show(event: Event) -> None:
        if event.remark is None:
            update(event)
        else:
            console.note(f"{event.stage}, {event.doing}: {event.remark}")

    return show


def _progress_text(event: Event) -> ProgressText:
    what = f"{event.stage}: {event.doing}"
    return ProgressText(
        event.done, event.total, f"{event.number}/{event.stages} {what}", f"stage {event.number} of {event.stages}, {what}",
        what,
    )  # fmt: skip
