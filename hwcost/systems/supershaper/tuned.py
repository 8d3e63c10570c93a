"""Nets that were fine-tuned, as rows of Tables 3 to 5: evolved ones, BERT, the heuristic and the ends of the space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean

from hwcost.spaces import Architecture
from hwcost.spaces.supershaper import SuperShaper
from hwcost.systems.supershaper.sizes import params, scaled
from hwcost.systems.task_scores import TaskScores

BERT = "bert"
"""Name of the BERT of the largest net's size among the nets that are fine-tuned."""
HEURISTIC = 61.0
"""Millions of parameters of the heuristic net in Table 4, of scale ``paper``."""


@dataclass(frozen=True, kw_only=True)
class TunedNet:
    """A row of Tables 3 to 5.

    Attributes:
        net: Name of the net.
        params: Number of parameters, as the paper counts them; BERT's as it is built.
        perplexity: Perplexity with the weights that it inherits, on the text of the winners; None for BERT, which inherits
            none.
        scores: Metric of each task, by its name.
        average: Mean of these, the paper's average GLUE.
    """

    net: str
    params: int
    perplexity: float | None
    scores: dict[str, float]
    average: float


@dataclass(frozen=True)
class FineTuned(TaskScores):
    """Nets on the tasks that the user gave (Tables 3 to 5).

    Attributes:
        by_net: A row per net; empty where no task was given.
    """

    by_net: list[TunedNet] = field(default_factory=list)

    @classmethod
    def of(cls, found: TaskScores, sizes: Mapping[str, int], perplexities: Mapping[str, float]) -> FineTuned:
        """Takes scores by net and task.

        Args:
            found: The scores.
            sizes: Number of parameters of each net.
            perplexities: Perplexity of those nets that inherit their weights.
        """
        rows = []
        for net, size in sizes.items():
            scores = found.of_net(net)
            if scores:
                rows.append(
                    TunedNet(
                        net=net, params=size, perplexity=perplexities.get(net), scores=scores,
                        average=fmean(scores.values()),
                    )
                )  # fmt: skip
        return cls(found.tasks, found.nets, rows)


def compared_nets(space: SuperShaper, named: Mapping[str, Architecture], winners: list[str]) -> dict[str, Architecture]:
    """Returns the nets of Tables 3 to 5 that inherit their weights: winners, the heuristic one and the ends of the space.

    Table 4 has one heuristic net, of 61 M parameters: the one whose size is nearest to that is taken. Table 5 begins with
    the smallest.

    Args:
        space: The space.
        named: The nets of the run by name.
        winners: Names of the winners.
    """
    heuristics = [name for name in named if name.startswith("cigar ")]
    nearest = sorted(heuristics, key=lambda name: abs(params(space, named[name]) - scaled(space, HEURISTIC)))[:1]
    return {name: named[name] for name in (*winners, *nearest, "smallest", "largest")}
