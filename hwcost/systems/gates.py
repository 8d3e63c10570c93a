# mypy: allow-subclassing-any
"""Finding Fast Transformers' two searches as trainings: gates, or the policy that draws them, learn with the weights.

Source: Tsai et al., "Finding Fast Transformers", section 3.3. Both resume bit by bit: DO's gates lie in the checkpoint, and
SDO's policy, which follows from the losses that it was told, is told those of the log again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import nn
from torch.nn import functional

from hwcost.errors import UsageError
from hwcost.searchers.direct import Direct
from hwcost.searchers.sampling import Sampling
from hwcost.searchers.trial import Trial
from hwcost.spaces.base import Architecture
from hwcost.supernets.components import ComponentSupernet
from hwcost.supernets.masked_lm import Batches, asked, inputs, masked_lm_loss
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.training import Pass, device_of, moved, read_log


class Gated(nn.Module):
    """A component supernet with its gates, so that both lie in one checkpoint.

    Args:
        supernet: The weights.
        direct: The gates and their penalty; (blocks, gates of a block).
    """

    def __init__(self, supernet: ComponentSupernet, direct: Direct) -> None:
        super().__init__()
        self.supernet, self.direct = supernet, direct
        self.gates = nn.Parameter(direct.gates.detach(), requires_grad=False)  # the same memory, and no optimiser's


class DirectTraining:
    """DO: masked words, with gates that are weighed and pay (section 3.3.1).

    Args:
        gated: Supernet and gates.
        batches: Text.
        recipe: Of the weights; gates follow its rate, relative to its peak.
        rate: Of the gates at that peak.

    Raises:
        UsageError: When the penalty is not proximal, or the recipe divides its batches.
    """

    def __init__(self, gated: Gated, batches: Batches, recipe: Recipe, rate: float) -> None:
        if gated.direct.mode != "proximal" or recipe.accumulate != 1:
            raise UsageError("gates that are trained with a supernet need mode='proximal' and one micro batch a step")
        self.gated, self.batches, self.recipe, self.rate = gated, batches, recipe, rate

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.training.Objective`; gates move when the pass has been differentiated."""
        net, direct = self.gated.supernet, self.gated.direct
        batch = moved(self.batches(number), device_of(net))
        hidden = net.weigh(direct.gates.to(device_of(net)), *inputs(batch))
        positions, wanted = asked(batch)
        logits = net.weights.head(hidden.flatten(0, 1)[positions], net.weights.embeddings.word.weight)
        yield Pass("mlm", functional.cross_entropy(logits.float(), wanted), batch["input_ids"].numel())
        direct.step(self.rate * self.recipe.rate(step) / self.recipe.learning_rate)


class SampledTraining:
    """SDO: masked words by nets that a policy draws, which learns from their losses (section 3.3.2).

    Args:
        supernet: The weights.
        policy: The searcher; told the loss, and what a net costs.
        cost: Cost of a net.
        batches: Text; all nets of a step see the same.
        folder: Of the training, whose log brings the policy to where a checkpoint stands.
    """

    def __init__(
        self, supernet: ComponentSupernet, policy: Sampling, cost: Any, batches: Batches, folder: Path
    ) -> None:
        self.supernet, self.policy, self.cost, self.batches, self.folder = supernet, policy, cost, batches, folder
        self._told = 0

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.training.Objective`; the policy is told when all passes have been differentiated."""
        if step != number:
            raise UsageError("nets that a policy draws need one micro batch a step")
        self.catch_up(step)
        batch = moved(self.batches(number), device_of(self.supernet))
        archs, losses = self.policy.ask(), []
        for index, arch in enumerate(archs):
            loss = masked_lm_loss(self.supernet.set(arch, "mlm"), batch)
            losses.append(float(loss.detach()))
            yield Pass(_name(index), loss, batch["input_ids"].numel())
        self._tell(list(archs), losses)

    def catch_up(self, steps: int) -> None:
        """Tells the policy what the log knows of the steps before this one."""
        if self._told >= steps:
            return
        for state in list(read_log(self.folder))[self._told : steps]:
            archs = self.policy.ask()
            self._tell(list(archs), [state.losses[_name(index)] for index in range(len(archs))])

    def _tell(self, archs: list[Architecture], losses: list[float]) -> None:
        self.policy.tell(
            [Trial(arch, values=(loss, self.cost(arch))) for arch, loss in zip(archs, losses, strict=True)]
        )
        self._told += 1


def _name(index: int) -> str:
    return f"net {index + 1}"
