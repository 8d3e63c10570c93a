"""Results of SuperShaper's stages."""

from __future__ import annotations

from dataclasses import dataclass

from hwcost.systems.curves import TrainingCurves
from hwcost.systems.latencies import ComparedLatency, LatencyFit
from hwcost.systems.task_scores import TaskScores


@dataclass(frozen=True)
class TrainedSupernet:
    """The supernet's training.

    Attributes:
        curves: Losses.
        widths: Widths of the space.
        diagonals: Softmax of the bottlenecks' diagonals, shape (layers, 2, D): entering and leaving (Figure 4).
    """

    curves: TrainingCurves
    widths: list[int]
    diagonals: list[list[list[float]]]


@dataclass(frozen=True)
class Perplexities:
    """Perplexity of random subnets, with the weights that they inherit.

    Attributes:
        archs: Keys of the architectures.
        perplexity: Perplexity of each.
    """

    archs: list[str]
    perplexity: list[float]


@dataclass(frozen=True)
class PerplexityFit:
    """The predictor of perplexity (Figure 7).

    Attributes:
        metrics: Accuracy of the predictions for held-out rows, by the name of the metric.
        importance: Share of the explained variation by gene.
        perplexity: Perplexity of each row.
        predicted: Perplexity predicted for each row by a fit without it.
    """

    metrics: dict[str, float | None]
    importance: dict[str, float]
    perplexity: list[float]
    predicted: list[float]


@dataclass(frozen=True, kw_only=True)
class Evolved:
    """The winner of one evolution.

    Attributes:
        limit: Quantity that was bounded: ``params`` or ``latency``; ``given`` within the user's constraints.
        share: Quantile of the sizes of random nets that the bound is derived from; None where the user gave constraints.
        arch: Key of the winner.
        max_params: Bound on the number of parameters; None where the user gave constraints.
        budget_s: Bound on latency in seconds: the least that the winner within ``max_params`` keeps with ``probability``, or
            the user's; None where the user bounds no latency.
        probability: Probability with which the bound on latency holds; None where predictions are taken as they are.
        predicted_perplexity: Predicted perplexity of the winner.
        evaluations: Number of evaluations.
        progress: Best value after each evaluation, thinned.
    """

    limit: str
    share: float | None
    arch: str
    max_params: float | None
    budget_s: float | None
    probability: float | None
    predicted_perplexity: float
    evaluations: int
    progress: list[float]

    @property
    def name(self) -> str:
        """Name of the winner among the nets that are compared in the end."""
        return self.limit if self.share is None else f"{self.limit} {self.share:g}"

    @property
    def label(self) -> str:
        """Name of the winner for a figure."""
        return "given constraints" if self.share is None else f"{self.limit}, {100 * self.share:g} %"


@dataclass(frozen=True)
class Search:
    """All evolutions.

    Attributes:
        winners: One winner per bound; a bound on size is followed by the bound on latency that was derived from it. One
            winner in all within constraints that the user gave.
    """

    winners: list[Evolved]

    @property
    def within_latency(self) -> list[Evolved]:
        """The winners within a bound on latency."""
        return [one for one in self.winners if one.limit == "latency"]


@dataclass(frozen=True, kw_only=True)
class Net(ComparedLatency):
    """A net, evaluated on text that nothing was selected on, and measured.

    Attributes:
        arch: Key of the architecture.
        params: Number of parameters.
        perplexity: Perplexity with the weights that it inherits.
        keeps_budget: Whether it keeps its bound on latency as measured; None where it has none, or was not measured.
    """

    arch: str
    params: int
    perplexity: float
    keeps_budget: bool | None = None


@dataclass(frozen=True)
class Winners:
    """Winners beside templates and random nets (Figure 8, Table 6).

    Attributes:
        nets: The nets by name: the bounds of winners, templates, ``smallest``, ``largest``, ``random 1`` and so on.
        level: Machine's level in this campaign over that of the latency model's: ratio, ends of its interval, and number of
            anchors; None where it is not known.
    """

    nets: dict[str, Net]
    level: dict[str, float] | None


@dataclass(frozen=True)
class Results:
    """The results of all stages."""

    supernet: TrainedSupernet
    perplexities: Perplexities
    latencies: LatencyFit
    predictor: PerplexityFit
    search: Search
    winners: Winners
    fine_tuned: TaskScores
