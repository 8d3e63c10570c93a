"""The stages of AutoDistil."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cached_property
from statistics import fmean

import numpy as np
from torch import nn

from hwcost.errors import UsageError
from hwcost.spaces import Architecture
from hwcost.spaces.autodistil import TEACHER_LAYERS, AutoDistil
from hwcost.supernets import backbone
from hwcost.supernets.base import initialise, std_at
from hwcost.supernets.masked_lm import NetLm, perplexity
from hwcost.supernets.objective import Phase
from hwcost.supernets.relations import attention
from hwcost.supernets.run import Run
from hwcost.supernets.run import Settings as TrainingSettings
from hwcost.systems.autodistil.claims import CLASS, claims
from hwcost.systems.autodistil.nets import REFERENCE, SUBSPACES, Net, Nets, space_of
from hwcost.systems.autodistil.presets import PRESETS, AutoDistilPreset
from hwcost.systems.autodistil.relation_losses import RelationLosses, median_over
from hwcost.systems.autodistil.results import (
    Agnostic,
    ClassMember,
    Proxy,
    Results,
    Selected,
    SuperLm,
    Teacher,
    Winners,
)
from hwcost.systems.autodistil.searches import Searches, best_trade_off
from hwcost.systems.autodistil.trainings import planned
from hwcost.systems.autodistil.tuned import TEACHER, FineTunedNets
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


class AutoDistilPipeline(Pipeline[AutoDistilPreset]):
    """See :mod:`hwcost.systems.autodistil` and :class:`~hwcost.systems.base.Pipeline`."""

    name = "autodistil"
    title = "AutoDistil: the best students of three SuperLMs"
    paper = (
        'Xu et al., "AutoDistil: '
        'Few-shot Task-agnostic Neural Architecture Search for Distilling Large Language Models"'
    )
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
        space, arch = self.space(REFERENCE), self.nets.teacher[1]
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
        rows = [row for subspace in self.searched for row in self.searches.candidates(subspace)]
        best = min(rows, key=lambda row: row.loss)
        near = [row.net for row in rows if abs(row.flops / best.flops - 1) <= CLASS]
        unseen = dict(zip(near, self.cached_map("class", near, str, self.unseen_losses), strict=True))
        own = unseen[best.net]
        beside = median_over(own, [losses for net, losses in unseen.items() if net != best.net])
        return Agnostic(self.searches.max_flops, rows, best.net, near, list(map(fmean, unseen.values())), beside)

    @stage
    def proxy(self) -> Proxy:
        """Fine-tunes nets of every sub-space on the first task and selects the knee of its metric and of cost.

        A net costs its operations, or the latency that a cost model predicts where one is given. The teacher is fine-tuned
        beside them.
        """
        rows, chosen = [], {}
        for subspace in self.searched:
            own = self.searches.tuned(subspace)
            chosen[subspace] = best_trade_off(own).net
            rows += own
        teacher = self.fine_tuning.score(TEACHER, TEACHER, self.tasks[0])
        return Proxy(TaskUsed.of(self.tasks[0]), rows, chosen, teacher.score)

    @stage
    def winners(self) -> Winners:
        """Extracts the selected nets, measures them beside the teacher, and fine-tunes nets of the first one's size."""
        own = self.nets
        named = {TEACHER: own.teacher, "agnostic": own.parse(self.agnostic.chosen)}
        named |= {f"proxy {subspace}": own.parse(key) for subspace, key in self.proxy.chosen.items()}
        for name, (subspace, arch) in named.items():
            if name != TEACHER:
                self.losses(subspace).run.trained().save(arch, self.folder / "winners" / name.replace(" ", "-"))
        tuned = [self.agnostic.chosen, *self._drawn_of_class()]
        scores = self.cached_map("tuned", tuned, str, lambda key: self.score(own.parse(key)))
        latency = self._measured(list(dict.fromkeys([*named.values(), *map(own.parse, tuned[1:])])))
        nets = {
            name: Selected(
                net=own.key(net), params=own.params(net), flops=own.flops(net), predicted_s=own.predicted_s(net),
                **asdict(latency[net]),
            )
            for name, net in named.items()
        }
        members = [
            ClassMember(net=key, score=value, **asdict(latency[own.parse(key)]))
            for key, value in zip(tuned, scores, strict=True)
        ]
        return Winners(nets, members)

    @stage
    def fine_tuned(self) -> FineTunedNets:
        """Fine-tunes the teacher and the selected nets on every task that the user gave (Tables 3, 4 and 10).

        What the searches found on the first task is taken from there: it is the same training.
        """
        chosen = {TEACHER: TEACHER, "agnostic": self.agnostic.chosen}
        chosen |= {f"proxy {subspace}": key for subspace, key in self.proxy.chosen.items()}
        found = self.fine_tuning.scores({key: key for key in chosen.values()})
        rows = [replace(row, net=name) for name, key in chosen.items() for row in found.nets if row.net == key]
        archs = {**chosen, TEACHER: self.nets.key(self.nets.teacher)}
        return FineTunedNets.of(TaskScores(found.tasks, rows), archs, self.nets.printed_sizes)

    # -- what stages share ---------------------------------------------------------------------------------------------

    def claims(self) -> list[Claim]:
        """See the base class."""
        return claims(self.results(Results))

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
        _ = self.space(REFERENCE)
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
        return self.nets.largest(name)

    def calls(self) -> list[Calls]:
        """See the base class."""
        return [self.planned_calls("winners", 2 + len(self.searched) + self.preset.compared)]

    def trainings(self) -> dict[str, Training]:
        """See the base class; the memory of relation distillation and of fine-tuning is that of the largest sub-space."""
        largest = self.space(self.searched[-1])
        teacher = self.preset.teacher if self.settings.weights is None else None
        return planned(
            largest, self.space(REFERENCE), self.nets.teacher[1], teacher, self.preset.relations,
            self.tuning_of_tasks(self.preset.tuning), self.settings.seed,
        )  # fmt: skip

    def space(self, subspace: str) -> AutoDistil:
        """Returns a sub-space, or the space ``reference`` of the teacher."""
        return space_of(self.preset, subspace)

    @cached_property
    def nets(self) -> Nets:
        """The nets of the sub-spaces, and the teacher's shape."""
        return Nets(self.preset, self.costs)

    @cached_property
    def searches(self) -> Searches:
        """Both searches within a sub-space."""
        return Searches(self)

    @property
    def teacher_folder(self) -> str:
        """Folder of the teacher: the user's, or the one that is trained here."""
        return self.settings.weights or str(self.folder / "teacher")

    @cached_property
    def text(self) -> Text:
        """The training text."""
        vocabulary, length = self.space(REFERENCE).vocabulary, self.preset.relations.seq_len
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

    def score(self, net: Net) -> float:
        """Fine-tunes a net as it was extracted on the first task, and returns the task's metric."""
        key = self.nets.key(net)
        return self.fine_tuning.score(key, key, self.tasks[0]).score

    def encoder(self, net: str) -> nn.Module:
        """Returns a net as it is extracted, by its name, or the teacher."""
        if net == TEACHER:
            return backbone.teacher(self.teacher_folder)[0].to(self.train_on)
        subspace, arch = self.nets.parse(net)
        return self.losses(subspace).run.trained().extract(arch, "none").to(self.train_on)

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

    @together
    def relation_loss(self, net: str) -> float:
        """Returns the loss that nets are selected by; processes share the text.

        Args:
            net: Name of the net.
        """
        subspace, arch = self.nets.parse(net)
        return self.losses(subspace).loss(arch)

    @together
    def unseen_losses(self, net: str) -> list[float]:
        """Returns the losses of a net on parts of the text that nothing was selected on; processes share them.

        Args:
            net: Name of the net.
        """
        subspace, arch = self.nets.parse(net)
        return self.losses(subspace).unseen_losses(arch)

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
