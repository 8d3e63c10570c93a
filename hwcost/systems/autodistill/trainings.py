"""The trainings of AutoDistill, for the plan of their memory: the teacher's, and those of its largest student."""

from __future__ import annotations

from typing import Any

from hwcost.spaces.autodistill import AutoDistill
from hwcost.supernets.distillation import Distillation, Schedule, TeacherTraining
from hwcost.supernets.objective import Phase
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.student import student, student_blueprint, teacher
from hwcost.supernets.tuning import Tuning
from hwcost.systems.fine_tuning import planned_tunings
from hwcost.systems.plan import Training


def planned(
    space: AutoDistill, teaching: Recipe, recipe: Recipe, schedule: Schedule, tuning: Tuning | None
) -> dict[str, Training]:
    """Returns the trainings by the names of their recipes in the preset.

    Args:
        space: The space.
        teaching: Recipe of the teacher's training.
        recipe: Recipe of distillation.
        schedule: Schedule of a distillation, of which pre-training beside the teacher takes the most memory.
        tuning: Settings of fine-tuning; None where no task is given.
    """
    largest = space.architecture([gene.choices[-1] for gene in space.genes])

    def teach(batches: Any, own: Recipe) -> Any:
        pretraining = TeacherTraining(teacher(space), space.sizes.teacher[0], batches)
        return pretraining, Phase("teacher", pretraining, own), ()

    def distil(batches: Any, own: Recipe) -> Any:
        taught = teacher(space)
        pair = Distillation(student(space, largest), taught)
        return pair, pair.phases(batches, schedule, own)[-1], (taught,)

    def encoder() -> Any:
        return student_blueprint(space, largest, "mlm").build()

    vocabulary = space.sizes.vocabulary
    tunings = {} if tuning is None else planned_tunings(encoder, tuning, vocabulary)
    return {"teacher": Training(teaching, vocabulary, teach), "recipe": Training(recipe, vocabulary, distil), **tunings}
