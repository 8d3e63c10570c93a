"""Sizes of a run of AutoDistil."""

from __future__ import annotations

from dataclasses import dataclass

from hwcost.supernets.recipe import RECIPES, Recipe
from hwcost.supernets.tuning import TUNINGS, Grid, Tuning
from hwcost.systems.settings import DEVICE_PROTOCOL, Measuring, Preset


@dataclass(frozen=True, kw_only=True)
class AutoDistilPreset(Preset):
    """Sizes of a run.

    Attributes:
        scale: Scale of the spaces.
        teacher: Recipe of the teacher's training, where no weights are given.
        relations: Recipe of every SuperLM's training.
        batches: Number of held-out batches that relation losses are computed on; the selected net is evaluated on as many
            others.
        candidates: Number of nets of a sub-space that the task-agnostic search evaluates; None for all.
        tuned: Number of nets of a sub-space that are fine-tuned; None for all.
        tuning: Settings of fine-tuning.
        compared: Number of nets of the selected one's size that are fine-tuned beside it.
        activation: Activation of the students' feed-forward layers: ``gelu``, or ``relu`` as in equation 5.
        teacher_activation: Activation of the teacher's; a given teacher's is compared with it.
    """

    scale: str
    teacher: Recipe
    relations: Recipe
    batches: int
    candidates: int | None
    tuned: int | None
    tuning: Tuning
    compared: int
    activation: str = "gelu"
    teacher_activation: str = "gelu"


PRESETS = {
    "smoke": AutoDistilPreset(
        scale="mini",
        teacher=RECIPES["smoke"],
        relations=RECIPES["smoke"],
        batches=1,
        candidates=4,
        tuned=2,
        tuning=Tuning(Grid(RECIPES["smoke"])),
        tasks=("docstring",),
        compared=1,
        measuring=Measuring(batch_size=1, seq_lens=(32,), rounds=2),
    ),
    "quick": AutoDistilPreset(
        scale="mini",
        teacher=Recipe(steps=800, batch_size=64, seq_len=32, learning_rate=5e-4, warmup_steps=80, clip=1.0),
        relations=Recipe(
            steps=120, batch_size=64, seq_len=32, learning_rate=5e-4, warmup_steps=12, clip=1.0, random=2
        ).for_relations(),
        batches=1,
        candidates=None,
        tuned=3,
        tuning=Tuning(Grid(Recipe(steps=100, batch_size=64, seq_len=32, learning_rate=5e-4, warmup_steps=20, clip=1.0))),
        tasks=("docstring",),
        compared=5,
        measuring=Measuring(batch_size=16, seq_lens=(32,), rounds=3, budget_s=180.0),
    ),
    "paper": AutoDistilPreset(
        scale="paper",
        teacher=Recipe(steps=1_000_000, batch_size=256, seq_len=128, learning_rate=1e-4, warmup_steps=10_000),
        relations=RECIPES["autodistil-paper"],
        batches=8,
        candidates=None,
        tuned=None,
        tuning=TUNINGS["autodistil-paper"],
        compared=16,
        measuring=DEVICE_PROTOCOL,
    ),
}
"""``paper``: fine-tuning as in Table 10, on the user's tasks; a teacher trained as BERT was, where none is given."""
