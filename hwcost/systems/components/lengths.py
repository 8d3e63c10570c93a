"""Training text of two lengths: short sequences first, long ones in the last steps.

Source: Tsai et al., "Finding Fast Transformers", appendix A.3: 90 % of the steps with sequences of 128, then 10 % of 512.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.supernets.masked_lm import Batches
from hwcost.supernets.recipe import Recipe
from hwcost.systems.text import Text

if TYPE_CHECKING:
    from hwcost.systems.components.presets import ComponentsPreset


def first_long(recipe: Recipe, preset: ComponentsPreset) -> int:
    """Returns the step, counted from 0, from which sequences are long; the number of steps where none are."""
    return recipe.steps if preset.long_seq_len is None else round(recipe.steps * (1 - preset.long_share))


def batches_of(text: Text, recipe: Recipe, preset: ComponentsPreset) -> Batches:
    """Returns the batches of a training, by the number of the micro batch.

    Args:
        text: The text.
        recipe: Recipe of the training.
        preset: The preset, which says how long the last steps' sequences are.
    """
    short, first = text.batches(recipe.micro_batch), first_long(recipe, preset)
    if first == recipe.steps:
        return short.batch
    long = text.batches(recipe.micro_batch, seq_len=preset.long_seq_len)
    return lambda number: (short if number // recipe.accumulate < first else long).batch(number)
