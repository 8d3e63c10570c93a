"""Results of AutoDistill's stages. Students are named by their keys."""

from __future__ import annotations

from dataclasses import dataclass, field

from hwcost.systems.autodistill.memory import MEMORY, MemoryFit
from hwcost.systems.autodistill.tuned import FineTuned
from hwcost.systems.curves import TrainingCurves
from hwcost.systems.latencies import Latency, LatencyFit
from hwcost.systems.learnt import WordsLearnt

QUALITIES = {
    "perplexity": "perplexity", "mlm_accuracy": "accuracy of masked words", "nsp_accuracy": "accuracy of next sentences",
}  # fmt: skip
"""Qualities that a search can have as its objective, and what they are called; accuracies are maximised."""

REACHED = ("throughput_per_s", "flops_utilisation", "bandwidth_utilisation", MEMORY)
"""Quantities beside latency that the report has of every measured student (AutoDistill, section 3.4)."""


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Quality on held-out text, each part a possible objective of the search.

    Attributes:
        perplexity: Perplexity of masked words.
        mlm_accuracy: Share of masked words that are predicted rightly (Table 2).
        nsp_accuracy: Share of pairs of segments that are classified rightly as following each other or not (section 4.1).
    """

    perplexity: float
    mlm_accuracy: float
    nsp_accuracy: float

    def loss(self, quality: str) -> float:
        """Returns one of the :data:`QUALITIES` as what is minimised: an accuracy with its sign changed."""
        value = float(getattr(self, quality))
        return value if quality == "perplexity" else -value


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """The teacher's training.

    Attributes:
        curves: Losses; empty where the teacher was given.
        perplexity: Perplexity on held-out text.
        mlm_accuracy: Share of masked words that it predicts rightly.
        given: Folder of the teacher that the user gave; None where it was trained here.
        learnt: Its loss of masked words, beside that by their frequencies; None in reports of earlier versions.
    """

    curves: TrainingCurves
    perplexity: float
    mlm_accuracy: float
    given: str | None = None
    learnt: WordsLearnt | None = None


@dataclass(frozen=True)
class CostFits(LatencyFit):
    """The fit of a latency model, and that of a model of peak memory.

    Attributes:
        memory: Fit of the model of peak memory; None where it is not measured.
    """

    memory: MemoryFit | None = None


@dataclass(frozen=True, kw_only=True)
class Evaluated(Quality):
    """A student that a search evaluated, with its quality after flash distillation.

    Attributes:
        arch: Key of the student.
        latency_s: Seconds that the search went by: predicted, or measured where latency is measured within the search.
        predicted_s: Predicted seconds.
        memory_bytes: Peak memory, predicted or measured as the latency is; None where it is not measured.
    """

    arch: str
    latency_s: float
    predicted_s: float
    memory_bytes: float | None = None


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
        quality: Name of the quality that is an objective beside latency, one of :data:`QUALITIES`.
        is_measured: Whether the searches went by measured latencies.
        has_memory: Whether peak memory is an objective too.
    """

    reference: str
    searcher: str
    own: Searched
    random: Searched
    quality: str = "perplexity"
    is_measured: bool = False
    has_memory: bool = False

    def found_by(self, arch: str) -> list[str]:
        """Returns the searchers on whose fronts a student stands, and ``reference`` where it is the reference."""
        fronts = [name for name, one in self.by_name.items() if arch in one.front]
        return [*fronts, *(["reference"] if arch == self.reference else [])]

    @property
    def by_name(self) -> dict[str, Searched]:
        """The searches by the name of their searcher, in the order in which they run."""
        return {self.searcher: self.own, "random": self.random}


@dataclass(frozen=True, kw_only=True)
class Student(Latency, Quality):
    """A student of a front, measured, with its quality after flash distillation.

    Attributes:
        params: Number of parameters.
        predicted_s: Predicted latency of a call.
        throughput_per_s: Sequences per second; None where it was not measured.
        flops_utilisation: Share of the device's peak rate; None where the peak is not known.
        bandwidth_utilisation: Share of the bandwidth of its memory; None where that is not known.
        peak_memory_bytes: Most bytes that it took while it was measured; None where they were not watched.
        predicted_memory_bytes: The same as predicted; None where no model of it was fitted.
        predicted_throughput_per_s: Predicted sequences per second by batch size, as text; empty where the latency model is
            of one shape.
        found_by: Names of the searchers on whose fronts it stands, and ``reference`` for the reference.
    """

    params: int
    predicted_s: float
    throughput_per_s: float | None
    flops_utilisation: float | None
    bandwidth_utilisation: float | None
    peak_memory_bytes: float | None = None
    predicted_memory_bytes: float | None = None
    predicted_throughput_per_s: dict[str, float] = field(default_factory=dict)
    found_by: list[str] = field(default_factory=list)


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


@dataclass(frozen=True, kw_only=True)
class RegularStudent(Quality):
    """A winner or the reference, with its quality after regular distillation: a row of Table 2.

    Attributes:
        params: Number of parameters.
        params_ratio: The same over the reference's.
        measured_s: Latency that the winners' stage measured, with a 95 % interval; None where it was not.
        measured_low_s: Lower end of that interval, or None.
        measured_high_s: Upper end of that interval, or None.
        speed_ratio: Measured latency of the reference over the student's own, with the ratios from the unfavourable and the
            favourable ends of both intervals; None where either was not measured, and for the reference.
        speed_low_ratio: The ratio from the unfavourable ends, or None.
        speed_high_ratio: The ratio from the favourable ends, or None.
        accuracy_ratio: Accuracy of masked words over the reference's; None where that is 0.
        quality_gain: Gain over the reference in the quality that the search raised, mean over held-out batches with a 95 %
            interval: accuracy that it has more, or the logarithm of the reference's perplexity over its own; None for the
            reference.
        quality_low_gain: Lower end of that interval; None for a single batch.
        quality_high_gain: Upper end of that interval, likewise.
        flash: Quality after flash distillation.
    """

    params: int
    params_ratio: float
    measured_s: float | None = None
    measured_low_s: float | None = None
    measured_high_s: float | None = None
    speed_ratio: float | None = None
    speed_low_ratio: float | None = None
    speed_high_ratio: float | None = None
    accuracy_ratio: float | None = None
    quality_gain: float | None = None
    quality_low_gain: float | None = None
    quality_high_gain: float | None = None
    flash: Quality

    @property
    def outperforms(self) -> bool:
        """Whether it is faster and better than the reference by the unfavourable ends of all intervals (section 4.2)."""
        ends = self.speed_low_ratio, self.quality_low_gain
        return ends[0] is not None and ends[1] is not None and ends[0] > 1 and ends[1] > 0


@dataclass(frozen=True)
class Regular:
    """The regular distillation of winners, and of the reference beside them (section 4.2).

    Attributes:
        nets: Winners by key, and the reference.
    """

    nets: dict[str, RegularStudent]


@dataclass(frozen=True)
class Results:
    """The results of all stages."""

    teacher: Teacher
    latencies: CostFits
    search: Search
    winners: Winners
    regular: Regular
    fine_tuned: FineTuned
