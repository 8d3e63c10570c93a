"""``hwcost pipeline``: one of the papers' systems end to end; the same command resumes a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console
from hwcost.cli.measuring import Backend
from hwcost.cli.progress import ProgressText, progress
from hwcost.cli.search import Constraints, SearcherOptions
from hwcost.cli.supernet_memory import NoMemoryCheck, Processes
from hwcost.cli.torch_device import check_device
from hwcost.errors import InterruptedRunError, UsageError

if TYPE_CHECKING:
    from hwcost.systems import Event, Pipeline, Plan, Settings

GIVEN = "In place of the system's own"
PROCESSES = "about 0.5 GB beside them, and one that measures 0.4 to 1 GB, both more with large nets"
"""Resident memory of the processes of a run, as seen with the presets ``smoke`` and ``quick`` and backend torch."""

Name = Annotated[
    str, typer.Argument(help="supershaper, autodistil, components, autodistill, or a pipeline of an installed plug-in.")
]
Preset = Annotated[
    str, typer.Option("--preset", help="smoke: a minute or two; quick: up to 20 minutes on two cores; paper: in full.")
]
Out = Annotated[
    str | None,
    typer.Option("--out", metavar="DIR", help="Folder of the run.", show_default="runs/pipelines/NAME-PRESET"),
]
CorpusPath = Annotated[
    str, typer.Option("--corpus", metavar="PATH", help="Training text: stdlib, text files, or a data set on disk.")
]
Weights = Annotated[
    str | None, typer.Option("--weights", metavar="DIR", help="Folder of a BERT to start from, or to learn from.")
]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Threads inside an operator, while measuring.")]
Device = Annotated[
    str | None,
    typer.Option(
        "--device", "-d", metavar="NAME[:INDEX]|FILE.toml",
        help="Device that latencies are measured on.", show_default="this CPU; none with --cost",
    ),
]
Costs = Annotated[
    list[str] | None,
    typer.Option(
        "--cost", metavar="DIR|STORE|FILE.csv",
        help="Cost model, or what one is fitted on; repeatable, one per space. Nothing is measured unless --device is here.",
        rich_help_panel=GIVEN,
    ),
]
SearcherName = Annotated[
    str | None,
    typer.Option("--searcher", "-s", metavar="NAME", help="Searcher, as of hwcost search.", rich_help_panel=GIVEN),
]
Estimator = Annotated[
    str | None,
    typer.Option(
        "--estimator", metavar="NAME", help="Gradient estimator of SDO: literal, score, literal+ema, score+ema or rloo.",
        rich_help_panel=GIVEN,
    ),
]
Sizes = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="FIELD=VALUE", help="Field of the preset, such as recipe.steps=100; repeatable.",
        rich_help_panel=GIVEN,
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show settings, stages, what is measured, and the memory of trainings.")
]
TrainOn = Annotated[
    str | None,
    typer.Option(
        "--train-on", help="Device that trains: cpu or cuda.", show_default="cuda where latencies are measured on a GPU"
    ),
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
    device: Device = None,
    cost: Costs = None,
    searcher: SearcherName = None,
    searcher_option: SearcherOptions = None,
    constraint: Constraints = None,
    estimator: Estimator = None,
    sizes: Sizes = None,
    backend: Backend = "torch",
    threads: Threads = 1,
    train_on: TrainOn = None,
    task: Tasks = None,
    seed: console.Seed = 0,
    dry_run: DryRun = False,
    processes: Processes = None,
    no_memory_check: NoMemoryCheck = False,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Run one of the papers' systems from training to measured results, and write report.html and report.json.

    Finished stages are kept, and so is expensive work within a stage: after Ctrl-C or a crash, the same command resumes the
    run and ends in the same result. The report compares the paper's claims with what was found, whether they hold or not.
    A run whose trainings take more memory than is free is refused before it begins.

    In --constraint, latency_s is the system's cost model: 'latency_s<=50ms'.

    torchrun --nproc-per-node 2 -m hwcost pipeline ... divides the batches of trainings among several devices or hosts.
    """
    from hwcost.registry import parse_options
    from hwcost.report.page import check_can_write
    from hwcost.systems import Settings
    from hwcost.systems import pipeline as make_pipeline

    started = int(os.environ.get("WORLD_SIZE", "1"))
    if processes is not None and not dry_run:
        raise UsageError("--processes goes with --dry-run; torchrun --nproc-per-node starts processes")
    if dry_run and not console.is_first():
        return
    folder = Path(out or f"runs/pipelines/{name}-{preset}")
    settings = Settings(preset, seed, corpus, device, backend, threads, train_on, weights, tuple(task or ()))
    parts: dict[str, Any] = {
        "cost": cost or None, "searcher": searcher, "constraints": constraint or (), "estimator": estimator,
        "searcher_options": parse_options(searcher_option or (), "--searcher-option NAME=VALUE"),
        "sizes": parse_options(sizes or (), "--set FIELD=VALUE"),
    }  # fmt: skip
    if dry_run:
        plan = make_pipeline(name, folder, settings, dry_run=True, **parts).plan(processes or started)
        if not console.write_json(plan.to_dict(), json):
            _show_plan(plan)
        return

    check_can_write()

    def run() -> dict[str, Any]:
        with progress(_progress_text) as update:
            return _run(make_pipeline(name, folder, settings, _shown(update), **parts), not no_memory_check)

    report = _together(run, settings) if started > 1 else run()
    if report is not None:
        _write(report, folder, json)


def _run(made: Pipeline[Any], check_memory: bool) -> dict[str, Any]:
    """Runs a pipeline; what goes wrong in one process alone is said by that one."""
    from hwcost.systems.processes import EndedError

    try:
        return made.run(check_memory)
    except (EndedError, KeyboardInterrupt) as error:
        if made.processes.is_first:
            raise
        code = error.exit_code if isinstance(error, EndedError) else InterruptedRunError.exit_code
        raise typer.Exit(code) from None  # the first process says why
    except UsageError as error:
        if not made.processes.is_first:
            console.say_own(str(error))
        raise


def _together(run: Callable[[], dict[str, Any]], settings: Settings) -> dict[str, Any] | None:
    """Runs a pipeline in every process of torchrun; returns the report in the first one, and None in the others."""
    from hwcost.supernets.process_group import launched

    check_device(settings.trains_on)
    with launched(settings.trains_on) as group:
        report = run()
    return report if group.is_first else None


def _write(report: dict[str, Any], folder: Path, json: str | None) -> None:
    try:
        from hwcost.report import write_page  # which takes a while, too

        page = write_page(report, folder)
    except KeyboardInterrupt:
        raise InterruptedRunError(
            "interrupted while the page was written; "
            f"the run in '{folder}' is finished, and the same command writes its page"
        ) from None
    if not console.write_json(report, json):
        _show(report)
        typer.echo(f"report: {page}")


def _show(report: dict[str, Any]) -> None:
    typer.echo(report["title"])
    for doubt in report["doubts"]:
        typer.echo(f"  in doubt: {doubt}")
    for verdict in report["verdicts"]:
        said = "-  " if report["is_rehearsal"] else "yes" if verdict["holds"] else "no "
        typer.echo(f"  {said}  {verdict['claim']}")
        typer.echo(f"       {verdict['found']}")
    typer.echo(f"{len(report['stages'])} stages, {sum(report['seconds'].values()):.0f} s")


def _show_plan(plan: Plan) -> None:
    typer.echo(f"{plan.title}. Nothing was trained, measured or written")
    for number, (name, what) in enumerate(plan.stages.items(), 1):
        typer.echo(f"  {number} {name}: {what}")
    for one in plan.workloads:
        count = f"{one.nets} nets or components at most, " if one.nets is not None else ""
        stage = f"{one.stage}: " if one.stage else ""
        typer.echo(f"  {stage}{count}{one.batch_size} x {one.seq_len} tokens, {one.dtype}, {one.backend} on {one.device}")
    if not plan.workloads:
        typer.echo("  nothing is measured: latencies are those of the cost model")
    for training in plan.trainings:
        typer.echo(f"  memory: {training.advice}")
    if plan.trainings:
        typer.echo(f"  memory: the process itself takes {PROCESSES}")


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
    made = f", {event.done} of {event.total}" if event.done and event.total else ""
    return ProgressText(
        event.done, event.total, f"{event.number}/{event.stages} {what}",
        f"stage {event.number} of {event.stages}, {what}{made}", what,
    )  # fmt: skip
