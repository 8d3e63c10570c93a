# mypy: allow-subclassing-any
"""Fine-tuning a net on a classification task, and the accuracy it reaches.

Source: SuperShaper, section 3.3: a subnet is fine-tuned as it is taken out (direct), after some more pre-training of its own
(partial), or after pre-training from the beginning (scratch). Only what comes before differs; :func:`prepare` does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from hwcost.errors import UsageError
from hwcost.spaces.base import Architecture
from hwcost.supernets.base import Supernet
from hwcost.supernets.masked_lm import Batches, NetLm, inputs
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.training import Pass, Phase, device_of, moved, train
from hwcost.workloads.modules import Pooler

__all__ = ["Classification", "Classifier", "accuracy", "prepare"]

STARTS = ("direct", "partial", "scratch")
"""Weights that fine-tuning starts from: the supernet's, these trained further, or random ones trained alone."""


def prepare(
    supernet: Supernet, arch: Architecture, start: str, batches: Batches, recipe: Recipe, folder: Path | None = None
) -> nn.Module:
    """Takes a net out and, unless it is fine-tuned directly, pre-trains it on masked tokens.

    Args:
        supernet: Trained supernet; where the net starts from scratch, only its space and its seed matter.
        arch: The net.
        start: One of ``STARTS``.
        batches: Batches of text.
        recipe: Settings of the pre-training.
        folder: Folder of the checkpoint; None keeps none.

    Returns:
        The net, which ends in a masked-language-model head.

    Raises:
        UsageError: When there is no such start.
    """
    if start not in STARTS:
        raise UsageError(f"a net is fine-tuned {', '.join(STARTS)}; got '{start}'")
    source = type(supernet)(supernet.space, supernet.seed) if start == "scratch" else supernet
    net = source.extract(arch, "mlm").to(device_of(supernet))
    if start != "direct":
        about = {"arch": supernet.space.key(arch)}
        train(net, [Phase(start, NetLm(net, batches), recipe)], folder, about, save_every=recipe.steps)
    return net


class Classifier(nn.Module):
    """A net with a pooler and a dense layer on top.

    Args:
        net: Encoder; its own head is not used, so that its weights may come from any training.
        width: Width of the hidden states.
        classes: Number of classes.
        seed: Seed of the new layers' weights.
    """

    def __init__(self, net: nn.Module, width: int, classes: int, seed: int = 0) -> None:
        super().__init__()
        self.net = net
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.pooler = Pooler(width)
            self.dense = nn.Linear(width, classes)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Three int64 tensors (B, S) -> logits (B, classes)."""
        return self.dense(self.pooler(self.net.encode(input_ids, attention_mask, token_type_ids)))


class Classification:
    """The objective of fine-tuning.

    Args:
        classifier: Net to be trained.
        batches: Returns the numpy batch of a step, with ``labels`` (B,).
    """

    def __init__(self, classifier: Classifier, batches: Callable[[int], dict[str, Any]]) -> None:
        self.classifier, self.batches = classifier, batches

    def passes(self, step: int, number: int) -> Iterator[Pass]:
        """See :class:`~hwcost.supernets.training.Objective`."""
        batch = moved(self.batches(number), device_of(self.classifier))
        loss = functional.cross_entropy(self.classifier(*inputs(batch)).float(), batch["labels"])
        yield Pass("classification", loss, batch["input_ids"].numel())


def accuracy(classifier: Classifier, examples: dict[str, Any], batch_size: int = 64) -> float:
    """Returns the share of examples whose class is found.

    Args:
        classifier: The classifier.
        examples: Arrays as of a batch, all of them.
        batch_size: Examples at a time.
    """
    right, count = 0, len(examples["labels"])
    with torch.no_grad():
        for start in range(0, count, batch_size):
            one = {name: array[start : start + batch_size] for name, array in examples.items()}
            batch = moved(one, device_of(classifier))
            right += int((classifier(*inputs(batch)).argmax(-1) == batch["labels"]).sum())
    return right / count
