"""What the paper says of SuperShaper, beside what a run found."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from hwcost.systems.claims import Claim
from hwcost.systems.supershaper.results import Evolved, Results, Search
from hwcost.systems.supershaper.training_claims import TOLERANCE, training_claims
from hwcost.units import format_count, format_seconds

MOST_OF_IT = 0.9
"""Share of the gain from which latency hardly depends on anything else."""


def claims(results: Results) -> list[Claim]:
    """Judges what was searched, and what was trained only to be compared."""
    return [*_searched(results), *_shaped(results), *training_claims(results)]


def _searched(results: Results) -> list[Claim]:
    """Judges the middle bound: its latency as measured, and its perplexity against the net within a size.

    Within the user's own constraints, the net is compared with random ones that satisfy them too.
    """
    rows = results.search.within_latency
    if not rows:
        return _within_given(results)
    row = rows[len(rows) // 2]
    nets = results.winners.nets
    fast, small = nets[row.name], nets[f"params {row.size:g}M"]
    ratio = fast.perplexity / small.perplexity - 1
    return [
        _keeps(results, "the net that was evolved within a latency keeps it when it is measured", row, rows),
        Claim(
            f"its perplexity is at most {100 * TOLERANCE:g} % worse than that of the net evolved within a size",
            f"perplexity {fast.perplexity:.1f} against {small.perplexity:.1f} ({100 * ratio:+.1f} %), "
            f"{format_count(fast.params)} against {format_count(small.params)} parameters; {_different(results.search)}",
            ratio <= TOLERANCE,
        ),
    ]


def _different(search: Search) -> str:
    """Says how many pairs of limits led to different nets, and how alike they are."""
    rows = search.limits
    one, other, both = (sum(getattr(row, name) for row in rows) for name in ("only_size", "only_latency", "both"))
    taus = [row.tau for row in rows if row.tau is not None]
    alike = f", and Kendall's tau of size and predicted latency is {median(taus):.3f}" if taus else ""
    return (
        f"{sum(not row.same for row in rows)} of {len(rows)} pairs of limits led to different nets; of {one + other + both} "
        f"random nets that satisfy one of a pair, {both} satisfy both{alike}"
    )


def _shaped(results: Results) -> list[Claim]:
    """Judges the heuristic, the shapes around the evolved ones, and what latency depends on."""
    nets, found = results.winners.nets, []
    names = [one.name for one in results.search.winners if one.limit == "params"]
    worse = [nets[name.replace("params", "cigar")].perplexity / nets[name].perplexity - 1 for name in names]
    if worse:
        listed = ", ".join(f"{100 * one:+.1f} %" for one in worse)
        claim = f"nets shaped by the heuristic are at most {100 * TOLERANCE:g} % worse than evolved ones of their size"
        found.append(Claim(f"{claim} (Figure 6)", f"perplexity {listed}; the median counts", median(worse) <= TOLERANCE))
    rows = results.by_size.differences
    known = [row.spearman for row in rows if row.spearman is not None]
    if known:
        listed = ", ".join(f"{row.name} {row.spearman or 'too few nets'}" for row in rows)
        claim = "nets of one size are the worse the less their shape is like the evolved one (Table 7)"
        sure = median(one.value if one.low is None else one.low for one in known)
        text = f"Spearman of distance and difference of perplexity: {listed}; the median of the lower ends counts"
        found.append(Claim(claim, text, sure > 0))
    boosted = results.latencies.boosted
    if boosted is not None:
        share = boosted.importance.get("params", 0.0)
        claim = "latency depends on the number of parameters and hardly on the shape (Figure 7b to d)"
        of_gain = f"{100 * share:.1f} % of the gain of {boosted.model}, whose R2 is {_number(boosted.metrics['r2'])}"
        found.append(Claim(claim, f"{of_gain}; 96.5 % in the paper", share >= MOST_OF_IT))
    return found


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"


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
    moved = ""
    if level is not None:
        moved = f" at the machine's level of the first campaign, {level['ratio']:.3f} times as high in this one"
    within = "without an interval"
    if fast.at_level_low_s is not None and fast.at_level_high_s is not None:
        within = f"{format_seconds(fast.at_level_low_s)} to {format_seconds(fast.at_level_high_s)}"
    found = f"{format_seconds(fast.at_level_s)} ({within}) of {bound}{moved}"
    found += f"; {kept.count(True)} of {len(kept)} budgets are kept"
    return Claim(claim, found, fast.keeps_budget is True)
