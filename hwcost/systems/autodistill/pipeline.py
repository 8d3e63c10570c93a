"""The stages of AutoDistill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

from torch import nn

from hwcost.cost_models import load
from hwcost.cost_models.base import CostModel
from hwcost.errors import UsageError
from hwcost.files import writing
from hwcost.quantities import LATENCY
from hwcost.spaces import Architecture
from hwcost.spaces.autodistill import AutoDistill
from hwcost.spaces.shaped import Shaped
from hwcost.study.remeasure import Interval
from hwcost.supernets import subnet
from hwcost.supernets.distillation import TeacherTraining
from hwcost.supernets.objective import Phase
from hwcost.supernets.student import teacher, teacher_blueprint
from hwcost.supernets.text_quality import text_quality
from hwcost.systems.autodistill.claims import claims
from hwcost.systems.autodistill.fronts import areas
from hwcost.systems.autodistill.given_teacher import given_teacher
from hwcost.systems.autodistill.in_search import MeasuredLatency
from hwcost.systems.autodistill.memory import MEMORY, fit_memory
from hwcost.systems.autodistill.presets import PRESETS, AutoDistillPreset
from hwcost.systems.autodistill.results import (
    REACHED,
    CostFits,
    Regular,
    Results,
    Search,
    Student,
    Teacher,
    Winners,
)
from hwcost.systems.autodistill.searches import search_both
from hwcost.systems.autodistill.students import Students
from hwcost.systems.autodistill.trainings import planned
from hwcost.systems.autodistill.tuned import FineTuned
from hwcost.systems.base import Pipeline
from hwcost.systems.claims import Claim
from hwcost.systems.costs import at_measured, described
from hwcost.systems.curves import TrainingCurves
from hwcost.systems.fine_tuning import FineTuning
from hwcost.systems.latencies import NOT_MEASURED, Latency, by_architecture, fit_latency, values_of
from hwcost.systems.plan import Calls, Training
from hwcost.systems.processes import together
from hwcost.systems.stages import stage
from hwcost.systems.text import Text
from hwcost.systems.training import shown, train_phase, words_learnt

TEACHER = "teacher"


class AutoDistillPipeline(Pipeline[AutoDistillPreset]):
    """See :mod:`hwcost.systems.autodistill` and :class:`~hwcost.systems.base.Pipeline`."""

    name = "autodistill"
    title = "AutoDistill: students that dominate a reference"
    paper = 'Zhang et al., "AutoDistill: An End-to-End Framework to Explore and Distill Hardware-Efficient Language Models"'
    presets = PRESETS
    takes = ("cost", "searcher", "constraints")

    # -- stages --------------------------------------------------------------------------------------------------------

    @stage
    def teacher(self) -> Teacher:
        """Trains the teacher on masked words and next sentences, unless one is given."""
        given = self.settings.weights
        curves, net = (TrainingCurves([], {}), self.trained_teacher) if given else self._train_teacher()
        found = text_quality(net, self.held_out)
        batches = self.text.batches(self.preset.recipe.micro_batch, next_sentence=True)
        learnt = words_learnt(TEACHER, net, self.text.held_out_batches(shown(self), next_sentence=True), batches)
        return Teacher(
            curves=curves, perplexity=found.perplexity, mlm_accuracy=found.mlm_accuracy, given=given, learnt=learnt
        )  # fmt: skip

    @stage
    def latencies(self) -> CostFits:
        """Measures nets of all sizes and fits a model of their latency, unless one is given, and of their memory.

        Where batch sizes are asked for, the nets are dealt out to those too, in the same campaign.
        """
        if self.costs:
            return CostFits.of_given(self.latency_model, described(self.latency_model))
        ends = [self.space.architecture([gene.choices[end] for gene in self.space.genes]) for end in (0, -1)]
        drawn = self.space.sample(self.preset.measured, seed=self.settings.seed, design="spread")
        archs, measuring = list(dict.fromkeys([*ends, self.space.mobilebert, *drawn])), self.preset.measuring
        workloads = measuring.workloads(self.space, archs)
        for number, batch_size in enumerate(self.other_batches):
            dealt = dict.fromkeys([*ends, *drawn[number :: len(self.other_batches)]])
            workloads += replace(measuring, batch_size=batch_size).workloads(self.space, list(dealt))
        campaign = self.measure(workloads)
        models, shape = self.folder / "models", {name: measuring.shape()[name] for name in ("batch_size", "seq_len")}
        memory = fit_memory(campaign, self.space, models / "memory", shape) if self.has_memory else None
        return CostFits(**vars(fit_latency(campaign, self.space, models / "latency")), memory=memory)

    @stage
    def search(self) -> Search:
        """Runs the Bayesian searcher, or the user's, and a random one, from the same reference with as many evaluations."""
        return search_both(self)

    @stage
    def winners(self) -> Winners:
        """Measures both fronts and the reference in one campaign, and compares the measured fronts."""
        fronts = [key for one in self.search.by_name.values() for key in one.front]
        archs = [self.space.parse(key) for key in dict.fromkeys([self.search.reference, *fronts])]
        found = self.measured(self.preset.measuring.workloads(self.space, archs), "winner")
        measured, reached = by_architecture(found), values_of(found, REACHED)
        nets = {
            self.space.key(arch): self._measured_student(arch, measured.get(arch, NOT_MEASURED), reached.get(arch, {}))
            for arch in archs
        }
        return Winners(nets, *areas(nets, self.search))

    def _measured_student(self, arch: Architecture, latency: Interval, reached: Mapping[str, float | None]) -> Student:
        quality = self.students.flash(arch)
        return Student(
            perplexity=quality["perplexity"], mlm_accuracy=quality["mlm_accuracy"], nsp_accuracy=quality["nsp_accuracy"],
            params=self.space.params(arch), predicted_s=self.latency_model(arch), **asdict(Latency.of(latency)),
            **{name: reached.get(name) for name in REACHED},
            predicted_memory_bytes=self.memory_model(arch) if self.has_memory else None,
            predicted_throughput_per_s={
                str(batch): batch / model(arch) for batch, model in sorted(self._models_by_batch.items())
            },
            found_by=self.search.found_by(self.space.key(arch)),
        )  # fmt: skip

    @stage
    def regular(self) -> Regular:
        """Distils the best of the first search regularly, those that dominate the reference first, and the reference.

        The winners and the reference have had as many steps then, as in Table 2.
        """
        found, nets, quality = self.search.own, self.winners.nets, self.preset.quality
        front = sorted(found.front, key=lambda key: nets[key].loss(quality))
        first = [key for key in front if key in found.dominating]
        chosen = [key for key in dict.fromkeys([*first, *front]) if key != self.search.reference][: self.preset.winners]
        return self.students.regular([*chosen, self.search.reference])

    @stage
    def fine_tuned(self) -> FineTuned:
        """Fine-tunes the regularly distilled students on every task that the user gave (Tables 3 and 4)."""
        return FineTuned.of(self.fine_tuning.scores({key: key for key in self.regular.nets}), self.winners.nets)

    # -- what stages share ---------------------------------------------------------------------------------------------

    def claims(self) -> list[Claim]:
        """See the base class."""
        return claims(self.results(Results))

    def check_settings(self) -> None:
        """See the base class."""
        if self.preset.measure_in_search and not self.measures:
            raise UsageError(
                "measure_in_search measures every student on a device, and nothing is measured beside a cost model that is "
                "given: name a device that is here (--device), or leave measure_in_search out"
            )
        if self.has_memory and self.parts.costs:
            raise UsageError(
                f"memory={self.preset.memory} measures students to fit a model of their peak memory, and none are measured "
                "where a cost model is given: leave one of both out"
            )
        if any(size < 1 for size in self.preset.batch_sizes):
            raise UsageError(f"batch_sizes are whole numbers from 1, got {', '.join(map(str, self.preset.batch_sizes))}")

    def check_costs(self) -> None:
        """Throughput at several batch sizes takes a cost model over shapes."""
        given = self.given_costs.get(self.name)
        if self.other_batches and given is not None and not isinstance(given.space, Shaped):
            raise UsageError(
                f"batch_sizes={', '.join(map(str, self.preset.batch_sizes))} asks for throughput at each, and the cost "
                "model that is given is of one shape: give one that was fitted at several batch sizes, or leave this out"
            )

    def read_inputs(self) -> None:
        """See the base class."""
        if self.settings.weights is not None:
            given_teacher(self.settings.weights, self.space)
        _ = self.text

    def spaces(self) -> dict[str, AutoDistill]:
        """See the base class."""
        return {self.name: self.space}

    def fits(self) -> tuple[str, ...]:
        """See the base class."""
        return (LATENCY, *self.quantities())

    def quantities(self) -> tuple[str, ...]:
        """See the base class."""
        return (MEMORY,) if self.has_memory else ()

    @property
    def has_memory(self) -> bool:
        """Whether peak memory is measured."""
        return self.preset.memory != "none"

    @property
    def is_memory_minimised(self) -> bool:
        """Whether peak memory is an objective."""
        return self.preset.memory == "objective"

    def baseline(self, name: str) -> Architecture:
        """The reference that is to be dominated."""
        return self.space.mobilebert

    def calls(self) -> list[Calls]:
        """See the base class."""
        own, dealt = self.planned_calls("latencies", self.preset.measured + 3), len(self.other_batches)
        others = [
            replace(own, batch_size=one, nets=-(-self.preset.measured // dealt) + 2) for one in self.other_batches
        ]
        fitted = [] if self.costs else [own, *others]
        searched = [self.planned_calls("search", 2 * self.preset.evaluations)] if self.preset.measure_in_search else []
        return [*fitted, *searched, self.planned_calls("winners", 2 * self.preset.evaluations)]

    def trainings(self) -> dict[str, Training]:
        """See the base class; the memory of distillation and of fine-tuning is that of the largest student."""
        preset = self.preset
        tuning = self.tuning_of_tasks(preset.tuning) if self.tunes else None
        return planned(self.space, preset.teacher, preset.recipe, preset.flash, tuning)

    @cached_property
    def space(self) -> AutoDistill:
        """The search space."""
        return AutoDistill(scale=self.preset.scale)

    @cached_property
    def text(self) -> Text:
        """The training text."""
        settings = self.settings
        return Text(
            settings.corpus, self.space.sizes.vocabulary, self.preset.recipe.seq_len, settings.seed, settings.weights
        )

    @cached_property
    def held_out(self) -> list[dict[str, Any]]:
        """Held-out batches."""
        return self.text.held_out_batches(self.preset.batches, next_sentence=True)

    @cached_property
    def batches(self) -> Any:
        """Batches to distil on."""
        return self.text.batches(self.preset.recipe.micro_batch, next_sentence=True).batch

    @cached_property
    def trained_teacher(self) -> nn.Module:
        """The teacher: the user's, or the one that was trained."""
        given = self.settings.weights
        net = given_teacher(given, self.space) if given else subnet.load(self.folder / TEACHER)
        return net.to(self.train_on)

    @together
    def _train_teacher(self) -> tuple[TrainingCurves, nn.Module]:
        """Trains the teacher and saves it, with its tokenizer, so that further runs can be given it."""
        net, recipe = teacher(self.space, self.settings.seed).to(self.train_on), self.preset.teacher
        batches = self.text.batches(recipe.micro_batch, next_sentence=True).batch
        pretraining = TeacherTraining(net, self.space.sizes.teacher[0], batches).to(self.train_on)
        curves = train_phase(self, pretraining, Phase("teacher", pretraining, recipe), self.text, "teacher")
        if self.processes.is_first:
            subnet.save(self.folder / TEACHER, net, teacher_blueprint(self.space), {"space": self.space.name})
            with writing(self.folder / TEACHER):
                self.text.tokenizer.save(self.folder / TEACHER)
        return curves, net

    @cached_property
    def latency_model(self) -> CostModel:
        """The latency model at the shape of the protocol: the user's, or the one that was fitted."""
        return at_measured(self._fitted_model, self.preset.measuring)

    @cached_property
    def _fitted_model(self) -> CostModel:
        return self.given_costs.get(self.name) or load(self.folder / "models" / "latency")

    @property
    def other_batches(self) -> tuple[int, ...]:
        """Batch sizes that throughput is predicted at beside the protocol's."""
        return tuple(sorted({*self.preset.batch_sizes} - {self.preset.measuring.batch_size}))

    @cached_property
    def _models_by_batch(self) -> dict[int, CostModel]:
        """The latency model at each batch size; none where throughput is not asked for at several."""
        measuring = self.preset.measuring
        sizes = (*self.other_batches, measuring.batch_size or 1) if self.other_batches else ()
        return {size: at_measured(self._fitted_model, replace(measuring, batch_size=size)) for size in sizes}

    @cached_property
    def search_latency(self) -> Callable[[Architecture], float]:
        """Latency that the searches go by: measured student by student where the preset says so, else predicted."""
        if not self.preset.measure_in_search:
            return self.latency_model
        return MeasuredLatency(self, self.space.mobilebert, self.folder)

    @cached_property
    def memory_model(self) -> CostModel:
        """The model of peak memory that was fitted."""
        return load(self.folder / "models" / "memory")

    @cached_property
    def search_memory(self) -> Callable[[Architecture], float]:
        """Peak memory that the searches go by: measured where latency is, else predicted."""
        latency = self.search_latency
        return latency.memory_bytes if isinstance(latency, MeasuredLatency) else self.memory_model

    @cached_property
    def students(self) -> Students:
        """The students of the run."""
        return Students(self)

    @cached_property
    def fine_tuning(self) -> FineTuning:
        """The fine-tuning of nets."""
        return FineTuning(self, self.text.tokenizer, self.preset.tuning)

    def encoder(self, net: str) -> nn.Module:
        """Returns a regularly distilled student, by its key."""
        return subnet.load(self.folder / "winners" / net).to(self.train_on)
