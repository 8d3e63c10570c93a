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


def main(paths: Iterable[str]) -> None:
    """Prints a table per sequence length of what all files hold."""
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for path in paths:
        for backend, breakdowns in json.loads(Path(path).read_text(encoding="utf-8"))["backends"].items():
            for one in breakdowns:
                found.setdefault(one["shape"]["seq_len"], {})[backend] = one
    if not found:
        sys.exit("give the files that hwcost components --json FILE.json wrote")
    for length in sorted(found):
        print(f"\n{length} tokens:\n")
        show(found[length])


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
    row("gap of the sum of components", [gap(one) for one in found.values()])
    row("median absolute gap of all nets", [f"{100 * one['median_gap']:.1f}" for one in found.values()])
    pairs = {(fusion["first"], fusion["second"]): None for one in found.values() for fusion in one["fusions"]}
    for pair in pairs:
        judged = [next((it for it in one["fusions"] if (it["first"], it["second"]) == pair), None) for one in found.values()]
        row(" + ".join(name.partition("[")[0].replace("_", " ") for name in pair), map(saved, judged))


def row(label: str, cells: Iterable[str]) -> None:
    """Prints one row."""
    print(f"| {label} | {' | '.join(cells)} |")


def cell(share: Mapping[str, float | None] | None) -> str:
    """Formats a share."""
    return "–" if share is None else f"{100 * (share['value'] or 0.0):.1f} ± {half(share['half_width'])}"


def gap(one: Mapping[str, Any]) -> str:
    """Formats the gap of the whole net, which is the first."""
    return f"{100 * one['gaps'][0]['gap']:+.1f} ± {half(one['gaps'][0]['half_width'])}"


def saved(fusion: Mapping[str, Any] | None) -> str:
    """Formats what a pair saves, in percent of what the cheaper one takes."""
    if fusion is None:
        return "–"
    return f"{fusion['verdict'].lower()} ({100 * fusion['saved']:.0f} ± {half(fusion['half_width'], 0)})"


def half(value: float | None, digits: int = 1) -> str:
    """Formats a half-width in percent."""
    return "?" if value is None else f"{100 * value:.{digits}f}"


if __name__ == "__main__":
    main(sys.argv[1:])
