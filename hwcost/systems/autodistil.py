"""AutoDistil end to end: three SuperLMs learn a teacher's relations, and the best nets of all 768 are searched for.

Source: Xu et al., "AutoDistil", sections 3.2 (Algorithm 1) and 3.3: the task-agnostic search takes the net with the least
relation loss within half of the teacher's operations; the task-proxy search fine-tunes nets on one task, and takes the best
trade-off of each sub-space, which the paper leaves undefined: here the knee of the front.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np

from hwcost import pareto
from hwcost.corpora import ClassificationTask
from hwcost.objectives import Constraint, Flops, Maximize, Minimize
from hwcost.spaces.autodistil import TEACHER_HEADS, TEACHER_LAYERS, TEACHER_RATIO, AutoDistil
from hwcost.spaces.base import Architecture
from hwcost.study import search
from hwcost.study.study import Progress, Study
from hwcost.supernets import backbone, subnet
from hwcost.supernets.base import initialise, std_at
from hwcost.supernets.masked_lm import NetLm, perplexity
from hwcost.supernets.recipe import RECIPES, Recipe
from hwcost.supernets.run import Run
from hwcost.supernets.run import Settings as Training
from hwcost.supernets.training import Phase, train
from hwcost.systems import latencies
from hwcost.systems.base import ONE_BY_ONE, Measuring, Pipeline, Plain, Verdict
from hwcost.systems.curves import curves
from hwcost.systems.text import Text
from hwcost.systems.tuning import tuned_accuracy
from hwcost.units import format_count, format_seconds
from hwcost.workloads import builder

SUBSPACES = ("tiny", "small", "base")
SHARE = 0.5
"""Of the teacher's operations, within which the task-agnostic search looks (section 3.3)."""
CLASS = 0.1
"""Relative half-width, in operations, of the class of nets that a chosen one is compared with."""

Net = tuple[str, Architecture]
"""A sub-space and one of its points."""


@dataclass(frozen=True)
class Effort:
    """How much of everything is done.

    Attributes:
        scale: Of the spaces.
        teacher: Recipe of the teacher, where none is given.
        relations: Recipe of every SuperLM.
        judged: Held-out batches that relation losses are found on; the chosen net is judged by as many others.
        candidates: Nets of a sub-space that the task-agnostic search looks at; None for all.
        tuned: Nets of a sub-space that are fine-tuned; None for all.
        tuning: Recipe of fine-tuning.
        compared: Nets of the chosen one's class that are fine-tuned beside it.
        measuring: How latencies are measured.
    """

    scale: str
    teacher: Recipe
    relations: Recipe
    judged: int
    candidates: int | None
    tuned: int | None
    tuning: Recipe
    compared: int
    measuring: Measuring


_TEACHER = Recipe(400, 64, 32, 1e-3, 40, clip=1.0)
_RELATIONS = Recipe(120, 64, 32, 5e-4, 12, clip=1.0, random=2)
_TUNING = Recipe(160, 64, 32, 5e-4, 32, clip=1.0)
_SMOKE = RECIPES["smoke"]


class AutoDistilPipeline(Pipeline):
    """See the module and :class:`~hwcost.systems.base.Pipeline`."""

    name = "autodistil"
    title = "AutoDistil: the best students of three SuperLMs"
    presets: ClassVar[Mapping[str, Any]] = {
        "smoke": Effort("mini", _SMOKE, _SMOKE, 1, 6, 2, _SMOKE, 2, Measuring(1, (32,), 2)),
        "quick": Effort("mini", _TEACHER, _RELATIONS, 1, None, 3, _TUNING, 5, Measuring(16, (32,), 3)),
        "paper": Effort(
            "paper", Recipe(1_000_000, 256, 128, 1e-4, 10_000), RECIPES["autodistil-paper"], 8, None, None,
            Recipe(61_360, 32, 128, 2e-5, 6136), 16, ONE_BY_ONE,
        ),
    }  # fmt: skip
    """``paper``: 5 epochs of MNLI's 392,702 examples; a teacher trained as BERT was, where none is given."""

    @property
    def stages(self) -> Mapping[str, Callable[[], Plain]]:
        """See the base class."""
        trained = {f"superlm-{subspace}": partial(self.distil, subspace) for subspace in SUBSPACES}
        return {
            "teacher": self.teach, **trained, "agnostic": self.choose, "proxy": self.tune, "winners": self.check,
        }  # fmt: skip

    # -- what stages share ---------------------------------------------------------------------------------------------

    def read_given(self) -> None:
        """See the base class."""
        _ = self.text
        if self.settings.weights is not None:
            backbone.teacher(self.settings.weights)

    def space(self, subspace: str) -> AutoDistil:
        """Returns a sub-space."""
        return AutoDistil(subspace, scale=self.effort.scale)

    @cached_property
    def reference(self) -> Net:
        """The teacher's shape."""
        space = self.space("reference")
        return "reference", space.architecture((TEACHER_LAYERS, space.sizes.width, TEACHER_RATIO, TEACHER_HEADS))

    @cached_property
    def teacher(self) -> str:
        """The teacher's folder: the one that is given, or the one that is trained here."""
        return self.settings.weights or str(self.folder / "teacher")

    @cached_property
    def text(self) -> Text:
        """What is trained on."""
        vocabulary, length = self.space("reference").vocabulary, self.effort.relations.seq_len
        return Text(self.settings.corpus, vocabulary, length, self.settings.seed, self.settings.weights)

    @cached_property
    def task(self) -> ClassificationTask:
        """What nets are fine-tuned on."""
        return self.text.task

    def superlm(self, subspace: str) -> Run:
        """Returns a SuperLM's training."""
        if subspace not in self._runs:
            settings = self.settings
            described = Training(
                "autodistil", self.space(subspace).options(), self.effort.relations, settings.corpus, settings.seed,
                teacher=self.teacher,
            )  # fmt: skip
            self._runs[subspace] = Run.start(self.folder / f"superlm-{subspace}", described, self.train_on)
        return self._runs[subspace]

    @cached_property
    def _runs(self) -> dict[str, Run]:
        return {}

    @cached_property
    def judges(self) -> dict[str, Judge]:
        """What judges the nets of a trained SuperLM."""
        return {subspace: Judge(self.superlm(subspace), self.effort.judged) for subspace in SUBSPACES}

    def flops(self, net: Net) -> float:
        """Returns a net's operations, as they are measured."""
        return float(self.space(net[0]).flops(net[1], self.effort.measuring.seq_len))

    def key(self, net: Net) -> str:
        """Names a net."""
        return f"{net[0]} {self.space(net[0]).key(net[1])}"

    def read(self, key: str) -> Net:
        """Reads what :meth:`key` gave."""
        subspace, _, arch = key.partition(" ")
        return subspace, self.space(subspace).parse(arch)

    def accuracy(self, net: Net) -> float:
        """Fine-tunes a net as it was taken out and returns its accuracy."""
        model = self.judges[net[0]].run.trained().extract(net[1], "none").to(self.train_on)
        return tuned_accuracy(model, self.task, self.effort.tuning, self.settings.seed)

    # -- stages --------------------------------------------------------------------------------------------------------

    def teach(self) -> Plain:
        """Trains the teacher by masked words, unless one is given."""
        if self.settings.weights is not None:
            return {"given": self.settings.weights}
        space, arch = self.space("reference"), self.reference[1]
        blueprint = builder(space).blueprint(arch, "mlm")
        net = blueprint.build().to(self.train_on)
        initialise(net, self.settings.seed, std_at(space.sizes.width))
        phase = Phase("teacher", NetLm(net, self.text.batches(self.effort.teacher.batch_size).batch), self.effort.teacher)
        folder = self.folder / "teacher-training"
        train(net, [phase], folder, self.text.about("teacher"), 200, lambda one: self.say("training", one.done, one.total))
        subnet.save(self.teacher, net, blueprint, {"space": space.name, "options": space.options(), "arch": space.key(arch)})
        self.text.tokenizer.save(self.teacher)
        return {"curves": curves(folder), "perplexity": perplexity(net, self.text.judged(2))}

    def distil(self, subspace: str) -> Plain:
        """Distils the teacher's relations into the nets of a sub-space (Algorithm 1)."""
        run = self.superlm(subspace)
        run.train(lambda one: self.say("distilling", one.done, one.total))
        return {"curves": curves(run.folder)}

    def choose(self) -> Plain:
        """Takes the net of all sub-spaces with the least relation loss within half of the teacher's operations."""
        most = SHARE * self.flops(self.reference)
        rows: list[Plain] = []
        for subspace in SUBSPACES:
            space = self.space(subspace)
            loss = Minimize(self.judges[subspace].loss, "relation_loss")
            limit = Constraint(Flops(space, seq_len=self.effort.measuring.seq_len), most=most)
            study = self._searched(f"agnostic-{subspace}", space, [loss], [limit], self.effort.candidates)
            for trial in study.completed:
                net = subspace, trial.architecture
                rows.append({"net": self.key(net), "loss": trial.values[0], "flops": self.flops(net)})
        best = min(rows, key=lambda row: row["loss"])
        near = [row["net"] for row in rows if abs(row["flops"] / best["flops"] - 1) <= CLASS]
        judged = self.each("class", near, str, self._unseen)
        return {
            "limit_flops": most, "nets": rows, "chosen": best["net"], "class": near, "unseen_loss": judged,
        }  # fmt: skip

    def _searched(
        self, name: str, space: AutoDistil, objectives: list[Any], limits: list[Any], evaluations: int | None
    ) -> Study:
        allowed = space.size if evaluations is None else evaluations

        def tell(state: Progress) -> None:
            self.say(f"search {name}", state.evaluations, allowed)

        return search(
            space, objectives, limits, searcher="exhaustive" if evaluations is None else "random", evaluations=allowed,
            seed=self.settings.seed, log=self.folder / "studies" / f"{name}.jsonl", progress=tell,
        )  # fmt: skip

    def _unseen(self, key: str) -> float:
        subspace, arch = self.read(key)
        return self.judges[subspace].unseen_loss(arch)

    def tune(self) -> Plain:
        """Fine-tunes nets of every sub-space and takes the knee of accuracy and operations."""
        rows, chosen = [], {}
        for subspace in SUBSPACES:
            space = self.space(subspace)

            def accuracy(arch: Architecture, subspace: str = subspace) -> float:
                return self.accuracy((subspace, arch))

            goals = [Maximize(accuracy, "accuracy"), Minimize(Flops(space, seq_len=self.effort.measuring.seq_len), "flops")]
            study = self._searched(f"proxy-{subspace}", space, goals, [], self.effort.tuned)
            knee = study.front[pareto.knee(study.problem.losses(study.front))]
            chosen[subspace] = self.key((subspace, knee.architecture))
            rows += [
                {
                    "net": self.key((subspace, one.architecture)), "accuracy": one.values[0], "flops": one.values[1],
                    "on_front": one in study.front,
                }
                for one in study.completed
            ]  # fmt: skip
        return {"nets": rows, "chosen": chosen}

    def check(self) -> Plain:
        """Takes the chosen nets out, measures them beside the teacher, and fine-tunes some of the first one's class."""
        agnostic, proxy = self.found["agnostic"], self.found["proxy"]
        named = {"teacher": self.reference, "agnostic": self.read(agnostic["chosen"])}
        named |= {f"proxy {subspace}": self.read(key) for subspace, key in proxy["chosen"].items()}
        for name, (subspace, arch) in named.items():
            if name != "teacher":
                self.judges[subspace].run.trained().save(arch, self.folder / "winners" / name.replace(" ", "-"))
        others = [key for key in agnostic["class"] if key != agnostic["chosen"]]
        rng = np.random.default_rng(self.settings.seed)
        drawn = [others[index] for index in sorted(rng.permutation(len(others))[: self.effort.compared])]
        tuned = [agnostic["chosen"], *drawn]
        accuracies = self.each("tuned", tuned, str, lambda key: self.accuracy(self.read(key)))
        nets = dict.fromkeys([*named.values(), *map(self.read, drawn)])
        measuring: Measuring = self.effort.measuring
        workloads = [one for of, arch in nets for one in measuring.models(self.space(of), [arch])]
        found = self.measured(workloads, "winner").measurements
        measured = {
            net: latencies.seconds((one.latency_s, one.low_s, one.high_s)) for net, one in zip(nets, found, strict=True)
        }
        return {
            "nets": {
                name: {
                    "net": self.key(net), "params": self.space(net[0]).params(net[1]), "flops": self.flops(net),
                    **measured[net],
                }
                for name, net in named.items()
            },
            "class": [
                {"net": key, "accuracy": value, **measured[self.read(key)]}
                for key, value in zip(tuned, accuracies, strict=True)
            ],
        }  # fmt: skip

    # -- what came out -------------------------------------------------------------------------------------------------

    def verdicts(self) -> list[Verdict]:
        """See the base class."""
        agnostic, winners = self.found["agnostic"], self.found["winners"]
        unseen = dict(zip(agnostic["class"], agnostic["unseen_loss"], strict=True))
        own, middle = unseen[agnostic["chosen"]], float(np.median(list(unseen.values())))
        tuned = [row["accuracy"] for row in winners["class"]]
        usual = float(np.median(tuned[1:])) if tuned[1:] else tuned[0]
        teacher, student = winners["nets"]["teacher"], winners["nets"]["agnostic"]
        is_measured = None not in (teacher["measured_s"], student["measured_s"])
        times = [format_seconds(net["measured_s"]) if net["measured_s"] else "-" for net in (student, teacher)]
        return [
            Verdict(
                "the chosen net relates tokens more like the teacher than the median of its class, on text it was not "
                "chosen by",
                f"loss {own:.3e} against {middle:.3e}, {len(unseen)} nets of its operations within {100 * CLASS:g} %",
                own <= middle,
            ),
            Verdict(
                "fine-tuned, it is at least as accurate as the median of its class",
                f"{tuned[0]:.3f} against {usual:.3f}, {len(tuned) - 1} nets of its class",
                tuned[0] >= usual,
            ),
            Verdict(
                "it is measured faster than the teacher",
                f"{times[0]} against {times[1]}, {format_count(student['params'])} against "
                f"{format_count(teacher['params'])} parameters",
                is_measured and student["measured_s"] < teacher["measured_s"],
            ),
        ]


class Judge:
    """Relation losses of a trained SuperLM's nets on held-out text.

    Args:
        run: Its training.
        count: Batches that nets are chosen by, and as many others.
    """

    def __init__(self, run: Run, count: int) -> None:
        self.run, self.count = run, count

    @cached_property
    def _objective(self) -> Any:
        objective = self.run.objective  # which puts the teacher's weights where the trained ones go
        self.run.trained()
        return objective

    @cached_property
    def _targets(self) -> list[Any]:
        return list(self._objective.targets(self.run.held_out(2 * self.count)))

    def loss(self, arch: Architecture) -> float:
        """Returns the loss that nets are chosen by."""
        return float(self._objective.loss(arch, self._targets[: self.count]))

    def unseen_loss(self, arch: Architecture) -> float:
        """Returns the loss on text that they are not chosen by."""
        return float(self._objective.loss(arch, self._targets[self.count :]))
