"""``hwcost measure``: architectures, components, or a model of one's own, on a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console
from hwcost.cli.given import refuse_changed, refuse_unused
from hwcost.cli.progress import Told, progress
from hwcost.errors import MeasurementError, UsageError

if TYPE_CHECKING:
    from hwcost.campaign.plan import Item, Plan
    from hwcost.campaign.run import Progress, Result
    from hwcost.devices import DeviceProfile
    from hwcost.spaces.base import Design, SearchSpace

DEFAULT_ARCHITECTURES = 40
COMPONENT_CHECKS = 10
DRAWING = ("design", "judge", "uniform")
"""Options that say which architectures are drawn."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("measure")(measure)


def measure(
    context: typer.Context,
    device: Annotated[str, typer.Option("--device", "-d", help="Device profile, see: hwcost devices list.")] = "cpu",
    backend: Annotated[
        str, typer.Option("--backend", help="Runtime: torch, torch-compile, onnxruntime, openvino, null, replay.")
    ] = "torch",
    space: Annotated[
        str | None,
        typer.Option(
            "--space", help="Search space, such as autodistil:subspace=tiny or ./myspace.toml. [default: supershaper]"
        ),
    ] = None,
    number: Annotated[
        int | None, typer.Option("-n", help=f"Architectures to learn from. [default: {DEFAULT_ARCHITECTURES}]")
    ] = None,
    design: Annotated[str, typer.Option("--design", help="How to draw them: spread (over sizes) or uniform.")] = "spread",
    judge: Annotated[int, typer.Option("--judge", help="More architectures, by spread, kept aside to judge models.")] = 0,
    uniform: Annotated[int, typer.Option("--uniform", help="More, drawn uniformly, also kept aside.")] = 0,
    arch: Annotated[list[str] | None, typer.Option("--arch", help="One architecture; may be repeated.")] = None,
    merged: Annotated[bool, typer.Option("--merged", help="Merge neighbouring bottlenecks (supershaper).")] = False,
    components: Annotated[
        bool, typer.Option("--components", help="Price every component by depth slope, and check the sum on whole models.")
    ] = False,
    parts: Annotated[
        bool, typer.Option("--parts", help="With --components: also attention, feed-forward, norms and bottlenecks apart.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="FILE.onnx|package.module:factory",
            help="A model of your own; with --space: the factory of its architectures.",
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="NAME=1x128[:int64]", help="Shape of an input of an ONNX --model; repeatable."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="[default: the device's own]")] = None,
    seq_len: Annotated[int | None, typer.Option("--seq-len", help="[default: the device's own]")] = None,
    dtype: Annotated[
        str | None, typer.Option("--dtype", help="float32, bfloat16 or float16. [default: the device's own]")
    ] = None,
    tier: Annotated[
        str, typer.Option("--tier", help="Wanted half-width: quick 5 %, standard 1 %, strict 0.5 %.")
    ] = "standard",
    rounds: Annotated[int | None, typer.Option("--rounds", help="Exactly this many rounds, without topping up.")] = None,
    blocks: Annotated[
        int | None, typer.Option("--blocks", help="Timed blocks of a visit, at least 4; fewer for slow calls. [default: 10]")
    ] = None,
    arrival: Annotated[
        str, typer.Option("--arrival", metavar="HOW", help="back-to-back, gap=200ms or poisson=20/s: pauses between calls.")
    ] = "back-to-back",
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="TIME", help="Begin no visit after this time, e.g. 8m.")
    ] = None,
    threads: Annotated[int, typer.Option("--threads", help="Threads inside an operator.")] = 1,
    wait: Annotated[
        str, typer.Option("--wait", metavar="TIME", help="Longest wait for CPUs that other campaigns hold; 0s: none.")
    ] = "10m",
    pin: Annotated[bool, typer.Option("--pin/--no-pin", help="Bind the measuring process to CPUs.")] = True,
    option: Annotated[
        list[str] | None, typer.Option("--backend-option", metavar="NAME=VALUE", help="An option of the backend.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the store's youngest campaign; repeats nothing.")
    ] = False,
    campaign: Annotated[str | None, typer.Option("--campaign", metavar="ID", help="With --resume: which one.")] = None,
    store: console.StoreUrl = None,
    seed: console.Seed = 0,
    dry_run: console.DryRun = False,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Measure architectures, components or a model on a device.

    Every workload is visited once in each of several rounds; a round is a fresh process and a fresh random order. All
    samples are kept in the store. Ctrl-C is safe at any moment: --resume goes on and repeats nothing.
    """
    from hwcost.campaign.planning import make_plan
    from hwcost.devices import require
    from hwcost.registry import parse_options
    from hwcost.spaces import space as make_space
    from hwcost.stores import open_store
    from hwcost.units import parse_duration

    budget_s = None if budget is None else parse_duration(budget)
    wait_s = 0.0 if wait in ("0", "0s") else parse_duration(wait)
    if resume:
        with open_store(store, create=False) as opened:
            from hwcost.campaign.plan import Plan, find_campaign

            found = find_campaign(opened, campaign)
            plan = Plan.from_dict(found.plan)
            refuse_changed(context, plan, found.campaign_id)
            if dry_run:
                _show_plan(plan, store, json)
            else:
                _run(opened, found.campaign_id, budget_s, wait_s, json)
        return
    if campaign is not None:
        raise UsageError("--campaign says which campaign to go on with; give --resume too")
    handle = require(device)
    shape = _shape(handle.profile, batch_size, seq_len, dtype)
    _refuse_unused(context, model is not None and space is None, components, bool(arch))
    if model is not None and space is None:
        items = _own_model(model, {"batch_size": batch_size, "seq_len": seq_len, "dtype": dtype}, shape, inputs or [])
    elif inputs:
        raise UsageError("--input gives the shape of an input of a model of your own; give --model FILE.onnx too")
    else:
        space_options = {"merged": True} if merged else {}
        searched = make_space(space or "supershaper", **space_options)
        if model is not None:
            asked = {"batch_size": batch_size, "seq_len": seq_len, "dtype": dtype}
            shape = {**asked, "factory": model, "defaults": shape}
        if components and model is not None:
            raise UsageError("--components prices what hwcost builds; a factory (--model) builds whole models only")
        if components:
            items = _components(searched, parts, number or COMPONENT_CHECKS, seed, shape)
        else:
            items = _architectures(searched, number, design, judge, uniform, arch, seed, shape)
    options = parse_options(option or (), "--backend-option NAME=VALUE")
    plan = make_plan(
        items, handle, backend, tier=tier, rounds=rounds, options=options, threads=threads, seed=seed, pin=pin,
        blocks=blocks, arrival=arrival,
    )  # fmt: skip
    if dry_run:
        _show_plan(plan, store, json)
        return
    with open_store(store) as opened:
        from hwcost.campaign.run import start

        _run(opened, start(plan, opened), budget_s, wait_s, json)


def _refuse_unused(context: typer.Context, is_one_model: bool, components: bool, has_archs: bool) -> None:
    """Refuses options that what is measured leaves without effect."""
    if is_one_model:
        names = [*DRAWING, "number", "arch", "merged", "components", "parts"]
        refuse_unused(context, names, "on a --model without a --space")
    if components:
        refuse_unused(context, [*DRAWING, "arch"], "with --components")
    else:
        refuse_unused(context, ["parts"], "without --components")
    if has_archs:
        refuse_unused(context, [*DRAWING, "number"], "with --arch, which says what is measured")


def _shape(profile: DeviceProfile, batch_size: int | None, seq_len: int | None, dtype: str | None) -> dict[str, Any]:
    """Fills what was not given from the device's default protocol."""
    defaults = profile.protocol
    return {
        "batch_size": batch_size if batch_size is not None else defaults.batch_size or 1,
        "seq_len": seq_len if seq_len is not None else defaults.seq_len or 128,
        "dtype": dtype or defaults.dtype or "float32",
    }


def _own_model(model: str, asked: dict[str, Any], default: dict[str, Any], inputs: list[str]) -> list[Item]:
    """Reads a model of the user's; the sizes that it fixes override the defaults, and contradict other requests."""
    from hwcost.campaign.plan import items
    from hwcost.workloads import FactoryWorkload, OnnxWorkload
    from hwcost.workloads.factory import OWN
    from hwcost.workloads.input_option import read_inputs

    if ":" in model and not model.endswith(".onnx"):
        if inputs:
            raise UsageError(f"--input is for ONNX files; let the factory '{model}' return example inputs with its module")
        return items([FactoryWorkload(model, **{**asked, "dtype": asked["dtype"] or OWN}).resolved(**default)])
    start = (default["batch_size"], default["seq_len"])
    return items([OnnxWorkload.of(model, **asked, inputs=read_inputs(inputs), default=start)])


def _components(space: SearchSpace, parts: bool, checks: int, seed: int, shape: dict[str, Any]) -> list[Item]:
    """Stacks of every component, and whole models to check their sum on."""
    from hwcost.campaign.plan import items
    from hwcost.workloads import component_stacks, models

    wanted = [*space.components(), *(space.parts() if parts else ())]
    wholes = models(space, space.sample(checks, seed=seed, design="spread"), **shape)
    return [*items(component_stacks(space, components=wanted, **shape), "component"), *items(wholes, "check")]


def _architectures(
    space: SearchSpace,
    number: int | None,
    design: str,
    judge: int,
    uniform: int,
    archs: list[str] | None,
    seed: int,
    shape: dict[str, Any],
) -> list[Item]:
    from hwcost.campaign.plan import Item, items
    from hwcost.campaign.selection import select
    from hwcost.workloads import models

    if archs:
        return items(models(space, [space.parse(text) for text in archs], **shape))
    if design not in ("spread", "uniform"):
        raise UsageError(f"unknown design '{design}'. Known: spread, uniform")
    wanted = min(DEFAULT_ARCHITECTURES, space.size - judge - uniform) if number is None else number
    how: Design = "spread" if design == "spread" else "uniform"
    chosen = select(space, wanted, judge=judge, uniform=uniform, seed=seed, design=how)
    workloads = models(space, [arch for arch, _ in chosen], **shape)
    return [Item(workload, role) for workload, (_, role) in zip(workloads, chosen, strict=True)]


def _show_plan(plan: Plan, store: str | None, json: str | None) -> None:
    from hwcost.cli.forecast import expected

    time = expected(plan, store)
    if not console.write_json({"plan": plan.to_dict(), "expected": time.to_dict()}, json):
        rows = [[item.workload.name, item.role] for item in plan.items]
        footer = f"{len(rows)} workloads, {plan.protocol.rounds} rounds or more with {plan.backend}: {time}."
        footer += " Nothing was measured."
        console.print_table("Plan", ["workload", "role"], rows, footer)


def _run(store: Any, campaign_id: str, budget_s: float | None, wait_s: float, json: str | None) -> None:
    from hwcost.campaign.run import run
    from hwcost.cli.forecast import announced

    with progress(_told) as update:
        announce = announced(update, store, campaign_id)
        result = run(store, campaign_id, budget_s=budget_s, wait_s=wait_s, progress=announce)
    from hwcost.cli import results

    results.show(result, json)
    _judge(result)


def _judge(result: Result) -> None:
    """Raises MeasurementError when nothing that was measured can be used, or the campaign as a whole is invalid."""
    for flag in result.flags:
        if flag.code.startswith("E_"):
            raise MeasurementError(str(flag))
    lost = [m for m in result.measurements if m.latency_s is None and m.visits]
    if lost:
        first = next(flag for flag in lost[0].flags if flag.code.startswith("E_"))
        share = f"{len(lost)} of {len(result.measurements)} workloads"
        raise MeasurementError(f"{share} could not be measured. The first: {first}")
    if all(m.latency_s is None for m in result.measurements):
        raise MeasurementError("nothing was measured within the budget; give a longer --budget")


def _told(state: Progress) -> Told:
    if state.waiting:
        return Told(state.done, state.planned, state.waiting, state.waiting, state.waiting)
    left = _remaining(state)
    told = f"round {state.round + 1}"
    return Told(
        state.done, state.planned, ", ".join(filter(None, (told, left, state.name))),
        ", ".join(filter(None, (f"{told}: {state.done} of {state.planned} visits", left))),
    )  # fmt: skip


def _remaining(state: Progress) -> str:
    from hwcost.units import format_clock

    return "" if state.remaining_s is None else f"{format_clock(state.remaining_s)} to go"
