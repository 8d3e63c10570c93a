# mypy: allow-subclassing-any
"""The two searches of Finding Fast Transformers as trainings: gates, or the policy that draws them, learn with the weights.

Source: Tsai et al., "Finding Fast Transformers", sections 4.1 and 4.2. Both resume bit by bit: DO's gates are part of the
checkpoint; SDO's policy is a function of the losses of the nets that it drew, and these are replayed from the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hwcost.errors import UsageError
from hwcost.searchers import Trial
from hwcost.searchers.direct import THRESHOLD, Direct
from hwcost.searchers.sampling import Sampling
from hwcost.spaces import Architecture
from hwcost.supernets.components import ComponentSupernet
from hwcost.supernets.masked_lm import Batches, masked_lm_loss
from hwcost.supernets.objective import Pass, device_of, moved
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.training import read_log


class Gated(nn.Module):
    """A component supernet with its gates, so that both are part of one checkpoint.

    Args:
        supernet: The weights, on the device that they are trained on.
        direct: The gates and their penalty, which are moved there; (blocks, gates of a block).
    """

    def __init__(self, supernet: ComponentSupernet, direct: Direct) -> None:
        super().__init__()
        self.supernet, self.direct = supernet, direct.to(device_of(supernet))
        self.gates = nn.Parameter(direct.gates.detach(), requires_grad=False)  # shares memory; without an optimiser

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor, positions: torch.Tensor
    ) -> torch.Tensor:
        """Runs all pieces, weighed by their gates: ids, mask, segments (B, S) and n of the B * S tokens -> (n, words)."""
        net = self.supernet
        hidden = net.weigh(self.direct.gates, input_ids, attention_mask, token_type_ids)
        logits: torch.Tensor = net.weights.head(hidden.flatten(0, 1)[positions], net.weights.embeddings.word.weight)
        return logits


class DirectTraining:
    """DO: masked language modelling with weighted gates, at a penalty for their cost (section 4.1).

    Args:
        gated: Supernet and gates.
        batches: Text.
        recipe: Recipe of the weights; the gates' learning rate follows its schedule.
        rate: Learning rate of the gates at the schedule's peak.
        prices: Function of the gates' magnitudes, up to 1, that returns what opening each adds; None where the costs of the
            gates stay as they are.

    Raises:
        UsageError: When the penalty is part of the loss (``decay``), and the last step is too large for any gate to get
            below the threshold.
    """

    def __init__(
        self, gated: Gated, batches: Batches, recipe: Recipe, rate: float,
        prices: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
    ) -> None:  # fmt: skip
        if gated.direct.mode == "decay":
            check_decay(rate, recipe, gated.direct.weight * float(gated.direct.costs.mean()))
        self.gated, self.batches, self.recipe, self.rate, self.prices = gated, batches, recipe, rate, prices

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.objective.Objective`."""
        batch = moved(self.batches(number), device_of(self.gated))
        yield Pass("mlm", masked_lm_loss(self.gated, batch), batch["input_ids"].numel())

    def further(self) -> list[torch.Tensor]:
        """See :class:`~hwcost.supernets.objective.SteppedObjective`: the gates."""
        return [self.gated.direct.gates]

    def begin(self, step: int) -> None:
        """See :class:`~hwcost.supernets.objective.SteppedObjective`; nothing is prepared."""

    def end(self, step: int, losses: dict[str, float]) -> None:
        """Moves the gates, by the mean of their gradient over the step's micro batches, as the weights are."""
        self._reprice()
        self.gated.direct.update(self.rate * self.recipe.rate(step) / self.recipe.learning_rate)

    def _reprice(self) -> None:
        """Takes the prices of gates from where they stand, for a cost that is not a plain sum over them."""
        direct = self.gated.direct
        if self.prices is not None:
            open_ = direct.gates.detach().abs().clamp(max=1.0).double().cpu().numpy()
            own = self.prices(open_).reshape(direct.costs.shape)
            direct.costs.copy_(torch.as_tensor(own, dtype=direct.costs.dtype))


def check_decay(rate: float, recipe: Recipe, slope: float) -> None:
    """Refuses a rate that does not decay far enough for gates under a penalty in the loss to get below the threshold.

    Args:
        rate: Learning rate of the gates at the schedule's peak.
        recipe: Recipe of the weights, whose schedule the gates follow.
        slope: Slope of the penalty for a gate of the usual cost: the penalty's weight times that cost.

    Raises:
        UsageError: When the last step would be longer than the threshold.
    """
    last = rate * recipe.rate(recipe.steps - 1) / recipe.learning_rate * slope
    if last > THRESHOLD:
        raise UsageError(
            f"with the penalty in the loss (decay), the last step moves a gate by {last:.1e}, and gates of no use keep "
            f"stepping over 0 by as much: none gets below {THRESHOLD:g}. Take more steps, a smaller rate, or mode 'proximal'"
        )


class SampledTraining:
    """SDO: masked language modelling of nets that a policy draws, and learns from by their losses (section 4.2).

    Args:
        supernet: The weights.
        policy: The searcher that draws nets.
        cost: Cost of a net, which the policy weighs against its loss.
        batches: Text; all nets of a step see the same.
        folder: Folder of the training; on resumption, its log is replayed to the policy.
        rate: Function of the step that returns the policy's step size; None for the policy's own in every step.
    """

    def __init__(
        self, supernet: ComponentSupernet, policy: Sampling, cost: Callable[[Architecture], float], batches: Batches,
        folder: Path, rate: Callable[[int], float] | None = None,
    ) -> None:  # fmt: skip
        self.supernet, self.policy, self.cost, self.batches, self.folder = supernet, policy, cost, batches, folder
        self.rate, self._steps = rate, 0
        self._archs: list[Architecture] = []

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.objective.Objective`; every micro batch runs all nets of the step."""
        batch = moved(self.batches(number), device_of(self.supernet))
        for index, arch in enumerate(self._archs):
            loss = masked_lm_loss(self.supernet.set(arch, "mlm"), batch)
            yield Pass(_name(index), loss, batch["input_ids"].numel())

    def further(self) -> list[torch.Tensor]:
        """See :class:`~hwcost.supernets.objective.SteppedObjective`; the policy has no gradients."""
        return []

    def begin(self, step: int) -> None:
        """Draws the nets of a step; the policy knows the losses of all steps before it by then."""
        self.catch_up(step)
        self._archs = list(self.policy.ask())

    def end(self, step: int, losses: dict[str, float]) -> None:
        """Tells the policy what the step's nets lost."""
        self._tell(self._archs, [self.loss(losses, index) for index in range(len(self._archs))])

    def catch_up(self, steps: int) -> None:
        """Replays the log's steps up to this one to the policy."""
        if self._steps >= steps:
            return
        for state in list(read_log(self.folder))[self._steps : steps]:
            archs = self.policy.ask()
            self._tell(list(archs), [self.loss(state.losses, index) for index in range(len(archs))])

    def loss(self, losses: dict[str, float], index: int) -> float:
        """Returns the loss of a net of the step.

        Args:
            losses: Losses of the step's passes by their names.
            index: Number of the net, from 0.
        """
        return losses[_name(index)]

    def _tell(self, archs: list[Architecture], losses: list[float]) -> None:
        if self.rate is not None:
            self.policy.rate = self.rate(self._steps)
        self.policy.tell(
            [Trial(arch, values=(loss, self.cost(arch))) for arch, loss in zip(archs, losses, strict=True)]
        )
        self._steps += 1


def _name(index: int) -> str:
    return f"net {index + 1}"
