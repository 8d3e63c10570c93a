# mypy: allow-subclassing-any
"""Masked language modelling: the loss, the objective of a supernet or a plain net, and perplexity."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from hwcost.errors import DataError, UsageError
from hwcost.supernets.base import Supernet
from hwcost.supernets.objective import Batch, Pass, device_of, moved
from hwcost.supernets.process_group import here
from hwcost.supernets.sampling import Rule

__all__ = ["Batches", "NetLm", "SupernetLm", "asked", "inputs", "masked_lm_loss", "perplexity"]

Batches = Callable[[int], dict[str, Any]]
"""Returns a numpy batch by its number, as :meth:`hwcost.corpora.MlmBatches.batch` does."""


TAKEN = ("input_ids", "attention_mask", "token_type_ids", "positions")
"""Arguments that masked language modelling gives a net, in order."""


def inputs(batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Returns what every net takes of a batch."""
    return batch["input_ids"], batch["attention_mask"], batch["token_type_ids"]


def asked(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns which of a batch's B * S tokens are to be predicted, (n,), and what they are, (n,)."""
    labels = batch["labels"].flatten()
    positions = (labels >= 0).nonzero().squeeze(1)
    return positions, labels[positions]


def masked_lm_loss(net: nn.Module, batch: Batch) -> torch.Tensor:
    """Returns the mean cross-entropy, in nats, of the masked tokens (Devlin et al., "BERT", section 3.1).

    Args:
        net: Net with a masked-language-model head.
        batch: Batch with labels, (B, S); negative where nothing is to be predicted.
    """
    positions, wanted = asked(batch)
    return functional.cross_entropy(net(*inputs(batch), positions).float(), wanted)


class SupernetLm:
    """Masked language modelling of the subnets that a rule draws.

    Args:
        supernet: The supernet.
        batches: Batches of text; all subnets of a step see the same one.
        rule: Rule that chooses the subnets of a step; all micro batches of a step run the same subnets.

    Raises:
        UsageError: When the supernet's nets take other inputs than text.
    """

    def __init__(self, supernet: Supernet, batches: Batches, rule: Rule) -> None:
        takes = inspect.signature(supernet.forward)
        try:
            takes.bind(*TAKEN)
        except TypeError:
            raise UsageError(
                f"nets of space '{supernet.space.name}' are not masked language models: forward of their supernet takes "
                f"{takes}, and is given {', '.join(TAKEN)}. Train it from Python with an objective of your own, by "
                "hwcost.supernets.training.train"
            ) from None
        self.supernet, self.batches, self.rule = supernet, batches, rule

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.objective.Objective`."""
        batch = moved(self.batches(number), device_of(self.supernet))
        for name, arch in self.rule(step).items():
            yield Pass(name, masked_lm_loss(self.supernet.set(arch, "mlm"), batch), batch["input_ids"].numel())


class NetLm:
    """Masked language modelling of one net.

    Args:
        net: Net with a masked-language-model head.
        batches: Batches of text.
    """

    def __init__(self, net: nn.Module, batches: Batches) -> None:
        self.net, self.batches = net, batches

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.objective.Objective`."""
        batch = moved(self.batches(number), device_of(self.net))
        yield Pass("mlm", masked_lm_loss(self.net, batch), batch["input_ids"].numel())


def perplexity(net: nn.Module, batches: Iterable[dict[str, Any]]) -> float:
    """Returns the exponential of the mean cross-entropy of all masked tokens.

    Called by every process of torch's default process group, it divides the batches among them.

    Args:
        net: Net with a masked-language-model head.
        batches: Held-out batches.

    Raises:
        DataError: When nothing is to be predicted in them.
    """
    total, count, group = 0.0, 0.0, here()
    with torch.no_grad():
        for one in itertools.islice(batches, group.rank, None, group.count):
            batch = moved(one, device_of(net))
            found = len(asked(batch)[1])
            total += found * float(masked_lm_loss(net, batch)) if found else 0.0
            count += found
    total, count = group.added([total, count], device_of(net))
    if not count:
        raise DataError("perplexity needs held-out batches with masked tokens; there are none")
    return math.exp(total / count)

