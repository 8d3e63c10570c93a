"""Figures as Markdown tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from peer_tools.agreement import Agreement
from peer_tools.bars import Judged
from peer_tools.comparisons import ComparedRuns
from peer_tools.model_errors import WANTED, time_to
from peer_tools.tools import TOOLS

NONE = "–"
NEIGHBOUR = {True: "in bursts", False: "none"}


def agreement_table(figures: Mapping[tuple[str, bool], Agreement]) -> str:
    """Returns one row per tool, with and without the neighbour."""
    heads = (
        "neighbour", "tool", "pairs", "run-to-run difference, median / p95", "less what all nets share", "stated half-width",
        "difference held by both", "numbers warned of", "without a number / an interval", "seconds",
    )  # fmt: skip
    rows = [
        (
            NEIGHBOUR[has_bursts], TOOLS[tool].label, str(one.pairs),
            f"{percent(one.median)} / {percent(one.p95)}", f"{percent(one.apart)} / {percent(one.apart_p95)}",
            percent(one.half_width), percent(one.held, 0), percent(one.warned, 0),
            f"{percent(one.without, 0)} / {percent(one.unbounded, 0)}", f"{one.seconds:.0f}",
        )
        for (tool, has_bursts), one in figures.items()
    ]  # fmt: skip
    return markdown(heads, rows)


def comparisons_table(found: Iterable[ComparedRuns]) -> str:
    """Returns one row per pair of hwcost's runs as ``hwcost compare`` sees them; empty without any."""
    rows = [
        (
            NEIGHBOUR[one.piece.has_bursts], TOOLS[one.piece.tool].label, str(one.piece.pair),
            f"{percent(one.log_ratio)} ± {percent(one.half_width)}", f"{one.held} of {one.nets}",
        )
        for one in found
    ]  # fmt: skip
    heads = ("neighbour", "tool", "pair", "second run over the first, by `hwcost compare`", "nets whose interval holds 0")
    return markdown(heads, rows) if rows else ""


def bars_table(found: Iterable[Judged]) -> str:
    """Returns one row per bar of hwcost, beside the figure; empty without any."""
    rows = [
        (
            NEIGHBOUR[one.has_bursts], TOOLS[one.tool].label, one.bar.label,
            f"{'≥' if one.bar.is_least else '≤'} {percent(one.bar.limit)}", percent(one.figure),
            "yes" if one.is_met else "no",
        )
        for one in found
    ]  # fmt: skip
    return markdown(("neighbour", "tool", "figure", "bar", "found", "met"), rows) if rows else ""


def model_table(errors: Mapping[tuple[str, bool], Mapping[float, float]]) -> str:
    """Returns one row per tool, with and without the neighbour: error by seconds, and the time to the wanted error."""
    budgets = sorted({seconds for ladder in errors.values() for seconds in ladder})
    heads = ("neighbour", "tool", *(f"MAPE after {seconds:g} s" for seconds in budgets), f"time to {percent(WANTED, 0)}")
    rows = []
    for (tool, has_bursts), ladder in errors.items():
        reached = time_to(ladder)
        cells = (percent(ladder.get(seconds)) for seconds in budgets)
        rows.append((NEIGHBOUR[has_bursts], TOOLS[tool].label, *cells, NONE if reached is None else f"{reached:g} s"))
    return markdown(heads, rows)


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def percent(share: float | None, digits: int = 1) -> str:
    """Returns a share in percent; a dash where there is none, ∞ for an infinite one."""
    if share is None or math.isnan(share):
        return NONE
    return "∞" if math.isinf(share) else f"{100 * share:.{digits}f} %"
