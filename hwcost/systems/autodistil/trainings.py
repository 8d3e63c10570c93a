"""The trainings of AutoDistil, for the plan of their memory: the teacher's, a SuperLM's, and the fine-tuning of a net."""

from __future__ import annotations

from typing import Any

from hwcost.spaces import Architecture
from hwcost.spaces.autodistil import TEACHER_HEADS, AutoDistil
from hwcost.supernets.masked_lm import NetLm
from hwcost.supernets.objective import Phase
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.relations import RelationDistillation
from hwcost.supernets.sampling import planned_rule
from hwcost.supernets.tuning import Tuning
from hwcost.systems.fine_tuning import planned_tunings
from hwcost.systems.plan import Training
from hwcost.workloads import builder


def planned(
    space: AutoDistil, reference: AutoDistil, shape: Architecture, teacher: Recipe | None, relations: Recipe,
    tuning: Tuning, seed: int,
) -> dict[str, Training]:  # fmt: skip
    """Returns the trainings by the names of their recipes in the preset.

    Args:
        space: The largest sub-space that is searched.
        reference: The space of the teacher.
        shape: The teacher's shape.
        teacher: Recipe of the teacher's training; None where a teacher is given.
        relations: Recipe of relation distillation.
        tuning: Settings of fine-tuning.
        seed: Seed of the weights.
    """

    def teach(batches: Any, own: Recipe) -> Any:
        net = builder(reference).blueprint(shape, "mlm").build()
        return net, Phase("teacher", NetLm(net, batches), own), ()

    def distil(batches: Any, own: Recipe) -> Any:
        net, taught = supernet(space.name, seed, **space.options()), builder(reference).blueprint(shape, "mlm").build()
        taught.requires_grad_(False)
        drawn = planned_rule(own.sampling, net)
        objective = RelationDistillation(net, taught, TEACHER_HEADS, batches, drawn, *own.relations)
        return net, Phase("training", objective, own), (taught,)

    def encoder() -> Any:
        return builder(space).blueprint(space.architecture([gene.choices[-1] for gene in space.genes]), "none").build()

    found = {} if teacher is None else {"teacher": Training(teacher, reference.vocabulary, teach)}
    found["relations"] = Training(relations, space.vocabulary, distil)
    return {**found, **planned_tunings(encoder, tuning, space.vocabulary)}
