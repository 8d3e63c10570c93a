"""What fits and evaluations cost, and that two checkouts find the same in them, on latencies that others published.

::

    python benchmarks/fits.py DATA [--beside CHECKOUT ...] [--part commands|same|plain|few] [--rows 2000] [--runs 5]

``commands``: CPU and wall seconds of ``hwcost fit`` and ``hwcost evaluate`` as a user types them, start-up included, in this
checkout and in the others in turn: medians, and the ratio to the first of the others. ``same``: so many rows of every
published table, evenly spaced, fitted and evaluated in both; the largest relative difference of any number that a user could
see. ``plain``: CPU seconds of fits in one process, as multiples of plain XGBoost and LightGBM on the same rows. ``few``:
errors of models from few measurements, with and without models of other devices, beside a plain XGBoost on hundreds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parents[1]
CHILD = Path(__file__).resolve().parent / "studies" / "fit_figures.py"

COMMANDS = {
    "fit lut": ("fit", "--model", "lut", "--no-plot"),
    "fit hybrid": ("fit", "--model", "hybrid", "--no-plot"),
    "fit auto": ("fit", "--model", "auto", "--no-plot"),
    "evaluate auto": ("evaluate", "--model", "auto", "--seeds", "10"),
}
TABLE = "supershaper/1080ti_bs128"
SPACES = {"hat": "hat", "hat_npu": "hat", "supershaper": "supershaper"}
"""Space by folder; all others are plain tables."""

ROUNDING = 1e-9
"""Relative difference up to which two numbers are the same."""

SMALLEST = 1e-6
"""Size below which numbers are compared as if they were of it."""


def version(checkout: Path) -> str:
    """Returns the folder of a checkout with its commit, and whether it was changed since."""
    line = ["git", "-C", str(checkout), "describe", "--always", "--dirty"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    return f"{checkout.name} at {done.stdout.strip() or 'no commit'}"


def thinned(path: Path, rows: int, folder: Path) -> Path:
    """Writes a table's header and so many of its rows, evenly spaced, in their order."""
    header, *lines = path.read_text().splitlines()
    step = max(1.0, len(lines) / rows)
    kept = [lines[int(step * i)] for i in range(min(rows, len(lines)))]
    thin = folder / f"{path.parent.name}-{path.name}"
    thin.write_text("\n".join([header, *kept]) + "\n")
    return thin


def ran(arguments: Sequence[str], checkout: Path) -> tuple[str, float, float]:
    """Runs Python with the package of a checkout; returns what it printed, its CPU seconds and its wall seconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(checkout), "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "fits-bytecode")}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=checkout, env=environment, capture_output=True, text=True, check=True
    )
    wall_s, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, wall_s


def show_commands(data: Path, beside: Sequence[Path], rows: int, runs: int, only: Sequence[str]) -> None:
    """Prints CPU and wall seconds of commands in every checkout."""
    checkouts = [HERE, *beside]
    print("; ".join(map(version, checkouts)))
    print(f"{'command':16s}" + "".join(f" {'CPU s':>7s} {'wall s':>7s}" for _ in checkouts), "  ratio of CPU, of wall")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        table = thinned(data / f"{TABLE}.csv", rows, folder)
        for name in only or COMMANDS:
            verb, *options = COMMANDS[name]
            out = ["--out", str(folder / "model")] if verb == "fit" else []
            line = ["-m", "hwcost", verb, str(table), "--space", "supershaper", *options, *out, "--json", "-"]
            rounds = [[ran(line, checkout)[1:] for checkout in checkouts] for _ in range(runs + 1)][1:]  # bytecode first
            found = [[median(column) for column in zip(*of_one, strict=True)] for of_one in zip(*rounds, strict=True)]
            ratios = [found[0][i] / found[1][i] for i in range(2)] if beside else []
            print(f"{name:16s}" + "".join(f" {cpu:7.2f} {wall:7.2f}" for cpu, wall in found), end="  ")
            print(*(f"{one:6.2f}" for one in ratios), flush=True)


def differences(one: Any, other: Any, where: str = "") -> Iterator[tuple[float, str]]:
    """Yields the relative difference of every pair of numbers, infinite for anything else that differs."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from differences(one[name], other[name], f"{where}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{where}[{i}]")
    elif isinstance(one, float) and isinstance(other, float):
        yield abs(one - other) / max(abs(one), abs(other), SMALLEST), where
    else:
        yield 0.0 if one == other else float("inf"), where


def show_same(data: Path, beside: Path, rows: int, only: Sequence[str], wanted: Sequence[str]) -> bool:
    """Compares every table in two checkouts; returns whether all numbers agree."""
    print(f"{version(HERE)}; {version(beside)}")
    print(f"{'table':42s} {'what':15s} {'chosen':12s} {'difference':>10s} {'CPU ratio':>9s} {'wall':>6s}")
    agree, spent = True, [[0.0, 0.0], [0.0, 0.0]]
    with tempfile.TemporaryDirectory() as text:
        for path in sorted(data.glob("*/*.csv")):
            name = f"{path.parent.name}/{path.stem}"
            if path.parent.name == "cases" or (only and not any(one in name for one in only)):
                continue
            names = path.read_text().split("\n", 1)[0].split(",") if name.startswith("help_") else []
            categorical = ",".join(one for one in names if not one.startswith("latency_"))
            table = thinned(path, rows, Path(text))
            for what in wanted:
                verb, model = what.split()
                line = [str(CHILD), str(table), verb, model, SPACES.get(path.parent.name, "table"), categorical]
                found = [json.loads(ran(line, checkout)[0]) for checkout in (HERE, beside)]
                worst, where = max(differences(*(one["figures"] for one in found)))
                for total, one in zip(spent, found, strict=True):
                    total[0], total[1] = total[0] + one["cpu_s"], total[1] + one["wall_s"]
                cpu, wall = (found[0][one] / max(found[1][one], 1e-3) for one in ("cpu_s", "wall_s"))
                chosen = found[0]["figures"].get("chosen") or ("refused" if "refused" in found[0]["figures"] else "")
                place = "" if worst <= ROUNDING else where
                print(f"{name:42s} {what:15s} {chosen:12s} {worst:10.1e} {cpu:9.2f} {wall:6.2f}  {place}", flush=True)
                agree &= worst <= ROUNDING
    ratios = [here / max(there, 1e-3) for here, there in zip(*spent, strict=True)]
    print(f"all tables: CPU ratio {ratios[0]:.2f}, wall ratio {ratios[1]:.2f}; " + ("the same" if agree else "NOT the same"))
    return agree


def main() -> int:
    """Prints the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--beside", type=Path, action="append", default=[])
    parser.add_argument("--part", choices=("commands", "same", "plain", "few"))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--only", default="", help="Names of commands, or parts of names of tables, with commas.")
    parser.add_argument("--what", default="fit lut,fit auto,evaluate auto", help="What is compared of every table.")
    given = parser.parse_args()
    only = [one for one in given.only.split(",") if one]
    beside = [one.resolve() for one in given.beside]
    if given.part in (None, "commands"):
        show_commands(given.data, beside, given.rows, given.runs, only)
    if given.part in (None, "plain"):
        from studies.plain_boosters import show_fits

        show_fits(given.data, given.rows, given.runs)
    if given.part in (None, "few"):
        from studies.plain_boosters import show_few

        show_few(given.data, given.draws)
    if given.part == "same" or (given.part is None and beside):
        return 0 if show_same(given.data, beside[0], given.rows, only, given.what.split(",")) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
