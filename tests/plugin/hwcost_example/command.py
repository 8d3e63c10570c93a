"""The command ``hwcost ridge-point``: from which arithmetic intensity on a device is limited by its arithmetic."""

from __future__ import annotations

from typing import Annotated

import typer

from hwcost.cli import console
from hwcost.devices import load
from hwcost.errors import UsageError


def ridge_point(
    device: Annotated[str, typer.Argument(help="Name of a device profile, or the path of its file.")],
    dtype: Annotated[str, typer.Option("--dtype", help="Number format of the arithmetic.")] = "float32",
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> None:
    """Print the arithmetic intensity, in FLOPs per byte, from which arithmetic limits a device, and not memory."""
    profile = load(device)
    peak, bandwidth = profile.peak(dtype), profile.memory_bytes_per_s
    if peak is None or bandwidth is None:
        raise UsageError(f"the profile of '{profile.name}' lacks its memory bandwidth or its peak rate for {dtype}")
    if not console.write_json({"device": profile.name, "dtype": dtype, "flops_per_byte": peak / bandwidth}, json):
        console.print_table(profile.title, ["dtype", "FLOPs per byte"], [[dtype, f"{peak / bandwidth:.3g}"]])
