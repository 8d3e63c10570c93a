"""Students that were fine-tuned, as rows of AutoDistill's Table 3: the winners and the reference, distilled alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

from hwcost.systems.task_scores import TaskScores

if TYPE_CHECKING:
    from hwcost.systems.autodistill.results import Student


@dataclass(frozen=True, kw_only=True)
class TunedStudent:
    """A row of Table 3.

    Attributes:
        net: Key of the student.
        params: Number of parameters.
        measured_s: Measured latency, with a 95 % interval; None where it was not measured.
        measured_low_s: Lower end of that interval, or None.
        measured_high_s: Upper end of that interval, or None.
        scores: Metric of each task, by its name; of MNLI matched, and mismatched beside it.
        average: Mean of these, the paper's average, which counts both splits of MNLI.
    """

    net: str
    params: int
    measured_s: float | None
    measured_low_s: float | None
    measured_high_s: float | None
    scores: dict[str, float]
    average: float


@dataclass(frozen=True)
class FineTuned(TaskScores):
    """Regularly distilled students on the tasks that the user gave (Tables 3 and 4).

    Attributes:
        by_net: A row per student; empty where no task was given.
    """

    by_net: list[TunedStudent] = field(default_factory=list)

    @classmethod
    def of(cls, found: TaskScores, students: Mapping[str, Student]) -> FineTuned:
        """Takes scores by student and task.

        Args:
            found: The scores.
            students: The students by key, as they were measured.
        """
        rows = []
        for net in dict.fromkeys(one.net for one in found.nets):
            scores, own = found.of_net(net, every_split=True), students[net]
            rows.append(
                TunedStudent(
                    net=net, params=own.params, measured_s=own.measured_s, measured_low_s=own.measured_low_s,
                    measured_high_s=own.measured_high_s, scores=scores, average=fmean(scores.values()),
                )
            )  # fmt: skip
        return cls(found.tasks, found.nets, rows)
