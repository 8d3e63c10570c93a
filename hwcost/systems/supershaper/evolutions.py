"""Evolutions within sizes, within the latencies that follow from them, or within the user's constraints (section 4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from hwcost.cost_models.base import CostModel
from hwcost.objectives import Constraint, Minimize
from hwcost.quantities import LATENCY
from hwcost.searchers import Problem
from hwcost.spaces import Architecture
from hwcost.spaces.supershaper import SuperShaper
from hwcost.study import Study
from hwcost.systems.curves import thinned
from hwcost.systems.searching import PROBABILITY, is_sure
from hwcost.systems.supershaper.budget import least_budget_s
from hwcost.systems.supershaper.results import Evolved, Limits, Search
from hwcost.systems.supershaper.sizes import limit, params, scaled

if TYPE_CHECKING:
    from hwcost.systems.base import Pipeline

DRAWN = 2000
"""Number of random nets on which limits are compared."""
SPREAD, NEAREST = 400, 11
"""Number of random nets of all sizes, and of those among them whose latencies tell that of one size."""


@dataclass(frozen=True)
class Evolutions:
    """The searches of a run.

    Attributes:
        pipeline: The pipeline.
        space: The space.
        perplexity: Predictor of perplexity.
        latency: Latency model.
    """

    pipeline: Pipeline[Any]
    space: SuperShaper
    perplexity: CostModel
    latency: CostModel

    def within_sizes(self, sizes: Sequence[float]) -> Search:
        """Evolves a shape within each size, and one within the latency that nets of that size take.

        Args:
            sizes: Millions of parameters of nets of scale ``paper``, as the paper counts them.
        """
        pairs = [self._evolve(size) for size in sizes]
        return Search([one for pair in pairs for one in pair], [self._limits(*pair) for pair in pairs])

    def _evolve(self, size: float) -> tuple[Evolved, Evolved]:
        """Evolves a shape within a size, and one within the latency that the typical net of that size is sure to keep.

        The latency of the first winner would be a limit that admits hardly a net which the size does not, and so lead to the
        same net: winners lie below their limit.
        """
        latency, most = self.latency, scaled(self.space, size)
        by_size = self._evolution(f"params-{size:g}M", [limit(self.space, most)])
        sure = PROBABILITY if is_sure(latency) else None
        budget_s = least_budget_s(latency, self._typical(most), sure)
        by_latency = self._evolution(f"latency-{size:g}M", [Constraint(latency, most=budget_s, probability=sure or 0)])
        bounds = {"size": size, "max_params": most, "budget_s": budget_s, "probability": sure}
        return self._evolved("params", by_size, **bounds), self._evolved("latency", by_latency, **bounds)

    def _typical(self, size: float) -> Architecture:
        """Returns, of random nets whose sizes are nearest to one, that of the median predicted latency."""
        drawn = self.space.sample(min(SPREAD, self.space.size), seed=self.pipeline.settings.seed + 8, design="spread")
        near = sorted(drawn, key=lambda arch: abs(params(self.space, arch) - size))[:NEAREST]
        ranked = np.argsort(self.latency.predict(near).latency_s, kind="stable")
        return near[int(ranked[len(near) // 2])]

    def _evolved(self, kind: str, study: Study, **bounds: Any) -> Evolved:
        best = study.best
        return Evolved(
            limit=kind, arch=self.space.key(best.architecture), params=params(self.space, best.architecture),
            predicted_perplexity=best.values[0], evaluations=study.evaluations,
            progress=thinned(study.convergence().tolist()), **bounds,
        )  # fmt: skip

    def _limits(self, by_size: Evolved, by_latency: Evolved) -> Limits:
        """Compares what a limit on size and the one on latency that was derived from it admit."""
        assert by_size.size is not None
        assert by_size.max_params is not None
        drawn = self.space.sample(min(DRAWN, self.space.size), seed=self.pipeline.settings.seed + 3)
        small = limit(self.space, by_size.max_params).feasible(drawn)
        fast = Constraint(self.latency, most=by_size.budget_s, probability=by_size.probability or 0).feasible(drawn)
        sizes = [params(self.space, arch) for arch in drawn]
        tau = float(stats.kendalltau(sizes, self.latency.predict(drawn).latency_s).statistic)
        return Limits(
            by_size.size, by_size.arch == by_latency.arch, int((small & ~fast).sum()), int((fast & ~small).sum()),
            int((small & fast).sum()), tau if np.isfinite(tau) else None,
        )  # fmt: skip

    def within_given(self) -> Evolved:
        """Evolves a shape within the constraints that the user gave."""
        limits = self.pipeline.constraints(self.pipeline.name, self.latency)
        on_latency = next((one for one in limits if one.name == LATENCY and one.most is not None), None)
        study = self._evolution("constraints", limits)
        return self._evolved(
            "given", study, size=None, max_params=None, budget_s=None if on_latency is None else on_latency.most,
            probability=None if on_latency is None else on_latency.probability,
        )  # fmt: skip

    def _evolution(self, name: str, constraints: list[Constraint]) -> Study:
        problem = Problem(self.space, [Minimize(self.perplexity, "perplexity")], constraints)
        evaluations = min(self.pipeline.preset.evaluations, self.space.size)
        chosen = self.pipeline.search_options("evolution", preset="supershaper-paper")
        return self.pipeline.run_study(name, f"search within {name}", problem, evaluations=evaluations, **chosen)
