"""The options of commands that measure or plan, defined once; see :class:`hwcost.campaign.options.MeasureOptions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hwcost.timing.stopping import StoppingCriterion

HOW = "How it is measured"

Device = Annotated[
    str,
    typer.Option(
        "--device",
        "-d",
        metavar="NAME[:INDEX]|FILE.toml",
        help="Device that is measured on; see: hwcost devices list.",
        rich_help_panel=HOW,
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        "--backend",
        help="Runtime that executes the workloads: torch, torch-compile, torch-cudagraph, onnxruntime, openvino, null, ...",
        rich_help_panel=HOW,
    ),
]  # fmt: skip
BackendOptions = Annotated[
    list[str] | None,
    typer.Option("--backend-option", metavar="NAME=VALUE", help="Option of the backend; repeatable.", rich_help_panel=HOW),
]
BatchSize = Annotated[
    int | None,
    typer.Option("--batch-size", help="Sequences per call.", show_default="the device's own", rich_help_panel=HOW),
]
BatchSizes = Annotated[
    str | None,
    typer.Option(
        "--batch-size", metavar="N[,N...]", help="Sequences per call, or several such numbers: 1,8,32.",
        show_default="the device's own", rich_help_panel=HOW,
    ),
]  # fmt: skip
SeqLens = Annotated[
    str | None,
    typer.Option(
        "--seq-len", metavar="N[,N...]", help="Tokens per sequence, or several such numbers: 32,128,512.",
        show_default="the device's own", rich_help_panel=HOW,
    ),
]  # fmt: skip
Dtype = Annotated[
    str | None,
    typer.Option(
        "--dtype", help="Number format: float32, tfloat32, bfloat16 or float16.", show_default="the device's own",
        rich_help_panel=HOW,
    ),
]  # fmt: skip
Threads = Annotated[int, typer.Option("--threads", help="Threads inside an operator.", rich_help_panel=HOW)]
Tier = Annotated[
    str,
    typer.Option("--tier", help="Wanted half-width: quick 5 %, standard 1 %, strict 0.5 %.", rich_help_panel=HOW),
]
Rounds = Annotated[
    int | None, typer.Option("--rounds", help="Exact number of rounds, without further ones.", rich_help_panel=HOW)
]
Blocks = Annotated[
    int | None,
    typer.Option(
        "--blocks", help="Least number of timed blocks of a visit, from 4; fewer for slow calls.", show_default="10",
        rich_help_panel=HOW,
    ),
]  # fmt: skip
Arrival = Annotated[
    str,
    typer.Option(
        "--arrival", metavar="PATTERN", help="Pauses between calls: back-to-back, gap=200ms or poisson=20/s.",
        rich_help_panel=HOW,
    ),
]  # fmt: skip
Cache = Annotated[
    str,
    typer.Option(
        "--cache", metavar="hot|cold", help="Caches of the device before a call: hot, or cold (emptied).",
        rich_help_panel=HOW,
    ),
]
Stopping = Annotated[
    str | None,
    typer.Option(
        "--stopping", metavar="NAME[:PARAMETER=VALUE,...]",
        help="Criterion by which a visit stops, such as fixed-count.",
        show_default="the tier's own", rich_help_panel=HOW,
    ),
]  # fmt: skip
Until = Annotated[
    list[str] | None,
    typer.Option(
        "--until", metavar="'WHAT<=VALUE'",
        help="Goal that ends the campaign: half-width<=1%; of the cost model: mape<=2% or r2>=0.95 (cross-validated), "
        "interval<=3%, mape:lut<=2%; repeatable.",
        show_default="the tier's half-width", rich_help_panel=HOW,
    ),
]  # fmt: skip
Quantities = Annotated[
    list[str] | None,
    typer.Option(
        "--quantity", metavar="NAME",
        help="Quantity beside latency: throughput_per_s, tokens_per_s, flops_utilisation, peak_memory_bytes, energy_j, ...; "
        "repeatable.",
        rich_help_panel=HOW,
    ),
]  # fmt: skip
LockClocks = Annotated[
    bool,
    typer.Option(
        "--lock-clocks", help="Lock a GPU's clock near 80 % of its highest meanwhile; it is reset in any case.",
        rich_help_panel=HOW,
    ),
]  # fmt: skip
Pin = Annotated[bool, typer.Option("--pin/--no-pin", help="Bind the measuring process to CPUs.", rich_help_panel=HOW)]
SpaceOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--space-option", metavar="NAME=VALUE", help="Option of the search space, such as merged=true; repeatable."
    ),
]

Space = Annotated[
    str | None,
    typer.Option(
        "--space", help="Search space, such as autodistil:subspace=tiny or ./myspace.toml.", show_default="supershaper"
    ),
]
Few = Annotated[
    int | None,
    typer.Option(
        "--few", metavar="N",
        help="Measure the N architectures, from 3, that tell most about a new device, given --prior; with a goal about the "
        "model, such as --until 'interval<=3%', N at the most.",
    ),
]  # fmt: skip
Prior = Annotated[
    list[str] | None,
    typer.Option(
        "--prior", metavar="DIR|auto",
        help="Model of another device, or auto for what ships with the space (--few); repeatable.",
    ),
]  # fmt: skip
Number = Annotated[int | None, typer.Option("-n", help="Architectures to learn from.", show_default="40")]
Design = Annotated[
    str | None,
    typer.Option(
        "--design", metavar="spread|uniform|grid",
        help="Design by which they are drawn: spread (evenly over sizes, and over shapes where there are several), uniform, "
        "or grid (each at every shape).",
        show_default="spread, at several shapes grid",
    ),
]  # fmt: skip
TestRows = Annotated[
    int, typer.Option("--test-rows", help="Further architectures, spread over sizes, kept aside to test models on.")
]
Uniform = Annotated[int, typer.Option("--uniform", help="Further architectures, drawn uniformly, kept aside too.")]
Archs = Annotated[list[str] | None, typer.Option("--arch", help="One architecture; repeatable.")]
Components = Annotated[
    bool, typer.Option("--components", help="Price every component by depth slope, and check the sum on whole models.")
]
Parts = Annotated[
    bool, typer.Option("--parts", help="Price attention, feed-forward, norms and bottlenecks apart too (--components).")
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="GLOB", help="Pattern of the names of workloads to measure; repeatable."),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="FILE.onnx|package.module:factory",
        help="A model of your own; repeatable, and 'nets/*.onnx' takes all such files. With --space: the factory of its "
        "architectures.",
    ),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="NAME=1x128[:int64]", help="Shape of an input of an ONNX --model; repeatable."),
]


def read_stopping(text: str | None) -> StoppingCriterion | None:
    """Reads a stopping criterion as it is typed, such as ``fixed-count:blocks=20``; None where none is given.

    Raises:
        UnknownNameError: When no criterion has that name.
        UsageError: When a parameter is unknown or has a value that it cannot have.
    """
    if text is None:
        return None
    from hwcost.errors import UnknownNameError
    from hwcost.registry import made, parse_options
    from hwcost.timing.stopping import CRITERIA

    name, colon, parameters = text.partition(":")
    if name not in CRITERIA:
        raise UnknownNameError("stopping criterion", name, CRITERIA)
    given = parse_options(parameters.split(",") if colon else (), "--stopping NAME:PARAMETER=VALUE,...")
    chosen: StoppingCriterion = made(f"stopping criterion '{name}'", CRITERIA[name], **given)
    return chosen
