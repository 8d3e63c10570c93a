"""AutoDistil's SuperLMs for the studies of its Tables 6 to 9: one teacher, and trainings that differ in one thing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from trainings.bench import SEED, Bench

from hwcost.corpora import Corpus, MlmBatches
from hwcost.spaces.autodistil import TEACHER_HEADS, AutoDistil
from hwcost.spaces.base import Architecture
from hwcost.supernets import subnet
from hwcost.supernets.base import initialise, std_at
from hwcost.supernets.finetuning import fine_tune
from hwcost.supernets.heads import TaskNet
from hwcost.supernets.masked_lm import NetLm, SupernetLm
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.relations import RelationDistillation
from hwcost.supernets.sampling import Uniform
from hwcost.supernets.training import Phase, train
from hwcost.supernets.transformer import AutoDistilSupernet
from hwcost.tasks import encode, task
from hwcost.workloads import builder

TASK = "docstring"


@dataclass(frozen=True)
class Sizes:
    """Sizes of the trainings.

    Attributes:
        teacher: Steps of the teacher.
        steps: Steps of a SuperLM.
        batch: Sequences in a step.
        random: Random subnets in a step.
        judged: Held-out batches that relation losses are computed on.
        tuned: Steps of fine-tuning.
        tuned_batch: Examples in a step of fine-tuning.
        tuned_rate: Learning rate of fine-tuning, at its peak.
    """

    teacher: int = 400
    steps: int = 40
    batch: int = 8
    random: int = 2
    judged: int = 2
    tuned: int = 60
    tuned_batch: int = 16
    tuned_rate: float = 5e-4

    @property
    def of_training(self) -> dict[str, int]:
        """Sizes that a SuperLM's weights depend on."""
        return {name: getattr(self, name) for name in ("teacher", "steps", "batch", "random")}


class Rows:
    """Rows of a study in a file of JSON Lines; a row that is there is not computed again.

    Args:
        path: The file.
        same: Description of what all rows share; rows of another are left out.
    """

    def __init__(self, path: Path, same: dict[str, Any]) -> None:
        self.path, self.same = path, same
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.found = [row for row in map(json.loads, lines) if row["same"] == same]

    def get(self, key: dict[str, Any], compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Returns the row of a key."""
        for row in self.found:
            if row["key"] == key:
                return row
        row = {"key": key, **compute(), "same": self.same}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self.found.append(row)
        print(f"  {key}", flush=True)
        return row


class SuperLms:
    """Trains SuperLMs of one teacher and evaluates their nets.

    Args:
        bench: The text and the folder.
        sizes: Sizes of the trainings.
    """

    def __init__(self, bench: Bench, sizes: Sizes) -> None:
        self.bench, self.sizes = bench, sizes
        self.held_out = self._batches(bench.held_out, 1, 32).fixed(sizes.judged)

    def rows(self, study: str) -> Rows:
        """Returns the rows of a study."""
        same = {"sizes": asdict(self.sizes), "corpus": self.bench.training.digest}
        return Rows(self.bench.folder / f"{study}.jsonl", same)

    @cached_property
    def teacher(self) -> Any:
        """The teacher, trained by masked words once."""
        folder = self.bench.folder / f"teacher-{self.sizes.teacher}"
        if not (folder / "config.json").exists():
            space = AutoDistil("reference", scale="mini")
            blueprint = builder(space).blueprint(space.architecture((12, space.sizes.width, 4, 12)), "mlm")
            net = blueprint.build()
            initialise(net, SEED, std_at(space.sizes.width))
            objective = NetLm(net, self._batches(self.bench.training, SEED, 32).batch)
            train(net, [Phase("teacher", objective, self._recipe(self.sizes.teacher, 1e-3))])
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
        name = f"{space}-{steps}-{rules[0]}-{'words' if words else 'relations'}-{len(text or self.bench.training)}-{seed}"
        folder, phase = self.bench.folder / "superlms" / name, Phase(space, objective, self._recipe(steps, 5e-4))
        train(net, [phase], folder, {"sizes": self.sizes.of_training}, save_every=steps)
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

    def accuracy(self, encoder: Any, seed: int) -> float:
        """Returns the task's metric of a net after fine-tuning."""
        recipe = replace(self._recipe(self.sizes.tuned, self.sizes.tuned_rate), batch_size=self.sizes.tuned_batch)
        found = fine_tune(lambda: TaskNet(encoder, self.task.task.target, seed), replace(self.task, seed=seed), [recipe])
        return found.scores[self.task.task.split][self.task.task.metric]

    def continued(self, net: AutoDistilSupernet, arch: Architecture, seed: int, steps: int) -> Any:
        """Returns an extracted net that was trained further on masked words."""
        own = net.extract(arch, "mlm")
        batches = self._batches(self.bench.training, seed + 100, self.sizes.batch).batch
        train(own, [Phase("continued", NetLm(own, batches), self._recipe(steps, 5e-4))])
        return own

    @cached_property
    def task(self) -> Any:
        """The task that nets are fine-tuned on, as tokens."""
        return encode(task(TASK), self.bench.tokenizer, 32)

    @staticmethod
    def parse(key: str) -> Architecture:
        """Returns the net of a key, whichever spaces have it."""
        return AutoDistil("one-shot-11232", scale="mini").parse(key)

    def _recipe(self, steps: int, rate: float) -> Recipe:
        return Recipe(steps, batch_size=self.sizes.batch, seq_len=32, learning_rate=rate, warmup_steps=steps // 10, clip=1.0)

    def _batches(self, text: Corpus, seed: int, size: int) -> MlmBatches:
        return MlmBatches(text, self.bench.tokenizer, 32, size, seed)
