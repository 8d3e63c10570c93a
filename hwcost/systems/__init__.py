"""The four systems end to end: each trains, measures, searches and measures again what it found."""

from hwcost.systems.base import Event, Measuring, Pipeline, Settings, Verdict
from hwcost.systems.family import PIPELINES, pipeline

__all__ = ["PIPELINES", "Event", "Measuring", "Pipeline", "Settings", "Verdict", "pipeline"]
