"""``hwcost plan``: a job folder for a machine that has a device and no hwcost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwcost.cli import chosen, console, measuring
from hwcost.cli.progress import ProgressText, progress

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("plan")(plan)


def plan(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder that is made.", show_default=False)],
    space: measuring.Space = None,
    model: measuring.Models = None,
    inputs: measuring.Inputs = None,
    number: measuring.Number = None,
    design: measuring.Design = None,
    test_rows: measuring.TestRows = 0,
    uniform: measuring.Uniform = 0,
    arch: measuring.Archs = None,
    space_option: measuring.SpaceOptions = None,
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
    threads: measuring.Threads = 1,
    pin: measuring.Pin = True,
    seed: console.Seed = 0,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Write a folder that measures on a machine without hwcost: run its run.py there, then import it here.

    That machine needs Python 3.8 or later, and torch 1.4 or later (--backend torch) or ONNX Runtime 1.12 or later (--backend
    onnxruntime). The device need not be here.
    """
    chosen.refuse_without_effect(context)
    from hwcost.campaign.options import JobOptions
    from hwcost.campaign.plans.sizes import read_sizes
    from hwcost.elsewhere import write_folder
    from hwcost.registry import parse_options

    sizes = read_sizes(batch_size, "batch size"), read_sizes(seq_len, "sequence length")
    options = JobOptions(
        device=device, backend=backend, batch_size=sizes[0], seq_len=sizes[1], dtype=dtype, threads=threads,
        backend_options=parse_options(backend_option or (), "--backend-option NAME=VALUE"), tier=tier, rounds=rounds,
        blocks=blocks, arrival=arrival, cache=cache, stopping=measuring.read_stopping(stopping), seed=seed, pin=pin,
    )  # fmt: skip
    made = options.plan(chosen.targets(context.params, options))
    with progress(_written) as update:
        write_folder(out, made, progress=lambda done, total: update((done, total)))
    _report(out, made, json)


def _written(state: tuple[int, int]) -> ProgressText:
    done, total = state
    line = f"wrote {done} of {total} workloads"
    return ProgressText(done, total, line, line)


def _report(out: Path, made: Plan, json: str | None) -> None:
    """Shows what was written, and what to do with it."""
    from hwcost.units import format_bytes

    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    document = {"folder": str(out), "bytes": size, "workloads": len(made.items), "rounds": made.protocol.rounds}
    if console.write_json({**document, "device": made.device, "backend": made.backend}, json):
        return
    console.note(
        f"wrote {out}: {len(made.items)} workloads in {made.protocol.rounds} rounds on {made.device} with {made.backend}, "
        f"{format_bytes(size)}"
    )
    console.note(f"next: copy it to the machine that has the device, and there: python {out.name}/run.py")
    console.note(f"then: copy it back, and here: hwcost import {out}")
