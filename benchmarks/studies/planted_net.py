"""Gates of which half are of no use, at the prices of a real grid: what a preset's settings of DO and SDO find there.

The loss is a number of nats with the noise of a batch, in which closing a gate that matters costs its worth; in DO, a
regression on features with those worths, whose weights are trained with the gates, and whose other features say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.planted import LEVEL, Gates
from hwcost._types import Floats
from hwcost.objectives.objective import Minimize
from hwcost.searchers import Problem, Trial
from hwcost.searchers.direct import Direct
from hwcost.searchers.sampling import Sampling
from hwcost.searchers.trial import Trials
from hwcost.spaces.components import Components
from hwcost.supernets.recipe import Recipe
from hwcost.systems.components import PAPER_SHARES, GateCosts
from hwcost.systems.components.presets import ComponentsPreset

KINDS = ("ff", "qk", "v", "head")
"""Kinds of gates that are planted: all but means and joints."""
BATCH = 64
"""Inputs of a step of DO."""


@dataclass(frozen=True)
class PlantedNet:
    """Gates with prices and worths.

    Args:
        seed: Seed of the choice of gates, of their worths, and of the noise.
        grid: Grid whose gates' prices they have, in shares of its whole net; None for equal shares that make a whole.
        number: Number of gates; half of them are of no use.
        worth: Least and largest increase of the loss when a gate that matters is closed.
        noise: Standard deviation of a net's loss beside its mean; all nets of a step share another one.
    """

    seed: int = 0
    grid: str | None = None
    number: int = 24
    worth: tuple[float, float] = (0.02, 0.08)
    noise: float = 0.02

    @cached_property
    def prices(self) -> Floats:
        """Share of the whole net that each gate costs, shape (gates,)."""
        if self.grid is None:
            return np.full(self.number, 1 / self.number)
        space = Components(self.grid)
        own = [place for place, gene in enumerate(space.genes) if gene.name.partition(".")[2].rstrip("0123456789") in KINDS]
        chosen = np.random.default_rng([self.seed, 2]).choice(own, self.number, replace=False)
        return GateCosts(space, PAPER_SHARES[self.grid]).of_gates()[chosen]

    @cached_property
    def worths(self) -> Floats:
        """What closing each gate adds to the loss, shape (gates,)."""
        rng = np.random.default_rng([self.seed, 0])
        worths = np.zeros(self.number)
        worths[rng.permutation(self.number)[: self.number // 2]] = rng.uniform(*self.worth, size=self.number // 2)
        return worths

    @property
    def useful(self) -> NDArray[np.bool_]:
        """Which gates matter, shape (gates,)."""
        return np.asarray(self.worths > 0)

    def loss(self, open_: NDArray[np.bool_]) -> float:
        """Returns the mean loss of a net."""
        return float(LEVEL + self.worths[~open_].sum())

    def cost(self, open_: NDArray[np.bool_]) -> float:
        """Returns the cost of a net, as a share of its gates' costs."""
        return float(self.prices[open_].sum() / self.prices.sum())

    def sampled(self, preset: ComponentsPreset, recipe: Recipe, penalty: float, **options: Any) -> NDArray[np.bool_]:
        """Returns the gates that SDO leaves open.

        Args:
            preset: Preset with the settings of SDO.
            recipe: Recipe with the number of steps.
            penalty: Weight of the cost, in the preset's unit.
            **options: Options of the policy in place of the preset's.
        """
        goals = [Minimize(lambda arch: 0.0, "loss"), Minimize(lambda arch: 0.0, "cost")]
        known: dict[str, Any] = {
            "samples": preset.samples, "estimator": preset.estimator, "optimizer": preset.sampled_optimizer,
            "penalty": penalty * preset.sampled_whole_cost, "rate": preset.sampled_rate, "start": [1] * self.number,
            "scale": 1.0,
        }  # fmt: skip
        policy = Sampling(Problem(Gates(self.number), goals), self.seed, **{**known, **options})
        rng, rate = np.random.default_rng([self.seed, 1]), policy.rate
        for step in range(recipe.steps):
            if preset.sampled_decay:
                policy.rate = rate * recipe.rate(step) / recipe.learning_rate
            archs = policy.ask()
            noise = rng.normal(0, 0.05) + rng.normal(0, self.noise, len(archs))
            losses, costs = LEVEL + (1 - archs.codes) @ self.worths + noise, archs.codes @ self.prices
            rows = enumerate(zip(losses.tolist(), costs.tolist(), strict=True))
            policy.tell(Trials(archs, [Trial(archs, values=values, row=row) for row, values in rows]))
        return np.array(policy.chosen().genes, dtype=bool)

    def direct(
        self, preset: ComponentsPreset, recipe: Recipe, penalty: float, mode: Any = None, rate: float | None = None
    ) -> NDArray[np.bool_]:
        """Returns the gates that DO leaves open.

        Args:
            preset: Preset with the settings of DO.
            recipe: Recipe with the number of steps.
            penalty: Weight of the cost, in the preset's unit.
            mode: Way that gates pay; None for the preset's.
            rate: Learning rate of the gates; None for the preset's.
        """
        import torch

        direct = Direct(self.prices, penalty * preset.direct_whole_cost, mode or preset.direct_mode)
        truth = torch.tensor(self.worths, dtype=torch.float32).sqrt()
        weights = truth.clone().requires_grad_()
        optimizer = torch.optim.AdamW([weights], lr=recipe.learning_rate, fused=True)
        random = torch.Generator().manual_seed(self.seed)
        for step in range(recipe.steps):
            inputs = torch.randn(BATCH, self.number, generator=random)
            with torch.no_grad():  # the gradients of the mean square of (inputs @ (gates * weights - truth))
                slope = 2 / BATCH * ((inputs @ (direct.gates * weights - truth)) @ inputs)
                direct.gates.grad, weights.grad = slope * weights, slope * direct.gates
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate(step)
            optimizer.step()
            direct.update((rate or preset.direct_rate) * recipe.rate(step) / recipe.learning_rate)
        return direct.kept()
