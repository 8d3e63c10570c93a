"""Fine-tuning a net on the classification task, and the accuracy that it reaches."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from hwcost.corpora import ClassificationTask
from hwcost.supernets.finetuning import Classification, Classifier, accuracy
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.training import Phase, device_of, train


def tuned_accuracy(net: nn.Module, task: ClassificationTask, recipe: Recipe, seed: int) -> float:
    """Returns the share of test passages whose class a net finds after fine-tuning.

    Args:
        net: An encoder with its weights; they are changed.
        task: The task.
        recipe: Of the fine-tuning.
        seed: Of the new layers' weights.
    """
    width = net.embeddings.position.weight.shape[1]
    classifier = Classifier(net, width, len(task.labels), seed).to(device_of(net))

    def batches(step: int) -> dict[str, Any]:
        return dict(task.batch(step, recipe.batch_size))

    train(classifier, [Phase("fine-tuning", Classification(classifier, batches), recipe)])
    return accuracy(classifier, task.test.rows(np.arange(len(task.test))))
