"""Latency measured within the search, student by student, as AutoDistill does in place of proxies (section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwcost.errors import MeasurementError
from hwcost.systems.autodistill.memory import MEMORY
from hwcost.systems.latencies import by_architecture, values_of
from hwcost.systems.result_cache import ResultCache

if TYPE_CHECKING:
    from pathlib import Path

    from hwcost.spaces import Architecture
    from hwcost.systems.base import Pipeline

FILE = "in_search.jsonl"


class MeasuredLatency:
    """Measures a student beside the reference, in turns within one campaign; each student once.

    Campaigns of one search are minutes or hours apart, and a machine does not keep its level so long. So a student's seconds
    are those that it would have taken in the first campaign: they are divided by what the reference took beside it, and
    multiplied by what the reference took in its own. Bytes do not depend on a level.

    Args:
        pipeline: Run that measures.
        reference: Student that every other one is measured beside.
        folder: Folder that keeps the results.
    """

    def __init__(self, pipeline: Pipeline[Any], reference: Architecture, folder: Path) -> None:
        self._pipeline, self._reference = pipeline, reference
        self._space = pipeline.spaces()[pipeline.name]
        self._known = ResultCache(folder / FILE)

    def __call__(self, arch: Architecture) -> float:
        """Returns a student's seconds.

        Raises:
            MeasurementError: When no visit was usable.
        """
        first = self._beside(self._reference)[0]
        own, level = self._beside(arch)[:2]
        return own * first / level

    def memory_bytes(self, arch: Architecture) -> float:
        """Returns a student's peak memory.

        Raises:
            MeasurementError: When no visit was usable, or memory cannot be watched.
        """
        return self._beside(arch)[2]

    def _beside(self, arch: Architecture) -> Sequence[float]:
        """Returns the seconds of a student, those of the reference beside it and, where it is watched, its peak memory."""
        found: Sequence[float] = self._known.get(self._space.key(arch), lambda: self._measure(arch))
        return found

    def _measure(self, arch: Architecture) -> list[float]:
        archs = list(dict.fromkeys([self._reference, arch]))
        workloads = self._pipeline.preset.measuring.workloads(self._space, archs)
        measurements = self._pipeline.measure(workloads, "test").measurements
        found = by_architecture(measurements)
        seconds = [found[one][0] for one in (arch, self._reference)]
        if None in seconds:
            raise MeasurementError(
                f"no visit of student {self._space.key(arch)} and of the reference beside it is usable. The same command "
                "goes on from here; a longer campaign may help: --set measuring.rounds=N"
            )
        values = [*seconds, *(values_of(measurements, [name])[arch][name] for name in self._pipeline.quantities())]
        if None in values:
            raise MeasurementError(
                f"{MEMORY} of student {self._space.key(arch)} is not known on this device and backend: run without it, "
                "--set memory=none"
            )
        return [one for one in values if one is not None]
