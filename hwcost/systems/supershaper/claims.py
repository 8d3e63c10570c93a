"""What the paper says of SuperShaper, beside what a run found."""

from __future__ import annotations

from hwcost.systems.claims import Claim
from hwcost.systems.supershaper.results import Results
from hwcost.units import format_count, format_seconds

TOLERANCE = 0.03
"""Relative increase of perplexity that is accepted within a latency, against the size that it was derived from."""


def claims(results: Results) -> list[Claim]:
    """Judges the middle bound: its latency as measured, and its perplexity against the net within a size."""
    nets, rows, level = results.winners.nets, results.search.within_latency, results.winners.level
    row = rows[len(rows) // 2]
    fast, small = nets[row.name], nets[f"params {row.share:g}"]
    kept = [nets[one.name].keeps_budget is True for one in rows]
    measured = "nothing usable" if fast.at_level_s is None else format_seconds(fast.at_level_s)
    moved = "" if level is None else f" on the level of the first measurements, now {level['ratio']:.3f} times as high"
    ratio = fast.perplexity / small.perplexity - 1
    return [
        Claim(
            "the net that was evolved within a latency keeps it when it is measured",
            f"{measured} of {format_seconds(row.budget_s)}{moved}; {sum(kept)} of {len(kept)} budgets are kept",
            kept[len(kept) // 2],
        ),
        Claim(
            f"its perplexity is at most {100 * TOLERANCE:g} % worse than that of the net evolved within a size",
            f"{fast.perplexity:.1f} against {small.perplexity:.1f} ({100 * ratio:+.1f} %), "
            f"{format_count(fast.params)} against {format_count(small.params)} parameters",
            ratio <= TOLERANCE,
        ),
    ]
