"""The trainings of Finding Fast Transformers, for the plan of their memory: the base net's, DO, SDO and fine-tuning."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hwcost.searchers.direct import Direct
from hwcost.spaces.components import Components
from hwcost.supernets.components import ComponentSupernet
from hwcost.supernets.masked_lm import SupernetLm
from hwcost.supernets.objective import Phase
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.tuning import Tuning
from hwcost.systems.components.gate_training import DirectTraining, Gated
from hwcost.systems.components.presets import ComponentsPreset
from hwcost.systems.fine_tuning import planned_tunings
from hwcost.systems.plan import Made, Training
from hwcost.workloads import builder

GATES_GAPS = 0.4
"""Share of their tensors by which processes that train gates hold more: 0.35 to 0.49 in small nets, 0.11 to 0.26 in the
paper's. Where every block is mapped by itself (``MALLOC_MMAP_THRESHOLD_``), they hold no more than the tensors."""


def planned(space: Components, preset: ComponentsPreset, tuning: Tuning, seed: int) -> dict[str, Training]:
    """Returns the trainings by the names of their recipes in the preset.

    A net of SDO takes no more than the base net, and is planned as one; when the second net of a step runs, the gradients
    of the first are there. Further training and fine-tuning of what was selected take no more either.

    Args:
        space: The space.
        preset: The preset.
        tuning: Settings of fine-tuning.
        seed: Seed of the weights.
    """

    def nets(count: int) -> Made:
        drawn = {f"net {number}": space.base() for number in range(1, count + 1)}

        def make(batches: Any, own: Recipe) -> Any:
            net = ComponentSupernet(space, seed)
            return net, Phase("nets", SupernetLm(net, batches, lambda step: drawn), own), ()

        return make

    def gated(batches: Any, own: Recipe) -> Any:
        blocks = space.grid.layers
        net = Gated(ComponentSupernet(space, seed), Direct(np.zeros((blocks, len(space.genes) // blocks))))
        objective = DirectTraining(net, batches, own, preset.direct_rate)
        return net, Phase("do", objective, own, lambda name: name.startswith("supernet.")), ()

    def encoder() -> Any:
        return builder(space).blueprint(space.base(), "mlm").build()

    makes = {"base": nets(1), "direct": gated, "sampled": nets(min(2, preset.samples)), "retraining": nets(1)}
    longest = {name: _longest(getattr(preset, name), preset) for name in makes}
    gaps = {"direct": GATES_GAPS, "sampled": GATES_GAPS}
    found = {
        name: Training(longest[name], space.grid.vocabulary, make, gaps=gaps.get(name)) for name, make in makes.items()
    }
    return {**found, **planned_tunings(encoder, tuning, space.grid.vocabulary)}


def _longest(recipe: Recipe, preset: ComponentsPreset) -> Recipe:
    """Returns a recipe with the longest sequences of its training."""
    return replace(recipe, seq_len=max(recipe.seq_len, preset.long_seq_len or 0))
