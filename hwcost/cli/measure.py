"""``hwcost measure``: architectures, components, or a model of one's own, on a device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import chosen, console, measuring
from hwcost.cli.given import refuse_changed
from hwcost.cli.running import RunOptions, run_campaign, show_plan
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.campaign.options import MeasureOptions
    from hwcost.campaign.plans.plan import Plan
    from hwcost.elsewhere.transports import Transport

AS_GIVEN = (
    "backend", "dtype", "threads", "tier", "rounds", "blocks", "arrival", "cache", "seed", "pin", "lock_clocks",
)  # fmt: skip
"""Options that are passed on as they were typed."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("measure")(measure)


def measure(
    context: typer.Context,
    space: measuring.Space = None,
    model: measuring.Models = None,
    inputs: measuring.Inputs = None,
    number: measuring.Number = None,
    design: measuring.Design = None,
    test_rows: measuring.TestRows = 0,
    uniform: measuring.Uniform = 0,
    arch: measuring.Archs = None,
    space_option: measuring.SpaceOptions = None,
    few: measuring.Few = None,
    prior: measuring.Prior = None,
    components: measuring.Components = False,
    parts: measuring.Parts = False,
    only: measuring.Only = None,
    device: measuring.Device = "cpu",
    backend: measuring.Backend = "torch",
    backend_option: measuring.BackendOptions = None,
    batch_size: measuring.BatchSizes = None,
    seq_len: measuring.SeqLens = None,
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
        str | None,
        typer.Option("--budget", metavar="TIME", help="Time that the rounds share, e.g. 8m; two rounds at least."),
    ] = None,
    wait: console.Wait = "10m",
    on: Annotated[
        str | None,
        typer.Option(
            "--on", metavar="ADDRESS", show_default="this one", rich_help_panel=measuring.HOW,
            help="Machine that measures, which needs no hwcost: ssh://USER@HOST:PORT/FOLDER; or queue of such machines: "
            "slurm://PARTITION/FOLDER, ray://HOST:PORT/FOLDER.",
        ),
    ] = None,
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
    """Measure architectures of a search space, its components, or models of your own, on a device.

    hwcost measure --space supershaper -n 40 --store cpu.db
    hwcost measure --space ./myspace.toml --model mynets:build -n 30 --seq-len 64 --store own.db
    hwcost measure --model 'nets/*.onnx' --backend onnxruntime --store files.db

    A round is a fresh process that prepares the workloads and times them in turn, in many short passes of random order. All
    samples are kept in the store. Ctrl-C is safe at any moment: --resume repeats nothing that was measured.
    """
    run = RunOptions.parse(budget, wait, json)
    place = _place(on)
    if resume:
        _resume(context, store, campaign, run, dry_run, place)
        return
    if campaign is not None:
        raise UsageError("--campaign says which campaign to resume; give --resume too")
    chosen.refuse_without_effect(context)
    plan, selected = chosen.planned(context.params, _options(context.params, place is not None))
    if place is not None:
        from hwcost.elsewhere import admit

        admit(plan, place)
    if dry_run:
        show_plan(plan, store, run, selected, place is None)
    else:
        _start(plan, store, run, place)


def _options(given: Mapping[str, Any], is_elsewhere: bool) -> MeasureOptions:
    """Reads the options of measuring; an absent device ends the command before the modules that measure are imported."""
    from hwcost.devices import elsewhere, require

    handle = elsewhere(given["device"]) if is_elsewhere else require(given["device"])
    from hwcost.campaign.goals.goal import read_goals
    from hwcost.campaign.options import JobOptions, MeasureOptions
    from hwcost.campaign.plans.sizes import read_sizes
    from hwcost.cost_models.evaluation.goals import GOALS
    from hwcost.registry import parse_options

    as_given = {name: given[name] for name in AS_GIVEN}
    return (JobOptions if is_elsewhere else MeasureOptions)(
        device=handle, batch_size=read_sizes(given["batch_size"], "batch size"),
        seq_len=read_sizes(given["seq_len"], "sequence length"),
        backend_options=parse_options(given["backend_option"] or (), "--backend-option NAME=VALUE"),
        stopping=measuring.read_stopping(given["stopping"]), until=read_goals(given["until"] or (), GOALS),
        quantities=tuple(given["quantity"] or ()), **as_given,
    )  # fmt: skip


def _place(on: str | None) -> Transport | None:
    """Returns the way to the machine that measures; None for this one."""
    if on is None:
        return None
    from hwcost.elsewhere.transports import transport

    return transport(on)


def _resume(
    context: typer.Context, store: str | None, campaign: str | None, run: RunOptions, dry_run: bool, place: Transport | None
) -> None:
    """Resumes a campaign as it was planned."""
    from hwcost.campaign.plans.plan import Plan, find_campaign
    from hwcost.stores import open_store

    with open_store(store, create=False) as opened:
        found = find_campaign(opened, campaign)
        plan = Plan.from_dict(found.plan)
        refuse_changed(context, plan, found.campaign_id)
        if dry_run:
            show_plan(plan, store, run, is_here=place is None)
        else:
            run_campaign(opened, found.campaign_id, run, place)


def _start(plan: Plan, store: str | None, run: RunOptions, place: Transport | None) -> None:
    """Begins a campaign."""
    from hwcost.campaign.run import start
    from hwcost.stores import open_store
    from hwcost.stores.schema import measured_on

    with open_store(store) as opened:
        started = start(plan, opened, extra=measured_on(None if place is None else place.url))
        run_campaign(opened, started, run, place)
