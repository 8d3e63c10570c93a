"""Sizes of a run of SuperShaper."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hwcost.supernets.recipe import RECIPES, Recipe
from hwcost.supernets.tuning import TUNINGS, Grid, Tuning
from hwcost.systems.settings import DEVICE_PROTOCOL, Measuring, Preset


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Sizes of what is trained only to be compared (Figures 3 and 5); it has the recipe of the supernet's training.

    Attributes:
        rule_steps: Number of steps in which a supernet is trained by a rule of sampling.
        seeds: Number of seeds, with each of which a supernet is trained by either rule; 0 for none.
        net_steps: Number of steps in which a net is trained by itself.
        nets: Number of nets that are trained with and without what they inherit, even; 0 for none.
        points: Number of evaluations in a training.
    """

    rule_steps: int
    seeds: int
    net_steps: int
    nets: int
    points: int = 10


@dataclass(frozen=True, kw_only=True)
class SuperShaperPreset(Preset):
    """Sizes of a run.

    Attributes:
        scale: Scale of the space.
        backbone_steps: Number of steps in which the largest net is trained alone before the supernet (section 4.2), by the
            same recipe; 0 for none.
        recipe: Recipe of the supernet's training.
        compared: Sizes of what is trained only to be compared.
        sampled: Number of subnets that the predictor of perplexity is fitted on.
        batches: Number of held-out batches that subnets are selected on; winners are evaluated on as many others.
        measured: Number of nets that the latency model is fitted on.
        evaluations: Number of evaluations in every evolution.
        tuning: Settings of fine-tuning, where the user gives tasks.
        predictor: Name of the cost model of perplexity that guides the search; None for the paper's, boosted trees on shapes
            alone (XGBoost, or LightGBM where that is not installed).
        neighbours: Number of random nets around the size of each evolved one that are wanted at the least (Table 7): where
            fewer of the sampled ones are of that size, others are drawn; 0 for the sampled ones alone, as in the paper.
        sizes: Bounds on size, in millions of parameters of scale ``paper`` as the paper counts them; at another scale they
            lie at the same shares of the range of sizes. The claims are about the middle one.
    """

    scale: str
    backbone_steps: int
    recipe: Recipe
    compared: Compared
    sampled: int
    batches: int
    measured: int
    evaluations: int
    tuning: Tuning
    predictor: str | None = None
    neighbours: int = 24
    sizes: tuple[float, ...] = (53, 66, 80, 96)


PRESETS = {
    "smoke": SuperShaperPreset(
        scale="mini",
        backbone_steps=2,
        recipe=RECIPES["smoke"],
        compared=Compared(rule_steps=2, seeds=1, net_steps=2, nets=2, points=2),
        sampled=12,
        batches=1,
        measured=10,
        evaluations=40,
        tuning=Tuning(Grid(RECIPES["smoke"])),
        neighbours=4,
        sizes=(66,),
        measuring=Measuring(batch_size=4, seq_lens=(32,), rounds=2),
    ),
    "quick": SuperShaperPreset(
        scale="mini",
        backbone_steps=600,
        recipe=RECIPES["mini"].scaled(0.5),
        compared=Compared(rule_steps=70, seeds=5, net_steps=240, nets=8),
        sampled=200,
        batches=4,
        measured=32,
        evaluations=600,
        tuning=Tuning(Grid(replace(RECIPES["mini"].scaled(0.05), learning_rate=1e-3))),
        measuring=Measuring(batch_size=16, seq_lens=(64,), rounds=3, budget_s=180.0),
    ),
    "paper": SuperShaperPreset(
        scale="paper",
        backbone_steps=175_000,  # the paper prints no number for the backbone: as many as for the supernet
        recipe=RECIPES["supershaper-paper"],
        compared=Compared(rule_steps=175_000, seeds=1, net_steps=175_000, nets=14, points=100),
        sampled=10_000,
        batches=8,
        measured=1000,
        evaluations=19_900,  # a population of 100, and 300 generations of 66 new ones
        tuning=TUNINGS["supershaper-paper"],
        neighbours=0,
        sizes=(53, 63, 66, 69, 80, 90.5, 96),
        measuring=DEVICE_PROTOCOL,
    ),
}
