"""Sizes of a run of Finding Fast Transformers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hwcost.supernets.recipe import RECIPES, Recipe
from hwcost.supernets.tuning import TUNINGS, Grid, Tuning
from hwcost.systems.settings import DEVICE_PROTOCOL, Measuring, Preset


@dataclass(frozen=True, kw_only=True)
class ComponentsPreset(Preset):
    """Sizes of a run. Gates cost their largest share over the protocol's sequence lengths.

    Attributes:
        grid: Name of the grid of components that the base net is divided into.
        base: Recipe of the base net's training.
        direct: Recipe of DO.
        sampled: Recipe of SDO.
        retraining: Recipe of the selected nets' further training; the base net is trained as much longer as the search took.
        tuning: Settings of fine-tuning.
        whole_cost: Cost of the whole net: 1 for costs in shares, 100 for percent, as the paper prints them.
        direct_penalty: Weight of the cost in DO (the paper's lambda).
        direct_rate: Learning rate of DO's gates.
        sampled_penalty: Weight of the cost in SDO.
        sampled_rate: Learning rate of SDO's policy (the paper's nu).
        samples: Number of nets that SDO draws in a step.
        winner_rounds: Number of rounds of the winners' campaign, whose few nets say little about the noise; None for as many
            as the tier wants.
        batches: Number of held-out batches that perplexity is computed on.
        evaluations: Number of evaluations of a searcher that the user gives beside DO and SDO.
    """

    grid: str
    base: Recipe
    direct: Recipe
    sampled: Recipe
    retraining: Recipe
    tuning: Tuning
    whole_cost: float
    direct_penalty: float
    direct_rate: float
    sampled_penalty: float
    sampled_rate: float
    samples: int
    winner_rounds: int | None
    batches: int
    evaluations: int


_QUICK = Recipe(steps=600, batch_size=64, seq_len=32, learning_rate=1e-3, warmup_steps=60, clip=1.0)
_PAPER = RECIPES["components-paper"]
_SMOKE = RECIPES["smoke"]

PRESETS = {
    "smoke": ComponentsPreset(
        grid="mini",
        base=_SMOKE,
        direct=_SMOKE,
        sampled=_SMOKE,
        retraining=_SMOKE,
        tuning=Tuning(Grid(_SMOKE)),
        tasks=("docstring",),
        whole_cost=1.0,
        direct_penalty=1.0,
        direct_rate=0.1,
        sampled_penalty=1.0,
        sampled_rate=5.0,
        samples=2,
        measuring=Measuring(batch_size=4, seq_lens=(32,), rounds=2),
        winner_rounds=2,
        batches=1,
        evaluations=8,
    ),
    "quick": ComponentsPreset(
        grid="mini",
        base=replace(_QUICK, learning_rate=2e-3),
        direct=_QUICK,
        sampled=_QUICK,
        retraining=replace(_QUICK, steps=300, warmup_steps=0),
        tuning=Tuning(Grid(replace(_QUICK, steps=100, warmup_steps=10))),
        tasks=("docstring",),
        whole_cost=1.0,
        direct_penalty=0.4,
        direct_rate=1.0,
        sampled_penalty=0.2,
        sampled_rate=24.0,
        samples=4,
        measuring=Measuring(batch_size=8, seq_lens=(32, 128), rounds=3),
        winner_rounds=10,
        batches=8,
        evaluations=200,
    ),
    "paper": ComponentsPreset(
        grid="bert-base",
        base=replace(_PAPER, steps=250_000),
        direct=_PAPER,
        sampled=_PAPER,
        retraining=replace(_PAPER, steps=250_000),
        tuning=TUNINGS["components-paper"],
        whole_cost=100.0,
        direct_penalty=1e-3,
        direct_rate=0.1,
        sampled_penalty=1e-5,
        sampled_rate=1e-2,
        samples=4,
        measuring=replace(DEVICE_PROTOCOL, seq_lens=(32, 128, 512)),
        winner_rounds=None,
        batches=16,
        evaluations=10_000,
    ),
}
"""``paper``: appendix A; fine-tuning as in appendix D.1, on tasks that the user gives. The paper gives no unit of costs, and
no learning rate of DO's gates. Here costs are in percent, as Tables 1 and 4 print them, and the rate is one with which a
gate of no use closes within the steps if it costs 0.16 % of the net or more: all but those of means and joints."""
