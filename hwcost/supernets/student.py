"""AutoDistill's students and their teacher, with fresh weights; no two students share any."""

from __future__ import annotations

from torch import nn

from hwcost.spaces.autodistill import AutoDistill
from hwcost.spaces.base import Architecture
from hwcost.supernets.base import initialise, std_at
from hwcost.workloads.autodistill import AutoDistillBuilder
from hwcost.workloads.builder import Blueprint

__all__ = ["student", "student_blueprint", "teacher", "teacher_blueprint"]


def student_blueprint(space: AutoDistill, arch: Architecture, head: str | None = None) -> Blueprint:
    """Describes a student; see :meth:`hwcost.workloads.builder.Builder.blueprint`."""
    return AutoDistillBuilder(space).blueprint(space.architecture(arch.genes), head)


def student(space: AutoDistill, arch: Architecture, head: str | None = "mlm", seed: int = 0) -> nn.Module:
    """Makes a student.

    Args:
        space: The space.
        arch: Architecture of the student.
        head: ``mlm``, ``pooler`` or ``none``; None for the bare net that is measured.
        seed: Seed of the weights.

    Raises:
        ArchitectureError: When it is not a point of the space.
    """
    net = student_blueprint(space, arch, head).build()
    initialise(net, seed, std_at(int(arch.genes[0])))
    return net


def teacher_blueprint(space: AutoDistill) -> Blueprint:
    """Describes the teacher with its masked-language-model head, as a net that is saved with its weights."""
    return AutoDistillBuilder(space).teacher("mlm")


def teacher(space: AutoDistill, seed: int = 0) -> nn.Module:
    """Makes the teacher: the template with inverted bottlenecks, layer norms and GELUs (Sun et al., "MobileBERT")."""
    net = teacher_blueprint(space).build()
    initialise(net, seed, std_at(space.sizes.teacher[0]))
    return net
