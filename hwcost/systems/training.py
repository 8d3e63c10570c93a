"""What several systems do with nets: train one by phases, save one by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from hwcost.supernets import subnet
from hwcost.supernets.process_group import apart
from hwcost.supernets.run import Run
from hwcost.supernets.run import Settings as TrainingSettings
from hwcost.supernets.training import Phase, Progress, train
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


def run_of(pipeline: Pipeline[Any], name: str, settings: TrainingSettings) -> Run:
    """Begins the training of a supernet in a folder of a run, or opens it; the first process does so before the others.

    The recipe is divided for all processes by then, and so is not divided again.
    """
    with apart():
        return Run.start(pipeline.folder / name, settings, pipeline.train_on)


def train_phase(pipeline: Pipeline[Any], module: nn.Module, phase: Phase, text: Text, name: str) -> TrainingCurves:
    """Trains a module in the folder ``NAME-training`` of a run, from its last checkpoint, and returns the losses."""
    folder = pipeline.folder / f"{name}-training"
    train(module, [phase], folder, text.provenance(name), SAVE_EVERY, reporting(pipeline, f"training {name}"))
    return TrainingCurves.read(folder)


def save_net(
    folder: str | Path, net: nn.Module, space: SearchSpace, arch: Architecture, blueprint: Blueprint
) -> None:
    """Saves a net as a folder that runs without hwcost, with the architecture that it has."""
    about = {"space": space.name, "options": space.options(), "arch": space.key(arch)}
    subnet.save(folder, net, blueprint, about)
