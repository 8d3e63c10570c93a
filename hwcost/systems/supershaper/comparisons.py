"""Trainings that are compared: backbone and BERT, rules of sampling, and nets with and without what they inherit.

Source: SuperShaper, sections 4.2 and 4.3 (Figures 2, 3 and 5). All see the same text, and have the recipe of the supernet's
training with fewer steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from torch import nn

from hwcost.corpora import MlmBatches
from hwcost.spaces import Architecture
from hwcost.supernets.base import Supernet
from hwcost.supernets.diagnostics import perplexities
from hwcost.supernets.masked_lm import NetLm, SupernetLm, perplexity
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.run import Run
from hwcost.supernets.sampling import rule
from hwcost.supernets.training import Phase
from hwcost.systems.supershaper.following import Trajectory, follow

if TYPE_CHECKING:
    from hwcost.systems.base import Pipeline


@dataclass(frozen=True)
class Laboratory:
    """What the trainings of a run share.

    Attributes:
        pipeline: The pipeline.
        run: The supernet's training, whose text, tokenizer and recipe they have.
        held_out: Batches that nets are evaluated on.
        points: Number of evaluations in a training, besides the one before it.
    """

    pipeline: Pipeline[Any]
    run: Run
    held_out: Sequence[dict[str, Any]]
    points: int

    def recipe(self, steps: int, **changes: Any) -> Recipe:
        """Returns the recipe of the supernet's training for another number of steps."""
        own = self.run.settings.recipe
        return replace(own.scaled(steps / own.steps), steps=steps, **changes)

    def train_net(self, name: str, net: nn.Module, steps: int, seed: int) -> Trajectory:
        """Trains one net on masked tokens; its perplexity has the name ``net``."""
        recipe = self.recipe(steps)
        phase = Phase("training", NetLm(net, self._batches(recipe, seed)), recipe)
        return self._follow(name, net, phase, seed, lambda: {"net": perplexity(net, self.held_out)})

    def train_supernet(
        self, name: str, net: Supernet, recipe: Recipe, seed: int, followed: Mapping[str, Architecture]
    ) -> Trajectory:
        """Trains the subnets that the recipe's rule draws, and evaluates some by their names."""
        drawn = rule(recipe.sampling, net, recipe.random, seed)
        phase = Phase("training", SupernetLm(net, self._batches(recipe, seed), drawn), recipe)

        def evaluate() -> dict[str, float]:
            return dict(zip(followed, perplexities(net, followed.values(), self.held_out), strict=True))

        return self._follow(name, net, phase, seed, evaluate)

    def _batches(self, recipe: Recipe, seed: int) -> Any:
        text, tokenizer = self.run.text[0], self.run.tokenizer
        return MlmBatches(text, tokenizer, recipe.seq_len, recipe.micro_batch, seed).batch

    def _follow(self, name: str, module: nn.Module, phase: Phase, seed: int, evaluate: Any) -> Trajectory:
        about = {"what": name, "seed": seed, "text": self.run.text[0].digest}
        return follow(self.pipeline, name, module, phase, about, evaluate, self.points)
