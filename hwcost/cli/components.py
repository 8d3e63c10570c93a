"""``hwcost components``: where the time of a net goes, on one backend or on several."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console, measuring
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hwcost.campaign.options import MeasureOptions
    from hwcost.campaign.plans.plan import Plan
    from hwcost.campaign.run import Result
    from hwcost.cli.running import RunOptions
    from hwcost.devices import DeviceHandle
    from hwcost.systems.components import Breakdown, Share

EVERY = "all"
"""Name that stands for every backend that measures on the device."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("components")(components)


def components(
    grid: Annotated[
        str, typer.Option("--grid", metavar="NAME", help="Net: bert-base, bert-base-halves, minibert or mini.")
    ] = "bert-base",
    backend: Annotated[
        list[str] | None,
        typer.Option(
            "--backend", help="Runtime, repeatable; all: each that is installed here.", show_default="torch",
            rich_help_panel=measuring.HOW,
        ),
    ] = None,
    seq_lens: Annotated[
        str, typer.Option("--seq-lens", metavar="N,N,...", help="Numbers of tokens, in one campaign.")
    ] = "32,128,512",
    depths: Annotated[
        str, typer.Option("--depths", metavar="N,N,...", help="Copies in a stack, two numbers or more.")
    ] = "1,2,4,8",
    kernels: Annotated[
        bool, typer.Option("--kernels", help="Price the kernels in Triton too (--device of a GPU, torch backends).")
    ] = False,
    device: measuring.Device = "cpu",
    batch_size: measuring.BatchSize = None,
    dtype: measuring.Dtype = None,
    tier: measuring.Tier = "standard",
    rounds: measuring.Rounds = None,
    blocks: measuring.Blocks = None,
    threads: measuring.Threads = 1,
    pin: measuring.Pin = True,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="TIME", help="Time that the rounds of each backend share, e.g. 8m.")
    ] = None,
    wait: console.Wait = "10m",
    store: console.StoreUrl = None,
    seed: console.Seed = 0,
    dry_run: console.DryRun = False,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Break the time of a net down: feed-forwards, heads, queries and keys, values, means of norms, vertical connections.

    Each share is measured twice: by the slope over depth of stacked components, and by leaving the kind out of the whole
    net. Pairs of neighbours show what the backend fuses. Everything is measured in turn in one campaign per backend; the
    same command resumes it, and reads it once it is finished.
    """
    from hwcost.cli.running import RunOptions, refuse_invalid
    from hwcost.devices import require

    run = RunOptions.parse(budget, wait, json)
    lengths, copies = _numbers(seq_lens, "--seq-lens"), _numbers(depths, "--depths")
    handle = require(device)
    from hwcost.campaign.options import MeasureOptions
    from hwcost.spaces.components import Components
    from hwcost.systems.components.breakdown import campaign_items

    space = Components(grid)
    asked = [
        MeasureOptions(
            device=handle, backend=name, batch_size=batch_size, dtype=dtype, threads=threads, tier=tier, rounds=rounds,
            blocks=blocks, seed=seed, pin=pin,
        )
        for name in _backends(backend or ["torch"], handle)
    ]  # fmt: skip
    plans = [options.plan(campaign_items(space, options, lengths, copies, kernels)) for options in asked]
    if dry_run:
        _show_plans(plans, store, run)
        return
    what = {"space": space, "seq_lens": lengths, "depths": copies, "kernels": kernels, "store": store}
    found = {options.backend: _measured(options, run, what) for options in asked}
    _tell(found, handle.name, json)
    for result, _ in found.values():
        refuse_invalid(result)


def _show_plans(plans: Sequence[Plan], store: str | None, run: RunOptions) -> None:
    """Shows what the campaign of each backend would measure; all of them in one document."""
    from hwcost.cli.forecast import expected
    from hwcost.cli.running import show_plan

    if run.json is not None:
        times = [expected(plan, store, run.budget_s).to_dict() for plan in plans]
        found = {
            plan.backend: {"plan": plan.to_dict(), "expected": time} for plan, time in zip(plans, times, strict=True)
        }
        if console.write_json({"backends": found}, run.json):
            return
    for plan in plans:
        show_plan(plan, store, replace(run, json=None))


def _tell(found: dict[str, tuple[Result, list[Breakdown]]], device: str, json: str | None) -> None:
    """Writes or prints the breakdowns by backend."""
    document = {name: [one.to_dict() for one in parts] for name, (_, parts) in found.items()}
    if not console.write_json({"device": device, "backends": document}, json):
        for name, (_, parts) in found.items():
            for one in parts:
                _show(name, one)


def _measured(options: MeasureOptions, run: RunOptions, what: dict[str, Any]) -> tuple[Result, list[Breakdown]]:
    """Measures on one backend, shows the progress and says what is doubtful.

    Args:
        options: Options of measuring.
        run: Budget and longest wait.
        what: Other arguments of :func:`hwcost.systems.components.measure_breakdowns` by name.
    """
    from hwcost.cli.progress import progress
    from hwcost.cli.running import progress_text
    from hwcost.systems.components import measure_breakdowns

    def said(text: str) -> None:
        console.note(f"{options.backend}: {text}")

    with progress(progress_text) as update:
        result, found = measure_breakdowns(
            options=options, budget_s=run.budget_s, wait_s=run.wait_s, progress=update, remark=said, **what
        )
    for text in dict.fromkeys(map(str, result.flags)):
        said(text)
    if not result.is_complete:
        said("the budget ended the campaign; the same command resumes it.")
    return result, found


def _numbers(text: str, option: str) -> list[int]:
    """Reads positive whole numbers with commas between them."""
    names = console.names(text)
    if not names or not all(name.isdecimal() and int(name) > 0 for name in names):
        raise UsageError(f"{option} takes whole numbers from 1 with commas between them, got '{text}'")
    return [int(name) for name in names]


def _backends(asked: Sequence[str], handle: DeviceHandle) -> list[str]:
    """Returns the backends that were asked for, without repeats; says why others of ``all`` are left out.

    Raises:
        MissingBackendError: When none of ``all`` can measure on the device.
    """
    from hwcost.backends import BACKENDS, usable
    from hwcost.errors import HwcostError, MissingBackendError

    found: list[str] = []
    for name in asked:
        if name != EVERY:
            found.append(name)
            continue
        for one in BACKENDS.names():
            try:
                if "*" not in usable(one, handle.kind).kinds:
                    found.append(one)
            except HwcostError as error:
                console.note(f"left out: {error}")
    if not found:
        raise MissingBackendError(EVERY, f"no backend that is installed here measures on '{handle.name}'", "torch")
    return list(dict.fromkeys(found))


def _show(backend: str, found: Breakdown) -> None:
    """Prints the tables of one shape on one backend."""
    from hwcost.spaces.components import Components
    from hwcost.systems.components.kinds import kinds_of
    from hwcost.units import format_percent, format_seconds

    shape = found.shape
    at = f"{found.grid} at {shape['seq_len']} tokens, batch {shape['batch_size']}, {shape['dtype']}, {backend}"
    rows = [
        [kind.label, _percent(found.by_slope[kind.name]), _percent(found.by_ablation[kind.name]),
         format_percent(found.paper[kind.name], 1)]
        for kind in kinds_of(Components(found.grid))
    ]
    whole = f"{format_seconds(found.whole.latency_s, 4)} ± {format_percent(found.whole.half_width)}"
    footer = f"whole net {whole}; sum of components {_gap(found)}; median absolute gap of {len(found.gaps)} nets "
    footer += format_percent(found.median_gap, 1)
    console.print_table(f"Shares of {at}", ["component", "by slope", "by ablation", "paper's TPU"], rows, footer)
    pairs = [
        [f"{one.first}, {one.second}", format_seconds(one.first_s + one.second_s, 4), format_seconds(one.together_s, 4),
         f"{100 * one.saved:.0f} ± {_half(one.half_width, 0)} %", one.verdict]
        for one in found.fused
    ]
    console.print_table(
        f"Neighbours, {at}", ["pair", "each by itself", "together", "saved of the cheaper", "verdict"], pairs
    )
    if found.kernels:
        kernels = [
            [one.name, format_seconds(one.plain_s, 4), format_seconds(one.kernel_s, 4),
             f"{one.ratio:.3f} ± {_half(one.half_width, 3, 1)}"]
            for one in found.kernels
        ]
        console.print_table(f"Kernels in Triton, {at}", ["kernel", backend, "kernel's time", "ratio"], kernels)


def _gap(found: Breakdown) -> str:
    gap = found.gap
    return "unknown" if gap is None else f"{100 * gap.gap:+.1f} ± {_half(gap.half_width)} %"


def _percent(share: Share | None) -> str:
    return "-" if share is None else f"{100 * share.value:.1f} ± {_half(share.half_width)} %"


def _half(half: Any, digits: int = 1, scale: float = 100.0) -> str:
    return "?" if half is None else f"{scale * half:.{digits}f}"
