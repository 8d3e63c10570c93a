"""Sizes of a run of SuperShaper."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hwcost.supernets.recipe import RECIPES, Recipe
from hwcost.supernets.tuning import TUNINGS, Grid, Tuning
from hwcost.systems.settings import DEVICE_PROTOCOL, Measuring, Preset


@dataclass(frozen=True, kw_only=True)
class SuperShaperPreset(Preset):
    """Sizes of a run.

    Attributes:
        scale: Scale of the space.
        recipe: Recipe of the supernet's training.
        sampled: Number of subnets that the predictor of perplexity is fitted on.
        batches: Number of held-out batches that subnets are selected on; winners are evaluated on as many others.
        measured: Number of nets that the latency model is fitted on.
        evaluations: Number of evaluations in every evolution.
        tuning: Settings of fine-tuning, where the user gives tasks.
        sizes: Bounds on size, as quantiles of the parameter counts of random nets; the claims are about the middle one.
    """

    scale: str
    recipe: Recipe
    sampled: int
    batches: int
    measured: int
    evaluations: int
    tuning: Tuning
    sizes: tuple[float, ...] = (0.3, 0.5, 0.7)


PRESETS = {
    "smoke": SuperShaperPreset(
        scale="mini",
        recipe=RECIPES["smoke"],
        sampled=12,
        batches=1,
        measured=10,
        evaluations=40,
        tuning=Tuning(Grid(RECIPES["smoke"])),
        sizes=(0.5,),
        measuring=Measuring(batch_size=4, seq_lens=(32,), rounds=2),
    ),
    "quick": SuperShaperPreset(
        scale="mini",
        recipe=RECIPES["mini"].scaled(0.5),
        sampled=200,
        batches=4,
        measured=32,
        evaluations=600,
        tuning=Tuning(Grid(replace(RECIPES["mini"].scaled(0.05), learning_rate=1e-3))),
        measuring=Measuring(batch_size=16, seq_lens=(64,), rounds=3),
    ),
    "paper": SuperShaperPreset(
        scale="paper",
        recipe=RECIPES["supershaper-paper"],
        sampled=10_000,
        batches=8,
        measured=1000,
        evaluations=19_900,  # 300 generations: the first has 100 members, each of the others 66 new ones
        tuning=TUNINGS["supershaper-paper"],
        measuring=DEVICE_PROTOCOL,
    ),
}
