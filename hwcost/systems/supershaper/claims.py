"""What the paper says of SuperShaper, beside what a run found."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from hwcost.systems.claims import Claim
from hwcost.systems.supershaper.results import Evolved, Results
from hwcost.units import format_count, format_seconds

TOLERANCE = 0.03
"""Relative increase of perplexity that is accepted within a latency, against the size that it was derived from."""


def claims(results: Results) -> list[Claim]:
    """Judges the middle bound: its latency as measured, and its perplexity against the net within a size.

    Within the user's own constraints, the net is compared with random ones that satisfy them too.
    """
    rows = results.search.within_latency
    if not rows:
        return _within_given(results)
    row = rows[len(rows) // 2]
    nets = results.winners.nets
    fast, small = nets[row.name], nets[f"params {row.share:g}"]
    ratio = fast.perplexity / small.perplexity - 1
    return [
        _keeps(results, "the net that was evolved within a latency keeps it when it is measured", row, rows),
        Claim(
            f"its perplexity is at most {100 * TOLERANCE:g} % worse than that of the net evolved within a size",
            f"{fast.perplexity:.1f} against {small.perplexity:.1f} ({100 * ratio:+.1f} %), "
            f"{format_count(fast.params)} against {format_count(small.params)} parameters",
            ratio <= TOLERANCE,
        ),
    ]


def _within_given(results: Results) -> list[Claim]:
    (row,), nets = results.search.winners, results.winners.nets
    own = nets[row.name]
    others = [net.perplexity for name, net in nets.items() if name.startswith("random ")]
    middle = median(others) if others else None
    against = "no random net satisfies them" if middle is None else f"median {middle:.1f} of {len(others)} random nets"
    better = Claim(
        "the net found within the given constraints has a lower perplexity than the median of random nets within them",
        f"{own.perplexity:.1f}, {against}; {format_count(own.params)} parameters",
        middle is not None and own.perplexity < middle,
    )
    if row.budget_s is None:
        return [better]
    claim = "the net found within the given constraints keeps its latency when it is measured"
    return [_keeps(results, claim, row, [row]), better]


def _keeps(results: Results, claim: str, row: Evolved, rows: Sequence[Evolved]) -> Claim:
    nets, level = results.winners.nets, results.winners.level
    fast, kept = nets[row.name], [nets[one.name].keeps_budget for one in rows]
    bound = format_seconds(row.budget_s)
    if fast.at_level_s is None:
        return Claim(claim, f"not measured: predicted {format_seconds(fast.predicted_s)} of {bound}", False)
    moved = "" if level is None else f" on the level of the first measurements, now {level['ratio']:.3f} times as high"
    found = f"{format_seconds(fast.at_level_s)} of {bound}{moved}; {kept.count(True)} of {len(kept)} budgets are kept"
    return Claim(claim, found, fast.keeps_budget is True)
