"""Selected students and their teacher, fine-tuned, as rows of AutoDistil's Tables 3 to 5."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from hwcost.systems.task_scores import TaskScores

TEACHER = "teacher"
"""Name of the teacher among the nets that are fine-tuned."""


@dataclass(frozen=True, kw_only=True)
class TunedNet:
    """A row of Tables 3 to 5.

    Attributes:
        net: Name of the net: ``teacher``, ``agnostic`` or ``proxy SUBSPACE``.
        arch: Name of the architecture, which begins with its sub-space.
        macs: Number of multiply-adds, as the paper counts its FLOPs.
        params: Number of parameters, as the paper counts them.
        fewer_macs: Share of the teacher's multiply-adds that the net does without (Table 3).
        fewer_params: Share of the teacher's parameters that it does without.
        scores: Metric of each task, by its name.
        average: Mean of these.
        gain: That mean less the teacher's.
    """

    net: str
    arch: str
    macs: float
    params: int
    fewer_macs: float
    fewer_params: float
    scores: dict[str, float]
    average: float
    gain: float


@dataclass(frozen=True)
class FineTunedNets(TaskScores):
    """The selected nets and the teacher on the tasks that the user gave.

    Attributes:
        by_net: A row per net, the teacher's first; empty where no task was given.
    """

    by_net: list[TunedNet] = field(default_factory=list)

    @classmethod
    def of(
        cls, found: TaskScores, archs: Mapping[str, str], sizes: Callable[[str], tuple[float, int]]
    ) -> FineTunedNets:
        """Takes scores by net and task.

        Args:
            found: The scores, those of the teacher among them.
            archs: Names of the architectures by net, the teacher's first.
            sizes: Function of the name of an architecture that returns its multiply-adds and parameters.
        """
        scores = {net: found.of_net(net) for net in archs if found.of_net(net)}
        means = {net: fmean(own.values()) for net, own in scores.items()}
        rows = []
        for net, own in scores.items():
            (macs, params), (most, all_params) = sizes(archs[net]), sizes(archs[TEACHER])
            rows.append(
                TunedNet(
                    net=net, arch=archs[net], macs=macs, params=params, fewer_macs=1 - macs / most,
                    fewer_params=1 - params / all_params, scores=own, average=means[net], gain=means[net] - means[TEACHER],
                )
            )  # fmt: skip
        return cls(found.tasks, found.nets, rows)
