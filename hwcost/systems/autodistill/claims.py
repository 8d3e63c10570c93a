"""What the paper says of AutoDistill, beside what a run found."""

from __future__ import annotations

from hwcost.systems.autodistill.fronts import is_better
from hwcost.systems.autodistill.results import Results
from hwcost.systems.claims import Claim
from hwcost.units import format_seconds


def claims(results: Results) -> list[Claim]:
    """Compares the Bayesian search with the random one, and its front with the reference."""
    return [_covers_more(results), _dominates(results)]


def _covers_more(results: Results) -> Claim:
    winners, searches = results.winners, results.search.by_name
    steps = {name: one.dominating_steps for name, one in searches.items()}
    count = len(results.search.bayesian.trials)
    first, third = (
        " against ".join(str(steps[name][n - 1]) if len(steps[name]) >= n else "never" for name in searches) for n in (1, 3)
    )
    whole, beyond = winners.hypervolume, winners.beyond
    areas = "the reference was not measured"
    if beyond is not None:
        areas = f"{beyond['bayesian']:.3f} against {beyond['random']:.3f} of the area there"
    return Claim(
        "the Bayesian search covers more beyond the reference than the random one after as many evaluations, as measured",
        f"{areas}; {len(steps['bayesian'])} against {len(steps['random'])} of {count} nets dominate it, the first "
        f"after {first} evaluations, the third after {third}; of the whole area, which neither had as an objective, "
        f"{whole['bayesian']:.3f} against {whole['random']:.3f}",
        beyond is not None and beyond["bayesian"] > beyond["random"],
    )


def _dominates(results: Results) -> Claim:
    nets, search = results.winners.nets, results.search
    reference = nets[search.reference]
    best = [key for key in search.bayesian.front if is_better(nets[key], reference)]
    seconds = "-" if reference.measured_s is None else format_seconds(reference.measured_s)
    return Claim(
        "a net that it found dominates the reference, as measured",
        f"{len(best)} of its front do; the reference takes {seconds}, its perplexity is {reference.perplexity:.1f}",
        bool(best),
    )
