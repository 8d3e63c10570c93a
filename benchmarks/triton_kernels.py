"""The kernels in Triton against torch, operator by operator and compiled, on a GPU, in turn in one campaign per dtype.

Run: ``python benchmarks/triton_kernels.py [--device h100] [--dtypes float32,bfloat16]``: some minutes. Before anything is
timed, every kernel is compared with its reference. Without a GPU or without Triton it says what is missing and exits with 3
or 2. The campaigns are kept in ``runs/triton-kernels.db``; the same command reads those that are finished.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import hwcost as hc
from hwcost._extras import imported
from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.planning import find_or_create
from hwcost.campaign.run import run
from hwcost.campaign.targets import architecture_workloads
from hwcost.devices import DeviceHandle, present, profiles_of, require
from hwcost.errors import DeviceError, HwcostError, MeasurementError
from hwcost.timing.measurement import Measurement
from hwcost.units import format_seconds

FOLDER = Path(__file__).resolve().parent
GENES = {"operator": ["norm", "bottleneck"], "variant": ["eager", "compile", "triton"], "width": [120, 256, 512, 768, 1024]}
TOLERANCE = {"float32": 1e-4, "float16": 2e-2, "bfloat16": 1e-1}
"""Largest difference from the reference; a GPU sums in another order than torch does."""

Found = Mapping[tuple[str, str, int], Measurement]
"""Measurements by operator, variant and width."""


def main() -> None:
    """Checks the kernels' numbers, measures, and prints a table per dtype."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", help="profile of a GPU that is here; the first by default")
    parser.add_argument("--dtypes", default="float32,bfloat16")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--seq-len", type=int, default=128)
    parser.add_argument("--store", type=Path, default=Path("runs/triton-kernels.db"))
    given = parser.parse_args()
    try:
        device = gpu(given.device)
        imported("triton", "triton")
        store = given.store.resolve()
        store.parent.mkdir(parents=True, exist_ok=True)
        os.chdir(FOLDER)  # a measuring process finds kernel_variants there
        for dtype in given.dtypes.split(","):
            check(dtype)
            show(dtype, measured(device, dtype, given.batch_size, given.seq_len, store))
    except HwcostError as error:
        print(f"triton_kernels: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def gpu(name: str | None) -> DeviceHandle:
    """Returns the handle of a GPU that is here.

    Args:
        name: Name of its profile; None for the first GPU.

    Raises:
        DeviceError: When it is not here, no profile describes it, or the device is not a GPU.
    """
    here = present()
    names = [name] if name else [profile for one in here if one.kind == "cuda" for profile in profiles_of(one)]
    handle = require(names[0], here) if names else None
    if handle is None or handle.kind != "cuda":
        found = ", ".join(one.product for one in here)
        raise DeviceError(f"kernels in Triton are timed on a CUDA device with a profile. Here: {found}. Run this there")
    return handle


def check(dtype: str) -> None:
    """Compares the kernels with their references on the GPU.

    Raises:
        MeasurementError: When one differs by more than rounding explains.
    """
    import torch

    from hwcost.kernels import bottleneck_norm, uncentred_norm

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, device="cuda").to(getattr(torch, dtype))

    for width in GENES["width"]:
        norm = draw(300, int(width)), draw(int(width)), draw(int(width))
        fused = draw(300, 768), draw(int(width), 768) * 768**-0.5, draw(int(width)), draw(int(width)), draw(int(width))
        pairs = {
            "norm": (uncentred_norm.uncentred_norm(*norm), uncentred_norm.reference(*norm)),
            "bottleneck": (bottleneck_norm.bottleneck_norm(*fused), bottleneck_norm.reference(*fused)),
        }
        for name, (one, other) in pairs.items():
            error = float((one.float() - other.float()).abs().max())
            if not error <= TOLERANCE[dtype]:
                raise MeasurementError(f"{name} of width {width} in {dtype} differs from its reference by {error:.3g}")


def measured(device: DeviceHandle, dtype: str, batch_size: int, seq_len: int, store: Path) -> Found:
    """Measures every variant in one campaign, or reads one of before."""
    space = hc.space("custom", genes=GENES)
    options = MeasureOptions(device=device, backend="torch", batch_size=batch_size, seq_len=seq_len, dtype=dtype)
    every = space.sample(space.size, seed=0)
    plan = options.plan(architecture_workloads(space, every, options, "kernel_variants:build"))
    with hc.open_store(store) as opened:
        result = run(opened, find_or_create(plan, opened))
    lost = [m for m in result.measurements if m.latency_s is None]
    if lost:
        raise MeasurementError(f"{len(lost)} of {len(every)} variants were not measured. The first: {lost[0].flags[0]}")
    return {tuple(arch.genes): m for arch, m in zip(every, result.measurements, strict=True)}


def show(dtype: str, found: Found) -> None:
    """Prints the table of one dtype: the kernel against either, with the interval of the ratio."""
    print(f"\n{dtype}\n\n| operator | h | eager | compile | triton | against eager | against compile |\n" + "|---" * 7 + "|")
    for operator in GENES["operator"]:
        for width in GENES["width"]:
            variants = {name: found[operator, name, width] for name in GENES["variant"]}
            times = [format_seconds(one.latency_s) for one in variants.values()]
            ratios = [ratio(variants[name], variants["triton"]) for name in ("eager", "compile")]
            print(f"| {operator} | {width} | {' | '.join([*times, *ratios])} |")


def ratio(one: Measurement, kernel: Measurement) -> str:
    """Formats the kernel's time over another one's."""
    both = one.paired_half_width, kernel.paired_half_width
    if one.latency_s is None or kernel.latency_s is None or None in both:
        return "–"
    half = sum(half**2 for half in both if half is not None) ** 0.5
    return f"{kernel.latency_s / one.latency_s:.3f} ± {100 * half:.1f} %"


if __name__ == "__main__":
    main()
