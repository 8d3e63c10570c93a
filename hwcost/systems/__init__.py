"""The four papers' systems end to end: each trains, measures, searches, and measures again what it found.

One package per paper, on public names of the library only. A system of your own is a subclass of :class:`Pipeline`.
"""

from hwcost.systems.base import Pipeline
from hwcost.systems.claims import Claim
from hwcost.systems.events import Event
from hwcost.systems.parts import Parts
from hwcost.systems.plan import Plan
from hwcost.systems.processes import together
from hwcost.systems.registry import PIPELINES, pipeline
from hwcost.systems.reports import results_of
from hwcost.systems.result_cache import ResultCache
from hwcost.systems.settings import DEVICE_PROTOCOL, Measuring, Preset, Settings
from hwcost.systems.stages import Stage, stage

__all__ = [
    "DEVICE_PROTOCOL", "PIPELINES", "Claim", "Event", "Measuring", "Parts", "Pipeline", "Plan", "Preset", "ResultCache",
    "Settings", "Stage", "pipeline", "results_of", "stage", "together",
]  # fmt: skip
