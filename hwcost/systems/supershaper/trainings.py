"""The training of SuperShaper's supernet, for the plan of its memory."""

from __future__ import annotations

from typing import Any

from hwcost.spaces.supershaper import SuperShaper
from hwcost.supernets.masked_lm import SupernetLm
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.sampling import rule
from hwcost.supernets.training import Phase
from hwcost.systems.plan import Training


def planned(space: SuperShaper, recipe: Recipe, seed: int) -> dict[str, Training]:
    """Returns the training by the name of its recipe in the preset."""

    def make(batches: Any, own: Recipe) -> Any:
        net = supernet(space.name, seed, **space.options())
        drawn = rule(own.sampling, net, own.random, seed)
        return net, Phase("training", SupernetLm(net, batches, drawn), own), ()

    return {"recipe": Training(recipe, space.sizes.vocabulary, make)}
