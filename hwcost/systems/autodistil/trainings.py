"""The trainings of AutoDistil, for the plan of their memory: the teacher's, and relation distillation of a SuperLM."""

from __future__ import annotations

from typing import Any

from hwcost.spaces import Architecture
from hwcost.spaces.autodistil import TEACHER_HEADS, AutoDistil
from hwcost.supernets.masked_lm import NetLm
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.registry import supernet
from hwcost.supernets.relations import RelationDistillation
from hwcost.supernets.sampling import rule
from hwcost.supernets.training import Phase
from hwcost.systems.plan import Training
from hwcost.workloads import builder


def planned(
    space: AutoDistil, reference: AutoDistil, shape: Architecture, teacher: Recipe | None, relations: Recipe, seed: int
) -> dict[str, Training]:
    """Returns the trainings by the names of their recipes in the preset.

    Args:
        space: The largest sub-space that is searched.
        reference: The space of the teacher.
        shape: The teacher's shape.
        teacher: Recipe of the teacher's training; None where a teacher is given.
        relations: Recipe of relation distillation.
        seed: Seed of the sampled architectures.
    """

    def teach(batches: Any, own: Recipe) -> Any:
        net = builder(reference).blueprint(shape, "mlm").build()
        return net, Phase("teacher", NetLm(net, batches), own), ()

    def distil(batches: Any, own: Recipe) -> Any:
        net, taught = supernet(space.name, seed, **space.options()), builder(reference).blueprint(shape, "mlm").build()
        taught.requires_grad_(False)
        drawn = rule(own.sampling, net, own.random, seed)
        objective = RelationDistillation(net, taught, TEACHER_HEADS, batches, drawn, own.relation)
        return net, Phase("training", objective, own), (taught,)

    found = {} if teacher is None else {"teacher": Training(teacher, reference.vocabulary, teach)}
    return {**found, "relations": Training(relations, space.vocabulary, distil)}
