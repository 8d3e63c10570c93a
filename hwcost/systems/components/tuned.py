"""The base net and the selected nets on every task, as rows of Tables 2, 3 and 8 of Finding Fast Transformers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hwcost.systems.latencies import SpeedUp
from hwcost.systems.task_scores import TaskScores


@dataclass(frozen=True, kw_only=True)
class TunedNet:
    """A row of Tables 2, 3 and 8.

    Attributes:
        net: Name of the net: ``base``; ``do`` and ``sdo`` with the weights of their search, ``do-r`` and ``sdo-r`` trained
            again.
        scores: Metric of each task, by its name.
        speed_ratio: Mean latency of the base net over sequence lengths, over the net's own, with the ratios from the
            unfavourable and the favourable ends of both intervals; None where it was not measured.
        speed_low_ratio: The ratio from the unfavourable ends, or None.
        speed_high_ratio: The ratio from the favourable ends, or None.
        params: Number of parameters.
    """

    net: str
    scores: dict[str, float]
    speed_ratio: float | None
    speed_low_ratio: float | None
    speed_high_ratio: float | None
    params: int


@dataclass(frozen=True)
class FineTuned(TaskScores):
    """The same nets on the tasks that the user gave.

    Attributes:
        by_net: A row per net, the base net's first; empty where no task was given.
    """

    by_net: list[TunedNet] = field(default_factory=list)

    @classmethod
    def of(cls, found: TaskScores, params: Mapping[str, int], speeds: Mapping[str, SpeedUp]) -> FineTuned:
        """Takes scores by net and task.

        Args:
            found: The scores.
            params: Number of parameters by net.
            speeds: Speed over the base net by net.
        """
        scores = {net: found.of_net(net, every_split=True) for net in params}
        rows = [
            TunedNet(
                net=net, scores=own, speed_ratio=speeds[net].ratio, speed_low_ratio=speeds[net].low,
                speed_high_ratio=speeds[net].high, params=params[net],
            )
            for net, own in scores.items() if own
        ]  # fmt: skip
        return cls(found.tasks, found.nets, rows)
