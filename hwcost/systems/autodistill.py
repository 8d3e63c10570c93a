"""AutoDistill end to end: a Bayesian search whose every evaluation is a flash distillation, beside a random one.

Source: Zhang et al., "AutoDistill", sections 3.1 (the loop), 3.3 (distillation) and 4: quality by flash distillation against
latency, a reference to dominate, and regular distillation of what was found. Latency is that of a model of measurements on
this device while the search runs; in the end everything on a front is measured.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hwcost import pareto
from hwcost.cost_models import load
from hwcost.cost_models.base import CostModel
from hwcost.errors import UsageError
from hwcost.objectives import Minimize
from hwcost.spaces.autodistill import AutoDistill
from hwcost.spaces.base import Architecture
from hwcost.study import search
from hwcost.study.study import Progress, Study
from hwcost.supernets import subnet
from hwcost.supernets.distillation import SCHEDULES, Distillation, Schedule, TeacherTraining
from hwcost.supernets.masked_lm import perplexity
from hwcost.supernets.recipe import RECIPES, Recipe
from hwcost.supernets.student import student, student_blueprint, teacher
from hwcost.supernets.training import Phase, train
from hwcost.systems import latencies
from hwcost.systems.base import ONE_BY_ONE, Measuring, Pipeline, Plain, Verdict
from hwcost.systems.curves import curves
from hwcost.systems.kept import Kept
from hwcost.systems.text import Text
from hwcost.units import format_seconds

SEARCHERS = ("bayesian", "random")
TEACHER = "teacher.safetensors"


@dataclass(frozen=True)
class Effort:
    """How much of everything is done.

    Attributes:
        scale: Of the space.
        teacher: Recipe of the teacher.
        recipe: Of distillation; its steps are those of the schedules.
        flash: Schedule by which every evaluated student is distilled.
        regular: Schedule by which the winners are distilled.
        judged: Held-out batches of perplexity.
        measured: Nets that the latency model learns from.
        evaluations: Of either search, the reference included.
        winners: Nets that are distilled regularly.
        measuring: How latencies are measured.
    """

    scale: str
    teacher: Recipe
    recipe: Recipe
    flash: Schedule
    regular: Schedule
    judged: int
    measured: int
    evaluations: int
    winners: int
    measuring: Measuring


_QUICK = Recipe(800, 64, 32, 1e-3, 80, clip=1.0)
_PAPER = RECIPES["autodistill-paper"]


class AutoDistillPipeline(Pipeline):
    """See the module and :class:`~hwcost.systems.base.Pipeline`."""

    name = "autodistill"
    title = "AutoDistill: students that dominate a reference"
    presets: ClassVar[Mapping[str, Any]] = {
        "smoke": Effort(
            "mini", RECIPES["smoke"], replace(RECIPES["smoke"], steps=1), Schedule(1, 2, 0), Schedule(1, 4, 0), 1, 12, 7, 1,
            Measuring(4, (32,), 2),
        ),
        "quick": Effort(
            "mini", _QUICK, replace(_QUICK, steps=1, warmup_steps=0), Schedule(6, 48, 5), Schedule(36, 288, 29), 6, 40, 24,
            2, Measuring(16, (32,), 3),
        ),
        "paper": Effort(
            "paper", replace(_PAPER, steps=500_000, warmup_steps=10_000), replace(_PAPER, steps=1, warmup_steps=0),
            SCHEDULES["flash"], SCHEDULES["regular"], 16, 96, 110, 7, ONE_BY_ONE,
        ),
    }  # fmt: skip

    @property
    def stages(self) -> Mapping[str, Callable[[], Plain]]:
        """See the base class."""
        return {
            "teacher": self.teach, "latencies": self.measure, "search": self.search, "winners": self.check,
            "regular": self.distil,
        }  # fmt: skip

    # -- what stages share ---------------------------------------------------------------------------------------------

    def check_settings(self) -> None:
        """See the base class."""
        if self.settings.weights is not None:
            raise UsageError(
                "the teacher of AutoDistill is MobileBERT's inverted-bottleneck net, which no BERT on disk can stand for; "
                "leave --weights out, and it is trained"
            )

    def read_given(self) -> None:
        """See the base class."""
        _ = self.text

    @cached_property
    def space(self) -> AutoDistill:
        """The space."""
        return AutoDistill(scale=self.effort.scale)

    @cached_property
    def text(self) -> Text:
        """What is trained on."""
        settings = self.settings
        return Text(settings.corpus, self.space.sizes.vocabulary, self.effort.recipe.seq_len, settings.seed)

    @cached_property
    def judged(self) -> list[Any]:
        """Held-out batches."""
        return self.text.judged(self.effort.judged, next_sentence=True)

    @cached_property
    def batches(self) -> Any:
        """Batches to distil on."""
        return self.text.batches(self.effort.recipe.batch_size, next_sentence=True).batch

    @cached_property
    def teacher(self) -> Any:
        """The trained teacher."""
        net = teacher(self.space, self.settings.seed)
        net.load_state_dict(subnet.read_tensors(self.folder / TEACHER))
        return net.to(self.train_on)

    @cached_property
    def kept(self) -> Kept:
        """Perplexities after flash distillation, which both searches share."""
        return Kept(self.folder / "flash.jsonl")

    @property
    def latency(self) -> CostModel:
        """The latency model."""
        return load(self.folder / "models" / "latency")

    def flash(self, arch: Architecture) -> float:
        """Returns a student's perplexity after flash distillation."""
        key = self.space.key(arch)
        found = float(self.kept.get(key, lambda: self._distilled(arch, "flash", self.effort.flash)[1]))
        self._forget(key, "flash")
        return found

    def _student(self, key: str, way: str) -> Path:
        return self.folder / "students" / f"{key}-{way}"

    def _forget(self, key: str, way: str) -> None:
        """Drops the checkpoint of a distillation whose result is kept."""
        shutil.rmtree(self._student(key, way), ignore_errors=True)

    def _distilled(self, arch: Architecture, way: str, plan: Schedule) -> tuple[Any, float]:
        """Distils a student, and returns it with its perplexity."""
        net = student(self.space, arch, seed=self.settings.seed).to(self.train_on)
        pair = Distillation(net, self.teacher, self.settings.seed).to(self.train_on)
        phases = pair.phases(self.batches, plan, self.effort.recipe)
        key = self.space.key(arch)

        def tell(state: Any) -> None:
            self.say(f"{way} distillation of {key}", state.done, state.total)

        train(pair, phases, self._student(key, way), self.text.about(f"{way} {key}"), 1000, tell)
        return net, perplexity(net, self.judged)

    # -- stages --------------------------------------------------------------------------------------------------------

    def teach(self) -> Plain:
        """Trains the teacher on masked words and next sentences."""
        net, recipe = teacher(self.space, self.settings.seed).to(self.train_on), self.effort.teacher
        batches = self.text.batches(recipe.batch_size, next_sentence=True).batch
        pretraining = TeacherTraining(net, self.space.sizes.teacher[0], batches).to(self.train_on)
        folder = self.folder / "teacher-training"
        train(
            pretraining, [Phase("teacher", pretraining, recipe)], folder, self.text.about("teacher"), 200,
            lambda state: self.say("training", state.done, state.total),
        )  # fmt: skip
        subnet.write_tensors(self.folder / TEACHER, net.state_dict())
        return {"curves": curves(folder), "perplexity": perplexity(net, self.judged)}

    def measure(self) -> Plain:
        """Measures nets of all sizes and fits a model of their latency."""
        ends = [self.space.architecture([gene.choices[end] for gene in self.space.genes]) for end in (0, -1)]
        drawn = self.space.sample(self.effort.measured, seed=self.settings.seed, design="spread")
        archs = list(dict.fromkeys([*ends, self.space.mobilebert, *drawn]))
        result = self.measured(self.effort.measuring.models(self.space, archs))
        return latencies.fitted(result, self.space, self.folder / "models" / "latency")

    def search(self) -> Plain:
        """Searches by the Bayesian searcher and at random, from the same reference and with as many evaluations."""
        found = {}
        for name in SEARCHERS:
            study = self._searched(name)
            found[name] = {
                "trials": [
                    {"arch": self.space.key(one.architecture), "latency_s": one.values[0], "perplexity": one.values[1]}
                    for one in study.completed
                ],
                "front": [self.space.key(one.architecture) for one in study.front],
                "dominating": [self.space.key(one.architecture) for one in study.dominating],
                "hypervolume": study.convergence().tolist(),
            }  # fmt: skip
        return {"reference": self.space.key(self.space.mobilebert), **found}

    def _searched(self, name: str) -> Study:
        goals = [Minimize(self.latency, "latency_s"), Minimize(self.flash, "perplexity")]

        def tell(state: Progress) -> None:
            self.say(f"{name} search", state.evaluations, self.effort.evaluations)

        return search(
            self.space, goals, searcher=name, evaluations=self.effort.evaluations, seed=self.settings.seed,
            reference=self.space.mobilebert, log=self.folder / "studies" / f"{name}.jsonl", progress=tell,
        )  # fmt: skip

    def check(self) -> Plain:
        """Measures both fronts and the reference in one campaign, and finds the fronts of what was measured."""
        rows = self.found["search"]
        names = dict.fromkeys([rows["reference"], *(key for name in SEARCHERS for key in rows[name]["front"])])
        archs = [self.space.parse(key) for key in names]
        measured = latencies.of_archs(self.measured(self.effort.measuring.models(self.space, archs), "winner").measurements)
        nets = {
            self.space.key(arch): {"perplexity": self.flash(arch), **latencies.seconds(measured[arch])} for arch in archs
        }
        found = {name: list(_points(nets, rows[name]["front"])) for name in SEARCHERS}
        every, reference = np.array(list(_points(nets, list(nets)))), list(_points(nets, [rows["reference"]]))
        corners = {"hypervolume": every.max(axis=0), **({"beyond": np.array(reference[0])} if reference else {})}
        areas = {
            what: {name: _area(points, every.min(axis=0), corner) for name, points in found.items()}
            for what, corner in corners.items()
        }
        return {"nets": nets, **areas}

    def distil(self) -> Plain:
        """Distils the best of the Bayesian search regularly: those that dominate the reference come first."""
        rows, nets = self.found["search"]["bayesian"], self.found["winners"]["nets"]
        front = sorted(rows["front"], key=lambda key: nets[key]["perplexity"])
        first = [key for key in front if key in rows["dominating"]]
        chosen = [*first, *(key for key in front if key not in first)][: self.effort.winners]
        found = self.each("regular", chosen, str, self._regular)
        for key in chosen:
            self._forget(key, "regular")
        return {"nets": dict(zip(chosen, found, strict=True))}

    def _regular(self, key: str) -> Plain:
        arch = self.space.parse(key)
        net, found = self._distilled(arch, "regular", self.effort.regular)
        about = {"space": self.space.name, "options": self.space.options(), "arch": key}
        subnet.save(self.folder / "winners" / key, net, student_blueprint(self.space, arch, "mlm"), about)
        return {"perplexity": found, "flash_perplexity": self.flash(arch), "params": self.space.params(arch)}

    # -- what came out -------------------------------------------------------------------------------------------------

    def verdicts(self) -> list[Verdict]:
        """See the base class."""
        rows, winners = self.found["search"], self.found["winners"]
        beyond, whole = winners.get("beyond"), winners["hypervolume"]
        count = len(rows["bayesian"]["trials"])
        steps = {name: _dominating_steps(rows[name]) for name in SEARCHERS}
        first, third = (
            " against ".join(str(steps[name][n - 1]) if len(steps[name]) >= n else "never" for name in SEARCHERS)
            for n in (1, 3)
        )
        areas = "the reference was not measured"
        if beyond is not None:
            areas = f"{beyond['bayesian']:.3f} against {beyond['random']:.3f} of the area there"
        reference = winners["nets"][rows["reference"]]
        best = [key for key in rows["bayesian"]["front"] if _dominates(winners["nets"][key], reference)]
        reference_s = "-" if reference["measured_s"] is None else format_seconds(reference["measured_s"])
        return [
            Verdict(
                "the Bayesian search covers more beyond the reference than the random one after as many evaluations, as "
                "measured",
                f"{areas}; {len(steps['bayesian'])} against {len(steps['random'])} of {count} nets dominate it, the first "
                f"after {first} evaluations, the third after {third}; of the whole area, which neither was told to cover, "
                f"{whole['bayesian']:.3f} against {whole['random']:.3f}",
                beyond is not None and beyond["bayesian"] > beyond["random"],
            ),
            Verdict(
                "a net that it found dominates the reference, as measured",
                f"{len(best)} of its front do; the reference takes {reference_s}, its perplexity is "
                f"{reference['perplexity']:.1f}",
                bool(best),
            ),
        ]


def _points(nets: Plain, keys: list[str]) -> Iterator[tuple[float, float]]:
    """Yields latency and perplexity of nets; of those that were measured."""
    for key in keys:
        if nets[key]["measured_s"] is not None:
            yield nets[key]["measured_s"], nets[key]["perplexity"]


def _area(points: list[tuple[float, float]], low: Any, corner: Any) -> float:
    """Returns the area that points cover below a corner, as a share of the rectangle from the best values to there."""
    if not points:
        return 0.0
    spread = np.where(corner > low, corner - low, 1.0)
    return float(pareto.hypervolume((np.array(points) - low) / spread, np.ones(2)))


def _dominating_steps(rows: Plain) -> list[int]:
    """Returns after how many evaluations a search had found each net that dominates the reference."""
    return [number for number, one in enumerate(rows["trials"], 1) if one["arch"] in rows["dominating"]]


def _dominates(one: Plain, other: Plain) -> bool:
    if None in (one["measured_s"], other["measured_s"]):
        return False
    return bool(pareto.dominates([one["measured_s"], one["perplexity"]], [other["measured_s"], other["perplexity"]]))
