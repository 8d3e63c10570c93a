"""``hwcost measure``: architectures, components, or a model of one's own, on a device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console, measuring
from hwcost.cli.given import refuse_changed, refuse_unused
from hwcost.cli.running import RunOptions, run_campaign, show_plan
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.campaign.options import MeasureOptions
    from hwcost.campaign.plan import Item, Plan
    from hwcost.workloads.base import Workload

DEFAULT_SPACE = "supershaper"

DRAWN = ("number", "design", "test_rows", "uniform")
"""Options that say which architectures are drawn."""

OF_SPACES = (*DRAWN, "arch", "space_option", "components", "parts")
"""Options that need a search space."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("measure")(measure)


def measure(
    context: typer.Context,
    space: Annotated[
        str | None,
        typer.Option(
            "--space", help="Search space, such as autodistil:subspace=tiny or ./myspace.toml.", show_default="supershaper"
        ),
    ] = None,
    space_option: measuring.SpaceOptions = None,
    number: Annotated[int | None, typer.Option("-n", help="Architectures to learn from.", show_default="40")] = None,
    design: Annotated[str, typer.Option("--design", help="Draw of these: spread (over sizes) or uniform.")] = "spread",
    test_rows: Annotated[
        int, typer.Option("--test-rows", help="Further architectures, spread over sizes, kept aside to test models on.")
    ] = 0,
    uniform: Annotated[int, typer.Option("--uniform", help="Further architectures, drawn uniformly, kept aside too.")] = 0,
    arch: Annotated[list[str] | None, typer.Option("--arch", help="One architecture; repeatable.")] = None,
    components: Annotated[
        bool, typer.Option("--components", help="Price every component by depth slope, and check the sum on whole models.")
    ] = False,
    parts: Annotated[
        bool, typer.Option("--parts", help="Price attention, feed-forward, norms and bottlenecks apart too (--components).")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="FILE.onnx|package.module:factory",
            help="A model of your own; with --space: the factory of its architectures.",
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="NAME=1x128[:int64]", help="Shape of an input of an ONNX --model; repeatable."),
    ] = None,
    device: measuring.Device = "cpu",
    backend: measuring.Backend = "torch",
    backend_option: measuring.BackendOptions = None,
    batch_size: measuring.BatchSize = None,
    seq_len: measuring.SeqLen = None,
    dtype: measuring.Dtype = None,
    tier: measuring.Tier = "standard",
    rounds: measuring.Rounds = None,
    blocks: measuring.Blocks = None,
    arrival: measuring.Arrival = "back-to-back",
    cache: measuring.Cache = "hot",
    stopping: measuring.Stopping = None,
    until: measuring.Until = None,
    quantity: measuring.Quantities = None,
    threads: measuring.Threads = 1,
    pin: measuring.Pin = True,
    lock_clocks: measuring.LockClocks = False,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="TIME", help="Time that the rounds share, e.g. 8m; two at least.")
    ] = None,
    wait: Annotated[
        str, typer.Option("--wait", metavar="TIME", help="Longest wait for CPUs that other campaigns hold; 0s: none.")
    ] = "10m",
    resume: Annotated[bool, typer.Option("--resume", help="Resume the store's latest campaign; repeats nothing.")] = False,
    campaign: Annotated[
        str | None, typer.Option("--campaign", metavar="ID", help="Campaign to --resume.", show_default="the latest")
    ] = None,
    store: console.StoreUrl = None,
    seed: console.Seed = 0,
    dry_run: console.DryRun = False,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Measure architectures, components or a model on a device.

    A round is a fresh process that prepares the workloads and times them in turn, in many short passes of random order. All
    samples are kept in the store. Ctrl-C is safe at any moment: --resume repeats nothing that was measured.
    """
    from hwcost.devices import require
    from hwcost.registry import parse_options

    run = RunOptions.parse(budget, wait, json)
    if resume:
        _resume(context, store, campaign, run, dry_run)
        return
    _refuse_unused(context)
    handle = require(device)  # an absent device ends the command before the modules that measure are imported
    from hwcost.campaign.goals import read_goals
    from hwcost.campaign.options import MeasureOptions
    from hwcost.cost_models.goals import GOALS

    options = MeasureOptions(
        device=handle, backend=backend, batch_size=batch_size, seq_len=seq_len, dtype=dtype, threads=threads,
        backend_options=parse_options(backend_option or (), "--backend-option NAME=VALUE"), tier=tier, rounds=rounds,
        blocks=blocks, arrival=arrival, cache=cache, stopping=measuring.read_stopping(stopping), seed=seed, pin=pin,
        until=read_goals(until or (), GOALS), quantities=tuple(quantity or ()), lock_clocks=lock_clocks,
    )  # fmt: skip
    _start(options.plan(_targets(context.params, options)), store, run, dry_run)


def _targets(given: Mapping[str, Any], options: MeasureOptions) -> Iterable[Item | Workload]:
    """Makes what is measured: one model of the user's, components, named architectures, or drawn ones."""
    from hwcost.campaign import targets
    from hwcost.registry import parse_options
    from hwcost.spaces import space as make_space

    factory, number = given["model"], given["number"]
    if factory is not None and given["space"] is None:
        return [targets.model_workload(factory, options, given["inputs"] or ())]
    chosen = parse_options(given["space_option"] or (), "--space-option NAME=VALUE")
    space = make_space(given["space"] or DEFAULT_SPACE, **chosen)
    if given["components"]:
        return targets.component_items(space, options, number, parts=given["parts"])
    if given["arch"]:
        return targets.architecture_workloads(space, [space.parse(text) for text in given["arch"]], options, factory)
    kept = {"test": given["test_rows"], "uniform": given["uniform"]}
    return targets.drawn_items(space, options, number, design=given["design"], factory=factory, **kept)


def _refuse_unused(context: typer.Context) -> None:
    """Refuses options that what is measured leaves without effect."""
    chosen = context.params
    if chosen["campaign"] is not None:
        raise UsageError("--campaign says which campaign to resume; give --resume too")
    if chosen["model"] is not None and chosen["space"] is None:
        refuse_unused(context, OF_SPACES, "on a --model without a --space")
    elif chosen["inputs"]:
        raise UsageError("--input gives the shape of an input of a model of your own; give --model FILE.onnx too")
    if chosen["components"] and chosen["model"] is not None:
        raise UsageError("--components prices what hwcost builds; a factory (--model) builds whole models only")
    if chosen["components"]:
        refuse_unused(context, ["design", "test_rows", "uniform", "arch"], "with --components")
    else:
        refuse_unused(context, ["parts"], "without --components")
    if chosen["arch"]:
        refuse_unused(context, DRAWN, "with --arch, which says what is measured")


def _resume(context: typer.Context, store: str | None, campaign: str | None, run: RunOptions, dry_run: bool) -> None:
    """Resumes a campaign as it was planned."""
    from hwcost.campaign.plan import Plan, find_campaign
    from hwcost.stores import open_store

    with open_store(store, create=False) as opened:
        found = find_campaign(opened, campaign)
        plan = Plan.from_dict(found.plan)
        refuse_changed(context, plan, found.campaign_id)
        if dry_run:
            show_plan(plan, store, run)
        else:
            run_campaign(opened, found.campaign_id, run)


def _start(plan: Plan, store: str | None, run: RunOptions, dry_run: bool) -> None:
    """Begins a campaign, or shows what it would be."""
    from hwcost.campaign.run import start
    from hwcost.stores import open_store

    if dry_run:
        show_plan(plan, store, run)
        return
    with open_store(store) as opened:
        run_campaign(opened, start(plan, opened), run)
