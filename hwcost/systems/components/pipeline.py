"""The stages of Finding Fast Transformers."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from hwcost.objectives import Minimize
from hwcost.searchers import Problem
from hwcost.searchers.direct import Direct as DirectSearch
from hwcost.searchers.sampling import Sampling
from hwcost.spaces import Architecture
from hwcost.spaces.components import Components
from hwcost.supernets import backbone, subnet
from hwcost.supernets.components import ComponentSupernet, folded
from hwcost.supernets.masked_lm import NetLm, SupernetLm, perplexity
from hwcost.supernets.training import Phase
from hwcost.systems.base import Pipeline
from hwcost.systems.claims import Claim
from hwcost.systems.components.claims import claims
from hwcost.systems.components.gate_costs import PAPER_SHARES, GateCosts
from hwcost.systems.components.gate_training import DirectTraining, Gated, SampledTraining
from hwcost.systems.components.presets import PRESETS, ComponentsPreset
from hwcost.systems.components.results import (
    Base,
    Direct,
    Profile,
    Results,
    Retrained,
    Retraining,
    Sampled,
    SpeedUp,
    Winners,
)
from hwcost.systems.components.shares import gate_shares, share_workloads
from hwcost.systems.fine_tuning import FineTuning
from hwcost.systems.latencies import Latency, by_architecture
from hwcost.systems.stages import stage
from hwcost.systems.task_scores import TaskScores, TaskUsed
from hwcost.systems.text import Text
from hwcost.systems.training import save_net, train_phase
from hwcost.workloads import builder

SELECTED = ("do", "sdo")


class ComponentsPipeline(Pipeline[ComponentsPreset]):
    """See :mod:`hwcost.systems.components` and :class:`~hwcost.systems.base.Pipeline`."""

    name = "components"
    title = "Finding Fast Transformers: the components that are worth their time"
    presets = PRESETS
    needs_task = True

    # -- stages --------------------------------------------------------------------------------------------------------

    @stage
    def profile(self) -> Profile:
        """Measures the components at all sequence lengths (Tables 1 and 4)."""
        found, gaps = {}, {}
        for length in self.preset.measuring.seq_lens:
            campaign = self.measure(share_workloads(self.space, self.preset.measuring.batch_size, length))
            shares, apart = gate_shares(self.space, campaign.measurements)
            found[str(length)], gaps[str(length)] = shares, {self.space.key(arch): gap for arch, gap in apart.items()}
        kinds = next(iter(found.values()))
        largest = {kind: max(one[kind] for one in found.values()) for kind in kinds}
        return Profile(found, gaps, largest, PAPER_SHARES.get(self.preset.grid))

    @stage
    def base(self) -> Base:
        """Trains the base net."""
        net, arch = self.supernet(), self.space.base()
        batches = self.text.batches(self.preset.base.batch_size)
        objective = SupernetLm(net, batches.batch, lambda step: {"base": arch})
        curves = train_phase(self, net, Phase("base", objective, self.preset.base), self.text, "base")
        subnet.write_tensors(self._weights("base"), net.state_dict())
        return Base(curves, self._perplexity(net.set(arch, "mlm")))

    @stage
    def do(self) -> Direct:
        """Trains gates with the weights, at a penalty for their cost (DO, section 3.3.1)."""
        net, preset = self.supernet("base"), self.preset
        blocks = self.space.grid.layers
        costs = self.cost.of_gates().reshape(blocks, -1)
        start = np.array(self.space.base().genes, dtype=np.float64).reshape(blocks, -1)
        gated = Gated(net, DirectSearch(costs, preset.direct_penalty, start=start))
        batches = self.text.batches(preset.direct.batch_size).batch
        objective = DirectTraining(gated, batches, preset.direct, preset.direct_rate)
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
        """Trains the weights of nets that a policy draws, and the policy by their losses and costs (SDO, section 3.3.2)."""
        net, preset = self.supernet("base"), self.preset
        policy = self._policy()
        batches, folder = self.text.batches(preset.sampled.batch_size).batch, self.folder / "sdo-training"
        objective = SampledTraining(net, policy, self.cost, batches, folder)
        about = {"penalty": preset.sampled_penalty, "rate": preset.sampled_rate, "samples": preset.samples}
        curves = train_phase(self, net, Phase("sdo", objective, preset.sampled, about=about), self.text, "sdo")
        objective.catch_up(preset.sampled.steps)
        arch = policy.chosen()
        subnet.write_tensors(self._weights("sdo"), net.state_dict())
        return Sampled(
            curves=curves, probabilities=policy.probabilities[:, 1].tolist(),
            perplexity=self._perplexity(net.set(arch, "mlm")), **self._described(arch),
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
        workloads = [one for length in measuring.seq_lens for one in measuring.workloads(self.space, distinct, length)]
        measured = self.measure(workloads, "winner", self.preset.winner_rounds).measurements
        latencies: dict[str, dict[str, Latency]] = {name: {} for name in nets}
        for place, length in enumerate(measuring.seq_lens):
            part = by_architecture(measured[place * len(distinct) : (place + 1) * len(distinct)])
            for name, arch in nets.items():
                latencies[name][str(length)] = Latency.of(part[arch])
        speed_up = {
            name: {length: speed_up_over(base, latencies[name][length]) for length, base in latencies["base"].items()}
            for name in SELECTED
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
            Results(self.profile, self.base, self.do, self.sdo, self.retraining, self.winners, self.fine_tuned)
        )

    def read_inputs(self) -> None:
        """See the base class."""
        _ = self.text, self.supernet()

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
    def cost(self) -> GateCosts:
        """The cost of gates on this device."""
        return GateCosts(self.space, self.profile.shares)

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
        return perplexity(net, self.text.held_out_batches(self.preset.batches))

    def _policy(self) -> Sampling:
        """Makes SDO's policy. It is given losses and costs with each trial, so the objectives are only names."""
        objectives = [Minimize(lambda arch: 0.0, "loss"), Minimize(self.cost, "cost")]
        preset = self.preset
        return Sampling(
            Problem(self.space, objectives), self.settings.seed, samples=preset.samples, penalty=preset.sampled_penalty,
            rate=preset.sampled_rate, start=self.space.base().genes,
        )  # fmt: skip

    def _described(self, arch: Architecture) -> dict[str, Any]:
        return {"arch": self.space.key(arch), "params": self.space.params(arch), "cost": self.cost(arch)}

    def _nets(self) -> dict[str, Architecture]:
        return {"base": self.space.base(), "do": self.space.parse(self.do.arch), "sdo": self.space.parse(self.sdo.arch)}

    def _retrain(self, name: str, arch: Architecture) -> Retrained:
        net = self.supernet(name).extract(arch, "mlm").to(self.train_on)
        recipe = self.preset.retraining
        if name == "base":
            recipe = replace(recipe, steps=recipe.steps + self.preset.sampled.steps)
        objective = NetLm(net, self.text.batches(recipe.batch_size).batch)
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
