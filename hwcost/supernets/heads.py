# mypy: allow-subclassing-any
"""Nets that end in the head of a labelled task, plain ones and elastic ones.

Source: Devlin et al., "BERT", section 4.1 (a dense layer on the pooled first token, for one text or two), section 4.2 (two
scores of every token, for spans) and section 5.3 (a dense layer on the first piece of every word). Shapes: B sequences, S
tokens, h the width of the hidden states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from hwcost.spaces.base import Architecture
from hwcost.supernets.base import Supernet, initialise, std_at
from hwcost.workloads.modules import Pooler

if TYPE_CHECKING:
    from typing_extensions import Self

    from hwcost.tasks import Target

__all__ = ["ElasticTaskNet", "TaskHead", "TaskNet", "width_of"]


class TaskHead(nn.Module):
    """The head of a task. Narrower hidden states use its first channels, so that it serves every net of a supernet.

    Args:
        width: Width h of the hidden states, the largest one.
        outputs: Number of outputs.
        is_per_word: Whether every token has outputs, or the first one has them for the whole sequence.
        seed: Seed of the weights.
    """

    def __init__(self, width: int, outputs: int, is_per_word: bool = False, seed: int = 0) -> None:
        super().__init__()
        self.pooler = None if is_per_word else Pooler(width)
        self.dense = nn.Linear(width, outputs)
        initialise(self, seed, std_at(width))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """(B, S, h) -> (B, outputs), or (B, S, outputs) where every token has outputs."""
        width = hidden.shape[-1]
        if self.pooler is not None:
            pooled = self.pooler.dense
            hidden = torch.tanh(functional.linear(hidden[:, 0], pooled.weight[:width, :width], pooled.bias[:width]))
        result: torch.Tensor = functional.linear(hidden, self.dense.weight[:, :width], self.dense.bias)
        return result

    def narrowed(self, width: int) -> TaskHead:
        """Returns the head of hidden states of that width, with weights of its own."""
        made = TaskHead(width, self.dense.out_features, self.pooler is None)
        made.to(self.dense.weight.device)
        own = dict(self.named_parameters())
        with torch.no_grad():
            for name, parameter in made.named_parameters():
                parameter.copy_(own[name][tuple(slice(size) for size in parameter.shape)])
        return made


class TaskNet(nn.Module):
    """A net with the head of a task.

    Args:
        net: Encoder; its own head is not used, so that its weights may come from any training.
        target: Target of the task.
        seed: Seed of the head's weights.

    Attributes:
        target: Target of the task.
    """

    def __init__(self, net: nn.Module, target: Target, seed: int = 0) -> None:
        super().__init__()
        self.net, self.target = net, target
        self.head = TaskHead(width_of(self), target.outputs, target.is_per_word or target.is_span, seed)
        device = next(net.parameters()).device
        if self.head.dense.weight.device != device:  # tensors without values, of which memory is planned, cannot be moved
            self.head.to(device)

    def hidden(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Three int64 tensors (B, S) -> hidden states (B, S, h)."""
        states: torch.Tensor = self.net.encode(input_ids, attention_mask, token_type_ids)
        return states

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Three int64 tensors (B, S) -> (B, outputs).

        Where words have targets, (B, S, outputs); where answers are spans, (B, 2, S): the scores of all positions as the
        first of the span, and as the last.
        """
        found: torch.Tensor = self.head(self.hidden(input_ids, attention_mask, token_type_ids))
        return found.transpose(1, 2) if self.target.is_span else found

    def start_from(self, other: TaskNet) -> None:
        """Starts from a net that was fine-tuned on another task; its last layer stays fresh where the targets differ.

        Source: Liu et al., "RoBERTa", section 5.1; SuperShaper, section 4.1: from MNLI for RTE, MRPC and STS-B.

        Args:
            other: A net of the same architecture.
        """
        given = dict(other.named_parameters())
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                is_replaced = name not in given or (name.startswith("head.dense") and self.target != other.target)
                if not is_replaced:
                    parameter.copy_(given[name])


class ElasticTaskNet(TaskNet):
    """A supernet with the head of a task, which all of its nets share.

    Args:
        net: The supernet.
        target: Target of the task.
        seed: Seed of the head's weights.
    """

    net: Supernet

    def hidden(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """See the base class; runs the chosen subnet."""
        states: torch.Tensor = self.net.set(self.net.arch, "none")(input_ids, attention_mask, token_type_ids)
        return states

    def set(self, arch: Architecture) -> Self:
        """Chooses the architecture that the next calls run."""
        self.net.set(arch, "none")
        return self

    def extract(self, arch: Architecture) -> TaskNet:
        """Returns a subnet with the head, both with weights of their own."""
        made = TaskNet(self.net.extract(arch, "none"), self.target)
        made.head = self.head.narrowed(width_of(made))
        return made


def width_of(model: TaskNet) -> int:
    """Returns the width of the hidden states that a net ends in, as one short run shows it; of the largest of a supernet."""
    if isinstance(model.net, Supernet):
        model.net.set(model.net.largest(), "none")
    ids = torch.zeros((1, 2), dtype=torch.long, device=next(model.net.parameters()).device)
    with torch.no_grad():
        return int(model.hidden(ids, torch.ones_like(ids), ids).shape[-1])
