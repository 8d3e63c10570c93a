"""What hwcost reaches on a real GPU, part by part, each figure beside its bar.

Parts: ``supershaper`` (60 architectures at batch 128 and 128 tokens in bfloat16 and float32, and the lookup table that 40 of
them make), ``again`` (two campaigns on them), ``peers`` (beside torch.utils.benchmark and Triton's do_bench), ``every`` (576
students and 768 sub-nets at batch 1), ``gemm`` (matrix products beside a published file), ``peak`` (probes beside the
datasheet) and ``energy`` (counter beside polled power).

Run: ``python benchmarks/gpu.py [--part peak --part energy] [--minutes 8] [--device h100:0]`` on the machine of the GPU.
``hwcost export --store runs/gpu.db`` then writes the records as JSON Lines. Nothing of the machine is changed: no clock is
locked. Exit status: 0, 1 where a bar is missed, 3 without a GPU.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gpu_parts import campaigns, peers, probes
from gpu_parts.figure import Figure
from gpu_parts.setting import Setting

from hwcost.backends.torch_place import torch_device
from hwcost.devices import DeviceHandle, present, profiles_of, require
from hwcost.errors import DeviceError, HwcostError

PUBLISHED = Path("gemm_bf16_h100_trtllm.csv")
STORE = Path("runs/gpu.db")
MINUTES = {"supershaper": 16.0, "again": 16.0, "peers": 6.0, "every": 30.0, "gemm": 2.0, "peak": 1.0, "energy": 0.5}
"""Parts, each with the minutes that it may take where nothing else is said."""


def main() -> int:
    """Runs the parts that were asked for, and prints and keeps their figures."""
    given = parsed()
    names = given.part or list(MINUTES)
    try:
        device = gpu(given.device)
        figures = {names[0]: part(names[0], device, given)} if len(names) == 1 else each(names)
    except HwcostError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    if given.json is not None:
        document = {"schema_version": 1, "device": str(device), "command": sys.argv, "parts": figures}
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return int(any(found is None or any(one["met"] is False for one in found) for found in figures.values()))


def each(names: list[str]) -> dict[str, Any]:
    """Runs every part in a process of its own: one that computed on the GPU would be a foreign process to a campaign.

    Returns:
        The figures by part; None for a part that failed.
    """
    figures: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        for name in names:
            out = Path(folder) / f"{name}.json"
            subprocess.run([sys.executable, *without_parts(sys.argv), "--part", name, "--json", str(out)])
            figures[name] = json.loads(out.read_text())["parts"][name] if out.exists() else None
    return figures


def without_parts(arguments: list[str]) -> list[str]:
    """Returns a command line without its parts; a later ``--json`` counts in place of one that is there."""
    kept, words = [], iter(arguments)
    for word in words:
        if word == "--part":
            next(words)
        elif not word.startswith("--part="):
            kept.append(word)
    return kept


def parsed() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=list(MINUTES), help="part to run; repeatable (default: all)")
    parser.add_argument("--minutes", type=float, help="time that each part may take (default: its own)")
    parser.add_argument("--device", help="profile of the GPU, such as h100:0 (default: the first GPU with a profile)")
    parser.add_argument("--nets", type=int, default=64, help="architectures of SuperShaper (default: 64)")
    parser.add_argument("--published", type=Path, default=PUBLISHED, help=f"table of matrix products (default: {PUBLISHED})")
    parser.add_argument("--store", type=Path, default=STORE, help=f"store of the records (default: {STORE})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file for the figures")
    return parser.parse_args()


def gpu(name: str | None) -> DeviceHandle:
    """Returns the GPU that is asked for, or the first one that has a profile.

    Raises:
        DeviceError: When there is none, or torch cannot use it.
    """
    if name is None:
        cards = [(one, profiles_of(one)) for one in present() if one.kind == "cuda"]
        names = [f"{known[0]}:{one.index}" for one, known in cards if known]
        if not names:
            seen = ", ".join(one.product for one, _ in cards) or "no GPU"
            raise DeviceError(f"no GPU with a profile is here ({seen}). Run this on a machine with an H100 or H200.")
        name = names[0]
    handle = require(name)
    if handle.kind != "cuda":
        raise DeviceError(f"'{name}' is a device of kind {handle.kind}, and these are measurements of a GPU.")
    torch_device(handle)  # which says why torch cannot use it
    return handle


def part(name: str, device: DeviceHandle, given: argparse.Namespace) -> list[dict[str, object]]:
    """Runs one part within its time, and prints every figure as it comes."""
    setting = Setting(device, given.store, 60 * (given.minutes or MINUTES[name]), given.nets)
    parts: dict[str, Callable[[], Iterator[Figure]]] = {
        "supershaper": lambda: campaigns.supershaper(setting),
        "again": lambda: campaigns.again(setting),
        "every": lambda: campaigns.every(setting),
        "peers": lambda: peers.peers(setting),
        "gemm": lambda: probes.gemm(setting, given.published),
        "peak": lambda: probes.peak(setting),
        "energy": lambda: probes.energy(setting),
    }
    began, found = time.monotonic(), []
    print(f"\n{name}, {device}", flush=True)
    for figure in parts[name]():
        print(figure, flush=True)
        found.append(figure.to_dict())
    print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
