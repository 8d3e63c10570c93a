"""Results of AutoDistill's stages. Students are named by their keys."""

from __future__ import annotations

from dataclasses import dataclass

from hwcost.systems.curves import TrainingCurves
from hwcost.systems.latencies import Latency, LatencyFit
from hwcost.systems.task_scores import TaskScores

REACHED = ("throughput_per_s", "flops_utilisation", "bandwidth_utilisation")
"""Quantities beside latency that the report has of every measured student (AutoDistill, section 3.4)."""


@dataclass(frozen=True)
class Teacher:
    """The teacher's training.

    Attributes:
        curves: Losses.
        perplexity: Perplexity on held-out text.
    """

    curves: TrainingCurves
    perplexity: float


@dataclass(frozen=True)
class Evaluated:
    """A student that a search evaluated.

    Attributes:
        arch: Key of the student.
        latency_s: Predicted seconds.
        perplexity: Perplexity after flash distillation.
    """

    arch: str
    latency_s: float
    perplexity: float


@dataclass(frozen=True)
class Searched:
    """One search.

    Attributes:
        trials: Evaluated students, in order.
        front: Keys of the students on the front.
        dominating: Keys of the students that dominate the reference.
        hypervolume: Hypervolume beyond the reference after each evaluation.
    """

    trials: list[Evaluated]
    front: list[str]
    dominating: list[str]
    hypervolume: list[float]

    @property
    def dominating_steps(self) -> list[int]:
        """Numbers of evaluations after which the search had found each student that dominates the reference."""
        return [number for number, one in enumerate(self.trials, 1) if one.arch in self.dominating]


@dataclass(frozen=True)
class Search:
    """Both searches.

    Attributes:
        reference: Key of the reference.
        searcher: Name of the searcher that is compared with chance: ``bayesian``, or the user's.
        own: The search with it.
        random: The random search, with as many evaluations.
    """

    reference: str
    searcher: str
    own: Searched
    random: Searched

    @property
    def by_name(self) -> dict[str, Searched]:
        """The searches by the name of their searcher, in the order in which they run."""
        return {self.searcher: self.own, "random": self.random}


@dataclass(frozen=True, kw_only=True)
class Student(Latency):
    """A student of a front, measured.

    Attributes:
        perplexity: Perplexity after flash distillation.
        predicted_s: Predicted seconds.
        throughput_per_s: Sequences per second; None where it was not measured.
        flops_utilisation: Share of the device's peak rate; None where the peak is not known.
        bandwidth_utilisation: Share of the bandwidth of its memory; None where that is not known.
    """

    perplexity: float
    predicted_s: float
    throughput_per_s: float | None
    flops_utilisation: float | None
    bandwidth_utilisation: float | None


@dataclass(frozen=True)
class Winners:
    """Both fronts and the reference, measured in one campaign.

    Attributes:
        nets: Students by key.
        hypervolume: Area that each search's front covers below the worst measured values, as a share; empty where nothing
            was measured.
        beyond: Area that each search's front covers beyond the reference, as a share; None where the reference was not
            measured.
    """

    nets: dict[str, Student]
    hypervolume: dict[str, float]
    beyond: dict[str, float] | None = None


@dataclass(frozen=True)
class RegularStudent:
    """A winner, distilled regularly.

    Attributes:
        perplexity: Perplexity after regular distillation.
        flash_perplexity: Perplexity after flash distillation.
        params: Number of parameters.
    """

    perplexity: float
    flash_perplexity: float
    params: int


@dataclass(frozen=True)
class Regular:
    """The regular distillation of winners.

    Attributes:
        nets: Winners by key.
    """

    nets: dict[str, RegularStudent]


@dataclass(frozen=True)
class Results:
    """The results of all stages."""

    teacher: Teacher
    latencies: LatencyFit
    search: Search
    winners: Winners
    regular: Regular
    fine_tuned: TaskScores
