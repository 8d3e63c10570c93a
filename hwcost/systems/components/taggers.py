"""What the students of a run are distilled from, what they are made of, and what they cost.

Source: Tsai et al., "Finding Fast Transformers", section 5.4: MiniBERT learns to label words from the base net, which was
fine-tuned on the task, and is searched meanwhile; its components have costs of their own (Table 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.errors import UsageError
from hwcost.searchers.direct import Direct
from hwcost.spaces.components import Components
from hwcost.supernets.components import ComponentSupernet
from hwcost.supernets.heads import ElasticTaskNet, TaskNet
from hwcost.supernets.objective import Phase
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.silver_gold import SilverGold
from hwcost.supernets.tuned_folder import load_tuned
from hwcost.systems.components.gate_costs import GateCosts
from hwcost.systems.components.gate_training import check_decay
from hwcost.systems.components.gated_distillation import DirectDistillation, Labels, WeighedTagger
from hwcost.systems.components.model_costs import ModelCosts
from hwcost.systems.components.shares import share_workloads
from hwcost.systems.plan import Calls, Training
from hwcost.tasks import EncodedTask, Task, encode
from hwcost.workloads import builder

if TYPE_CHECKING:
    from hwcost.systems.components.pipeline import ComponentsPipeline


class Taggers:
    """The distillation of a run's students.

    Args:
        pipeline: The run, whose preset has the sizes.
    """

    def __init__(self, pipeline: ComponentsPipeline) -> None:
        self.pipeline, self.sizes = pipeline, pipeline.preset.distillation
        self._encoded: dict[str, EncodedTask] = {}

    @cached_property
    def space(self) -> Components:
        """Space of the students: the run's own, or that of another grid."""
        own, grid = self.pipeline.space, self.sizes.grid
        return own if grid in (None, own.grid_name) else Components(str(grid))

    @property
    def has_own_grid(self) -> bool:
        """Whether students have other components than the base net."""
        return self.space is not self.pipeline.space

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """The run's tasks that label words.

        Raises:
            UsageError: When there is none.
        """
        found = tuple(one for one in self.pipeline.tasks if one.target.is_per_word)
        if not found:
            given = ", ".join(f"{one.name} ({one.target.kind})" for one in self.pipeline.tasks)
            raise UsageError(
                f"distillation.is_on distils students that label words, and no task does: {given}. Give one, such as --task "
                "DIR with files of Universal Dependencies, or --task truecasing"
            )
        return found

    def check(self) -> None:
        """Refuses sizes and parts that students cannot have.

        Raises:
            UsageError: When they do not fit together, or do not fit the base net.
        """
        self.sizes.check()
        own, base, preset = self.space.grid, self.pipeline.space.grid, self.pipeline.preset
        builder(self.space).check_seq_len(self.sizes.recipe.seq_len)
        if preset.direct_mode == "decay":
            usual = self.direct_penalty * preset.direct_whole_cost / len(self.space.genes)
            check_decay(preset.direct_rate, self.sizes.recipe, usual)
        if own.vocabulary < base.vocabulary:
            raise UsageError(
                f"students share the base net's tokenizer of {base.vocabulary} pieces, and grid "
                f"'{self.space.grid_name}' has {own.vocabulary}. Give another distillation.grid, such as "
                f"'{self.pipeline.space.grid_name}', the base net's own"
            )
        if self.pipeline.parts.costs and self.has_own_grid:
            name = self.pipeline.space.grid_name
            raise UsageError(
                f"the cost model given is of grid '{name}', and students have grid '{self.space.grid_name}', whose "
                f"components would be measured. Set distillation.grid={name}, or switch the distillation off"
            )

    @property
    def direct_penalty(self) -> float:
        """Weight of the cost in DO."""
        own = self.sizes.direct_penalty
        return self.pipeline.preset.direct_penalty if own is None else own

    @property
    def sampled_penalty(self) -> float:
        """Weight of the cost in SDO."""
        own = self.sizes.sampled_penalty
        return self.pipeline.preset.sampled_penalty if own is None else own

    def task(self, name: str) -> Task:
        """Returns a tagging task by its name."""
        return next(one for one in self.tasks if one.name == name)

    # -- what is learned from ------------------------------------------------------------------------------------------

    def teacher_folder(self, task: Task) -> Path:
        """Returns the folder of the base net that was fine-tuned on a task."""
        return self.pipeline.folder / "teachers" / task.name.replace(" ", "-")

    def encoded(self, task: Task) -> EncodedTask:
        """Returns a task as numbers, at the length of the distillation."""
        if task.name not in self._encoded:
            seed, length = self.pipeline.settings.seed, self.sizes.recipe.seq_len
            self._encoded[task.name] = encode(task, self.pipeline.text.tokenizer, length, seed)
        return self._encoded[task.name]

    def labels(self, task: Task) -> Labels:
        """Returns the kept teacher, text of the corpus that it labels, and the task's own labels."""
        teacher = TaskNet(self.pipeline.encoder("base"), task.target, self.pipeline.settings.seed)
        load_tuned(self.teacher_folder(task), teacher)
        silver, gold = self.sizes.shares
        text, encoded = self.pipeline.text.words(silver, self.sizes.recipe.seq_len), self.encoded(task)
        return Labels(
            teacher, text.batch, lambda number: dict(encoded.batch(number, gold)), self.sizes.recipe, self.sizes.ramp
        )

    # -- students ------------------------------------------------------------------------------------------------------

    def supernet(self) -> ComponentSupernet:
        """Returns the student with fresh weights."""
        made = ComponentSupernet(self.space, self.pipeline.settings.seed)
        made.to(self.pipeline.train_on)
        return made

    def elastic(self, task: Task) -> ElasticTaskNet:
        """Returns the student with fresh weights and a head, of which any part can be run."""
        return ElasticTaskNet(self.supernet(), task.target, self.pipeline.settings.seed)

    def cost(self, shares: Mapping[str, float]) -> GateCosts | ModelCosts:
        """Returns the cost of a student's gates, 1 for the whole one.

        Args:
            shares: Shares of its components; none where it has the components of the base net, and their costs.
        """
        form = self.pipeline.preset.cost_form
        return GateCosts(self.space, shares, form) if self.has_own_grid else self.pipeline.cost

    # -- what is planned -----------------------------------------------------------------------------------------------

    def calls(self) -> list[Calls]:
        """Returns what is measured for the students."""
        pipeline, lengths = self.pipeline, self.pipeline.preset.measuring.lengths
        stacks = len(share_workloads(self.space, **pipeline.preset.measuring.shape()))
        nets = 2 + 2 * len(self.tasks)
        fitted = [pipeline.planned_calls("distillation", stacks, length) for length in lengths] if self.has_own_grid else []
        return [*fitted, *(pipeline.planned_calls("students", nets, length) for length in lengths)]

    def trainings(self) -> dict[str, Training]:
        """Returns the largest training of a distillation: the one with gates, whose teacher labels all of a micro batch."""
        task, blocks = self.tasks[0], self.space.grid.layers

        def gated(batches: Any, own: Recipe) -> Any:
            direct = Direct(np.zeros((blocks, len(self.space.genes) // blocks)))
            student = WeighedTagger(ComponentSupernet(self.space), task.target, direct)
            base = self.pipeline.space.base()
            teacher = TaskNet(builder(self.pipeline.space).blueprint(base, "mlm").build(), task.target)
            made = SilverGold(student, teacher, batches, lambda number: _first(batches(number)), own, self.sizes.ramp)
            phase = Phase("do", DirectDistillation(made, 1.0), own, lambda name: name != "gates")
            return student, phase, (teacher,)

        vocabulary = self.pipeline.space.grid.vocabulary
        return {"distillation.recipe": Training(self.sizes.recipe, vocabulary, gated, fewest=self.sizes.fewest)}


def _first(batch: Mapping[str, Any]) -> dict[str, Any]:
    return {name: rows[:1] for name, rows in batch.items()}
