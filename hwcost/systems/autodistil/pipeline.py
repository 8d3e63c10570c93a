"""The stages of AutoDistil."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

import numpy as np
from torch import nn

from hwcost.errors import UsageError
from hwcost.objectives import Constraint, Flops, Maximize, Minimize
from hwcost.pareto import front, knee
from hwcost.searchers import Problem
from hwcost.spaces import Architecture
from hwcost.spaces.autodistil import TEACHER_HEADS, TEACHER_LAYERS, TEACHER_RATIO, AutoDistil
from hwcost.study import Study
from hwcost.supernets import backbone
from hwcost.supernets.base import initialise, std_at
from hwcost.supernets.masked_lm import NetLm, perplexity
from hwcost.supernets.relations import attention
from hwcost.supernets.run import Run
from hwcost.supernets.run import Settings as TrainingSettings
from hwcost.supernets.training import Phase
from hwcost.systems.autodistil.claims import CLASS, claims
from hwcost.systems.autodistil.presets import PRESETS, AutoDistilPreset
from hwcost.systems.autodistil.relation_losses import RelationLosses
from hwcost.systems.autodistil.results import (
    Agnostic,
    Candidate,
    ClassMember,
    FineTuned,
    Proxy,
    Results,
    Selected,
    SuperLm,
    Teacher,
    Winners,
)
from hwcost.systems.autodistil.trainings import planned
from hwcost.systems.base import Pipeline
from hwcost.systems.claims import Claim
from hwcost.systems.curves import TrainingCurves
from hwcost.systems.fine_tuning import FineTuning
from hwcost.systems.latencies import NOT_MEASURED, Latency
from hwcost.systems.learnt import RelationsLearnt
from hwcost.systems.plan import Calls, Training
from hwcost.systems.processes import together
from hwcost.systems.stages import stage
from hwcost.systems.task_scores import TaskScores, TaskUsed
from hwcost.systems.text import Text
from hwcost.systems.training import reporting, run_of, save_net, shown, train_phase, words_learnt
from hwcost.workloads import builder

SUBSPACES = ("tiny", "small", "base")
SHARE = 0.5
"""Share of the teacher's operations within which the task-agnostic search selects (section 4.2)."""

Net = tuple[str, Architecture]
"""A sub-space and one of its points."""


class AutoDistilPipeline(Pipeline[AutoDistilPreset]):
    """See :mod:`hwcost.systems.autodistil` and :class:`~hwcost.systems.base.Pipeline`."""

    name = "autodistil"
    title = "AutoDistil: the best students of three SuperLMs"
    presets = PRESETS
    takes = ("cost", "searcher", "constraints")
    needs_task = True

    # -- stages --------------------------------------------------------------------------------------------------------

    @stage
    @together
    def teacher(self) -> Teacher:
        """Trains the teacher by masked words, unless one is given."""
        if self.settings.weights is not None:
            return Teacher(given=self.settings.weights)
        space, arch = self.space("reference"), self.reference[1]
        blueprint = builder(space).blueprint(arch, "mlm")
        net = blueprint.build().to(self.train_on)
        initialise(net, self.settings.seed, std_at(space.sizes.width))
        recipe = self.preset.teacher
        batches = self.text.batches(recipe.micro_batch)
        phase = Phase("teacher", NetLm(net, batches.batch), recipe)
        curves = train_phase(self, net, phase, self.text, "teacher")
        if self.processes.is_first:
            save_net(self.teacher_folder, net, space, arch, blueprint)
            self.text.tokenizer.save(self.teacher_folder)
        learnt = words_learnt("teacher", net, self.text.held_out_batches(shown(self)), batches)
        return Teacher(curves=curves, perplexity=perplexity(net, self.text.held_out_batches(2)), learnt=learnt)

    @stage
    def superlm_tiny(self) -> SuperLm:
        """Distils the teacher's relations into the nets of the sub-space ``tiny`` (Algorithm 1)."""
        return self._distil("tiny")

    @stage
    def superlm_small(self) -> SuperLm:
        """Distils the teacher's relations into the nets of the sub-space ``small``."""
        return self._distil("small")

    @stage
    def superlm_base(self) -> SuperLm:
        """Distils the teacher's relations into the nets of the sub-space ``base``."""
        return self._distil("base")

    @stage
    def agnostic(self) -> Agnostic:
        """Selects the net of all sub-spaces with the least relation loss within half of the teacher's operations.

        Constraints that the user gave take the place of that limit; cost models leave their own sub-spaces only.
        """
        most = None if self.parts.constraints else SHARE * self.flops(self.reference)
        rows = [row for subspace in self.searched for row in self._candidates(subspace, most)]
        best = min(rows, key=lambda row: row.loss)
        near = [row.net for row in rows if abs(row.flops / best.flops - 1) <= CLASS]
        return Agnostic(most, rows, best.net, near, self.cached_map("class", near, str, self._unseen_loss))

    @stage
    def proxy(self) -> Proxy:
        """Fine-tunes nets of every sub-space on the first task and selects the knee of its metric and of cost.

        A net costs its operations, or the latency that a cost model predicts where one is given. The teacher is fine-tuned
        beside them.
        """
        rows, chosen = [], {}
        for subspace in self.searched:
            own = self._tuned(subspace)
            kept = [row for row in own if row.on_front]
            chosen[subspace] = kept[knee([(-row.score, self._price(row)) for row in kept])].net
            rows += own
        teacher = self.fine_tuning.score("teacher", self._teacher_encoder, self.tasks[0])
        return Proxy(TaskUsed.of(self.tasks[0]), rows, chosen, teacher.score)

    @stage
    def winners(self) -> Winners:
        """Extracts the selected nets, measures them beside the teacher, and fine-tunes nets of the first one's size."""
        named = {"teacher": self.reference, "agnostic": self.parse(self.agnostic.chosen)}
        named |= {f"proxy {subspace}": self.parse(key) for subspace, key in self.proxy.chosen.items()}
        for name, (subspace, arch) in named.items():
            if name != "teacher":
                self.losses(subspace).run.trained().save(arch, self.folder / "winners" / name.replace(" ", "-"))
        tuned = [self.agnostic.chosen, *self._drawn_of_class()]
        scores = self.cached_map("tuned", tuned, str, lambda key: self.score(self.parse(key)))
        latency = self._measured(list(dict.fromkeys([*named.values(), *map(self.parse, tuned[1:])])))
        nets = {
            name: Selected(
                net=self.key(net), params=self.space(net[0]).params(net[1]), flops=self.flops(net),
                predicted_s=self.predicted_s(net), **asdict(latency[net]),
            )
            for name, net in named.items()
        }
        members = [
            ClassMember(net=key, score=value, **asdict(latency[self.parse(key)]))
            for key, value in zip(tuned, scores, strict=True)
        ]
        return Winners(nets, members)

    @stage
    def fine_tuned(self) -> TaskScores:
        """Fine-tunes the selected nets on every task that the user gave (Table 10).

        What the searches found on the first task is taken from there: it is the same training.
        """
        chosen = {"agnostic": self.agnostic.chosen}
        chosen |= {f"proxy {subspace}": key for subspace, key in self.proxy.chosen.items()}
        found = self.fine_tuning.scores({key: key for key in chosen.values()})
        rows = [replace(row, net=name) for name, key in chosen.items() for row in found.nets if row.net == key]
        return TaskScores(found.tasks, rows)

    # -- what stages share ---------------------------------------------------------------------------------------------

    def claims(self) -> list[Claim]:
        """See the base class."""
        trained = (self.superlm_tiny, self.superlm_small, self.superlm_base)
        return claims(Results(self.teacher, *trained, self.agnostic, self.proxy, self.winners, self.fine_tuned))

    def read_inputs(self) -> None:
        """See the base class."""
        _ = self.text
        if self.settings.weights is not None:
            net = backbone.teacher(self.settings.weights)[0]
            attention(net, self.preset.relations.relation_layer)
            self._check_activation(net)

    def _check_activation(self, teacher: nn.Module) -> None:
        """Refuses a given teacher whose activation is not the one that the preset names: it is measured with that one."""
        own = {part.activation.__name__ for part in teacher.modules() if hasattr(part, "activation")}
        wanted = self.preset.teacher_activation
        if own != {wanted}:
            raise UsageError(
                f"the teacher in '{self.settings.weights}' has {' and '.join(sorted(own))}, and teacher_activation is "
                f"{wanted}. Set teacher_activation to what the teacher has"
            )

    def check_settings(self) -> None:
        """The layer that is learnt from is one of the teacher's, and the teacher's activation is a known one."""
        _ = self.space("reference")
        layer = self.preset.relations.relation_layer
        if self.settings.weights is None and abs(layer) > TEACHER_LAYERS:
            raise UsageError(f"the teacher has {TEACHER_LAYERS} layers, and relations.relation_layer is {layer}")

    def spaces(self) -> dict[str, AutoDistil]:
        """The sub-spaces that are searched: all three, or those of which a cost model is given."""
        given = getattr(self, "costs", {})
        return {subspace: self.space(subspace) for subspace in SUBSPACES if subspace in given or not given}

    @property
    def searched(self) -> list[str]:
        """Names of the sub-spaces that are searched."""
        return list(self.spaces())

    def baseline(self, name: str) -> Architecture:
        """The largest net of a sub-space."""
        space = self.space(name)
        return space.architecture([gene.choices[-1] for gene in space.genes])

    def calls(self) -> list[Calls]:
        """See the base class."""
        return [self.planned_calls("winners", 2 + len(self.searched) + self.preset.compared)]

    def trainings(self) -> dict[str, Training]:
        """See the base class; the memory of relation distillation and of fine-tuning is that of the largest sub-space."""
        largest = self.space(self.searched[-1])
        teacher = self.preset.teacher if self.settings.weights is None else None
        return planned(
            largest, self.space("reference"), self.reference[1], teacher, self.preset.relations, self.preset.tuning,
            self.settings.seed,
        )  # fmt: skip

    def space(self, subspace: str) -> AutoDistil:
        """Returns a sub-space, or the space ``reference`` of the teacher."""
        preset = self.preset
        activation = preset.teacher_activation if subspace == "reference" else preset.activation
        return AutoDistil(subspace, scale=preset.scale, activation=activation)

    @cached_property
    def reference(self) -> Net:
        """The teacher's shape."""
        space = self.space("reference")
        return "reference", space.architecture((TEACHER_LAYERS, space.sizes.width, TEACHER_RATIO, TEACHER_HEADS))

    @property
    def teacher_folder(self) -> str:
        """Folder of the teacher: the user's, or the one that is trained here."""
        return self.settings.weights or str(self.folder / "teacher")

    @cached_property
    def text(self) -> Text:
        """The training text."""
        vocabulary, length = self.space("reference").vocabulary, self.preset.relations.seq_len
        return Text(self.settings.corpus, vocabulary, length, self.settings.seed, self.settings.weights)

    @cached_property
    def fine_tuning(self) -> FineTuning:
        """The fine-tuning of nets."""
        return FineTuning(self, self.text.tokenizer, self.preset.tuning)

    def losses(self, subspace: str) -> RelationLosses:
        """Returns the relation losses of the nets of a SuperLM."""
        if subspace not in self._losses:
            self._losses[subspace] = RelationLosses(self._superlm(subspace), self.preset.batches)
        return self._losses[subspace]

    @cached_property
    def _losses(self) -> dict[str, RelationLosses]:
        return {}

    def flops(self, net: Net) -> float:
        """Returns a net's operations, at the sequence length of the campaign."""
        return float(self.space(net[0]).flops(net[1], self.preset.measuring.seq_len))

    def predicted_s(self, net: Net) -> float | None:
        """Returns the latency that the user's cost model predicts for a net; None without one of its sub-space."""
        return self.costs[net[0]](net[1]) if net[0] in self.costs else None

    def key(self, net: Net) -> str:
        """Returns a net's name."""
        return f"{net[0]} {self.space(net[0]).key(net[1])}"

    def parse(self, key: str) -> Net:
        """Returns the net of a name that :meth:`key` returned."""
        subspace, _, arch = key.partition(" ")
        return subspace, self.space(subspace).parse(arch)

    def score(self, net: Net) -> float:
        """Fine-tunes a net as it was extracted on the first task, and returns the task's metric."""
        return self.fine_tuning.score(self.key(net), self.key(net), self.tasks[0]).score

    def encoder(self, net: str) -> nn.Module:
        """Returns a net as it is extracted, by its name."""
        subspace, arch = self.parse(net)
        return self.losses(subspace).run.trained().extract(arch, "none").to(self.train_on)

    def _teacher_encoder(self) -> nn.Module:
        return backbone.teacher(self.teacher_folder)[0].to(self.train_on)

    def _superlm(self, subspace: str) -> Run:
        settings = self.settings
        described = TrainingSettings(
            "autodistil", self.space(subspace).options(), self.preset.relations, settings.corpus, settings.seed,
            teacher=self.teacher_folder,
        )  # fmt: skip
        return run_of(self, f"superlm-{subspace}", described)

    def _distil(self, subspace: str) -> SuperLm:
        if subspace not in self.searched:
            return SuperLm()
        losses, largest = self.losses(subspace), self.baseline(subspace)
        untrained = losses.untrained_loss(largest)
        self._train(subspace)
        learnt = RelationsLearnt("largest net", losses.loss(largest), losses.alike, untrained)
        return SuperLm(TrainingCurves.read(losses.run.folder), learnt)

    @together
    def _train(self, subspace: str) -> None:
        self.losses(subspace).run.train(reporting(self, "distilling"))

    def _limits(self, subspace: str, max_flops: float | None) -> list[Constraint]:
        """Returns the user's constraints on a sub-space, or the bound on operations."""
        if max_flops is None:
            return self.constraints(subspace, self.costs.get(subspace))
        return [Constraint(self._flops_of(subspace), most=max_flops)]

    def _flops_of(self, subspace: str) -> Flops:
        return Flops(self.space(subspace), seq_len=self.preset.measuring.seq_len)

    def _candidates(self, subspace: str, max_flops: float | None) -> list[Candidate]:
        """Evaluates the nets of a sub-space within the limits."""
        loss = Minimize(self.losses(subspace).loss, "relation_loss")
        limits = self._limits(subspace, max_flops)
        study = self._search(f"agnostic-{subspace}", subspace, [loss], limits, self.preset.candidates)
        nets = [(subspace, trial.architecture) for trial in study.completed]
        return [
            Candidate(self.key(net), trial.values[0], self.flops(net), self.predicted_s(net))
            for net, trial in zip(nets, study.completed, strict=True)
        ]

    def _unseen_loss(self, key: str) -> float:
        subspace, arch = self.parse(key)
        return self.losses(subspace).unseen_loss(arch)

    def _tuned(self, subspace: str) -> list[FineTuned]:
        """Searches a sub-space for metric and cost; a searcher of one objective seeks the metric within the limits alone."""

        def score(arch: Architecture) -> float:
            return self.score((subspace, arch))

        cost = self.costs.get(subspace) or self._flops_of(subspace)
        goals: list[Any] = [Maximize(score, self.tasks[0].metric)]
        if self.parts.searcher is None or self.parts.pursues(2):
            goals.append(Minimize(cost))
        limits = self.constraints(subspace, self.costs.get(subspace))
        study = self._search(f"proxy-{subspace}", subspace, goals, limits, self.preset.tuned)
        nets = [(subspace, one.architecture) for one in study.completed]
        values = [(one.values[0], float(cost(one.architecture))) for one in study.completed]
        kept = front([(-found, price) for found, price in values])
        return [
            FineTuned(self.key(net), found, self.flops(net), bool(is_kept), self.predicted_s(net))
            for net, (found, _), is_kept in zip(nets, values, kept, strict=True)
        ]

    @staticmethod
    def _price(row: FineTuned) -> float:
        return row.flops if row.predicted_s is None else row.predicted_s

    def _search(
        self, name: str, subspace: str, objectives: list[Any], constraints: list[Constraint], evaluations: int | None
    ) -> Study:
        """Evaluates random nets, or all where no number is given; or lets the user's searcher ask for as many."""
        space = self.space(subspace)
        own = "exhaustive" if evaluations is None else "random"
        return self.run_study(
            name, f"search {name}", Problem(space, objectives, constraints),
            evaluations=space.size if evaluations is None else evaluations, **self.search_options(own),
        )  # fmt: skip

    def _drawn_of_class(self) -> list[str]:
        """Draws other nets of the size of the selected one."""
        others = [key for key in self.agnostic.size_class if key != self.agnostic.chosen]
        rng = np.random.default_rng(self.settings.seed)
        return [others[index] for index in sorted(rng.permutation(len(others))[: self.preset.compared])]

    def _measured(self, nets: list[Net]) -> dict[Net, Latency]:
        measuring = self.preset.measuring
        workloads = [one for subspace, arch in nets for one in measuring.workloads(self.space(subspace), [arch])]
        found = [(one.latency_s, one.low_s, one.high_s) for one in self.measured(workloads, "winner")]
        return {net: Latency.of(one) for net, one in zip(nets, found or [NOT_MEASURED] * len(nets), strict=True)}
