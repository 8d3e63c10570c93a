"""What several systems do with nets: train one by phases, see what it has learnt, save one by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from hwcost.supernets import subnet
from hwcost.supernets.masked_words import masked_words
from hwcost.supernets.objective import Phase
from hwcost.supernets.process_group import apart
from hwcost.supernets.run import Run
from hwcost.supernets.run import Settings as TrainingSettings
from hwcost.supernets.training import Progress, train
from hwcost.systems.curves import TrainingCurves
from hwcost.systems.learnt import WordsLearnt

if TYPE_CHECKING:
    from hwcost.corpora import MlmBatches
    from hwcost.spaces import Architecture, SearchSpace
    from hwcost.systems.base import Pipeline
    from hwcost.systems.text import Text
    from hwcost.workloads.builder import Blueprint

SAVE_EVERY = 200
"""Number of steps between two checkpoints."""
SHOWN, REHEARSED = 16, 2
"""Number of held-out batches on which it shows whether a net has learnt anything, and of those that a rehearsal takes."""


def reporting(pipeline: Pipeline[Any], doing: str) -> Callable[[Progress], None]:
    """Returns a callback that reports a training's progress as a pipeline's."""
    return lambda state: pipeline.say(doing, state.done, state.total)


def run_of(pipeline: Pipeline[Any], name: str, settings: TrainingSettings) -> Run:
    """Begins the training of a supernet in a folder of a run, or opens it; the first process does so before the others.

    The recipe is divided for all processes by then, and so is not divided again. A teacher that the run trained itself lies
    in the run's folder, which may have been moved, or may be given from elsewhere.
    """
    with apart():
        own = pipeline.settings.weights is None
        return Run.start(pipeline.folder / name, settings, pipeline.train_on, has_own_teacher=own)


def train_phase(pipeline: Pipeline[Any], module: nn.Module, phase: Phase, text: Text, name: str) -> TrainingCurves:
    """Trains a module in the folder ``NAME-training`` of a run, from its last checkpoint, and returns the losses."""
    folder = pipeline.folder / f"{name}-training"
    train(module, [phase], folder, text.provenance(name), SAVE_EVERY, reporting(pipeline, f"training {name}"))
    return TrainingCurves.read(folder)


def shown(pipeline: Pipeline[Any]) -> int:
    """Returns the number of held-out batches on which it shows whether a net of this run has learnt anything."""
    return REHEARSED if pipeline.is_rehearsal else SHOWN


def words_learnt(
    name: str, net: nn.Module, held_out: Iterable[dict[str, Any]], training: MlmBatches
) -> WordsLearnt:  # fmt: skip
    """Returns what a net has learnt of words, beside their frequencies.

    Args:
        name: Name of the net, in words.
        net: Net with a masked-language-model head.
        held_out: Batches of held-out text, as many as :func:`shown` says.
        training: Batches of the text that it was trained on.
    """
    found = masked_words(net, held_out, training.frequencies(), training.mask)
    return WordsLearnt(name, found.loss, found.unigram, found.gain_low)


def save_net(
    folder: str | Path, net: nn.Module, space: SearchSpace, arch: Architecture, blueprint: Blueprint
) -> None:
    """Saves a net as a folder that runs without hwcost, with the architecture that it has."""
    about = {"space": space.name, "options": space.options(), "arch": space.key(arch)}
    subnet.save(folder, net, blueprint, about)
