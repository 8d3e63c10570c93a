"""``hwcost search``: feasible architectures that serve objectives."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from inspect import signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console
from hwcost.cli.progress import ProgressText, progress
from hwcost.errors import MeasurementError, UsageError

if TYPE_CHECKING:
    from hwcost.cli.winners import Place
    from hwcost.cost_models.base import CostModel
    from hwcost.objectives.written import SearchSpec
    from hwcost.searchers.problem import Problem
    from hwcost.study.study import Progress

REFITS = 20
"""Refits that tell how much winners flatter, unless ``--refits`` is given; see :mod:`hwcost.study.selection`."""

DEFAULT_EVALUATIONS = 10_000
"""Evaluations after which a search ends that no option ends; all of a space with fewer architectures."""

Texts = list[str] | None
Text = str | None
Count = int | None

Minimized = Annotated[
    Texts,
    typer.Option(
        "--minimize", metavar="WHAT",
        help="Quantity to minimise: a size such as params or flops, the folder of a cost model, or a function module:name; "
        "repeatable.",
    ),
]  # fmt: skip
Maximized = Annotated[Texts, typer.Option("--maximize", metavar="WHAT", help="Quantity to maximise, likewise; repeatable.")]
Constraints = Annotated[
    Texts,
    typer.Option(
        "--constraint", metavar="'WHAT<=VALUE'", help="Bound: params:paper<=66M, models/cpu<=50ms, flops<=0.5x; repeatable."
    ),
]
Space = Annotated[Text, typer.Option("--space", help="Search space.", show_default="that of the first cost model")]
SearcherName = Annotated[
    str,
    typer.Option(
        "--searcher", "-s",
        help="Searcher: random, exhaustive, evolution, nsga2, firefly, bayesian, exact, sdo, optuna, pymoo or botorch.",
    ),
]
SearcherOptions = Annotated[
    Texts, typer.Option("--searcher-option", metavar="NAME=VALUE", help="Option of the searcher, such as preset=hat.")
]
Evaluations = Annotated[
    Count,
    typer.Option(
        "--evaluations", "-n", help="Number of different architectures after which the search ends.",
        show_default="10000, unless another option ends it",
    ),
]  # fmt: skip
Iterations = Annotated[
    Count, typer.Option("--iterations", help="Number of proposals after which the search ends, repeats included.")
]
Seconds = Annotated[float | None, typer.Option("--seconds", help="Seconds after which the search ends.")]
Patience = Annotated[
    Count, typer.Option("--patience", help="Number of evaluations without improvement after which the search ends.")
]
Dominate = Annotated[
    Count, typer.Option("--dominate", help="Number of architectures that dominate --reference, after which the search ends.")
]
Reference = Annotated[Text, typer.Option("--reference", metavar="ARCH", help="Architecture to dominate.")]
Baseline = Annotated[
    Text, typer.Option("--baseline", metavar="ARCH", help="Architecture that bounds such as 0.5x are relative to.")
]
Probability = Annotated[
    float, typer.Option("--probability", help="Probability of bounds on predicted latency; 0: predictions as they are.")
]
BatchSize = Annotated[
    Count,
    typer.Option("--batch-size", min=1, help="Sequences per call, for cost models over shapes that name no @8,256."),
]
SeqLen = Annotated[int, typer.Option("--seq-len", min=1, help="Tokens per sequence, for flops and with --batch-size.")]
LogFile = Annotated[
    Text, typer.Option("--log", metavar="FILE", help="File that keeps the study; the same command resumes it.")
]
Plot = Annotated[Text, typer.Option("--plot", metavar="DIR", help="Folder for figures of the front and the convergence.")]
Factory = Annotated[
    Text,
    typer.Option(
        "--model", metavar="module:factory",
        help="Factory of a space of your own, for --measure.", show_default="that of the cost model's nets",
    ),
]
Measure = Annotated[bool, typer.Option("--measure/--no-measure", help="Measure the winners: predicted against measured.")]
Verify = Annotated[
    Count,
    typer.Option(
        "--verify", metavar="N", min=1,
        help="Measure up to N candidates and learn from them, until the best measured one is probably the best of all.",
    ),
]
Refits = Annotated[
    int,
    typer.Option(
        "--refits", metavar="N", min=0,
        help="Refits of a cost model that tell how much its winners flatter; 0 leaves their values uncorrected.",
    ),
]
Device = Annotated[str, typer.Option("--device", "-d", help="Device of --measure and --verify.")]
Backend = Annotated[
    Text,
    typer.Option(
        "--backend", help="Backend of --measure and --verify.", show_default="that of the cost model's rows, or torch"
    ),
]
Tier = Annotated[str, typer.Option("--tier", help="Tier of --measure and --verify: quick, standard or strict.")]
Budget = Annotated[
    Text, typer.Option("--budget", metavar="TIME", help="Time that measurements of --measure or --verify share, e.g. 8m.")
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("search")(search)


def search(
    minimize: Minimized = None,
    maximize: Maximized = None,
    constraint: Constraints = None,
    space: Space = None,
    searcher: SearcherName = "evolution",
    searcher_option: SearcherOptions = None,
    evaluations: Evaluations = None,
    iterations: Iterations = None,
    seconds: Seconds = None,
    patience: Patience = None,
    dominate: Dominate = None,
    reference: Reference = None,
    baseline: Baseline = None,
    probability: Probability = 0.95,
    batch_size: BatchSize = None,
    seq_len: SeqLen = 128,
    log: LogFile = None,
    plot: Plot = None,
    model: Factory = None,
    measure: Measure = False,
    verify: Verify = None,
    refits: Refits = REFITS,
    device: Device = "cpu",
    backend: Backend = None,
    tier: Tier = "quick",
    budget: Budget = None,
    store: console.StoreUrl = None,
    seed: console.Seed = 0,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Search a space for architectures that serve objectives and satisfy constraints.

    WHAT is a size, the folder of a cost model that 'hwcost fit' wrote, or module:name of your own: a function that takes an
    architecture, or a class that takes the space. NAME= before it gives it a name, and params:paper counts as a paper does.
    A cost model over shapes is asked at one of them: models/cpu@8,256 for batch 8 and 256 tokens.
    Nothing is dropped silently: infeasible architectures are counted, with the reason.
    """
    from hwcost.cli import search_report, winners
    from hwcost.objectives.written import SearchSpec
    from hwcost.spaces import space as make_space

    if not 0 <= probability < 1:
        raise UsageError(f"--probability lies between 0 and 1, got {probability:g}; 0 takes predictions as they are")
    budget_s = _budget_s(budget, measure or verify is not None)
    spec = SearchSpec(make_space(space) if space else None, seq_len, probability, batch_size=batch_size)
    with redirect_stdout(sys.stderr):  # what functions of the user's print does not belong to the data
        problem = _problem(spec, minimize or [], maximize or [], constraint or [], baseline)
        models = list(spec.models.values())
        place = winners.Place(device, backend or winners.backend_of(models), tier, store, model, budget_s)
        _check_measuring(problem, models, place, measure, verify)
        if plot is not None:
            search_report.check_plot(plot)
        ends = {
            "evaluations": evaluations, "iterations": iterations, "seconds": seconds, "patience": patience,
            "dominate": dominate,
        }  # fmt: skip
        options = _options(problem, ends, searcher_option or [], searcher=searcher, seed=seed, reference=reference, log=log)
        with progress(_shown) as update:
            study = options.run(problem, progress=update, remark=console.note)
        found = search_report.Found(study, search_report.biases(study, models, refits))
        if verify is not None:
            found.verification, found.measured = winners.verified(models, study, place, verify)
        elif measure:
            found.measured = winners.measured(models, study.front, place)
    if not console.write_json(search_report.document(found), json):
        search_report.show(found)
    if not study.front:
        last = next((f" The last one: {trial.reason}" for trial in reversed(study.trials) if trial.reason), "")
        raise UsageError(f"no architecture was completed; --json has every trial's reason.{last}")
    if plot is not None:
        search_report.draw(study, plot)
    if found.measured and all(row.measured_s is None for row in found.measured):
        raise MeasurementError("no winner could be measured; see above for why. Measure them again, on a quieter machine")


def _problem(
    spec: SearchSpec, minimize: list[str], maximize: list[str], constraints: list[str], baseline: str | None
) -> Problem:
    """Returns the problem that texts describe."""
    from hwcost.searchers import Problem

    if not (minimize or maximize):
        raise UsageError("a search needs an objective: --minimize WHAT or --maximize WHAT")
    space = spec.read_models([*minimize, *maximize], constraints)
    objectives = [spec.objective(text, True) for text in minimize] + [spec.objective(text, False) for text in maximize]
    of = space.parse(baseline) if baseline else None
    return Problem(space, objectives, [spec.constraint(text, of) for text in constraints])


def _check_measuring(
    problem: Problem, models: list[CostModel], place: Place, measure: bool, verify: int | None
) -> None:
    """Refuses winners that are to be measured and cannot be, before anything is searched."""
    from hwcost.cli.winners import latency_model
    from hwcost.study.verification import check_objectives

    if measure or verify is not None:
        latency_model(models, "--measure" if verify is None else "--verify")
        if verify is not None:
            check_objectives(problem)
        place.check()


def _budget_s(text: str | None, is_measuring: bool) -> float | None:
    """Reads the time that measurements share; refuses one where nothing is measured."""
    from hwcost.units import parse_duration

    if text is not None and not is_measuring:
        raise UsageError(
            f"--budget {text} bounds the measurements of --measure or --verify; give one of them. "
            "--seconds and --evaluations bound the search itself"
        )
    return None if text is None else parse_duration(text)


def _options(
    problem: Problem, ends: dict[str, Any], texts: list[str], reference: str | None, **options: Any
) -> Any:
    """Returns the options of the search; one that no option ends ends after a default number of evaluations."""
    from hwcost.registry import parse_options
    from hwcost.study import SearchOptions

    if all(end is None for end in ends.values()):
        ends["evaluations"] = min(DEFAULT_EVALUATIONS, problem.space.size)
    own = parse_options(texts, "--searcher-option NAME=VALUE")
    if other := sorted(own.keys() & signature(SearchOptions).parameters.keys()):
        raise UsageError(f"--searcher-option gives options of the searcher; '{other[0]}' is none, see hwcost search --help")
    return SearchOptions(
        searcher_options=own, reference=problem.space.parse(reference) if reference else None, **ends, **options
    )


def _shown(state: Progress) -> ProgressText:
    best = "nothing yet"
    if state.best is not None:
        values = ", ".join(f"{value:.5g}" for value in state.best)
        best = f"best {values}" if len(state.best) == 1 else f"{state.on_front} on the front"
    line = f"{state.evaluations} of {state.wanted or '?'} evaluated: {best}"
    return ProgressText(state.evaluations, state.wanted, best, line)
