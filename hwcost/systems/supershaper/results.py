"""Results of SuperShaper's stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hwcost.systems.curves import TrainingCurves
from hwcost.systems.fits import Fit
from hwcost.systems.latencies import ComparedLatency, LatencyFit
from hwcost.systems.learnt import WordsLearnt
from hwcost.systems.supershaper.by_size import BySize
from hwcost.systems.supershaper.inheritance import Inherited
from hwcost.systems.supershaper.predictors import Boosted
from hwcost.systems.supershaper.rules import Rules
from hwcost.systems.supershaper.trajectory import Trajectory
from hwcost.systems.supershaper.tuned import FineTuned


@dataclass(frozen=True)
class Backbone:
    """The largest net, trained alone before its subnets are, beside a BERT of its size (Figure 2).

    Attributes:
        backbone: Its perplexity, as ``largest``; None where the preset leaves this stage out.
        bert: That of the BERT, as ``net``, from the same weights on the same batches.
        learnt: The backbone's loss of masked words, beside that by their frequencies; None without a backbone.
    """

    backbone: Trajectory | None
    bert: Trajectory | None
    learnt: WordsLearnt | None = None


@dataclass(frozen=True)
class TrainedSupernet:
    """The supernet's training.

    Attributes:
        curves: Losses.
        widths: Widths of the space.
        diagonals: Softmax of the bottlenecks' diagonals, shape (layers, 2, D): entering and leaving (Figure 4).
        learnt: Loss of masked words of its largest net, beside that by their frequencies; None in reports of earlier
            versions.
    """

    curves: TrainingCurves
    widths: list[int]
    diagonals: list[list[list[float]]]
    learnt: WordsLearnt | None = None


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
class PerplexityFit(Fit):
    """The predictor of perplexity (Figure 7).

    Attributes:
        model: Name of the cost model that guides the search.
        importance: Share of the explained variation by gene.
        perplexity: Perplexity of each row.
        predicted: Perplexity predicted for each row by a fit without it.
        boosted: The paper's predictor: boosted trees on shapes alone, which do not see the number of parameters.
    """

    quantity: ClassVar[str] = "perplexity"
    remedy: ClassVar[str] = "Evaluate more nets (sampled), or each on more text (batches)."
    model: str
    importance: dict[str, float]
    perplexity: list[float]
    predicted: list[float]
    boosted: Boosted


@dataclass(frozen=True)
class Latencies(LatencyFit):
    """The latency model, and the paper's own on the same rows (Figure 7b to d).

    Attributes:
        boosted: Boosted trees on shapes and the number of parameters; None where the user gave a model.
    """

    boosted: Boosted | None = None


@dataclass(frozen=True, kw_only=True)
class Evolved:
    """The winner of one evolution.

    Attributes:
        limit: Quantity that was bounded: ``params`` or ``latency``; ``given`` within the user's constraints.
        size: Millions of parameters that the bound is derived from, of a net of scale ``paper``; None where the user gave
            constraints.
        arch: Key of the winner.
        params: Number of parameters of the winner, as the paper counts them.
        max_params: Bound on the number of parameters, as the paper counts them; None where the user gave constraints.
        budget_s: Bound on latency in seconds: the least that the typical net of ``max_params`` parameters keeps with
            ``probability``, or the user's; None where the user bounds no latency.
        probability: Probability with which the bound on latency holds; None where predictions are taken as they are.
        predicted_perplexity: Predicted perplexity of the winner.
        evaluations: Number of evaluations.
        progress: Best value after each evaluation, thinned.
    """

    limit: str
    size: float | None
    arch: str
    params: int
    max_params: float | None
    budget_s: float | None
    probability: float | None
    predicted_perplexity: float
    evaluations: int
    progress: list[float]

    @property
    def name(self) -> str:
        """Name of the winner among the nets that are compared in the end."""
        return self.limit if self.size is None else f"{self.limit} {self.size:g}M"

    @property
    def label(self) -> str:
        """Name of the winner for a figure."""
        return "given constraints" if self.size is None else f"{self.limit}, {self.size:g} M"


@dataclass(frozen=True)
class Limits:
    """A limit on size beside the limit on latency that was derived from it.

    Attributes:
        size: Millions of parameters that they are derived from.
        same: Whether both led to one net.
        only_size: Number of random nets that the limit on size alone admits.
        only_latency: Number of random nets that the limit on latency alone admits.
        both: Number of random nets that both admit.
        tau: Kendall's rank correlation of size and predicted latency among the random nets; None where one never varies.
    """

    size: float
    same: bool
    only_size: int
    only_latency: int
    both: int
    tau: float | None


@dataclass(frozen=True)
class Search:
    """All evolutions.

    Attributes:
        winners: One winner per bound; a bound on size is followed by the bound on latency that was derived from it. One
            winner in all within constraints that the user gave.
        limits: Differences between the two bounds of each pair.
    """

    winners: list[Evolved]
    limits: list[Limits]

    @property
    def within_latency(self) -> list[Evolved]:
        """The winners within a bound on latency."""
        return [one for one in self.winners if one.limit == "latency"]


@dataclass(frozen=True, kw_only=True)
class Net(ComparedLatency):
    """A net, evaluated on text that nothing was selected on, and measured.

    Attributes:
        arch: Key of the architecture.
        params: Number of parameters of the net as it is built.
        paper_params: Number of parameters as the paper counts them (Table 6).
        perplexity: Perplexity with the weights that it inherits, on text that nothing was selected on.
        keeps_budget: Whether the whole interval of its latency, at the level of the model's measurements, is within its
            bound; None where it has no bound or no interval.
    """

    arch: str
    params: int
    paper_params: int
    perplexity: float
    keeps_budget: bool | None = None


@dataclass(frozen=True)
class Winners:
    """Winners beside templates and random nets (Figure 8, Table 6).

    Attributes:
        nets: The nets by name: winners by their bounds, in millions of parameters of a net of the paper's scale (of another
            scale, at the same share of the range of sizes); templates, ``smallest``, ``largest``, ``random 1`` and so on.
        level: Machine's level in this campaign over that of the latency model's: ratio, ends of its interval, and number of
            anchors; None where it is not known.
    """

    nets: dict[str, Net]
    level: dict[str, float] | None


@dataclass(frozen=True)
class Results:
    """The results of all stages."""

    backbone: Backbone
    supernet: TrainedSupernet
    perplexities: Perplexities
    latencies: Latencies
    predictor: PerplexityFit
    search: Search
    by_size: BySize
    winners: Winners
    fine_tuned: FineTuned
    rules: Rules
    inherited: Inherited
