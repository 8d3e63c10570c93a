"""The stages of AutoDistill."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from torch import nn

from hwcost.cost_models import load
from hwcost.cost_models.base import CostModel
from hwcost.errors import UsageError
from hwcost.objectives import Minimize
from hwcost.searchers import Problem
from hwcost.spaces import Architecture
from hwcost.spaces.autodistill import AutoDistill
from hwcost.study import Study
from hwcost.supernets import subnet
from hwcost.supernets.distillation import Distillation, Schedule, TeacherTraining
from hwcost.supernets.masked_lm import perplexity
from hwcost.supernets.student import student, student_blueprint, teacher
from hwcost.supernets.training import Phase, train
from hwcost.systems.autodistill.claims import claims
from hwcost.systems.autodistill.fronts import areas
from hwcost.systems.autodistill.presets import PRESETS, AutoDistillPreset
from hwcost.systems.autodistill.results import (
    REACHED,
    SEARCHERS,
    Evaluated,
    Regular,
    RegularStudent,
    Results,
    Search,
    Searched,
    Student,
    Teacher,
    Winners,
)
from hwcost.systems.base import Pipeline
from hwcost.systems.claims import Claim
from hwcost.systems.fine_tuning import FineTuning
from hwcost.systems.latencies import Latency, LatencyFit, by_architecture, fit_latency, values_of
from hwcost.systems.result_cache import ResultCache
from hwcost.systems.stages import stage
from hwcost.systems.task_scores import TaskScores
from hwcost.systems.text import Text
from hwcost.systems.training import reporting, save_net, train_phase

TEACHER = "teacher.safetensors"
SAVE_EVERY = 1000
"""Number of steps between two checkpoints of a student."""


class AutoDistillPipeline(Pipeline[AutoDistillPreset]):
    """See :mod:`hwcost.systems.autodistill` and :class:`~hwcost.systems.base.Pipeline`."""

    name = "autodistill"
    title = "AutoDistill: students that dominate a reference"
    presets = PRESETS

    # -- stages --------------------------------------------------------------------------------------------------------

    @stage
    def teacher(self) -> Teacher:
        """Trains the teacher on masked words and next sentences."""
        net, recipe = teacher(self.space, self.settings.seed).to(self.train_on), self.preset.teacher
        batches = self.text.batches(recipe.batch_size, next_sentence=True).batch
        pretraining = TeacherTraining(net, self.space.sizes.teacher[0], batches).to(self.train_on)
        curves = train_phase(self, pretraining, Phase("teacher", pretraining, recipe), self.text, "teacher")
        subnet.write_tensors(self.folder / TEACHER, net.state_dict())
        return Teacher(curves, perplexity(net, self.held_out))

    @stage
    def latencies(self) -> LatencyFit:
        """Measures nets of all sizes and fits a model of their latency."""
        ends = [self.space.architecture([gene.choices[end] for gene in self.space.genes]) for end in (0, -1)]
        drawn = self.space.sample(self.preset.measured, seed=self.settings.seed, design="spread")
        archs = list(dict.fromkeys([*ends, self.space.mobilebert, *drawn]))
        campaign = self.measure(self.preset.measuring.workloads(self.space, archs))
        return fit_latency(campaign, self.space, self.folder / "models" / "latency")

    @stage
    def search(self) -> Search:
        """Runs the Bayesian searcher and the random one, from the same reference and with as many evaluations."""
        return Search(self.space.key(self.space.mobilebert), *map(self._search, SEARCHERS))

    @stage
    def winners(self) -> Winners:
        """Measures both fronts and the reference in one campaign, and compares the measured fronts."""
        fronts = [key for one in self.search.by_name.values() for key in one.front]
        archs = [self.space.parse(key) for key in dict.fromkeys([self.search.reference, *fronts])]
        campaign = self.measure(self.preset.measuring.workloads(self.space, archs), "winner")
        measured, reached = by_architecture(campaign.measurements), values_of(campaign.measurements, REACHED)
        nets = {
            self.space.key(arch): Student(
                perplexity=self.flash_perplexity(arch), **asdict(Latency.of(measured[arch])), **reached[arch]
            )
            for arch in archs
        }
        return Winners(nets, *areas(nets, self.search))

    @stage
    def regular(self) -> Regular:
        """Distils the best of the Bayesian search regularly: those that dominate the reference come first."""
        found, nets = self.search.bayesian, self.winners.nets
        front = sorted(found.front, key=lambda key: nets[key].perplexity)
        first = [key for key in front if key in found.dominating]
        chosen = [*first, *(key for key in front if key not in first)][: self.preset.winners]
        rows = self.cached_map("regular", chosen, str, lambda key: asdict(self._distil_regularly(key)))
        for key in chosen:
            self._remove_checkpoint(key, "regular")
        return Regular({key: RegularStudent(**row) for key, row in zip(chosen, rows, strict=True)})

    @stage
    def fine_tuned(self) -> TaskScores:
        """Fine-tunes the regularly distilled students on every task that the user gave."""
        makers = {key: partial(self._winner, key) for key in self.regular.nets}
        return FineTuning(self, self.text.tokenizer, self.preset.tuning).scores(makers)

    # -- what stages share ---------------------------------------------------------------------------------------------

    def claims(self) -> list[Claim]:
        """See the base class."""
        return claims(Results(self.teacher, self.latencies, self.search, self.winners, self.regular, self.fine_tuned))

    def check_settings(self) -> None:
        """See the base class."""
        if self.settings.weights is not None:
            raise UsageError(
                "the teacher of AutoDistill is MobileBERT's inverted-bottleneck net, which no BERT on disk can stand for; "
                "leave --weights out, and it is trained"
            )

    def read_inputs(self) -> None:
        """See the base class."""
        _ = self.text

    @cached_property
    def space(self) -> AutoDistill:
        """The search space."""
        return AutoDistill(scale=self.preset.scale)

    @cached_property
    def text(self) -> Text:
        """The training text."""
        settings = self.settings
        return Text(settings.corpus, self.space.sizes.vocabulary, self.preset.recipe.seq_len, settings.seed)

    @cached_property
    def held_out(self) -> list[dict[str, Any]]:
        """Held-out batches."""
        return self.text.held_out_batches(self.preset.batches, next_sentence=True)

    @cached_property
    def batches(self) -> Any:
        """Batches to distil on."""
        return self.text.batches(self.preset.recipe.batch_size, next_sentence=True).batch

    @cached_property
    def trained_teacher(self) -> nn.Module:
        """The trained teacher."""
        net = teacher(self.space, self.settings.seed)
        net.load_state_dict(subnet.read_tensors(self.folder / TEACHER))
        return net.to(self.train_on)

    @cached_property
    def latency_model(self) -> CostModel:
        """The latency model."""
        return load(self.folder / "models" / "latency")

    @cached_property
    def _flash_results(self) -> ResultCache:
        """Perplexities after flash distillation, which both searches share."""
        return ResultCache(self.folder / "flash.jsonl")

    def flash_perplexity(self, arch: Architecture) -> float:
        """Returns a student's perplexity after flash distillation."""
        key = self.space.key(arch)
        found = float(self._flash_results.get(key, lambda: self._distil(arch, "flash", self.preset.flash)[1]))
        self._remove_checkpoint(key, "flash")
        return found

    def _checkpoint(self, key: str, way: str) -> Path:
        return self.folder / "students" / f"{key}-{way}"

    def _remove_checkpoint(self, key: str, way: str) -> None:
        """Removes the checkpoint of a distillation whose result is kept."""
        shutil.rmtree(self._checkpoint(key, way), ignore_errors=True)

    def _distil(self, arch: Architecture, way: str, schedule: Schedule) -> tuple[nn.Module, float]:
        """Distils a student, and returns it with its perplexity."""
        net = student(self.space, arch, seed=self.settings.seed).to(self.train_on)
        pair = Distillation(net, self.trained_teacher, self.settings.seed).to(self.train_on)
        phases = pair.phases(self.batches, schedule, self.preset.recipe)
        key = self.space.key(arch)
        report = reporting(self, f"{way} distillation of {key}")
        train(pair, phases, self._checkpoint(key, way), self.text.provenance(f"{way} {key}"), SAVE_EVERY, report)
        return net, perplexity(net, self.held_out)

    def _distil_regularly(self, key: str) -> RegularStudent:
        arch = self.space.parse(key)
        net, found = self._distil(arch, "regular", self.preset.regular)
        save_net(self.folder / "winners" / key, net, self.space, arch, student_blueprint(self.space, arch, "mlm"))
        return RegularStudent(found, self.flash_perplexity(arch), self.space.params(arch))

    def _winner(self, key: str) -> nn.Module:
        return subnet.load(self.folder / "winners" / key).to(self.train_on)

    def _search(self, name: str) -> Searched:
        study = self._study(name)
        key = self.space.key
        return Searched(
            [Evaluated(key(one.architecture), one.values[0], one.values[1]) for one in study.completed],
            [key(one.architecture) for one in study.front],
            [key(one.architecture) for one in study.dominating],
            study.convergence().tolist(),
        )

    def _study(self, name: str) -> Study:
        objectives = [Minimize(self.latency_model, "latency_s"), Minimize(self.flash_perplexity, "perplexity")]
        return self.run_study(
            name, f"{name} search", Problem(self.space, objectives), searcher=name, evaluations=self.preset.evaluations,
            reference=self.space.mobilebert,
        )  # fmt: skip
