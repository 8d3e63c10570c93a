"""Students of a run, distilled flash or regularly (section 3.3.4); each once, and resumed where it was interrupted."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from hwcost.spaces import Architecture
from hwcost.supernets.distillation import Distillation
from hwcost.supernets.student import student, student_blueprint
from hwcost.supernets.text_quality import text_quality
from hwcost.supernets.training import train
from hwcost.systems.autodistill.results import Quality, Regular
from hwcost.systems.autodistill.table_2 import table_2
from hwcost.systems.processes import together
from hwcost.systems.result_cache import ResultCache
from hwcost.systems.training import reporting, save_net

if TYPE_CHECKING:
    from hwcost.systems.autodistill.pipeline import AutoDistillPipeline

FLASH, REGULAR = "flash", "regular"
SAVE_EVERY = 1000
"""Number of steps between two checkpoints of a student."""


class Students:
    """The students of a run.

    Args:
        pipeline: The run; its folder keeps qualities, checkpoints and winners.
    """

    def __init__(self, pipeline: AutoDistillPipeline) -> None:
        self.pipeline, self.space = pipeline, pipeline.space

    @cached_property
    def _known(self) -> ResultCache:
        """Qualities after flash distillation, which all searches share."""
        return ResultCache(self.pipeline.folder / "flash.jsonl")

    def flash(self, arch: Architecture) -> dict[str, float]:
        """Returns a student's qualities after flash distillation by name."""
        key = self.space.key(arch)
        found: dict[str, float] = self._known.get(key, lambda: distil(self.pipeline, key, FLASH)[1])
        remove_checkpoint(self.pipeline, key, FLASH)
        return found

    def regular(self, keys: Sequence[str]) -> Regular:
        """Distils students regularly, keeps them with the winners, and compares them with the reference among them."""
        found = dict(zip(keys, self.pipeline.cached_map("regular", keys, str, self._regularly), strict=True))
        for key in keys:
            remove_checkpoint(self.pipeline, key, REGULAR)
        flash = {key: Quality(**self.flash(self.space.parse(key))) for key in keys}
        reference, quality = self.pipeline.search.reference, self.pipeline.preset.quality
        return Regular(table_2(found, self.pipeline.winners.nets, flash, reference, quality))

    def _regularly(self, key: str) -> dict[str, Any]:
        arch = self.space.parse(key)
        net, found = distil(self.pipeline, key, REGULAR)
        folder = self.pipeline.folder / "winners" / key
        save_net(folder, net, self.space, arch, student_blueprint(self.space, arch, "mlm"))
        return found


@together
def distil(pipeline: AutoDistillPipeline, key: str, way: str) -> tuple[nn.Module, dict[str, Any]]:
    """Distils a student, and returns it with its qualities by name; regularly, also with those of each held-out batch.

    Args:
        pipeline: The run.
        key: Key of the student.
        way: ``flash`` or ``regular``.
    """
    space, preset, seed = pipeline.space, pipeline.preset, pipeline.settings.seed
    schedule = {FLASH: preset.flash, REGULAR: preset.regular}[way]
    net = student(space, space.parse(key), seed=seed).to(pipeline.train_on)
    pair = Distillation(net, pipeline.trained_teacher, seed).to(pipeline.train_on)
    phases, about = pair.phases(pipeline.batches, schedule, preset.recipe), pipeline.text.provenance(f"{way} {key}")
    report = reporting(pipeline, f"{way} distillation of {key}")
    train(pair, phases, checkpoint(pipeline, key, way), about, SAVE_EVERY, report)
    found = asdict(text_quality(net, pipeline.held_out, pair.next_sentence))
    if way == REGULAR:
        found["by_batch"] = [asdict(text_quality(net, [one], pair.next_sentence)) for one in pipeline.held_out]
    return net, found


def checkpoint(pipeline: AutoDistillPipeline, key: str, way: str) -> Path:
    """Returns the folder of a distillation's checkpoint."""
    return pipeline.folder / "students" / f"{key}-{way}"


def remove_checkpoint(pipeline: AutoDistillPipeline, key: str, way: str) -> None:
    """Removes the checkpoint of a distillation whose result is kept."""
    shutil.rmtree(checkpoint(pipeline, key, way), ignore_errors=True)
