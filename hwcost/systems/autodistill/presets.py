"""Sizes of a run of AutoDistill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from hwcost.supernets.distillation import SCHEDULES, Schedule
from hwcost.supernets.recipe import RECIPES, Recipe
from hwcost.supernets.tuning import TUNINGS, Grid, Tuning
from hwcost.systems.settings import DEVICE_PROTOCOL, Measuring, Preset


@dataclass(frozen=True, kw_only=True)
class AutoDistillPreset(Preset):
    """Sizes of a run.

    Attributes:
        scale: Scale of the space.
        teacher: Recipe of the teacher's training.
        recipe: Recipe of distillation; the schedules have the steps.
        flash: Schedule of the distillation of every evaluated student.
        regular: Schedule of the distillation of winners.
        batches: Number of held-out batches that perplexity is computed on.
        measured: Number of nets that the latency model is fitted on.
        evaluations: Number of evaluations in each search, the reference included.
        winners: Number of nets that are distilled regularly, the reference aside.
        tuning: Settings of fine-tuning, where the user gives tasks.
        quality: Quality that is an objective beside latency: ``perplexity``, ``mlm_accuracy`` or ``nsp_accuracy``.
        measure_in_search: Whether every evaluated student is measured, as the paper does (section 3.4); the fitted model
            then serves constraints and comparison.
        memory: Part of peak memory: ``none``; ``measured``, beside latency, so that a model of it is fitted, constraints may
            name it and winners have it; or ``objective``, the same and minimised with latency.
        batch_sizes: Batch sizes beside the protocol's at which nets are measured too: one latency model over shapes then
            predicts the throughput of winners at each.
    """

    scale: str
    teacher: Recipe
    recipe: Recipe
    flash: Schedule
    regular: Schedule
    batches: int
    measured: int
    evaluations: int
    winners: int
    tuning: Tuning
    quality: Literal["perplexity", "mlm_accuracy", "nsp_accuracy"] = "perplexity"
    measure_in_search: bool = False
    memory: Literal["none", "measured", "objective"] = "none"
    batch_sizes: tuple[int, ...] = ()


_QUICK = Recipe(steps=800, batch_size=64, seq_len=32, learning_rate=1e-3, warmup_steps=80, clip=1.0)
_PAPER = RECIPES["autodistill-paper"]
_SMOKE = RECIPES["smoke"]

PRESETS = {
    "smoke": AutoDistillPreset(
        scale="mini",
        teacher=_SMOKE,
        recipe=replace(_SMOKE, steps=1),
        flash=Schedule(1, 2, 0),
        regular=Schedule(1, 4, 0),
        batches=1,
        measured=12,
        evaluations=7,
        winners=1,
        tuning=Tuning(Grid(_SMOKE)),
        measuring=Measuring(batch_size=4, seq_lens=(32,), rounds=2),
    ),
    "quick": AutoDistillPreset(
        scale="mini",
        teacher=_QUICK,
        recipe=replace(_QUICK, steps=1, warmup_steps=0),
        flash=Schedule(6, 48, 5),
        regular=Schedule(36, 288, 29),
        batches=6,
        measured=40,
        evaluations=24,
        winners=2,
        tuning=Tuning(Grid(replace(_QUICK, steps=100, warmup_steps=10))),
        measuring=Measuring(batch_size=16, seq_lens=(32,), rounds=3, budget_s=180.0),
    ),
    "paper": AutoDistillPreset(
        scale="paper",
        teacher=replace(_PAPER, steps=500_000, warmup_steps=10_000),
        recipe=replace(_PAPER, steps=1, warmup_steps=0),
        flash=SCHEDULES["flash"],
        regular=SCHEDULES["regular"],
        batches=16,
        measured=96,
        evaluations=110,
        winners=7,
        quality="mlm_accuracy",
        tuning=TUNINGS["autodistill"],
        measuring=DEVICE_PROTOCOL,
    ),
}
