"""What several systems do with nets: train one by phases, fine-tune one on a task, save one by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from hwcost.corpora import ClassificationTask
from hwcost.supernets import subnet
from hwcost.supernets.finetuning import Classification, Classifier, accuracy
from hwcost.supernets.recipe import Recipe
from hwcost.supernets.training import Phase, Progress, device_of, train
from hwcost.systems.curves import TrainingCurves

if TYPE_CHECKING:
    from hwcost.spaces import Architecture, SearchSpace
    from hwcost.systems.base import Pipeline
    from hwcost.systems.text import Text
    from hwcost.workloads.builder import Blueprint

SAVE_EVERY = 200
"""Number of steps between two checkpoints."""


def reporting(pipeline: Pipeline[Any], doing: str) -> Callable[[Progress], None]:
    """Returns a callback that reports a training's progress as a pipeline's."""
    return lambda state: pipeline.say(doing, state.done, state.total)


def train_phase(pipeline: Pipeline[Any], module: nn.Module, phase: Phase, text: Text, name: str) -> TrainingCurves:
    """Trains a module in the folder ``NAME-training`` of a run, from its last checkpoint, and returns the losses."""
    folder = pipeline.folder / f"{name}-training"
    train(module, [phase], folder, text.provenance(name), SAVE_EVERY, reporting(pipeline, f"training {name}"))
    return TrainingCurves.read(folder)


def tuned_accuracy(net: nn.Module, task: ClassificationTask, recipe: Recipe, seed: int) -> float:
    """Fine-tunes a net on a classification task and returns the share of test passages that it classifies correctly.

    Args:
        net: An encoder with its weights; they are changed.
        task: The task.
        recipe: Recipe of the fine-tuning.
        seed: Seed of the new layers' weights.
    """
    width = net.embeddings.position.weight.shape[1]
    classifier = Classifier(net, width, len(task.labels), seed).to(device_of(net))

    def batches(step: int) -> dict[str, Any]:
        return dict(task.batch(step, recipe.micro_batch))

    train(classifier, [Phase("fine-tuning", Classification(classifier, batches), recipe)])
    return accuracy(classifier, task.test.rows(np.arange(len(task.test))))


def save_net(
    folder: str | Path, net: nn.Module, space: SearchSpace, arch: Architecture, blueprint: Blueprint
) -> None:
    """Saves a net as a folder that runs without hwcost, with the architecture that it has."""
    about = {"space": space.name, "options": space.options(), "arch": space.key(arch)}
    subnet.save(folder, net, blueprint, about)
