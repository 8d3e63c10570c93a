"""Results of AutoDistil's stages. A net is named by its sub-space and its key, as in ``tiny 4_64_2_4``."""

from __future__ import annotations

from dataclasses import dataclass

from hwcost.systems.autodistil.tuned import FineTunedNets
from hwcost.systems.curves import TrainingCurves
from hwcost.systems.intervals import Interval
from hwcost.systems.latencies import Latency
from hwcost.systems.learnt import RelationsLearnt, WordsLearnt
from hwcost.systems.task_scores import TaskUsed


@dataclass(frozen=True)
class Teacher:
    """The teacher, trained here or given.

    Attributes:
        given: Folder of the teacher that the user gave; None where it was trained.
        curves: Losses of its training; None where it was given.
        perplexity: Perplexity on held-out text; None where it was given.
        learnt: Its loss of masked words, beside that by their frequencies; None where it was given.
    """

    given: str | None = None
    curves: TrainingCurves | None = None
    perplexity: float | None = None
    learnt: WordsLearnt | None = None


@dataclass(frozen=True)
class SuperLm:
    """A SuperLM's training.

    Attributes:
        curves: Losses; None for a sub-space that is not searched.
        learnt: Relation loss of its largest net, beside those of nets that were not distilled; None likewise.
    """

    curves: TrainingCurves | None = None
    learnt: RelationsLearnt | None = None


@dataclass(frozen=True)
class Candidate:
    """A net that the task-agnostic search evaluated.

    Attributes:
        net: Name of the net.
        loss: Relation loss on held-out text.
        flops: Number of operations.
        predicted_s: Seconds that the user's cost model predicts; None without one.
    """

    net: str
    loss: float
    flops: float
    predicted_s: float | None = None


@dataclass(frozen=True)
class Agnostic:
    """The task-agnostic search.

    Attributes:
        limit_flops: Bound on operations; None where the user gave constraints.
        nets: All evaluated nets.
        chosen: Name of the net with the least loss.
        size_class: Names of the nets of about as many operations, the selected one among them.
        unseen_loss: Relation loss of each net of ``size_class`` on text that nothing was selected on.
        median_over_own: Median loss of the other nets of ``size_class`` over that of the chosen one, on that text: mean over
            its parts, with a 95 % interval; None where there is no other net.
    """

    limit_flops: float | None
    nets: list[Candidate]
    chosen: str
    size_class: list[str]
    unseen_loss: list[float]
    median_over_own: Interval | None = None


@dataclass(frozen=True)
class FineTuned:
    """A net that the task-proxy search evaluated.

    Attributes:
        net: Name of the net.
        score: The task's metric after fine-tuning.
        flops: Number of operations.
        on_front: Whether no other net of its sub-space is better in the metric and in cost.
        predicted_s: Seconds that the user's cost model predicts, which are the cost then; None without one.
    """

    net: str
    score: float
    flops: float
    on_front: bool
    predicted_s: float | None = None


@dataclass(frozen=True)
class Proxy:
    """The task-proxy search.

    Attributes:
        task: The task that nets are fine-tuned on.
        nets: All evaluated nets.
        chosen: Name of the selected net by sub-space.
        teacher_score: The task's metric of the teacher after fine-tuning; None in reports of earlier versions.
    """

    task: TaskUsed
    nets: list[FineTuned]
    chosen: dict[str, str]
    teacher_score: float | None = None


@dataclass(frozen=True, kw_only=True)
class Selected(Latency):
    """A selected net or the teacher, measured.

    Attributes:
        net: Name of the net.
        params: Number of parameters.
        flops: Number of operations.
        predicted_s: Seconds that the user's cost model predicts; None without one of its sub-space.
    """

    net: str
    params: int
    flops: float
    predicted_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class ClassMember(Latency):
    """A net of the selected one's size, fine-tuned and measured.

    Attributes:
        net: Name of the net.
        score: The task's metric after fine-tuning.
    """

    net: str
    score: float


@dataclass(frozen=True)
class Winners:
    """Selected nets beside the teacher and beside nets of the same size.

    Attributes:
        nets: The nets by name: ``teacher``, ``agnostic`` (of the task-agnostic search) and ``proxy SUBSPACE``.
        size_class: The net of the task-agnostic search first, then others of about as many operations.
    """

    nets: dict[str, Selected]
    size_class: list[ClassMember]


@dataclass(frozen=True)
class Results:
    """The results of all stages."""

    teacher: Teacher
    superlm_tiny: SuperLm
    superlm_small: SuperLm
    superlm_base: SuperLm
    agnostic: Agnostic
    proxy: Proxy
    winners: Winners
    fine_tuned: FineTunedNets
