"""Results of the stages of Finding Fast Transformers. Numbers by sequence length have the length as text for a key."""

from __future__ import annotations

from dataclasses import dataclass, field

from hwcost.systems.components.tuned import FineTuned
from hwcost.systems.curves import TrainingCurves
from hwcost.systems.latencies import Latency, SpeedUp
from hwcost.systems.learnt import WordsLearnt
from hwcost.systems.task_scores import TaskUsed

AGAIN = "-r"
"""End of the name of a net that was trained again (the paper's "-R")."""
STUDENT = "student"
"""Name of the student with all its gates."""


@dataclass(frozen=True, kw_only=True)
class KindShare:
    """A cell of Tables 1 and 4.

    Attributes:
        share: Share of the whole net's latency that it would save without this kind, with a 95 % interval; below 0 where it
            would take longer. Kinds overlap.
        low: Lower end of that interval; None where it is not known.
        high: Upper end of that interval, likewise.
        paper: Share that the paper prints of its device; None for grids and lengths that it does not have.
    """

    share: float
    low: float | None
    high: float | None
    paper: float | None


@dataclass(frozen=True)
class Profile:
    """The costs of components on this device (Tables 1 and 4).

    Attributes:
        by_length: Shares of the whole net's latency, by sequence length and by kind of gate.
        gaps: Relative excess of the sum of a net's components over the net, by sequence length and by key.
        shares: The largest share by kind of gate; gates cost these.
        paper: The paper's shares on its device; None where it has none for this grid.
        given: Description of the cost model that the user gave, whose costs are paid in place of shares; None without one.
        by_kind: The same shares with intervals by kind and by sequence length, beside the paper's, as Tables 1 and 4.
    """

    by_length: dict[str, dict[str, float]]
    gaps: dict[str, dict[str, float]]
    shares: dict[str, float]
    paper: dict[str, float] | None
    given: str | None = None
    by_kind: dict[str, dict[str, KindShare]] = field(default_factory=dict)


@dataclass(frozen=True)
class Base:
    """The base net's training.

    Attributes:
        curves: Losses.
        perplexity: Perplexity on held-out text.
        learnt: Its loss of masked words, beside that by their frequencies; None in reports of earlier versions.
    """

    curves: TrainingCurves
    perplexity: float
    learnt: WordsLearnt | None = None


@dataclass(frozen=True, kw_only=True)
class Selected:
    """A net that a search selected.

    Attributes:
        arch: Key of the architecture.
        params: Number of parameters.
        cost: Cost of its gates; 1 for the base net.
        perplexity: Perplexity on held-out text.
        predicted_s: Seconds that the user's cost model predicts; None without one.
    """

    arch: str
    params: int
    cost: float
    perplexity: float
    predicted_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Direct(Selected):
    """DO, in which gates are trained with the weights.

    Attributes:
        curves: Losses.
        gates: Gates in the end, one row per block (Figure 3).
        weighed_perplexity: Perplexity with the gates as they were trained; ``perplexity`` is that of the net that is left,
            whose joints and means are rounded to what a plain net has or has not, or stay scales (``direct_scaled``).
    """

    curves: TrainingCurves
    gates: list[list[float]]
    weighed_perplexity: float


@dataclass(frozen=True, kw_only=True)
class Sampled(Selected):
    """SDO, in which a policy draws nets.

    Attributes:
        curves: Losses of the drawn nets.
        probabilities: Probability of each gate to be open (Figure 3).
    """

    curves: TrainingCurves
    probabilities: list[float]


@dataclass(frozen=True, kw_only=True)
class Point(Selected):
    """A net of the sweep.

    Attributes:
        method: ``do`` or ``sdo``.
        penalty: Weight of the cost (lambda).
        rate: Step size of the policy (nu); None for DO.
        name: Name of the search's weights.
        speed: Latency of the base net over its own, means over sequence lengths; by the costs of gates where nothing is
            measured.
        quality: Metric of the first task, after fine-tuning of the weights that were searched with.
    """

    method: str
    penalty: float
    rate: float | None
    name: str
    speed: float
    quality: float


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The sweep over the weight of the cost (Table 7).

    Attributes:
        task: The task of the quality; None where nothing was swept.
        quality: Quality of the base net; None likewise.
        drop: Loss of quality that is accepted.
        points: One row per search, from the least weight up; empty where the preset has no grid.
        chosen: Name of the fastest net within the accepted loss by method, None where there is none; empty without a sweep.
    """

    task: TaskUsed | None
    quality: float | None
    drop: float
    points: list[Point]
    chosen: dict[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Overhead:
    """What a step of the searches takes beside one of plain training (the paper's 1.4 times).

    Attributes:
        steps: Number of steps that each was timed for, in turn.
        samples: Number of nets that SDO runs in a step.
        seconds: Median seconds of a step of ``base``, ``do`` and ``sdo``.
    """

    steps: int
    samples: int
    seconds: dict[str, float]

    def ratio(self, name: str) -> float:
        """Returns the time of a step over that of plain training."""
        return self.seconds[name] / self.seconds["base"]


@dataclass(frozen=True, kw_only=True)
class Searched(Selected):
    """A net that the user's searcher found, by the weights that SDO trained.

    Attributes:
        searcher: Name of the searcher.
        evaluations: Number of evaluations.
        progress: Best perplexity after each evaluation, thinned.
    """

    searcher: str
    evaluations: int
    progress: list[float]


@dataclass(frozen=True)
class Search:
    """The search over gates beside DO and SDO.

    Attributes:
        net: The net that was found; None where the user gave no searcher.
    """

    net: Searched | None = None


@dataclass(frozen=True, kw_only=True)
class Retrained(Selected):
    """A selected net, as it was searched or trained again.

    Attributes:
        score: The task's metric after fine-tuning.
    """

    score: float


@dataclass(frozen=True)
class Retraining:
    """The selected nets, with the weights of their search and trained again (rows of Tables 2, 3, 5 and 6).

    Attributes:
        task: The task that they are fine-tuned on.
        nets: The nets by name: ``base``; ``do`` and ``sdo`` with the weights of their search, ``do-r`` and ``sdo-r`` trained
            again; and ``search`` and ``search-r`` where the user gave a searcher.
    """

    task: TaskUsed
    nets: dict[str, Retrained]


@dataclass(frozen=True)
class Winners:
    """The selected nets, or the selected students, beside the base net, measured in one campaign; empty where none are.

    Attributes:
        latencies: Latency by net and by sequence length.
        speed_up: Speed-up over the base net by net and by sequence length.
        mean_speed_up: Speed-up by net of the mean latency over sequence lengths, as the paper reports it (section 5.3).
    """

    latencies: dict[str, dict[str, Latency]]
    speed_up: dict[str, dict[str, SpeedUp]]
    mean_speed_up: dict[str, SpeedUp]

    def speed_of(self, net: str) -> SpeedUp:
        """Returns the speed of a net over the base net, the same with the weights of its search and trained again."""
        return SpeedUp(1.0, None, None) if net == "base" else self.mean_speed_up[net.removesuffix(AGAIN)]


@dataclass(frozen=True, kw_only=True)
class Student:
    """A student that was distilled on a tagging task (a row of Table 5 or 6).

    Attributes:
        task: Name of the task.
        net: ``student`` for the whole one; ``do`` and ``sdo`` with the weights of their search, ``do-r`` and ``sdo-r``
            distilled again from fresh weights.
        arch: Key of the architecture, on the student's grid.
        params: Number of parameters, without the tagger's head.
        cost: Cost of its gates; 1 for the whole student.
        score: The task's metric.
    """

    task: str
    net: str
    arch: str
    params: int
    cost: float
    score: float


@dataclass(frozen=True, kw_only=True)
class Distillation:
    """Students that the base net taught on tagging tasks, searched while they were distilled (section 5.4).

    Attributes:
        grid: Name of the student's grid; None where nothing is distilled.
        profile: Costs of the student's components (Table 4); None where they are those of the base net, or nothing is
            distilled.
        tasks: The tagging tasks.
        teachers: Metric of the teacher, the base net fine-tuned, by task.
        gates: DO's gates in the end, and SDO's probabilities that a gate is open, one row per block (Figure 4), by method
            and task: ``do on TASK``.
        nets: One row per task and student.
    """

    grid: str | None = None
    profile: Profile | None = None
    tasks: list[TaskUsed] = field(default_factory=list)
    teachers: dict[str, float] = field(default_factory=dict)
    gates: dict[str, list[list[float]]] = field(default_factory=dict)
    nets: list[Student] = field(default_factory=list)


@dataclass(frozen=True)
class Results:
    """The results of all stages."""

    profile: Profile
    base: Base
    do: Direct
    sdo: Sampled
    overhead: Overhead
    sweep: Sweep
    search: Search
    retraining: Retraining
    winners: Winners
    fine_tuned: FineTuned
    distillation: Distillation = Distillation()
    students: Winners = Winners({}, {}, {})
