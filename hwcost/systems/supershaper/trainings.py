"""The trainings of SuperShaper, for the plan of their memory: its supernet's, and the fine-tuning of its largest net."""

from __future__ import annotations

from typing import Any

from hwcost.spaces.supershaper import SuperShaper
from hwcost.supernets.masked_lm import SupernetLm
from hwcost.supernets.objective import Phase
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.sampling import planned_rule
from hwcost.supernets.tuning import Tuning
from hwcost.systems.fine_tuning import planned_tunings
from hwcost.systems.plan import Training
from hwcost.workloads import builder


def planned(space: SuperShaper, recipe: Recipe, tuning: Tuning | None, seed: int) -> dict[str, Training]:
    """Returns the trainings by the names of their recipes in the preset.

    Args:
        space: The space.
        recipe: Recipe of the supernet's training.
        tuning: Settings of fine-tuning; None where no task is given.
        seed: Seed of the weights.
    """
    largest = space.architecture([gene.choices[-1] for gene in space.genes])

    def make(batches: Any, own: Recipe) -> Any:
        net = supernet(space.name, seed, **space.options())
        drawn = planned_rule(own.sampling, net)
        return net, Phase("training", SupernetLm(net, batches, drawn), own), ()

    def encoder() -> Any:
        return builder(space).blueprint(largest, "none").build()

    vocabulary = space.sizes.vocabulary
    tunings = {} if tuning is None else planned_tunings(encoder, tuning, vocabulary)
    return {"recipe": Training(recipe, vocabulary, make), **tunings}
