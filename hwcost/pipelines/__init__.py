"""The four systems end to end: each trains, measures, searches and measures again what it found."""

from hwcost.pipelines.base import Event, Measuring, Pipeline, Settings, Verdict
from hwcost.pipelines.family import PIPELINES, pipeline

__all__ = ["PIPELINES", "Event", "Measuring", "Pipeline", "Settings", "Verdict", "pipeline"]
