# mypy: allow-subclassing-any
"""DO and SDO within the distillation of a tagger: gates, or the policy that draws them, learn with the student's weights.

Source: Tsai et al., "Finding Fast Transformers", section 5.4 (MiniBERT is searched while it is distilled) and appendix A.4
(silver labels of a teacher, gold ones whose weight rises at the end; :mod:`hwcost.supernets.silver_gold`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hwcost.searchers.direct import Direct
from hwcost.searchers.sampling import Sampling
from hwcost.spaces import Architecture
from hwcost.supernets.components import ComponentSupernet
from hwcost.supernets.folding import folded
from hwcost.supernets.heads import ElasticTaskNet, TaskNet
from hwcost.supernets.masked_lm import Batches
from hwcost.supernets.objective import Pass, Phase, device_of
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.silver_gold import RAMP, SilverGold
from hwcost.supernets.training import Progress, train
from hwcost.systems.components.gate_training import DirectTraining, SampledTraining
from hwcost.tasks import Target

__all__ = ["DistilledNet", "Labels", "WeighedTagger", "distil", "distil_do", "distil_sdo"]


class WeighedTagger(ElasticTaskNet):
    """A component supernet with its gates and a head that labels words, so that all are part of one checkpoint.

    Args:
        net: The weights, on the device that they are trained on.
        target: Target of the task.
        direct: The gates and their penalty, which are moved there; (blocks, gates of a block).
        seed: Seed of the head's weights.
    """

    net: ComponentSupernet

    def __init__(self, net: ComponentSupernet, target: Target, direct: Direct, seed: int = 0) -> None:
        super().__init__(net, target, seed)
        self.direct = direct.to(device_of(net))
        self.gates = nn.Parameter(direct.gates.detach(), requires_grad=False)  # shares memory; without an optimiser

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Runs all pieces, weighed by their gates: three int64 tensors (B, S) -> (B, S, outputs)."""
        hidden = self.net.weigh(self.direct.gates, input_ids, attention_mask, token_type_ids)
        return self.head(hidden)


class DirectDistillation(DirectTraining):
    """DO whose loss is that of the distillation.

    Args:
        distillation: The distillation of a student with gates.
        rate: Learning rate of the gates at the schedule's peak.
        prices: Prices of gates that depend on where they stand, as for :class:`DirectTraining`.
    """

    def __init__(
        self, distillation: SilverGold, rate: float,
        prices: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(distillation.model, distillation.gold, distillation.recipe, rate, prices)
        self.distillation = distillation

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.objective.Objective`."""
        return self.distillation.passes(step, number)


class SampledDistillation(SampledTraining):
    """SDO whose loss is that of the distillation, both labels together; all nets of a step see the same.

    Args:
        distillation: The distillation of an elastic student.
        policy: The searcher that draws nets.
        cost: Cost of a net.
        folder: Folder of the training.
        rate: Function of the step that returns the policy's step size; None for the policy's own.
    """

    def __init__(
        self, distillation: SilverGold, policy: Sampling, cost: Callable[[Architecture], float], folder: Path,
        rate: Callable[[int], float] | None = None,
    ) -> None:  # fmt: skip
        assert isinstance(distillation.model, ElasticTaskNet)
        self.tagger, self.distillation = distillation.model, distillation
        super().__init__(self.tagger.net, policy, cost, distillation.gold, folder, rate)

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.objective.Objective`; the teacher labels a micro batch once."""
        labelled = self.distillation.labelled(number)
        for index, arch in enumerate(self._archs):
            self.tagger.set(arch)
            yield from self.distillation.passes_on(labelled, step, f"net {index + 1} ")

    def loss(self, losses: dict[str, float], index: int) -> float:
        """See the base class: that of the labels of both kinds, with their weights of the step."""
        return losses[f"net {index + 1} silver"] + losses[f"net {index + 1} gold"]


@dataclass(frozen=True)
class Labels:
    """What a student is distilled from.

    Attributes:
        teacher: The teacher, which labels words; it is not trained.
        silver: Function that returns the batch of a micro batch of text that the teacher labels.
        gold: Function that returns the batch of a micro batch of labelled text.
        recipe: Recipe of the distillation; ``minibert-paper`` is the paper's.
        ramp: Progress at which the weight of labelled text begins to rise from 0, and at which it has reached 1.
    """

    teacher: TaskNet
    silver: Batches
    gold: Batches
    recipe: Recipe
    ramp: tuple[float, float] = RAMP

    def to(self, student: TaskNet) -> SilverGold:
        """Returns the distillation of a student."""
        return SilverGold(student, self.teacher, self.silver, self.gold, self.recipe, self.ramp)


@dataclass(frozen=True)
class DistilledNet:
    """A student that was distilled.

    Attributes:
        arch: The architecture.
        model: The net with its head, with the weights of the distillation.
        gates: DO's gates, or SDO's probabilities that a gate is open, (blocks, gates of a block).
    """

    arch: Architecture
    model: TaskNet
    gates: NDArray[np.float64]


def distil(
    student: TaskNet, labels: Labels, folder: Path | None = None, *,
    progress: Callable[[Progress], None] = lambda state: None,
) -> None:  # fmt: skip
    """Distils a student as it is (appendix A.4).

    Args:
        student: The student; its weights are changed.
        labels: Teacher, text and labels that it learns from.
        folder: Folder of the checkpoint, from which an interrupted run resumes; None keeps none.
        progress: Function that is called after every step.
    """
    about = {"ramp": list(labels.ramp)}
    phase = Phase("distillation", labels.to(student), labels.recipe, about=about)
    train(student, [phase], folder, about, progress=progress)


def distil_do(
    student: WeighedTagger, labels: Labels, rate: float, folder: Path | None = None, *, is_scaled: bool = False,
    prices: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
    progress: Callable[[Progress], None] = lambda state: None,
) -> DistilledNet:  # fmt: skip
    """Distils a student and trains its gates in the same run (DO, sections 4.1 and 5.4).

    Args:
        student: The student; its weights and gates are changed, and the gates are folded into the weights in the end.
        labels: Teacher, text and labels that it learns from.
        rate: Learning rate of the gates at the schedule's peak.
        folder: Folder of the checkpoint, from which an interrupted run resumes; None keeps none.
        is_scaled: Whether connectors and means that are neither 0 nor 1 stay scales, see
            :func:`hwcost.supernets.folding.folded`.
        prices: Prices of gates that depend on where they stand; None for those of the student's penalty.
        progress: Function that is called after every step.
    """
    about = {"penalty": student.direct.weight, "rate": rate, "mode": student.direct.mode, "ramp": list(labels.ramp)}
    objective = DirectDistillation(labels.to(student), rate, prices)
    phase = Phase("do", objective, labels.recipe, lambda name: name != "gates", about)
    train(student, [phase], folder, about, progress=progress)
    gates = student.direct.gates.detach().cpu()
    arch = folded(student.net, student.direct.gates.detach().clone(), is_scaled=is_scaled)
    return DistilledNet(arch, student.extract(arch), gates.double().numpy())


def distil_sdo(
    student: ElasticTaskNet, labels: Labels, policy: Sampling, cost: Callable[[Architecture], float], folder: Path,
    rate: Callable[[int], float] | None = None, *, progress: Callable[[Progress], None] = lambda state: None,
) -> DistilledNet:  # fmt: skip
    """Distils nets that a policy draws, which learns by their losses and costs in the same run (SDO, sections 4.2 and 5.4).

    Args:
        student: The student; its weights are changed.
        labels: Teacher, text and labels that it learns from.
        policy: The searcher that draws nets.
        cost: Cost of a net.
        folder: Folder of the checkpoint and the log, from which an interrupted run resumes.
        rate: Function of the step that returns the policy's step size; None for the policy's own in every step.
        progress: Function that is called after every step.
    """
    objective = SampledDistillation(labels.to(student), policy, cost, folder, rate)
    about: dict[str, Any] = {"penalty": policy.penalty, "estimator": policy.estimator, "ramp": list(labels.ramp)}
    train(student, [Phase("sdo", objective, labels.recipe, about=about)], folder, about, progress=progress)
    objective.catch_up(labels.recipe.steps)
    arch = policy.chosen()
    blocks = student.net.space.grid.layers  # type: ignore[attr-defined]
    return DistilledNet(arch, student.extract(arch), policy.probabilities[:, 1].reshape(blocks, -1))
