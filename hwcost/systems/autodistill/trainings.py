"""The trainings of AutoDistill, for the plan of their memory: the teacher's, and the distillation of its largest student."""

from __future__ import annotations

from typing import Any

from hwcost.spaces.autodistill import AutoDistill
from hwcost.supernets.distillation import Distillation, Schedule, TeacherTraining
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.student import student, teacher
from hwcost.supernets.training import Phase
from hwcost.systems.plan import Training


def planned(space: AutoDistill, teaching: Recipe, recipe: Recipe, schedule: Schedule) -> dict[str, Training]:
    """Returns the trainings by the names of their recipes in the preset.

    Args:
        space: The space.
        teaching: Recipe of the teacher's training.
        recipe: Recipe of distillation.
        schedule: Schedule of a distillation, of which pre-training beside the teacher takes the most memory.
    """
    largest = space.architecture([gene.choices[-1] for gene in space.genes])

    def teach(batches: Any, own: Recipe) -> Any:
        pretraining = TeacherTraining(teacher(space), space.sizes.teacher[0], batches)
        return pretraining, Phase("teacher", pretraining, own), ()

    def distil(batches: Any, own: Recipe) -> Any:
        taught = teacher(space)
        pair = Distillation(student(space, largest), taught)
        return pair, pair.phases(batches, schedule, own)[-1], (taught,)

    vocabulary = space.sizes.vocabulary
    return {"teacher": Training(teaching, vocabulary, teach), "recipe": Training(recipe, vocabulary, distil)}
