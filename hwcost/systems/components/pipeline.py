"""The stages of Finding Fast Transformers."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from hwcost.objectives import Constraint, Minimize
from hwcost.searchers import Problem
from hwcost.searchers.direct import Direct as DirectSearch
from hwcost.searchers.sampling import Sampling
from hwcost.spaces import Architecture
from hwcost.spaces.components import Components
from hwcost.supernets import backbone, subnet
from hwcost.supernets.components import ComponentSupernet, folded
from hwcost.supernets.masked_lm import NetLm, SupernetLm, perplexity
from hwcost.supernets.training import Phase
from hwcost.systems.base import Pipeline, described
from hwcost.systems.claims import Claim
from hwcost.systems.components.claims import claims
from hwcost.systems.components.gate_costs import PAPER_SHARES, GateCosts
from hwcost.systems.components.gate_training import DirectTraining, Gated, SampledTraining
from hwcost.systems.components.model_costs import ModelCosts
from hwcost.systems.components.presets import PRESETS, ComponentsPreset
from hwcost.systems.components.results import (
    Base,
    Direct,
    Profile,
    Results,
    Retrained,
    Retraining,
    Sampled,
    Search,
    Searched,
    SpeedUp,
    Winners,
)
from hwcost.systems.components.shares import gate_shares, share_workloads
from hwcost.systems.components.trainings import planned
from hwcost.systems.curves import thinned
from hwcost.systems.fine_tuning import FineTuning
from hwcost.systems.latencies import NOT_MEASURED, Latency, by_architecture
from hwcost.systems.plan import Calls, Training
from hwcost.systems.stages import stage
from hwcost.systems.task_scores import TaskScores, TaskUsed
from hwcost.systems.text import Text
from hwcost.systems.training import save_net, train_phase
from hwcost.workloads import builder

ROUNDING = 1e-9
"""Relative slack of a bound that is a net's own cost, which sums of floats need."""


class ComponentsPipeline(Pipeline[ComponentsPreset]):
    """See :mod:`hwcost.systems.components` and :class:`~hwcost.systems.base.Pipeline`."""

    name = "components"
    title = "Finding Fast Transformers: the components that are worth their time"
    presets = PRESETS
    takes = ("cost", "searcher", "constraints", "estimator")
    cost_kind = "lut"
    needs_task = True

    # -- stages --------------------------------------------------------------------------------------------------------

    @stage
    def profile(self) -> Profile:
        """Measures the components at all sequence lengths (Tables 1 and 4), unless a cost model is given."""
        paper = PAPER_SHARES.get(self.preset.grid)
        if self.costs:
            return Profile({}, {}, {}, paper, described(self.costs[self.name]))
        found, gaps = {}, {}
        for length in self.preset.measuring.lengths:
            campaign = self.measure(share_workloads(self.space, **self.preset.measuring.shape(length)))
            shares, apart = gate_shares(self.space, campaign.measurements)
            found[str(length)], gaps[str(length)] = shares, {self.space.key(arch): gap for arch, gap in apart.items()}
        kinds = next(iter(found.values()))
        largest = {kind: max(one[kind] for one in found.values()) for kind in kinds}
        return Profile(found, gaps, largest, paper)

    @stage
    def base(self) -> Base:
        """Trains the base net."""
        net, arch = self.supernet(), self.space.base()
        batches = self.text.batches(self.preset.base.micro_batch)
        objective = SupernetLm(net, batches.batch, lambda step: {"base": arch})
        curves = train_phase(self, net, Phase("base", objective, self.preset.base), self.text, "base")
        subnet.write_tensors(self._weights("base"), net.state_dict())
        return Base(curves, self._perplexity(net.set(arch, "mlm")))

    @stage
    def do(self) -> Direct:
        """Trains gates with the weights, at a penalty for their cost (DO, section 4.1)."""
        net, preset = self.supernet("base"), self.preset
        blocks = self.space.grid.layers
        costs = self.cost.of_gates().reshape(blocks, -1)
        start = np.array(self.space.base().genes, dtype=np.float64).reshape(blocks, -1)
        gated = Gated(net, DirectSearch(costs, preset.direct_penalty, start=start))
        batches = self.text.batches(preset.direct.micro_batch).batch
        prices = self.cost.of_gates if self.costs else None
        objective = DirectTraining(gated, batches, preset.direct, preset.direct_rate, prices)
        about = {"penalty": preset.direct_penalty, "rate": preset.direct_rate}
        phase = Phase("do", objective, preset.direct, lambda name: name.startswith("supernet."), about)
        curves = train_phase(self, gated, phase, self.text, "do")
        gates = gated.direct.gates.detach().clone()
        arch = folded(net, gates)
        subnet.write_tensors(self._weights("do"), net.state_dict())
        found = self._perplexity(net.set(arch, "mlm"))
        return Direct(curves=curves, gates=gates.tolist(), perplexity=found, **self._described(arch))

    @stage
    def sdo(self) -> Sampled:
        """Trains the weights of nets that a policy draws, and the policy by their losses and costs (SDO, section 4.2)."""
        net, preset = self.supernet("base"), self.preset
        policy = self._policy(self.cost, self._limits())
        batches, folder = self.text.batches(preset.sampled.micro_batch).batch, self.folder / "sdo-training"
        objective = SampledTraining(net, policy, self.cost, batches, folder, preset.sampled.accumulate)
        about = {
            "penalty": preset.sampled_penalty, "rate": preset.sampled_rate, "samples": preset.samples,
            "estimator": policy.estimator,
        }  # fmt: skip
        curves = train_phase(self, net, Phase("sdo", objective, preset.sampled, about=about), self.text, "sdo")
        objective.catch_up(preset.sampled.steps)
        arch = policy.chosen()
        subnet.write_tensors(self._weights("sdo"), net.state_dict())
        return Sampled(
            curves=curves, probabilities=policy.probabilities[:, 1].tolist(),
            perplexity=self._perplexity(net.set(arch, "mlm")), **self._described(arch),
        )  # fmt: skip

    @stage
    def search(self) -> Search:
        """Lets the user's searcher look for gates by the weights that SDO trained, where one is given.

        It lowers the perplexity within the user's constraints; without any, within the cost of SDO's net.
        """
        if self.parts.searcher is None:
            return Search()
        net, limits = self.supernet("sdo"), self._limits()
        if not limits:
            limits = [Constraint(self.cost, most=self.preset.whole_cost * self.sdo.cost * (1 + ROUNDING), name="gate_cost")]

        def found(arch: Architecture) -> float:
            return self._perplexity(net.set(arch, "mlm"))

        study = self.run_study(
            "gates", "search over gates", Problem(self.space, [Minimize(found, "perplexity")], limits),
            evaluations=self.preset.evaluations, **self.search_options("random"),
        )  # fmt: skip
        return Search(
            Searched(
                searcher=self.parts.searcher_name or "", evaluations=study.evaluations, perplexity=study.best.values[0],
                progress=thinned(study.convergence().tolist()), **self._described(study.best.architecture),
            )
        )  # fmt: skip

    @stage
    def retraining(self) -> Retraining:
        """Trains the selected nets on, and the base net as long as search and retraining together; fine-tunes each."""
        nets = {name: self._retrain(name, arch) for name, arch in self._nets().items()}
        return Retraining(TaskUsed.of(self.tasks[0]), nets)

    @stage
    def winners(self) -> Winners:
        """Measures the selected nets beside the base net, at all sequence lengths in one campaign."""
        nets, measuring = self._nets(), self.preset.measuring
        distinct = list(dict.fromkeys(nets.values()))
        workloads = [one for length in measuring.lengths for one in measuring.workloads(self.space, distinct, length)]
        measured = self.measured(workloads, "winner", self.preset.winner_rounds)
        latencies: dict[str, dict[str, Latency]] = {name: {} for name in nets}
        for place, length in enumerate(measuring.lengths):
            part = by_architecture(measured[place * len(distinct) : (place + 1) * len(distinct)])
            for name, arch in nets.items():
                latencies[name][str(length)] = Latency.of(part.get(arch, NOT_MEASURED))
        speed_up = {
            name: {length: speed_up_over(base, latencies[name][length]) for length, base in latencies["base"].items()}
            for name in nets if name != "base"
        }
        return Winners(latencies, speed_up)

    @stage
    def fine_tuned(self) -> TaskScores:
        """Fine-tunes the retrained nets on every task that the user gave (Table 8)."""
        return self.fine_tuning.scores({name: partial(self._retrained, name) for name in self._nets()})

    # -- what stages share ---------------------------------------------------------------------------------------------

    def claims(self) -> list[Claim]:
        """See the base class."""
        return claims(
            Results(
                self.profile, self.base, self.do, self.sdo, self.search, self.retraining, self.winners, self.fine_tuned
            )
        )

    def check_settings(self) -> None:
        """See the base class."""
        self._policy(lambda arch: 0.0, [])  # an estimator that does not fit is an error before anything is trained

    def read_inputs(self) -> None:
        """See the base class."""
        _ = self.text, self.supernet()

    def check_costs(self) -> None:
        """DO follows the mean cost of gates, which not every cost model has."""
        for cost in self.costs.values():
            ModelCosts(cost).of_gates()

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
        return [*fitted, *(self.planned_calls("winners", nets, length) for length in lengths)]

    def trainings(self) -> dict[str, Training]:
        """See the base class; nets that are trained on are no larger than the base net."""
        return planned(self.space, self.preset, self.settings.seed)

    @cached_property
    def space(self) -> Components:
        """The search space."""
        return Components(self.preset.grid)

    @cached_property
    def text(self) -> Text:
        """The training text."""
        settings, length = self.settings, self.preset.base.seq_len
        return Text(settings.corpus, self.space.grid.vocabulary, length, settings.seed, settings.weights)

    @cached_property
    def fine_tuning(self) -> FineTuning:
        """The fine-tuning of nets."""
        return FineTuning(self, self.text.tokenizer, self.preset.tuning)

    @cached_property
    def cost(self) -> GateCosts | ModelCosts:
        """The cost of gates: by the user's cost model, or by shares that were measured on this device."""
        if self.costs:
            return ModelCosts(self.costs[self.name], self.preset.whole_cost)
        return GateCosts(self.space, self.profile.shares, total=self.preset.whole_cost)

    def _limits(self) -> list[Constraint]:
        return self.constraints(self.name, self.costs.get(self.name))

    def supernet(self, after: str | None = None) -> ComponentSupernet:
        """Returns the supernet: with its initial weights, or with the weights after a stage."""
        net = ComponentSupernet(self.space, self.settings.seed)
        net.to(self.train_on)
        if after is not None:
            net.load_state_dict(subnet.read_tensors(self._weights(after)))
        elif self.settings.weights is not None:
            backbone.load(net, self.settings.weights)
        return net

    def _weights(self, after: str) -> Path:
        return self.folder / f"{after}.safetensors"

    def _perplexity(self, net: nn.Module) -> float:
        return perplexity(net, self._held_out)

    @cached_property
    def _held_out(self) -> list[dict[str, Any]]:
        return self.text.held_out_batches(self.preset.batches)

    def _policy(self, cost: Any, limits: list[Constraint]) -> Sampling:
        """Makes SDO's policy. It is given losses and costs with each trial, so the objectives are only names."""
        objectives = [Minimize(lambda arch: 0.0, "loss"), Minimize(cost, "cost")]
        preset = self.preset
        return Sampling(
            Problem(self.space, objectives, limits), self.settings.seed, samples=preset.samples,
            penalty=preset.sampled_penalty, rate=preset.sampled_rate, start=self.space.base().genes,
            estimator=self.parts.estimator or "rloo",
        )  # fmt: skip

    def _described(self, arch: Architecture) -> dict[str, Any]:
        given = self.costs.get(self.name)
        return {
            "arch": self.space.key(arch), "params": self.space.params(arch),
            "cost": self.cost(arch) / self.preset.whole_cost, "predicted_s": None if given is None else given(arch),
        }  # fmt: skip

    def _nets(self) -> dict[str, Architecture]:
        found = {"base": self.space.base(), "do": self.space.parse(self.do.arch), "sdo": self.space.parse(self.sdo.arch)}
        net = self.search.net
        return found if net is None else {**found, "search": self.space.parse(net.arch)}

    def _retrain(self, name: str, arch: Architecture) -> Retrained:
        net = self.supernet("sdo" if name == "search" else name).extract(arch, "mlm").to(self.train_on)
        recipe = self.preset.retraining
        if name == "base":
            recipe = replace(recipe, steps=recipe.steps + self.preset.sampled.steps)
        objective = NetLm(net, self.text.batches(recipe.micro_batch).batch)
        train_phase(self, net, Phase(name, objective, recipe), self.text, f"re-{name}")
        save_net(self._winner(name), net, self.space, arch, builder(self.space).blueprint(arch, "mlm"))
        score = self.fine_tuning.score(name, partial(self._retrained, name), self.tasks[0]).score
        return Retrained(perplexity=self._perplexity(net), score=score, **self._described(arch))

    def _winner(self, name: str) -> Path:
        return self.folder / "winners" / name

    def _retrained(self, name: str) -> nn.Module:
        return subnet.load(self._winner(name)).to(self.train_on)


def speed_up_over(base: Latency, own: Latency) -> SpeedUp:
    """Returns how many times faster a net is than the base net, with the ends of both intervals."""

    def ratio(over: float | None, under: float | None) -> float | None:
        return None if over is None or under is None else over / under

    return SpeedUp(
        ratio(base.measured_s, own.measured_s),
        ratio(base.measured_low_s, own.measured_high_s),
        ratio(base.measured_high_s, own.measured_low_s),
    )
