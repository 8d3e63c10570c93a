"""Trainings that are compared: backbone and BERT, rules of sampling, and nets with and without what they inherit.

Source: SuperShaper, section 4.2 (Figures 2, 3 and 5). All see the same text, and have the recipe of the supernet's
training with fewer steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from torch import nn

from hwcost.corpora import MlmBatches
from hwcost.spaces import Architecture
from hwcost.spaces.supershaper import SuperShaper
from hwcost.supernets.backbone import load
from hwcost.supernets.base import Supernet
from hwcost.supernets.diagnostics import choose, perplexities
from hwcost.supernets.masked_lm import NetLm, SupernetLm, perplexity
from hwcost.supernets.objective import Phase
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.run import Run
from hwcost.supernets.sampling import rule
from hwcost.systems.learnt import WordsLearnt
from hwcost.systems.supershaper.bert import bert_of
from hwcost.systems.supershaper.following import follow
from hwcost.systems.supershaper.inheritance import Inheritance, Inherited
from hwcost.systems.supershaper.presets import SuperShaperPreset
from hwcost.systems.supershaper.results import Backbone
from hwcost.systems.supershaper.rules import COMPARED, Rules
from hwcost.systems.supershaper.sizes import ends, params
from hwcost.systems.supershaper.trajectory import Trajectory
from hwcost.systems.training import shown, words_learnt

if TYPE_CHECKING:
    from hwcost.systems.base import Pipeline


@dataclass(frozen=True)
class Laboratory:
    """The trainings of a run that are compared.

    Attributes:
        pipeline: The pipeline.
        space: The space.
        run: The supernet's training, whose text, tokenizer and recipe they have.
        held_out: Batches that nets are evaluated on.
    """

    pipeline: Pipeline[SuperShaperPreset]
    space: SuperShaper
    run: Run
    held_out: Sequence[dict[str, Any]]

    # -- what is compared ----------------------------------------------------------------------------------------------

    def backbone(self) -> Backbone:
        """Trains the largest net alone, and a BERT of its size from the same weights (Figure 2)."""
        if not self.pipeline.preset.backbone_steps:
            return Backbone(None, None)
        bert = self.bert()[1]
        net = self.initial()
        course = self._train_backbone(net)
        return Backbone(course, bert, self.learnt("backbone", net.set(ends(self.space)[1], "mlm")))

    def bert(self) -> tuple[nn.Module, Trajectory]:
        """Trains the BERT that the backbone is compared with, and returns it; what is finished is only read."""
        net = bert_of(self.initial())
        return net, self.train_net("bert", net, self.pipeline.preset.backbone_steps, self.pipeline.settings.seed)

    def rules(self) -> Rules:
        """Trains supernets by either rule of sampling, once for each seed (Figure 3)."""
        smallest, largest = ends(self.space)
        first = self.pipeline.settings.seed
        drawn = {f"random {index}": one for index, one in enumerate(self.space.sample(2, seed=first + 5), 1)}
        nets = {"smallest": smallest, **drawn, "largest": largest}
        seeds = range(first, first + self.pipeline.preset.compared.seeds)
        courses: dict[str, list[Trajectory]] = {name: [] for name in COMPARED}
        learnt = None
        for name, seed in itertools.product(COMPARED, seeds):
            course, net = self._train_by(name, seed, nets)
            courses[name].append(course)
            learnt = learnt or self.learnt(f"largest net by the rule {name}", net.set(largest, "mlm"))
        return Rules.of({name: self.space.key(arch) for name, arch in nets.items()}, courses, learnt)

    def inherited(self, trained: Supernet) -> Inherited:
        """Trains nets with the weights of a trained supernet, and with random ones (Figure 5)."""
        sizes, seed = self.pipeline.preset.compared, self.pipeline.settings.seed
        near, spread = choose(self.space, sizes.nets, seed + 7) if sizes.nets else ([], [])
        nets = [self._compare_starts(trained, arch, arch in near) for arch in (*near, *spread)]
        best = min(nets, key=lambda one: one[0].scratch, default=None)
        return Inherited.of(sizes.net_steps, [one for one, _ in nets], best and best[1])

    @cached_property
    def weights(self) -> dict[str, Any]:
        """Weights that supernets start from: the trained backbone's, or the initial ones where there is none."""
        net = self.initial()
        if self.pipeline.preset.backbone_steps:
            self._train_backbone(net)
        return dict(net.state_dict())

    def initial(self) -> Supernet:
        """Returns a supernet before any training: random, or with the user's weights."""
        settings = self.pipeline.settings
        made = supernet(self.space.name, settings.seed, **self.space.options())
        made.to(self.pipeline.train_on)
        if settings.weights is not None:
            load(made, settings.weights)
        return made

    def _train_backbone(self, net: Supernet) -> Trajectory:
        """Trains the largest net; what is finished is only read."""
        recipe = self.recipe(self.pipeline.preset.backbone_steps, sampling="largest")
        return self.train_supernet("backbone", net, recipe, self.pipeline.settings.seed, {"largest": ends(self.space)[1]})

    def _train_by(self, name: str, seed: int, nets: Mapping[str, Architecture]) -> tuple[Trajectory, Supernet]:
        """Trains a supernet by a rule of sampling, with as many passes a step as a sandwich has."""
        net, own = self.initial(), self.pipeline.preset.recipe.random
        net.load_state_dict(self.weights)
        count = own if name == "sandwich" else own + 2
        recipe = self.recipe(self.pipeline.preset.compared.rule_steps, sampling=name, random=count)
        return self.train_supernet(f"{name}-{seed}", net, recipe, seed, nets), net

    def _compare_starts(
        self, trained: Supernet, arch: Architecture, is_banded: bool
    ) -> tuple[Inheritance, WordsLearnt]:
        """Trains a net from either start, and says what it has learnt from random weights."""
        key, seed, steps = self.space.key(arch), self.pipeline.settings.seed, self.pipeline.preset.compared.net_steps
        fresh = supernet(self.space.name, seed, **self.space.options())
        warm = self.train_net(f"inherited-{key}", trained.extract(arch, "mlm"), steps, seed)
        net = fresh.extract(arch, "mlm")
        cold = self.train_net(f"scratch-{key}", net, steps, seed)
        compared = Inheritance.compare(key, params(self.space, arch), is_banded, warm, cold)
        return compared, self.learnt("best net from random weights", net)

    # -- one training --------------------------------------------------------------------------------------------------

    def recipe(self, steps: int, **changes: Any) -> Recipe:
        """Returns the recipe of the supernet's training for another number of steps."""
        own = self.run.settings.recipe
        return replace(own.scaled(steps / own.steps), steps=steps, **changes)

    def train_net(self, name: str, net: nn.Module, steps: int, seed: int) -> Trajectory:
        """Trains one net on masked tokens; its perplexity has the name ``net``."""
        recipe = self.recipe(steps)
        net.to(self.pipeline.train_on)
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

    def learnt(self, name: str, net: nn.Module) -> WordsLearnt:
        """Returns what a net has learnt of words, beside their frequencies."""
        return words_learnt(name, net, self._shown, self._made(self.run.settings.recipe, self.run.settings.seed))

    @cached_property
    def _shown(self) -> list[dict[str, Any]]:
        return self.run.held_out(shown(self.pipeline))

    def _batches(self, recipe: Recipe, seed: int) -> Any:
        return self._made(recipe, seed).batch

    def _made(self, recipe: Recipe, seed: int) -> MlmBatches:
        text, tokenizer = self.run.text[0], self.run.tokenizer
        return MlmBatches(text, tokenizer, recipe.seq_len, recipe.micro_batch, seed)

    def _follow(self, name: str, module: nn.Module, phase: Phase, seed: int, evaluate: Any) -> Trajectory:
        about = {"what": name, "seed": seed, "text": self.run.text[0].digest}
        return follow(self.pipeline, name, module, phase, about, evaluate, self.pipeline.preset.compared.points)
