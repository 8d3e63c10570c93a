"""The stages of SuperShaper."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from typing import Any

import numpy as np
from torch import nn

from hwcost.cost_models import cost_model, cost_model_class, load
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.data import from_measurements
from hwcost.cost_models.training.quality import fit_quality
from hwcost.cost_models.training.train import Trained, train
from hwcost.errors import UsageError
from hwcost.quantities import LATENCY
from hwcost.spaces import Architecture
from hwcost.spaces.supershaper import SuperShaper
from hwcost.study.remeasure import ANCHORS, anchors, level_of, remeasured
from hwcost.supernets.diagnostics import bottleneck_diagonals, perplexities
from hwcost.supernets.run import Run
from hwcost.supernets.run import Settings as TrainingSettings
from hwcost.systems.base import Pipeline
from hwcost.systems.claims import Claim
from hwcost.systems.costs import described
from hwcost.systems.curves import TrainingCurves
from hwcost.systems.fine_tuning import FineTuning
from hwcost.systems.latencies import NOT_MEASURED, ComparedLatency, LatencyFit, by_architecture, fit_latency
from hwcost.systems.plan import Calls, Training
from hwcost.systems.processes import together
from hwcost.systems.stages import stage
from hwcost.systems.supershaper.bert import bert_like
from hwcost.systems.supershaper.by_size import BySize, SizedNet, difference, neighbours
from hwcost.systems.supershaper.claims import claims
from hwcost.systems.supershaper.comparisons import Laboratory
from hwcost.systems.supershaper.evolutions import Evolutions
from hwcost.systems.supershaper.inheritance import Inherited
from hwcost.systems.supershaper.predictors import BOOSTED, STAND_IN, Boosted, boosted
from hwcost.systems.supershaper.presets import PRESETS, SuperShaperPreset
from hwcost.systems.supershaper.results import (
    Backbone,
    Latencies,
    Net,
    Perplexities,
    PerplexityFit,
    Results,
    Search,
    TrainedSupernet,
    Winners,
)
from hwcost.systems.supershaper.rules import Rules
from hwcost.systems.supershaper.sizes import ends, params
from hwcost.systems.supershaper.trainings import planned
from hwcost.systems.supershaper.tuned import BERT, FineTuned, compared_nets
from hwcost.systems.training import reporting, run_of

RANDOM_NETS = 6
"""Number of random nets that are measured beside the winners."""
DRAWN = 2000
"""Random nets among which those are looked for that satisfy constraints."""
FEW = 8
"""Number of nets on which a predictor is tried before anything is trained."""


class SuperShaperPipeline(Pipeline[SuperShaperPreset]):
    """See :mod:`hwcost.systems.supershaper` and :class:`~hwcost.systems.base.Pipeline`."""

    name = "supershaper"
    title = "SuperShaper: shapes of a net under limits on size and on latency"
    paper = 'Ganesan et al., "SuperShaper: Task-Agnostic Super Pre-training of BERT Models with Variable Hidden Dimensions"'
    presets = PRESETS
    takes = ("cost", "searcher", "constraints")

    # -- stages --------------------------------------------------------------------------------------------------------

    @stage
    @together
    def backbone(self) -> Backbone:
        """Trains the largest net alone, and a BERT of its size beside it (section 4.2, Figure 2)."""
        return self.laboratory.backbone()

    @stage
    @together
    def supernet(self) -> TrainedSupernet:
        """Trains the supernet by sandwiches, from the backbone's weights (section 3.2)."""
        if self.preset.backbone_steps:
            self.training.supernet.load_state_dict(self.laboratory.weights)
        self.training.train(reporting(self, "training"))
        return TrainedSupernet(
            TrainingCurves.read(self.training.folder), list(self.space.sizes.widths),
            bottleneck_diagonals(self.trained_supernet).tolist(),
            self.laboratory.learnt("largest net", self.trained_supernet.set(self.baseline(self.name), "mlm")),
        )  # fmt: skip

    @stage
    def perplexities(self) -> Perplexities:
        """Evaluates random subnets, with the weights that they inherit."""
        archs = self.space.sample(self.preset.sampled, seed=self.settings.seed + 1)
        return Perplexities(list(map(self.space.key, archs)), self._evaluated("perplexities", archs, 0))

    @stage
    def latencies(self) -> Latencies:
        """Measures nets of all sizes and fits a model of their latency (Figure 9), unless one is given.

        The paper's own, boosted trees, is fitted on the same rows, for what it says of shapes (Figure 7b to d).
        """
        if self.costs:
            return Latencies(**vars(LatencyFit.of_given(self.latency_model, described(self.latency_model))))
        archs = [*ends(self.space)]
        drawn = self.space.sample(self.preset.measured, seed=self.settings.seed + 2, design="spread")
        archs = [*archs, *(arch for arch in drawn if arch not in archs)]
        campaign = self.measure(self.preset.measuring.workloads(self.space, archs))
        fitted = fit_latency(campaign, self.space, self.folder / "models" / "latency")
        rows = from_measurements(campaign.measurements, self.space, campaign.store_url)
        return Latencies(**vars(fitted) | {"boosted": Boosted.of(boosted(lambda name: train(rows, name)))})

    @stage
    def predictor(self) -> PerplexityFit:
        """Fits the predictor of perplexity that guides the search: boosted trees on shapes, or the preset's (Figure 7a)."""
        archs = [self.space.parse(key) for key in self.perplexities.archs]

        def fit(name: str) -> Trained:
            return fit_quality(self.space, archs, self.perplexities.perplexity, name, **_shapes_alone(name))

        trees = boosted(fit)
        found = trees if self.preset.predictor is None else fit(self.preset.predictor)
        found.model.save(self.folder / "models" / "perplexity")
        return PerplexityFit(
            len(found.measured), dict(found.metrics), found.model.chosen or found.model.name, found.model.importance(),
            found.measured.tolist(), found.left_out.tolist(), Boosted.of(trees),
        )  # fmt: skip

    @stage
    def search(self) -> Search:
        """Evolves shapes within sizes, and within the latencies that nets of these sizes take.

        Constraints that the user gave take the place of all of these limits.
        """
        evolutions = Evolutions(self, self.space, self.perplexity_model, self.latency_model)
        if self.parts.constraints:
            return Search([evolutions.within_given()], [])
        return evolutions.within_sizes(self.preset.sizes)

    @stage
    def by_size(self) -> BySize:
        """Evaluates evolved and heuristic nets on the text of the random ones, and nets of each size (Figure 6, Table 7)."""
        named = {name: arch for name, arch in self.named_nets().items() if name.startswith(("params ", "given", "cigar "))}
        cloud = [self.space.parse(key) for key in self.perplexities.archs]

        def evaluated(archs: list[Architecture]) -> list[float]:
            return self._evaluated("perplexities", archs, 0)

        own = dict(zip(named, evaluated(list(named.values())), strict=True))
        differences = []
        for name, arch in named.items():
            if not name.startswith("cigar "):
                near = neighbours(self.space, arch, cloud, self.preset.neighbours, self.settings.seed + 6)
                others = list(zip(near, evaluated(near), strict=True))
                differences.append(difference(self.space, name, (arch, own[name]), others))
        nets = {name: SizedNet(self.space.key(arch), params(self.space, arch), own[name]) for name, arch in named.items()}
        return BySize([params(self.space, arch) for arch in cloud], self.perplexities.perplexity, nets, differences)

    @stage
    def winners(self) -> Winners:
        """Evaluates and measures winners, templates and random nets, all in one campaign (Figure 8, Table 6)."""
        named = self.named_nets()
        archs = list(dict.fromkeys(named.values()))
        perplexity = dict(zip(archs, self._evaluated("winners", archs, 1), strict=True))
        again = anchors(self.latency_model)
        workloads = self.preset.measuring.workloads(self.space, list(dict.fromkeys([*archs, *again])))
        measured = by_architecture(self.measured(workloads, "winner"))
        level = level_of(self.latency_model, again, [measured.get(arch, NOT_MEASURED) for arch in again])
        compared = remeasured(self.latency_model, archs, [measured.get(arch, NOT_MEASURED) for arch in archs], level)
        rows = dict(zip(archs, compared, strict=True))
        kept = {
            one.name: rows[named[one.name]].keeps(one.budget_s)
            for one in self.search.winners if one.limit != "params" and one.budget_s is not None
        }  # fmt: skip
        for one in self.search.winners:
            self.trained_supernet.save(named[one.name], self.folder / "winners" / one.name.replace(" ", "-"))
        nets = {
            name: Net(
                arch=self.space.key(arch), params=self.space.params(arch), paper_params=params(self.space, arch),
                perplexity=perplexity[arch], keeps_budget=kept.get(name), **asdict(ComparedLatency.compare(rows[arch])),
            )
            for name, arch in named.items()
        }  # fmt: skip
        return Winners(nets, None if level is None else level.plain())

    @stage
    def fine_tuned(self) -> FineTuned:
        """Fine-tunes winners, the heuristic net, the ends of the space and BERT on every task given (Tables 2 to 5)."""
        nets = compared_nets(self.space, self.named_nets(), [one.name for one in self.search.winners])
        encoders = {name: self.space.key(arch) for name, arch in nets.items()}
        sizes = {name: params(self.space, arch) for name, arch in nets.items()}
        if self.preset.backbone_steps:
            plain, arch = bert_like(self.space)
            encoders[BERT], sizes[BERT] = BERT, plain.params(arch)
        perplexity = {name: one.perplexity for name, one in self.winners.nets.items()}
        return FineTuned.of(self.fine_tuning.scores(encoders), sizes, perplexity)

    @stage
    @together
    def rules(self) -> Rules:
        """Trains supernets by sandwiches and by uniform sampling, from the backbone's weights (Figure 3)."""
        return self.laboratory.rules()

    @stage
    @together
    def inherited(self) -> Inherited:
        """Trains nets from what they inherit and from random weights (Figure 5)."""
        return self.laboratory.inherited(self.trained_supernet)

    # -- what stages share ---------------------------------------------------------------------------------------------

    def claims(self) -> list[Claim]:
        """See the base class."""
        return claims(self.results(Results))

    def check_settings(self) -> None:
        """Refuses a predictor that is not known, and an odd number of nets to compare."""
        if self.preset.predictor is not None:
            cost_model_class(self.preset.predictor)
        nets = self.preset.compared.nets
        if nets % 2:
            raise UsageError(f"half of compared.nets are of about one size: set an even number, got {nets}")

    def read_inputs(self) -> None:
        """See the base class; a predictor that is not installed is missing now, and not after the training."""
        if self.preset.predictor in (BOOSTED, STAND_IN):
            archs = self.space.sample(FEW)
            cost_model(self.preset.predictor, self.space, quantity="perplexity").fit(archs, range(1, FEW + 1))
        _ = self.training

    def spaces(self) -> dict[str, SuperShaper]:
        """See the base class."""
        return {self.name: self.space}

    def fits(self) -> tuple[str, ...]:
        """See the base class."""
        return (LATENCY,)

    def baseline(self, name: str) -> Architecture:
        """The largest net."""
        return ends(self.space)[1]

    def calls(self) -> list[Calls]:
        """See the base class."""
        preset = self.preset
        fitted = [] if self.costs else [self.planned_calls("latencies", preset.measured + 2)]
        winners = 1 if self.parts.constraints else 3 * len(preset.sizes)
        return [*fitted, self.planned_calls("winners", winners + len(self.space.templates) + RANDOM_NETS + 2 + ANCHORS)]

    def trainings(self) -> dict[str, Training]:
        """See the base class."""
        tuning = self.tuning_of_tasks(self.preset.tuning) if self.tunes else None
        return planned(self.space, self.preset.recipe, tuning, self.settings.seed)

    @cached_property
    def space(self) -> SuperShaper:
        """The search space."""
        return SuperShaper(scale=self.preset.scale)

    @cached_property
    def training(self) -> Run:
        """The supernet's training."""
        settings = self.settings
        described = TrainingSettings(
            "supershaper", self.space.options(), self.preset.recipe, settings.corpus, settings.seed, settings.weights
        )
        return run_of(self, "supernet", described)

    @cached_property
    def laboratory(self) -> Laboratory:
        """The trainings that are compared."""
        return Laboratory(self, self.space, self.training, self.held_out[0])

    @cached_property
    def trained_supernet(self) -> Any:
        """The trained supernet."""
        return self.training.trained()

    @cached_property
    def held_out(self) -> tuple[list[Any], list[Any]]:
        """Batches that nets are selected on, and those that winners are evaluated on."""
        return self.training.held_out_parts(self.preset.batches)

    @cached_property
    def fine_tuning(self) -> FineTuning:
        """The fine-tuning of nets."""
        return FineTuning(self, self.training.tokenizer, self.preset.tuning)

    def encoder(self, net: str) -> nn.Module:
        """Returns a net as it is extracted, by its architecture's key, or the BERT of the backbone's stage."""
        if net == BERT:
            return self.laboratory.bert()[0]
        return self.training.trained().extract(self.space.parse(net), "none")

    def _evaluated(self, name: str, archs: list[Architecture], part: int) -> list[float]:
        return self.cached_map(name, archs, self.space.key, lambda arch: self.perplexity(self.space.key(arch), part))

    @together
    def perplexity(self, arch: str, part: int) -> float:
        """Returns the perplexity of a subnet with the weights that it inherits; processes share the text.

        Args:
            arch: Key of the subnet.
            part: Part of the held-out text: 0 for that on which nets are selected, 1 for the other.
        """
        return perplexities(self.trained_supernet, [self.space.parse(arch)], self.held_out[part])[0]

    @cached_property
    def latency_model(self) -> CostModel:
        """The latency model: the user's, or the one that was fitted."""
        return self.costs.get(self.name) or load(self.folder / "models" / "latency")

    @cached_property
    def perplexity_model(self) -> CostModel:
        """The predictor of perplexity."""
        return load(self.folder / "models" / "perplexity")

    def named_nets(self) -> dict[str, Architecture]:
        """Returns the nets that are compared in the end, by name."""
        found = {one.name: self.space.parse(one.arch) for one in self.search.winners}
        found |= self.space.templates
        found |= {
            name.replace("params", "cigar"): self.space.cigar(params(self.space, arch))
            for name, arch in list(found.items()) if name.startswith("params ")
        }  # fmt: skip
        found |= dict(zip(("smallest", "largest"), ends(self.space), strict=True))
        drawn = self._random_nets()
        return found | {f"random {index}": arch for index, arch in enumerate(drawn, 1)}

    def _random_nets(self) -> list[Architecture]:
        """Draws random nets; of those that satisfy the user's constraints where there are some."""
        if not self.parts.constraints:
            return self.space.sample(RANDOM_NETS, seed=self.settings.seed + 4)
        drawn = self.space.sample(min(DRAWN, self.space.size), seed=self.settings.seed + 4)
        limits = self.constraints(self.name, self.latency_model)
        kept = np.all([one.feasible(drawn) for one in limits], axis=0)
        return [arch for arch, is_kept in zip(drawn, kept, strict=True) if is_kept][:RANDOM_NETS]


def _shapes_alone(name: str) -> dict[str, Any]:
    """Returns the option by which a cost model of perplexity does not see the number of parameters, where it has one."""
    return {"sizes": False} if name in (BOOSTED, STAND_IN) else {}
