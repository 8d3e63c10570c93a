"""What the paper says of training, beside what a run found (section 4.2, Figures 2, 3 and 5)."""

from __future__ import annotations

from statistics import median

from hwcost.systems.claims import Claim
from hwcost.systems.supershaper.inheritance import Inherited
from hwcost.systems.supershaper.results import Backbone, Results
from hwcost.systems.supershaper.rules import Rules

TOLERANCE = 0.03
"""Relative increase of perplexity that is accepted where the paper calls two nets equally good."""
ENDS = ("smallest", "largest")


def training_claims(results: Results) -> list[Claim]:
    """Judges the backbone, the rule of sampling, and what nets inherit, as far as they were compared."""
    return [*_backbone(results.backbone), *_rules(results.rules), *_inherited(results.inherited)]


def _backbone(found: Backbone) -> list[Claim]:
    if found.backbone is None or found.bert is None:
        return []
    own, bert, steps = found.backbone.last("largest"), found.bert.last("net"), found.bert.steps[-1]
    text = f"perplexity {own:.1f} against {bert:.1f} after {steps} steps ({100 * (own / bert - 1):+.1f} %)"
    claim = f"the backbone is at most {100 * TOLERANCE:g} % worse than BERT (Figure 2)"
    return [Claim(claim, text, own / bert - 1 <= TOLERANCE)]


def _rules(found: Rules) -> list[Claim]:
    if not found.ratios:
        return []
    seeds, better = len(found.courses["uniform"]), []
    for name, one in found.ratios.items():
        low = one.value if one.low is None else one.low
        better.append(low > 1 if name in ENDS else one.value >= 1 / (1 + TOLERANCE))
    listed = ", ".join(f"{name} {one}" for name, one in found.ratios.items())
    claim = (
        "sandwiches are better than uniform sampling for the smallest and the largest net, and at most "
        f"{100 * TOLERANCE:g} % worse for random ones (Figure 3)"
    )
    return [Claim(claim, f"perplexity by uniform sampling over that by sandwiches: {listed}; seeds: {seeds}", all(better))]


def _inherited(found: Inherited) -> list[Claim]:
    if not found.nets:
        return []
    claims = []
    if found.spearman is not None:
        one_size = found.spearman_one_size or "not known"
        text = f"Spearman {found.spearman} of {len(found.nets)} nets; of those of about one size {one_size}"
        claim = "nets rank by the perplexity that they inherit as they do when trained from random weights (Figure 5a)"
        by_size = f"; by size alone {found.spearman_by_size}"
        claims.append(Claim(claim, text + by_size, (found.spearman.low or 0) > 0))
    nets = sorted(found.nets, key=lambda one: one.params)
    halves = nets[: len(nets) // 2], nets[len(nets) // 2 :]
    saved, better = ([median(getattr(one, name) for one in half) for half in halves] for name in ("saved", "better"))
    text = (
        f"{100 * saved[0]:.0f} % of {found.steps} steps saved by the smaller half of {len(nets)} nets, "
        f"{100 * saved[1]:.0f} % by the larger; perplexity {100 * better[0]:.1f} and {100 * better[1]:.1f} % lower then"
    )
    claim = "nets need fewer steps with what they inherit than from random weights (Figure 5b)"
    return [*claims, Claim(claim, text, min(saved) > 0)]
