"""What the paper says of AutoDistill, beside what a run found."""

from __future__ import annotations

from hwcost.systems.autodistill.fronts import is_better
from hwcost.systems.autodistill.results import QUALITIES, Results, Search
from hwcost.systems.claims import Claim
from hwcost.systems.intervals import Interval
from hwcost.systems.latencies import SpeedUp, speed_up_over
from hwcost.units import format_seconds


def claims(results: Results) -> list[Claim]:
    """Compares the Bayesian search, or the user's, with the random one, and its front with the reference."""
    return [_covers_more(results), _dominates(results), *_distilled_alike(results)]


def _covers_more(results: Results) -> Claim:
    winners, search = results.winners, results.search
    name = "Bayesian" if search.searcher == "bayesian" else f"'{search.searcher}'"
    beyond, whole = winners.beyond, winners.hypervolume
    own, chance = search.searcher, "random"
    areas = _predicted_areas(results) if not whole else "the reference was not measured"
    if beyond is not None:
        areas = f"{beyond[own]:.3f} against {beyond[chance]:.3f} of the area there"
    over_all = ""
    if whole:
        over_all = f"; of the whole area, which neither had as an objective, {whole[own]:.3f} against {whole[chance]:.3f}"
    return Claim(
        f"the {name} search covers more beyond the reference than the random one after as many evaluations, as measured",
        f"{areas}; {_dominating(search)}{over_all}", beyond is not None and beyond[own] > beyond[chance],
    )


def _dominating(search: Search) -> str:
    """Says how many nets dominate the reference by the latency that the searches went by, and how soon they were found."""
    steps = [one.dominating_steps for one in search.by_name.values()]
    own, chance = map(len, steps)
    by = "measured in the search" if search.is_measured else "predicted"
    text = f"{own} against {chance} of {len(search.own.trials)} nets dominate it as {by}"
    for place, name in ((1, "first"), (3, "third")):
        if max(own, chance) >= place:
            after = (f"after {found[place - 1]} evaluations" if len(found) >= place else "never" for found in steps)
            text += f", the {name} {' against '.join(after)}"
    return text


def _predicted_areas(results: Results) -> str:
    """Says what was covered as predicted, where nothing was measured."""
    own, chance = (one.hypervolume[-1] for one in results.search.by_name.values())
    if not chance:
        return f"not measured; as predicted, the random search covers nothing there, this one {'more' if own else 'nothing'}"
    return f"not measured; as predicted, {own / chance:.2f} times the area of the random search"


def _dominates(results: Results) -> Claim:
    nets, search = results.winners.nets, results.search
    reference = nets[search.reference]
    better = [key for key in search.own.front if is_better(nets[key], reference, search)]
    best = [key for key in better if speed_up_over(reference, nets[key]).is_sure]
    alone = f" by the intervals of both latencies, {len(better)} by latencies alone" if len(best) < len(better) else ""
    found = f"{len(best)} of its front do{alone}; the reference takes {format_seconds(reference.measured_s)}"
    if all(net.measured_s is None for net in nets.values()):
        found = f"not measured; as predicted, {len(search.own.dominating)} do; the reference takes "
        found += format_seconds(reference.predicted_s)
    return Claim(
        "a net that it found dominates the reference, as measured",
        f"{found}, its {QUALITIES[search.quality]} is {getattr(reference, search.quality):.4g}", bool(best),
    )  # fmt: skip


def _distilled_alike(results: Results) -> list[Claim]:
    """Compares winners with the reference after regular distillation of both (Table 2)."""
    quality, reference, nets = results.search.quality, results.search.reference, results.regular.nets
    others = {key: net for key, net in nets.items() if key != reference}
    if not others:
        return []  # no winner beside the reference
    better = [key for key, net in others.items() if net.outperforms]
    best = min(better or others, key=lambda key: others[key].loss(quality))
    net, beside = others[best], nets[reference]
    text = f"{len(better)} of {len(others)} winners do"
    if net.measured_s is None or beside.measured_s is None:
        text = "not measured"
    speed = SpeedUp(net.speed_ratio, net.speed_low_ratio, net.speed_high_ratio)
    gain = Interval(net.quality_gain or 0.0, net.quality_low_gain, net.quality_high_gain)
    text += f"; {best}: {speed} the reference's speed, " if speed.ratio is not None else f"; {best}: "
    text += f"{QUALITIES[quality]} {getattr(net, quality):.4g} against {getattr(beside, quality):.4g}, "
    unit = "its logarithm lower by" if quality == "perplexity" else "more by"
    return [
        Claim(
            "distilled regularly, a winner is faster and better than the reference that was distilled alike (Table 2)",
            f"{text}{unit} {gain}", bool(better),
        )
    ]  # fmt: skip
