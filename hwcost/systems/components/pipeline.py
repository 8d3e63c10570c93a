"""The stages of Finding Fast Transformers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from hwcost.corpora import Tokenizer
from hwcost.errors import UsageError
from hwcost.objectives import Constraint, Minimize
from hwcost.searchers import Problem
from hwcost.spaces import Architecture
from hwcost.spaces.components import Components
from hwcost.spaces.shaped import Shaped
from hwcost.supernets import backbone, subnet
from hwcost.supernets.components import ComponentSupernet
from hwcost.supernets.folding import keep_scales
from hwcost.supernets.masked_lm import SupernetLm, perplexity
from hwcost.supernets.objective import Phase
from hwcost.systems.base import Pipeline
from hwcost.systems.claims import Claim
from hwcost.systems.components.claims import claims
from hwcost.systems.components.gate_costs import PAPER_SHARES, GateCosts
from hwcost.systems.components.gate_training import check_decay
from hwcost.systems.components.lengths import batches_of
from hwcost.systems.components.model_costs import ModelCosts
from hwcost.systems.components.overhead import overhead
from hwcost.systems.components.presets import PRESETS, ComponentsPreset
from hwcost.systems.components.profiling import profiled
from hwcost.systems.components.results import (
    Base,
    Direct,
    Distillation,
    Overhead,
    Profile,
    Results,
    Retraining,
    Sampled,
    Search,
    Searched,
    Sweep,
    Winners,
)
from hwcost.systems.components.retraining import retrained, winner
from hwcost.systems.components.searches import SCALES, direct, policy_of, sampled
from hwcost.systems.components.shares import share_workloads
from hwcost.systems.components.speed import compared, latencies_of
from hwcost.systems.components.students import distilled, measured_students
from hwcost.systems.components.sweep import AS_SEARCHED, settings_of, swept
from hwcost.systems.components.taggers import Taggers
from hwcost.systems.components.trainings import planned
from hwcost.systems.components.tuned import FineTuned
from hwcost.systems.costs import at_measured, described
from hwcost.systems.curves import thinned
from hwcost.systems.fine_tuning import FineTuning
from hwcost.systems.plan import Calls, Training
from hwcost.systems.processes import together
from hwcost.systems.stages import stage
from hwcost.systems.task_scores import TaskUsed
from hwcost.systems.text import Text
from hwcost.systems.training import shown, train_phase, words_learnt
from hwcost.workloads import builder

ROUNDING = 1e-9
"""Relative slack of a bound that is a net's own cost, which sums of floats need."""


class ComponentsPipeline(Pipeline[ComponentsPreset]):
    """See :mod:`hwcost.systems.components` and :class:`~hwcost.systems.base.Pipeline`."""

    name = "components"
    title = "Finding Fast Transformers: the components that are worth their time"
    paper = 'Tsai et al., "Finding Fast Transformers: One-Shot Neural Architecture Search by Component Composition"'
    presets = PRESETS
    takes = ("cost", "searcher", "constraints", "estimator")
    cost_kind = "lut"
    needs_task = True

    # -- stages --------------------------------------------------------------------------------------------------------

    @stage
    def profile(self) -> Profile:
        """Measures the components at all sequence lengths (Tables 1 and 4), unless a cost model is given."""
        if self.costs:
            return Profile({}, {}, {}, PAPER_SHARES.get(self.preset.grid), described(self.costs[self.name]))
        return profiled(self, self.space)

    @stage
    @together
    def base(self) -> Base:
        """Trains the base net."""
        net, arch = self.supernet(), self.space.base()
        objective = SupernetLm(net, batches_of(self.text, self.preset.base, self.preset), lambda step: {"base": arch})
        curves = train_phase(self, net, Phase("base", objective, self.preset.base), self.text, "base")
        self.keep_weights("base", net)
        held_out, batches = self.text.held_out_batches(shown(self)), self.text.batches(self.preset.base.micro_batch)
        learnt = words_learnt("base net", net.set(arch, "mlm"), held_out, batches)
        return Base(curves, self.quality(net.set(arch, "mlm")), learnt)

    @stage
    def do(self) -> Direct:
        """Trains gates with the weights, at a penalty for their cost (DO, section 4.1)."""
        return direct(self, "do", self.preset.direct_penalty)

    @stage
    def sdo(self) -> Sampled:
        """Trains the weights of nets that a policy draws, and the policy by their losses and costs (SDO, section 4.2)."""
        return sampled(self, "sdo", self.preset.sampled_penalty, self.preset.sampled_rate)

    @stage
    def overhead(self) -> Overhead:
        """Times a step of DO and of SDO beside one of plain training."""
        return overhead(self)

    @stage
    def sweep(self) -> Sweep:
        """Searches with other weights of the cost; selects the fastest net within an accepted loss of quality (Table 7)."""
        return swept(self)

    @stage
    def search(self) -> Search:
        """Lets the user's searcher look for gates by the weights that SDO trained, where one is given.

        It lowers the perplexity within the user's constraints; without any, within the cost of SDO's net.
        """
        if self.parts.searcher is None:
            return Search()
        limits = self.limits()
        if not limits:
            limits = [Constraint(self.cost, most=self.sdo.cost * (1 + ROUNDING), name="gate_cost")]

        def found(arch: Architecture) -> float:
            return self.searched_quality(self.space.key(arch))

        study = self.run_study(
            "gates", "search over gates", Problem(self.space, [Minimize(found, "perplexity")], limits),
            evaluations=self.preset.evaluations, **self.search_options("random"),
        )  # fmt: skip
        return Search(
            Searched(
                searcher=self.parts.searcher_name or "", evaluations=study.evaluations, perplexity=study.best.values[0],
                progress=thinned(study.convergence().tolist()), **self.described(study.best.architecture),
            )
        )  # fmt: skip

    @stage
    def retraining(self) -> Retraining:
        """Fine-tunes the selected nets, with the weights of their search and trained again ("-R"), and the base net."""
        return Retraining(TaskUsed.of(self.tasks[0]), retrained(self))

    @stage
    def winners(self) -> Winners:
        """Measures the selected nets beside the base net, at all sequence lengths in one campaign."""
        return compared(latencies_of(self, {name: arch for name, (arch, _) in self.selected().items()}))

    @stage
    def fine_tuned(self) -> FineTuned:
        """Fine-tunes the same nets on every task that the user gave (Tables 2, 3 and 8)."""
        nets, winners = self.retraining.nets, self.winners
        found = self.fine_tuning.scores({name: name for name in nets})
        return FineTuned.of(
            found, {name: net.params for name, net in nets.items()}, {name: winners.speed_of(name) for name in nets}
        )

    @stage
    def distillation(self) -> Distillation:
        """Distils the base net into students, with DO and SDO in it, where the preset asks for that (Tables 5 and 6)."""
        return distilled(self)

    @stage
    def students(self) -> Winners:
        """Measures the selected students beside their teacher, at all sequence lengths in one campaign."""
        return measured_students(self)

    # -- what stages share ---------------------------------------------------------------------------------------------

    def claims(self) -> list[Claim]:
        """See the base class."""
        return claims(self.results(Results))

    def check_settings(self) -> None:
        """See the base class."""
        preset = self.preset
        Tokenizer.check_kind(preset.tokenizer)
        if preset.long_seq_len is not None:
            builder(self.space).check_seq_len(preset.long_seq_len)
            if not 0 < preset.long_share < 1:
                raise UsageError(f"long_share is a share of the steps, above 0 and below 1, got {preset.long_share:g}")
        policy_of(self, lambda arch: 0.0, [], preset.sampled_penalty, preset.sampled_rate)  # an estimator may not fit
        if preset.direct_mode == "decay":
            usual = preset.direct_penalty * preset.direct_whole_cost / len(self.space.genes)
            check_decay(preset.direct_rate, preset.direct, usual)
        if preset.distillation.is_on:
            self.taggers.check()

    def read_inputs(self) -> None:
        """See the base class."""
        _ = self.text, self.supernet()
        if self.preset.distillation.is_on:
            _ = self.taggers.tasks

    @property
    def _tokenizer(self) -> Path:
        """Folder of the tokenizer where it was trained as a unigram model, as two trainings of one may differ."""
        return self.folder / "tokenizer"

    def keep_inputs(self) -> None:
        """See the base class."""
        if self.preset.tokenizer == "unigram":
            self.text.tokenizer.save(self._tokenizer)

    def check_costs(self) -> None:
        """DO follows the mean cost of gates, which not every cost model has."""
        if self.costs:
            self._model_costs.of_gates()

    def spaces(self) -> dict[str, Components]:
        """See the base class."""
        return {self.name: self.space}

    def baseline(self, name: str) -> Architecture:
        """The base net."""
        return self.space.base()

    def calls(self) -> list[Calls]:
        """See the base class."""
        stacks = len(share_workloads(self.space, **self.preset.measuring.shape()))
        nets = 3 if self.parts.searcher is None else 4
        lengths = self.preset.measuring.lengths
        fitted = [] if self.costs else [self.planned_calls("profile", stacks, length) for length in lengths]
        searches = len(settings_of(self.preset.sweep))
        swept = [self.planned_calls("sweep", 1 + searches, length) for length in lengths] if searches else []
        own = [*fitted, *swept, *(self.planned_calls("winners", nets, length) for length in lengths)]
        return [*own, *(self.taggers.calls() if self.preset.distillation.is_on else ())]

    def trainings(self) -> dict[str, Training]:
        """See the base class; nets that are trained on are no larger than the base net."""
        own = planned(self.space, self.preset, self.tuning_of_tasks(self.preset.tuning), self.settings.seed)
        return own if not self.preset.distillation.is_on else {**own, **self.taggers.trainings()}

    @cached_property
    def space(self) -> Components:
        """The search space."""
        return Components(self.preset.grid)

    @cached_property
    def text(self) -> Text:
        """The training text."""
        settings, length = self.settings, self.preset.base.seq_len
        kind = str(self._tokenizer) if self._tokenizer.is_dir() else self.preset.tokenizer
        return Text(settings.corpus, self.space.grid.vocabulary, length, settings.seed, settings.weights, kind)

    @cached_property
    def fine_tuning(self) -> FineTuning:
        """The fine-tuning of nets."""
        return FineTuning(self, self.text.tokenizer, self.preset.tuning)

    @cached_property
    def taggers(self) -> Taggers:
        """What students are distilled from, and what they cost."""
        return Taggers(self)

    @cached_property
    def cost(self) -> GateCosts | ModelCosts:
        """The cost of gates, 1 for the whole net: by the user's cost model, or by shares measured on this device."""
        if self.costs:
            return self._model_costs
        return GateCosts(self.space, self.profile.shares, self.preset.cost_form)

    @cached_property
    def _model_costs(self) -> ModelCosts:
        """The cost of gates by the user's cost model: over all lengths where it is over shapes, else at its own."""
        given, measuring = self.given_costs[self.name], self.preset.measuring
        lengths = measuring.lengths if isinstance(given.space, Shaped) else measuring.lengths[-1:]
        return ModelCosts(*(at_measured(given, measuring, length) for length in lengths))

    def limits(self) -> list[Constraint]:
        """Returns the user's constraints on nets."""
        return self.constraints(self.name, self.costs.get(self.name))

    def supernet(self, after: str | None = None) -> ComponentSupernet:
        """Returns the supernet: with its initial weights, or with the weights after a stage."""
        net = ComponentSupernet(self.space, self.settings.seed)
        net.to(self.train_on)
        if after is not None:
            tensors = subnet.read_tensors(self.weights(after))
            scales = tensors.pop(SCALES, None)
            net.load_state_dict(tensors)
            if scales is not None:
                keep_scales(net, scales)
        elif self.settings.weights is not None:
            backbone.load(net, self.settings.weights)
        return net

    @property
    def searched_from(self) -> str | None:
        """Name of the weights that searches start from; None for fresh ones."""
        return "base" if self.preset.is_warm else None

    def weights(self, after: str) -> Path:
        """Returns the file of the weights after a training."""
        return self.folder / f"{after}.safetensors"

    def keep_weights(self, after: str, net: ComponentSupernet, beside: Mapping[str, Tensor] = MappingProxyType({})) -> None:
        """Writes the weights after a training, and further tensors beside them."""
        if self.processes.is_first:
            subnet.write_tensors(self.weights(after), net.state_dict() | dict(beside))

    def encoder(self, net: str) -> nn.Module:
        """Returns a net to fine-tune: a kept one by its name, or one as searched by its weights and architecture."""
        after, _, arch = net.partition(AS_SEARCHED)
        return self.net_after(after, self.space.parse(arch)) if arch else winner(self, net)

    def net_after(self, after: str | None, arch: Architecture) -> nn.Module:
        """Returns a plain net with the weights after a training, or with fresh ones."""
        return self.supernet(after).extract(arch, "mlm").to(self.train_on)

    def quality(self, net: nn.Module) -> float:
        """Returns the perplexity on held-out text."""
        return perplexity(net, self._held_out)

    @together
    def searched_quality(self, arch: str) -> float:
        """Returns the perplexity of a net with the weights that SDO trained; processes share the text.

        Args:
            arch: Key of the net.
        """
        return self.quality(self._after_sdo.set(self.space.parse(arch), "mlm"))

    @cached_property
    def _after_sdo(self) -> ComponentSupernet:
        return self.supernet("sdo")

    @cached_property
    def _held_out(self) -> list[dict[str, Any]]:
        return self.text.held_out_batches(self.preset.batches)

    def described(self, arch: Architecture) -> dict[str, Any]:
        """Returns what is known of a selected net without training it."""
        given = self.costs.get(self.name)
        return {
            "arch": self.space.key(arch), "params": self.space.params(arch), "cost": float(self.cost(arch)),
            "predicted_s": None if given is None else given(arch),
        }  # fmt: skip

    def selected(self) -> dict[str, tuple[Architecture, str]]:
        """Returns the selected nets, and the names of the weights that they were searched with.

        Those of DO and SDO are the sweep's where it chose any.
        """
        names = {method: self.sweep.chosen.get(method) or method for method in ("do", "sdo")}
        points = {point.name: point.arch for point in self.sweep.points}
        archs = {"do": points.get(names["do"], self.do.arch), "sdo": points.get(names["sdo"], self.sdo.arch)}
        found = {"base": (self.space.base(), "base")}
        found |= {method: (self.space.parse(archs[method]), names[method]) for method in ("do", "sdo")}
        net = self.search.net
        return found if net is None else {**found, "search": (self.space.parse(net.arch), "sdo")}
