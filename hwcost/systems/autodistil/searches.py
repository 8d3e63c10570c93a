"""Both searches within a sub-space: for nets of low relation loss, and for nets that do well on a task at a low cost.

Source: Xu et al., "AutoDistil", section 3.3. The task-agnostic search evaluates every net within half of the teacher's
operations (section 4.2), or within the user's constraints; the task-proxy search fine-tunes nets on the first task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost.objectives import Constraint, Maximize, Minimize
from hwcost.pareto import front, knee
from hwcost.searchers import Problem
from hwcost.spaces import Architecture
from hwcost.study import Study
from hwcost.systems.autodistil.results import Candidate, FineTuned

if TYPE_CHECKING:
    from hwcost.systems.autodistil.pipeline import AutoDistilPipeline

SHARE = 0.5
"""Share of the teacher's operations within which the task-agnostic search selects (section 4.2)."""


@dataclass(frozen=True)
class Searches:
    """The searches of a run.

    Attributes:
        pipeline: The run.
    """

    pipeline: AutoDistilPipeline

    @property
    def max_flops(self) -> float | None:
        """Bound on operations of the task-agnostic search; None where the user's constraints take its place."""
        nets = self.pipeline.nets
        return None if self.pipeline.parts.constraints else SHARE * nets.flops(nets.teacher)

    def candidates(self, subspace: str) -> list[Candidate]:
        """Evaluates the relation losses of a sub-space's nets within the limits."""
        pipeline, nets = self.pipeline, self.pipeline.nets

        def found(arch: Architecture) -> float:
            return pipeline.relation_loss(nets.key((subspace, arch)))

        loss, most = Minimize(found, "relation_loss"), self.max_flops
        limits = self._given(subspace)
        if most is not None and nets.flops((subspace, nets.largest(subspace))) > most:
            limits = [Constraint(nets.flops_of(subspace), most=most)]
        study = self._study(f"agnostic-{subspace}", subspace, [loss], limits, pipeline.preset.candidates)
        rows = [((subspace, trial.architecture), trial.values[0]) for trial in study.completed]
        return [Candidate(nets.key(net), value, nets.flops(net), nets.predicted_s(net)) for net, value in rows]

    def tuned(self, subspace: str) -> list[FineTuned]:
        """Searches a sub-space for metric and cost; a searcher of one objective seeks the metric within the limits alone."""
        pipeline, nets = self.pipeline, self.pipeline.nets

        def score(arch: Architecture) -> float:
            return pipeline.score((subspace, arch))

        cost = nets.costs.get(subspace) or nets.flops_of(subspace)
        goals: list[Any] = [Maximize(score, pipeline.tasks[0].metric)]
        if pipeline.parts.searcher is None or pipeline.parts.pursues(2):
            goals.append(Minimize(cost))
        study = self._study(f"proxy-{subspace}", subspace, goals, self._given(subspace), pipeline.preset.tuned)
        rows = [((subspace, one.architecture), one.values[0], float(cost(one.architecture))) for one in study.completed]
        kept = front([(-found, price) for _, found, price in rows])
        return [
            FineTuned(nets.key(net), found, nets.flops(net), bool(is_kept), nets.predicted_s(net))
            for (net, found, _), is_kept in zip(rows, kept, strict=True)
        ]

    def _given(self, subspace: str) -> list[Constraint]:
        """Returns the user's constraints on a sub-space."""
        return self.pipeline.constraints(subspace, self.pipeline.costs.get(subspace))

    def _study(
        self, name: str, subspace: str, objectives: list[Any], constraints: list[Constraint], evaluations: int | None
    ) -> Study:
        """Evaluates random nets, or all where no number is given; or lets the user's searcher ask for as many."""
        space = self.pipeline.space(subspace)
        own = "exhaustive" if evaluations is None else "random"
        return self.pipeline.run_study(
            name, f"search {name}", Problem(space, objectives, constraints),
            evaluations=space.size if evaluations is None else evaluations, **self.pipeline.search_options(own),
        )  # fmt: skip


def best_trade_off(rows: Sequence[FineTuned]) -> FineTuned:
    """Returns the knee of the front of metric and cost, which is operations, or latency where a cost model predicts it."""
    kept = [row for row in rows if row.on_front]
    return kept[knee([(-row.score, row.flops if row.predicted_s is None else row.predicted_s) for row in kept])]
