"""Finding Fast Transformers end to end: components are profiled, DO and SDO choose among them, what is left is measured.

Source: Tsai et al., "Finding Fast Transformers", sections 3.3 (the searches), 4 (costs of gates) and 5.3 (the recipe: a base
net, a search that starts from it, and further training of what was chosen). The paper gives costs no unit; here the whole
net costs 1, and the weight of the cost is relative to that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hwcost.campaign.shares import gate_shares, share_workloads
from hwcost.corpora import ClassificationTask
from hwcost.objectives import GateCosts, Minimize
from hwcost.objectives.gates import PAPER_SHARES
from hwcost.searchers.direct import Direct
from hwcost.searchers.problem import Problem
from hwcost.searchers.sampling import Sampling
from hwcost.spaces.base import Architecture
from hwcost.spaces.components import Components
from hwcost.supernets import backbone, subnet
from hwcost.supernets.components import ComponentSupernet, folded
from hwcost.supernets.masked_lm import NetLm, SupernetLm, perplexity
from hwcost.supernets.recipe import RECIPES, Recipe
from hwcost.supernets.training import Phase, train
from hwcost.systems import latencies
from hwcost.systems.base import ONE_BY_ONE, Measuring, Pipeline, Plain, Verdict
from hwcost.systems.curves import curves
from hwcost.systems.gates import DirectTraining, Gated, SampledTraining
from hwcost.systems.text import Text
from hwcost.systems.tuning import tuned_accuracy
from hwcost.units import format_seconds
from hwcost.workloads import builder

NETS = ("base", "do", "sdo")


@dataclass(frozen=True)
class Effort:
    """How much of everything is done.

    Attributes:
        grid: The net that is taken to pieces, and how finely.
        base: Recipe of the net that is taken to pieces.
        direct: Recipe of DO.
        sampled: Recipe of SDO.
        retraining: Recipe of what is chosen; the base net is trained as much longer as the search took.
        tuning: Recipe of fine-tuning.
        direct_penalty: Weight of the cost in DO (the paper's lambda).
        direct_rate: Of DO's gates.
        sampled_penalty: Weight of the cost in SDO.
        sampled_rate: Step of SDO's policy (the paper's nu).
        samples: Nets that SDO draws in a step.
        measuring: How latencies are measured; gates cost the largest share over its sequence lengths.
        winner_rounds: Of the winners' campaign, which has few nets to tell its noise by.
        judged: Held-out batches of perplexity.
    """

    grid: str
    base: Recipe
    direct: Recipe
    sampled: Recipe
    retraining: Recipe
    tuning: Recipe
    direct_penalty: float
    direct_rate: float
    sampled_penalty: float
    sampled_rate: float
    samples: int
    measuring: Measuring
    winner_rounds: int | None
    judged: int


_QUICK = Recipe(600, 64, 32, 2e-3, 60, clip=1.0)
_PAPER = RECIPES["components-paper"]
_SMOKE = RECIPES["smoke"]


class ComponentsPipeline(Pipeline):
    """See the module and :class:`~hwcost.systems.base.Pipeline`."""

    name = "components"
    title = "Finding Fast Transformers: the components that are worth their time"
    presets: ClassVar[Mapping[str, Any]] = {
        "smoke": Effort(
            "mini", _SMOKE, _SMOKE, _SMOKE, _SMOKE, _SMOKE, 1.0, 0.1, 1.0, 5.0, 2, Measuring(4, (32,), 2), 2, 1
        ),
        "quick": Effort(
            "mini", _QUICK, replace(_QUICK, learning_rate=1e-3), replace(_QUICK, learning_rate=1e-3),
            replace(_QUICK, steps=300, learning_rate=1e-3, warmup_steps=0), Recipe(100, 64, 32, 1e-3, 10, clip=1.0),
            0.4, 1.0, 0.2, 24.0, 4, Measuring(8, (32, 128), 3), 10, 8,
        ),
        "paper": Effort(
            "bert-base", replace(_PAPER, steps=250_000), _PAPER, _PAPER, replace(_PAPER, steps=250_000),
            Recipe(36_816, 32, 128, 2e-5, 3681), 1e-3, 1e-2, 1e-5, 1e-2, 4,
            replace(ONE_BY_ONE, seq_lens=(32, 128, 512)), None, 16,
        ),
    }  # fmt: skip
    """``paper``: appendix A; 3 epochs of MNLI with batches of 32 as fine-tuning."""

    @property
    def stages(self) -> Mapping[str, Callable[[], Plain]]:
        """See the base class."""
        return {
            "profile": self.profile_gates, "base": self.train_base, "do": self.search_directly,
            "sdo": self.search_by_samples, "retraining": self.retrain, "winners": self.check,
        }  # fmt: skip

    # -- what stages share ---------------------------------------------------------------------------------------------

    def read_given(self) -> None:
        """See the base class."""
        _ = self.text, self.supernet()

    @cached_property
    def space(self) -> Components:
        """The space."""
        return Components(self.effort.grid)

    @cached_property
    def text(self) -> Text:
        """What is trained on."""
        settings, length = self.settings, self.effort.base.seq_len
        return Text(settings.corpus, self.space.grid.vocabulary, length, settings.seed, settings.weights)

    @cached_property
    def task(self) -> ClassificationTask:
        """What nets are fine-tuned on."""
        return self.text.task

    @cached_property
    def cost(self) -> GateCosts:
        """What gates cost on this device."""
        return GateCosts(self.space, self.found["profile"]["shares"])

    def supernet(self, of: str | None = None) -> ComponentSupernet:
        """Returns the supernet: as it begins, or with the weights that a stage has left."""
        net = ComponentSupernet(self.space, self.settings.seed)
        net.to(self.train_on)
        if of is not None:
            net.load_state_dict(subnet.read_tensors(self._weights(of)))
        elif self.settings.weights is not None:
            backbone.load(net, self.settings.weights)
        return net

    def _weights(self, of: str) -> Path:
        return self.folder / f"{of}.safetensors"

    # -- stages --------------------------------------------------------------------------------------------------------

    def profile_gates(self) -> Plain:
        """Profiles the components at all sequence lengths (Tables 1 and 4)."""
        found, gaps = {}, {}
        for length in self.effort.measuring.seq_lens:
            result = self.measured(share_workloads(self.space, self.effort.measuring.batch_size, length))
            shares, apart = gate_shares(self.space, result.measurements)
            found[str(length)], gaps[str(length)] = shares, {self.space.key(arch): gap for arch, gap in apart.items()}
        kinds = next(iter(found.values()))
        return {
            "by_length": found, "gaps": gaps, "shares": {kind: max(one[kind] for one in found.values()) for kind in kinds},
            "paper": PAPER_SHARES.get(self.effort.grid),
        }  # fmt: skip

    def train_base(self) -> Plain:
        """Trains the net that is taken to pieces."""
        net, base = self.supernet(), self.space.base()
        batches = self.text.batches(self.effort.base.batch_size)
        objective = SupernetLm(net, batches.batch, lambda step: {"base": base})
        self._train(net, Phase("base", objective, self.effort.base), "base")
        subnet.write_tensors(self._weights("base"), net.state_dict())
        return {"curves": curves(self.folder / "base-training"), "perplexity": self._judged(net.set(base, "mlm"))}

    def _train(self, module: Any, phase: Phase, name: str) -> None:
        folder = self.folder / f"{name}-training"
        train(
            module, [phase], folder, self.text.about(name), 200,
            lambda state: self.say(f"training {name}", state.done, state.total),
        )  # fmt: skip

    def _judged(self, net: Any) -> float:
        return perplexity(net, self.text.judged(self.effort.judged))

    def search_directly(self) -> Plain:
        """Trains gates with the weights, under what they cost (DO, section 3.3.1)."""
        net, recipe = self.supernet("base"), self.effort.direct
        blocks = self.space.grid.layers
        costs = self.cost.of_gates().reshape(blocks, -1)
        begun = np.array(self.space.base().genes, dtype=np.float64).reshape(blocks, -1)
        gated = Gated(net, Direct(costs, self.effort.direct_penalty, start=begun))
        objective = DirectTraining(gated, self.text.batches(recipe.batch_size).batch, recipe, self.effort.direct_rate)
        about = {"penalty": self.effort.direct_penalty, "rate": self.effort.direct_rate}
        phase = Phase("do", objective, recipe, lambda name: name.startswith("supernet."), about)
        self._train(gated, phase, "do")
        gates = gated.direct.gates.detach().clone()
        arch = folded(net, gates)
        subnet.write_tensors(self._weights("do"), net.state_dict())
        return {
            "curves": curves(self.folder / "do-training"), "gates": gates.tolist(), **self._chosen(arch),
            "perplexity": self._judged(net.set(arch, "mlm")),
        }  # fmt: skip

    def search_by_samples(self) -> Plain:
        """Trains the weights of nets that a policy draws, and the policy by their losses and costs (SDO, section 3.3.2)."""
        net, recipe, effort = self.supernet("base"), self.effort.sampled, self.effort
        goals = [Minimize(lambda arch: 0.0, "loss"), Minimize(self.cost, "cost")]  # it is told values, and asks for none
        policy = Sampling(
            Problem(self.space, goals), self.settings.seed, samples=effort.samples, penalty=effort.sampled_penalty,
            rate=effort.sampled_rate, start=self.space.base().genes,
        )  # fmt: skip
        batches, folder = self.text.batches(recipe.batch_size).batch, self.folder / "sdo-training"
        objective = SampledTraining(net, policy, self.cost, batches, folder)
        about = {"penalty": effort.sampled_penalty, "rate": effort.sampled_rate, "samples": effort.samples}
        self._train(net, Phase("sdo", objective, recipe, about=about), "sdo")
        objective.catch_up(recipe.steps)
        arch = policy.chosen()
        subnet.write_tensors(self._weights("sdo"), net.state_dict())
        return {
            "curves": curves(folder), "probabilities": policy.probabilities[:, 1].tolist(), **self._chosen(arch),
            "perplexity": self._judged(net.set(arch, "mlm")),
        }  # fmt: skip

    def _chosen(self, arch: Architecture) -> Plain:
        return {"arch": self.space.key(arch), "params": self.space.params(arch), "cost": self.cost(arch)}

    def _nets(self) -> dict[str, Architecture]:
        chosen = {name: self.space.parse(self.found[name]["arch"]) for name in NETS[1:]}
        return {"base": self.space.base(), **chosen}

    def retrain(self) -> Plain:
        """Trains what was chosen, and the base net as long as search and retraining together; judges and fine-tunes each."""
        found = {}
        for name, arch in self._nets().items():
            net = self.supernet(name).extract(arch, "mlm").to(self.train_on)
            recipe = self.effort.retraining
            if name == "base":
                recipe = replace(recipe, steps=recipe.steps + self.effort.sampled.steps)
            objective = NetLm(net, self.text.batches(recipe.batch_size).batch)
            self._train(net, Phase(name, objective, recipe), f"re-{name}")
            blueprint = builder(self.space).blueprint(arch, "mlm")
            about = {"space": self.space.name, "options": self.space.options(), "arch": self.space.key(arch)}
            subnet.save(self.folder / "winners" / name, net, blueprint, about)
            judged = self._judged(net)  # before fine-tuning changes its weights
            accuracy = tuned_accuracy(net, self.task, self.effort.tuning, self.settings.seed)
            found[name] = {"perplexity": judged, "accuracy": accuracy, **self._chosen(arch)}
        return {"nets": found}

    def check(self) -> Plain:
        """Measures the chosen nets beside the base net, at all sequence lengths in one campaign."""
        nets = self._nets()
        distinct = list(dict.fromkeys(nets.values()))
        measuring: Measuring = self.effort.measuring
        lengths = measuring.seq_lens
        workloads = [one for length in lengths for one in measuring.models(self.space, distinct, length)]
        measured = self.measured(workloads, "winner", self.effort.winner_rounds).measurements
        found: dict[str, dict[str, Any]] = {name: {} for name in nets}
        for place, length in enumerate(lengths):
            part = latencies.of_archs(measured[place * len(distinct) : (place + 1) * len(distinct)])
            for name, arch in nets.items():
                found[name][str(length)] = latencies.seconds(part[arch])
        return {"latencies": found, "speed_up": {name: self._speed_up(found, name) for name in NETS[1:]}}

    @staticmethod
    def _speed_up(found: dict[str, dict[str, Any]], name: str) -> dict[str, dict[str, float | None]]:
        """Returns how many times faster a net is than the base net, with the ends of both intervals."""
        ratios = {}
        for length, base in found["base"].items():
            own = found[name][length]
            pairs = (("ratio", "measured_s", "measured_s"), ("low", "measured_low_s", "measured_high_s"),
                     ("high", "measured_high_s", "measured_low_s"))  # fmt: skip
            ratios[length] = {
                what: None if base[over] is None or own[under] is None else base[over] / own[under]
                for what, over, under in pairs
            }
        return ratios

    # -- what came out -------------------------------------------------------------------------------------------------

    def verdicts(self) -> list[Verdict]:
        """See the base class."""
        quality, found = self.found["retraining"]["nets"], []
        for name in ("sdo", "do"):
            for length, ratio in self.found["winners"]["speed_up"][name].items():
                own, base = (self.found["winners"]["latencies"][one][length]["measured_s"] for one in (name, "base"))
                text = "not measured"
                if ratio["ratio"] is not None:
                    ends = "" if ratio["low"] is None else f" ({ratio['low']:.2f} to {ratio['high']:.2f})"
                    text = f"{ratio['ratio']:.2f} times{ends}: {format_seconds(own)} against {format_seconds(base)}"
                kept, whole = quality[name], quality["base"]
                text += f"; perplexity {kept['perplexity']:.1f} against {whole['perplexity']:.1f}, accuracy "
                text += f"{kept['accuracy']:.3f} against {whole['accuracy']:.3f}"
                sure = ratio["ratio"] if ratio["low"] is None else ratio["low"]
                claim = f"{name.upper()}'s net is measured faster than the base net at {length} tokens"
                found.append(Verdict(claim, text, sure is not None and sure > 1))
        return found
