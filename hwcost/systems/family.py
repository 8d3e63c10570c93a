"""Which pipelines there are, and how one is made by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hwcost.errors import MissingExtraError
from hwcost.registry import Registry
from hwcost.systems.base import Event, Settings

if TYPE_CHECKING:
    from hwcost.systems.base import Pipeline

PIPELINES = Registry(
    "hwcost.systems",
    "pipeline",
    {
        "autodistil": "hwcost.systems.autodistil:AutoDistilPipeline",
        "autodistill": "hwcost.systems.autodistill:AutoDistillPipeline",
        "components": "hwcost.systems.components:ComponentsPipeline",
        "supershaper": "hwcost.systems.supershaper:SuperShaperPipeline",
    },
)


def pipeline(
    name: str, folder: str | Path, settings: Settings, tell: Callable[[Event], None] = lambda event: None
) -> Pipeline:
    """Makes a pipeline; see :class:`hwcost.systems.base.Pipeline`.

    Raises:
        UnknownNameError: When there is no such pipeline, or no such preset.
        DataError: When the folder holds a run of other settings.
        MissingExtraError: When torch is not installed.
    """
    try:
        kind: type[Pipeline] = PIPELINES.load(name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError("torch", "supernet") from None
    return kind(folder, settings, tell)
