"""Which pipelines there are, and how one is made by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hwcost.errors import MissingExtraError
from hwcost.pipelines.base import Event, Settings
from hwcost.registry import Registry

if TYPE_CHECKING:
    from hwcost.pipelines.base import Pipeline

PIPELINES = Registry(
    "hwcost.pipelines",
    "pipeline",
    {
        "autodistil": "hwcost.pipelines.autodistil:AutoDistilPipeline",
        "autodistill": "hwcost.pipelines.autodistill:AutoDistillPipeline",
        "components": "hwcost.pipelines.components:ComponentsPipeline",
        "supershaper": "hwcost.pipelines.supershaper:SuperShaperPipeline",
    },
)


def pipeline(
    name: str, folder: str | Path, settings: Settings, tell: Callable[[Event], None] = lambda event: None
) -> Pipeline:
    """Makes a pipeline; see :class:`hwcost.pipelines.base.Pipeline`.

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
