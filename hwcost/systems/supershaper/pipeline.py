"""The stages of SuperShaper."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property, partial
from typing import Any

import numpy as np
from torch import nn

from hwcost.cost_models import load
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.quality import fit_quality
from hwcost.objectives import Constraint, Minimize, Params
from hwcost.quantities import LATENCY
from hwcost.searchers import Problem
from hwcost.spaces import Architecture
from hwcost.spaces.supershaper import SuperShaper
from hwcost.study import Study
from hwcost.study.remeasure import ANCHORS, anchors, level_of, remeasured
from hwcost.supernets.diagnostics import bottleneck_diagonals, perplexities
from hwcost.supernets.run import Run
from hwcost.supernets.run import Settings as TrainingSettings
from hwcost.systems.base import PROBABILITY, Pipeline, described, is_sure
from hwcost.systems.claims import Claim
from hwcost.systems.curves import TrainingCurves, thinned
from hwcost.systems.fine_tuning import FineTuning
from hwcost.systems.latencies import NOT_MEASURED, ComparedLatency, LatencyFit, by_architecture, fit_latency
from hwcost.systems.plan import Calls, Training
from hwcost.systems.stages import stage
from hwcost.systems.supershaper.budget import least_budget_s
from hwcost.systems.supershaper.claims import claims
from hwcost.systems.supershaper.presets import PRESETS, SuperShaperPreset
from hwcost.systems.supershaper.results import (
    Evolved,
    Net,
    Perplexities,
    PerplexityFit,
    Results,
    Search,
    TrainedSupernet,
    Winners,
)
from hwcost.systems.supershaper.trainings import planned
from hwcost.systems.task_scores import TaskScores
from hwcost.systems.training import reporting

RANDOM_NETS = 6
"""Number of random nets that are measured beside the winners."""
DRAWN = 2000
"""Random nets among which those are looked for that satisfy constraints."""


class SuperShaperPipeline(Pipeline[SuperShaperPreset]):
    """See :mod:`hwcost.systems.supershaper` and :class:`~hwcost.systems.base.Pipeline`."""

    name = "supershaper"
    title = "SuperShaper: shapes of a net under limits on size and on latency"
    presets = PRESETS
    takes = ("cost", "searcher", "constraints")

    # -- stages --------------------------------------------------------------------------------------------------------

    @stage
    def supernet(self) -> TrainedSupernet:
        """Trains the supernet by sandwiches (section 3.2)."""
        self.training.train(reporting(self, "training"))
        return TrainedSupernet(
            TrainingCurves.read(self.training.folder), list(self.space.sizes.widths),
            bottleneck_diagonals(self.trained_supernet).tolist(),
        )  # fmt: skip

    @stage
    def perplexities(self) -> Perplexities:
        """Evaluates random subnets, with the weights that they inherit."""
        archs = self.space.sample(self.preset.sampled, seed=self.settings.seed + 1)
        return Perplexities(list(map(self.space.key, archs)), self._evaluated("perplexities", archs, 0))

    @stage
    def latencies(self) -> LatencyFit:
        """Measures nets of all sizes and fits a model of their latency (Figure 9), unless one is given."""
        if self.costs:
            return LatencyFit.of_given(self.latency_model, described(self.latency_model))
        archs = [self.trained_supernet.smallest(), self.trained_supernet.largest()]
        drawn = self.space.sample(self.preset.measured, seed=self.settings.seed + 2, design="spread")
        archs = [*archs, *(arch for arch in drawn if arch not in archs)]
        campaign = self.measure(self.preset.measuring.workloads(self.space, archs))
        return fit_latency(campaign, self.space, self.folder / "models" / "latency")

    @stage
    def predictor(self) -> PerplexityFit:
        """Fits a predictor of perplexity (Figure 7)."""
        archs = [self.space.parse(key) for key in self.perplexities.archs]
        fit = fit_quality(self.space, archs, self.perplexities.perplexity)
        fit.model.save(self.folder / "models" / "perplexity")
        return PerplexityFit(
            dict(fit.metrics), fit.model.importance(), fit.measured.tolist(), fit.left_out.tolist()
        )

    @stage
    def search(self) -> Search:
        """Evolves shapes within sizes, and within the latency that each of those winners is sure to keep.

        Constraints that the user gave take the place of all of these limits.
        """
        if self.parts.constraints:
            return Search([self._evolve_within_given()])
        drawn = self.space.sample(101, seed=self.settings.seed + 3)
        params = [self.space.params(arch) for arch in drawn]
        winners = []
        for share in self.preset.sizes:
            winners += self._evolve(share, float(np.quantile(params, share)))
        return Search(winners)

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
                arch=self.space.key(arch), params=self.space.params(arch), perplexity=perplexity[arch],
                keeps_budget=kept.get(name), **asdict(ComparedLatency.compare(rows[arch])),
            )
            for name, arch in named.items()
        }  # fmt: skip
        return Winners(nets, None if level is None else level.plain())

    @stage
    def fine_tuned(self) -> TaskScores:
        """Fine-tunes the winners, as they were extracted, on every task that the user gave (Tables 2 to 5)."""
        archs = {one.name: self.space.parse(one.arch) for one in self.search.winners}
        fine_tuning = FineTuning(self, self.training.tokenizer, self.preset.tuning)
        return fine_tuning.scores({name: partial(self._encoder, arch) for name, arch in archs.items()})

    # -- what stages share ---------------------------------------------------------------------------------------------

    def claims(self) -> list[Claim]:
        """See the base class."""
        return claims(
            Results(
                self.supernet, self.perplexities, self.latencies, self.predictor, self.search, self.winners, self.fine_tuned
            )
        )  # fmt: skip

    def read_inputs(self) -> None:
        """See the base class."""
        _ = self.training

    def spaces(self) -> dict[str, SuperShaper]:
        """See the base class."""
        return {self.name: self.space}

    def fits(self) -> tuple[str, ...]:
        """See the base class."""
        return (LATENCY,)

    def baseline(self, name: str) -> Architecture:
        """The largest net."""
        return self.space.architecture([gene.choices[-1] for gene in self.space.genes])

    def calls(self) -> list[Calls]:
        """See the base class."""
        preset = self.preset
        fitted = [] if self.costs else [self.planned_calls("latencies", preset.measured + 2)]
        winners = 1 if self.parts.constraints else 2 * len(preset.sizes)
        return [*fitted, self.planned_calls("winners", winners + len(self.space.templates) + RANDOM_NETS + 2 + ANCHORS)]

    def trainings(self) -> dict[str, Training]:
        """See the base class."""
        return planned(self.space, self.preset.recipe, self.preset.tuning if self.tunes else None, self.settings.seed)

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
        return Run.start(self.folder / "supernet", described, self.train_on)

    @cached_property
    def trained_supernet(self) -> Any:
        """The trained supernet."""
        return self.training.trained()

    @cached_property
    def held_out(self) -> tuple[list[Any], list[Any]]:
        """Batches that nets are selected on, and those that winners are evaluated on."""
        batches = self.training.held_out(2 * self.preset.batches)
        return batches[: self.preset.batches], batches[self.preset.batches :]

    def _encoder(self, arch: Architecture) -> nn.Module:
        return self.training.trained().extract(arch, "none")

    def _evaluated(self, name: str, archs: list[Architecture], part: int) -> list[float]:
        batches = self.held_out[part]
        return self.cached_map(
            name, archs, self.space.key, lambda arch: perplexities(self.trained_supernet, [arch], batches)[0]
        )

    @cached_property
    def latency_model(self) -> CostModel:
        """The latency model: the user's, or the one that was fitted."""
        return self.costs.get(self.name) or load(self.folder / "models" / "latency")

    @cached_property
    def perplexity_model(self) -> CostModel:
        """The predictor of perplexity."""
        return load(self.folder / "models" / "perplexity")

    def _evolve(self, share: float, max_params: float) -> list[Evolved]:
        """Evolves a shape within a size, and one within the latency that the first is sure to keep."""
        latency = self.latency_model
        by_size = self._evolution(f"params-{share:g}", [Constraint(Params(self.space), most=max_params)])
        sure = PROBABILITY if is_sure(latency) else None
        budget_s = least_budget_s(latency, by_size.best.architecture, sure)
        by_latency = self._evolution(f"latency-{share:g}", [Constraint(latency, most=budget_s, probability=sure or 0)])
        return [
            Evolved(
                limit=kind, share=share, arch=self.space.key(study.best.architecture), max_params=max_params,
                budget_s=budget_s, probability=sure, predicted_perplexity=study.best.values[0],
                evaluations=study.evaluations, progress=thinned(study.convergence().tolist()),
            )
            for kind, study in (("params", by_size), ("latency", by_latency))
        ]  # fmt: skip

    def _evolve_within_given(self) -> Evolved:
        """Evolves a shape within the constraints that the user gave."""
        limits = self.constraints(self.name, self.latency_model)
        on_latency = next((one for one in limits if one.name == LATENCY and one.most is not None), None)
        study = self._evolution("constraints", limits)
        return Evolved(
            limit="given", arch=self.space.key(study.best.architecture), share=None, max_params=None,
            budget_s=None if on_latency is None else on_latency.most,
            probability=None if on_latency is None else on_latency.probability,
            predicted_perplexity=study.best.values[0], evaluations=study.evaluations,
            progress=thinned(study.convergence().tolist()),
        )  # fmt: skip

    def _evolution(self, name: str, constraints: list[Constraint]) -> Study:
        problem = Problem(self.space, [Minimize(self.perplexity_model, "perplexity")], constraints)
        return self.run_study(
            name, f"search within {name}", problem, evaluations=min(self.preset.evaluations, self.space.size),
            **self.search_options("evolution", preset="supershaper-paper"),
        )  # fmt: skip

    def named_nets(self) -> dict[str, Architecture]:
        """Returns the nets that are compared in the end, by name."""
        found = {one.name: self.space.parse(one.arch) for one in self.search.winners}
        found |= self.space.templates
        if self.preset.scale == "paper":  # the heuristic scales shapes of twelve layers (section 4.4)
            found |= {
                name.replace("params", "cigar"): self.space.cigar(self.space.params(arch, "paper"))
                for name, arch in list(found.items()) if name.startswith("params ")
            }  # fmt: skip
        found |= {"smallest": self.trained_supernet.smallest(), "largest": self.trained_supernet.largest()}
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
