"""The registered pipelines, and how one is made by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.errors import MissingExtraError
from hwcost.registry import Registry
from hwcost.systems.events import Event
from hwcost.systems.settings import Settings

if TYPE_CHECKING:
    from hwcost.systems.base import Pipeline

PIPELINES = Registry(
    "hwcost.systems",
    "pipeline",
    {
        "autodistil": "hwcost.systems.autodistil.pipeline:AutoDistilPipeline",
        "autodistill": "hwcost.systems.autodistill.pipeline:AutoDistillPipeline",
        "components": "hwcost.systems.components.pipeline:ComponentsPipeline",
        "supershaper": "hwcost.systems.supershaper.pipeline:SuperShaperPipeline",
    },
)


def pipeline(
    name: str, folder: str | Path, settings: Settings, progress: Callable[[Event], None] = lambda event: None
) -> Pipeline[Any]:
    """Makes a pipeline.

    Args:
        name: A registered name, such as ``supershaper``.
        folder: Folder that keeps everything; a folder of the same settings is resumed.
        settings: The user's choices.
        progress: Function that is called often, with the place that the run has reached.

    Raises:
        UnknownNameError: When the pipeline or its preset is unknown.
        DataError: When the folder holds a run of other settings.
        MissingExtraError: When torch is not installed.
    """
    try:
        kind: type[Pipeline[Any]] = PIPELINES.load(name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError("torch", "supernet") from None
    return kind(folder, settings, progress)
