"""Where the time of a net goes, backend beside backend, as Markdown: from what ``hwcost components --json`` wrote.

Run: ``python benchmarks/component_tables.py FILE.json ...``. The command to measure with is in this folder's README. Each
cell is the share by slope and, behind the stroke, by ablation, in percent with the half-width of its 95 % interval.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hwcost.systems.components.kinds import KINDS

Tables = Mapping[str, list[dict[str, Any]]]
"""Breakdowns by backend, in the order of sequence lengths."""


def main(paths: Iterable[str]) -> None:
    """Prints the tables of all files as one."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in paths:
        found |= json.loads(Path(path).read_text(encoding="utf-8"))["backends"]
    if not found:
        sys.exit("give the files that hwcost components --json FILE.json wrote")
    lengths = [one["shape"]["seq_len"] for one in next(iter(found.values()))]
    for place, length in enumerate(lengths):
        print(f"\n{length} tokens:\n")
        show({name: breakdowns[place] for name, breakdowns in found.items()})


def show(found: Mapping[str, dict[str, Any]]) -> None:
    """Prints the table of one sequence length."""
    print(f"| | {' | '.join(found)} | paper's TPU |")
    print("|---|" + "---|" * (len(found) + 1))
    for kind in KINDS:
        shares = [one["shares"][kind.name] for one in found.values()]
        paper = shares[0]["paper"]
        cells = [f"{cell(one['by_slope'])} / {cell(one['by_ablation'])}" for one in shares]
        row(kind.label, [*cells, "–" if paper is None else f"{100 * paper:.1f}"])
    row("whole net, ms", [f"{1e3 * one['latency_s']:.2f} ± {half(one['half_width'])} %" for one in found.values()])
    row("sum of components", [gap(one) for one in found.values()])
    row("median gap of all nets", [f"{100 * one['median_gap']:.1f}" for one in found.values()])
    for place, fusion in enumerate(next(iter(found.values()))["fusions"]):
        label = f"{fusion['first'].partition('[')[0]}, {fusion['second'].partition('[')[0]}"
        row(label, [saved(one["fusions"][place]) for one in found.values()])


def row(label: str, cells: Iterable[str]) -> None:
    """Prints one row."""
    print(f"| {label} | {' | '.join(cells)} |")


def cell(share: Mapping[str, float | None] | None) -> str:
    """Formats a share."""
    return "–" if share is None else f"{100 * (share['value'] or 0.0):.1f} ± {half(share['half_width'])}"


def gap(one: Mapping[str, Any]) -> str:
    """Formats the gap of the whole net, which is the first."""
    return f"{100 * one['gaps'][0]['gap']:+.1f} ± {half(one['gaps'][0]['half_width'])}"


def saved(fusion: Mapping[str, Any]) -> str:
    """Formats what a pair saves."""
    return f"{fusion['verdict'].lower()} ({100 * fusion['saved']:.0f} ± {half(fusion['half_width'], 0)})"


def half(value: float | None, digits: int = 1) -> str:
    """Formats a half-width in percent."""
    return "?" if value is None else f"{100 * value:.{digits}f}"


if __name__ == "__main__":
    main(sys.argv[1:])
