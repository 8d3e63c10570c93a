"""AutoDistil's SuperLMs for the studies of its Tables 6 to 9: one teacher, and trainings that differ in one thing."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import torch
from trainings.bench import SEED, Bench
from trainings.kept_rows import KeptRows

from hwcost.corpora import Corpus, MlmBatches
from hwcost.spaces.autodistil import TEACHER_HEADS, AutoDistil
from hwcost.spaces.base import Architecture
from hwcost.supernets import subnet
from hwcost.supernets.base import initialise, std_at
from hwcost.supernets.finetuning import TaskTraining, task_loss
from hwcost.supernets.heads import TaskNet
from hwcost.supernets.masked_lm import NetLm, SupernetLm, inputs
from hwcost.supernets.recipe import RELATION_EPSILON, Recipe
from hwcost.supernets.relations import RelationDistillation
from hwcost.supernets.sampling import Uniform
from hwcost.supernets.training import Phase, device_of, moved, train
from hwcost.supernets.transformer import AutoDistilSupernet
from hwcost.tasks import EncodedTask, encode, task
from hwcost.tasks.encoded import SKIPPED
from hwcost.workloads import builder

SEQ_LEN = 32
SUBSPACES = ("tiny", "small", "base")
"""Sub-spaces of few-shot search."""
TEACHER_RATE = 5e-4
"""Learning rate of the teacher: at 1e-3 twelve layers do not learn, and relate their tokens all alike."""
TEACHER_BATCH = 64
"""Sequences in a step of the teacher."""
WORDS_EPSILON = 1e-6
"""Constant of Adam where masked words or a task are learnt."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of the trainings.

    Attributes:
        teacher: Steps of the teacher, of 64 sequences each.
        steps: Steps of a SuperLM.
        batch: Sequences in a step.
        random: Random subnets in a step.
        epsilon: Constant that Adam adds to the root of the second moment where relations are learnt; 1e-6 elsewhere.
        judged: Held-out batches that relation losses are computed on.
        tuned: Steps of fine-tuning.
        tuned_batch: Examples in a step of fine-tuning.
        tuned_rate: Learning rate of fine-tuning, at its peak.
        task: Task that nets are fine-tuned on.
    """

    teacher: int = 800
    steps: int = 40
    batch: int = 8
    random: int = 2
    epsilon: float = RELATION_EPSILON
    judged: int = 2
    tuned: int = 100
    tuned_batch: int = 8
    tuned_rate: float = 1e-3
    task: str = "truecasing"

    def of_training(self, steps: int) -> dict[str, int]:
        """Returns the sizes that the weights of a SuperLM of so many steps depend on."""
        return {"steps": steps, **{name: getattr(self, name) for name in ("teacher", "batch", "random")}}


class SuperLms:
    """Trains SuperLMs of one teacher and evaluates their nets.

    Args:
        bench: The text and the folder.
        sizes: Sizes of the trainings.
    """

    def __init__(self, bench: Bench, sizes: Sizes) -> None:
        self.bench, self.sizes = bench, sizes
        self.held_out = self._batches(bench.held_out, 1, 32).fixed(sizes.judged)

    def rows(self, study: str) -> KeptRows:
        """Returns the rows of a study."""
        same = {"sizes": asdict(self.sizes), "corpus": self.bench.training.digest}
        return KeptRows(self.bench.folder / f"{study}.jsonl", same)

    @cached_property
    def teacher(self) -> Any:
        """The teacher, trained by masked words once."""
        folder = self.bench.folder / f"teacher-{self.sizes.teacher}"
        if not (folder / "config.json").exists():
            space = AutoDistil("reference", scale="mini")
            blueprint = builder(space).blueprint(space.architecture((12, space.sizes.width, 4, 12)), "mlm")
            net = blueprint.build()
            initialise(net, SEED, std_at(space.sizes.width))
            objective = NetLm(net, self._batches(self.bench.training, SEED, TEACHER_BATCH).batch)
            train(net, [Phase("teacher", objective, self._recipe(self.sizes.teacher, TEACHER_RATE))])
            subnet.save(folder, net, blueprint)
        return subnet.load(folder).requires_grad_(False)

    def trained(
        self, space: str, seed: int, steps: int, rules: tuple[str, str] = ("alternate", "alternate"),
        text: Corpus | None = None, words: bool = False,
    ) -> AutoDistilSupernet:  # fmt: skip
        """Returns a SuperLM that was trained from the teacher's weights (Algorithm 1).

        Args:
            space: Sub-space, or a space of one-shot search.
            seed: Seed of the sampled subnets and of the batches.
            steps: Number of steps.
            rules: Rules of the kept layers in training, and afterwards.
            text: Text to train on; None for all of the training text.
            words: Whether masked words are learnt, and not relations.
        """
        net = AutoDistilSupernet(AutoDistil(space, scale="mini"), seed)
        net.weights.load_state_dict(self.teacher.state_dict(), strict=False)
        net.keep_layers(rules[0])
        batches = self._batches(text or self.bench.training, seed, self.sizes.batch).batch
        drawn = Uniform(net, self.sizes.random, seed)
        objective = SupernetLm(net, batches, drawn) if words else self.relations(net, batches, drawn)
        epsilon = WORDS_EPSILON if words else self.sizes.epsilon
        name = f"{space}-{steps}-{rules[0]}-{'words' if words else 'relations'}-{len(text or self.bench.training)}-{seed}"
        folder = self.bench.folder / "superlms" / f"{name}-{epsilon:g}"
        phase = Phase(space, objective, self._recipe(steps, 5e-4, epsilon))
        train(net, [phase], folder, {"sizes": self.sizes.of_training(steps)}, save_every=steps)
        net.keep_layers(rules[1])
        return net

    def relations(self, net: AutoDistilSupernet, batches: Any = None, rule: Any = None) -> RelationDistillation:
        """Returns the objective of relation distillation, which also evaluates nets."""
        return RelationDistillation(net, self.teacher, TEACHER_HEADS, batches, rule)

    def losses(self, net: AutoDistilSupernet, keys: list[str]) -> dict[str, float]:
        """Returns the relation losses of nets on held-out text."""
        objective = self.relations(net)
        targets = objective.targets(self.held_out)
        return {key: objective.loss(self.parse(key), targets) for key in keys}

    def tuned(self, encoder: Any, seed: int) -> dict[str, float]:
        """Returns the metric of the task and the held-out loss of a net after fine-tuning.

        Args:
            encoder: The net.
            seed: Seed of the head and of the batches.
        """
        size, task = self.sizes.tuned_batch, replace(self.task, seed=seed)
        model = TaskNet(encoder, task.task.target, seed)
        objective = TaskTraining(model, lambda number: dict(task.batch(number, size)))
        recipe = replace(self._recipe(self.sizes.tuned, self.sizes.tuned_rate), batch_size=size)
        train(model, [Phase("fine-tuning", objective, recipe)])
        return judged(model, task)

    def continued(self, net: AutoDistilSupernet, arch: Architecture, seed: int, steps: int) -> Any:
        """Returns an extracted net that was trained further on masked words."""
        own = net.extract(arch, "mlm")
        batches = self._batches(self.bench.training, seed + 100, self.sizes.batch).batch
        train(own, [Phase("continued", NetLm(own, batches), self._recipe(steps, 5e-4))])
        return own

    @cached_property
    def task(self) -> Any:
        """The task that nets are fine-tuned on, as tokens."""
        return encode(task(self.sizes.task), self.bench.tokenizer, SEQ_LEN)

    @staticmethod
    def parse(key: str) -> Architecture:
        """Returns the net of a key, whichever spaces have it."""
        return AutoDistil("one-shot-11232", scale="mini").parse(key)

    def _recipe(self, steps: int, rate: float, epsilon: float = WORDS_EPSILON) -> Recipe:
        warmup, size = steps // 10, self.sizes.batch
        return Recipe(steps, size, SEQ_LEN, learning_rate=rate, warmup_steps=warmup, epsilon=epsilon, clip=1.0)

    def _batches(self, text: Corpus, seed: int, size: int) -> MlmBatches:
        return MlmBatches(text, self.bench.tokenizer, SEQ_LEN, size, seed)


def judged(model: TaskNet, task: EncodedTask, batch_size: int = 64) -> dict[str, float]:
    """Returns a fine-tuned net's metric on held-out examples, ``accuracy``, and its mean loss on them, ``held_out``.

    Args:
        model: The net with the task's head.
        task: The task, of any target but spans.
        batch_size: Examples at a time.
    """
    examples, outputs, labels = task.validation[task.task.split], [], []
    with torch.no_grad():
        for batch in examples.batches(batch_size):
            one = moved(batch, device_of(model))
            asked = one["labels"] != SKIPPED
            outputs.append(model(*inputs(one))[asked])
            labels.append(one["labels"][asked])
    every = torch.cat(outputs)
    predicted = examples.predicted(every.numpy(), model.target)
    scores = task.task.scores(task.task.validation[task.task.split], predicted)
    return {"accuracy": scores[task.task.metric], "held_out": float(task_loss(every, torch.cat(labels)))}
