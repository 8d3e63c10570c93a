"""Plays back latencies from a file, for trying out campaigns on devices that are not here."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.backends.base import Backend, Runner
from hwcost.backends.virtual import VirtualClock
from hwcost.errors import ArchitectureError, DataError, UsageError
from hwcost.workloads.model import ModelWorkload

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hwcost.devices.handle import DeviceHandle
    from hwcost.spaces.base import Architecture, SearchSpace
    from hwcost.workloads.base import Workload


class Replay(Backend):
    """Recorded latencies on a virtual clock. Every preparation starts at an architecture's first row.

    Options:
        file: CSV with a column per gene and ``latency_s``; several rows of one architecture are its repeats.
        space: Name of the search space (``supershaper``).
    """

    name = "replay"
    kinds = ("*",)
    uses_processor = False
    fork_imports = ()
    option_names = ("file", "space")

    def __init__(self, threads: int = 1, options: dict[str, Any] | None = None) -> None:
        super().__init__(threads, options)
        from hwcost.spaces import space

        if "file" not in self.options:
            raise UsageError("backend 'replay' needs the option 'file', a CSV with one column per gene and latency_s")
        self.file = str(self.options["file"])
        self.space = str(self.options.get("space", "supershaper"))
        self.latencies_s = read_latencies(self.file, space(self.space))
        self.clock = VirtualClock()

    @classmethod
    def is_virtual(cls, options: dict[str, Any]) -> bool:
        """Always: nothing runs."""
        return True

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        """Always available."""
        return True, ""

    def version(self) -> dict[str, str]:
        """Nothing runs, so there is no version."""
        return {"replay": "1"}

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """See the base class.

        Raises:
            UsageError: When the workload is not a whole model of the space, or was never recorded.
        """
        if not isinstance(workload, ModelWorkload) or workload.space != self.space:
            raise UsageError(f"backend 'replay' plays whole models of space '{self.space}', not '{workload.name}'")
        if workload.architecture not in self.latencies_s:
            raise UsageError(
                f"'{workload.name}' is not among the {len(self.latencies_s)} architectures of '{self.file}'"
            )
        return ReplayRunner(self.latencies_s[workload.architecture], self.clock)


class ReplayRunner(Runner):
    """Takes the recorded latencies in turn, and begins again after the last one."""

    def __init__(self, latencies_s: list[float], clock: VirtualClock) -> None:
        super().__init__()
        self._latencies_s = latencies_s
        self._next = 0
        self._clock = clock
        self.clock, self.clock_step_s = clock, 1e-9
        self.facts = {"recorded": len(latencies_s)}

    def run(self, n: int) -> None:
        """See the base class."""
        for _ in range(n):
            self._clock.advance(self._latencies_s[self._next])
            self._next = (self._next + 1) % len(self._latencies_s)

    def idle(self, seconds: float) -> None:
        """See the base class; recorded latencies do not depend on pauses."""
        self._clock.advance(seconds)

    def outputs(self) -> list[NDArray[Any]]:
        """Returns the recorded latencies; the model's outputs were not recorded."""
        return [np.array(self._latencies_s, dtype=np.float32)]


def read_latencies(file: str, space: SearchSpace) -> dict[Architecture, list[float]]:
    """Reads recorded latencies by architecture, in the order of the rows.

    Raises:
        DataError: When the file cannot be read, lacks a column, or holds a bad row; names the row, counted from 0.
    """
    columns = [gene.name for gene in space.genes]
    found: dict[Architecture, list[float]] = {}
    try:
        with open(file, newline="", encoding="utf-8") as lines:
            rows = csv.DictReader(lines)
            missing = [name for name in [*columns, "latency_s"] if name not in (rows.fieldnames or ())]
            if missing:
                raise DataError(
                    f"'{file}' has no column '{missing[0]}'. Expected {columns[0]}..{columns[-1]} and latency_s."
                )
            for index, row in enumerate(rows):
                arch, latency_s = _read_row(row, columns, space, f"row {index} of '{file}'")
                found.setdefault(arch, []).append(latency_s)
    except OSError as error:
        raise DataError(f"cannot read '{file}': {error.strerror}") from None
    except UnicodeDecodeError:
        raise DataError(f"'{file}' is not UTF-8 text. Expected a CSV.") from None
    except csv.Error as error:
        raise DataError(f"'{file}' is not a CSV: {error}.") from None
    return found


def _read_row(row: dict[str, Any], columns: list[str], space: SearchSpace, where: str) -> tuple[Architecture, float]:
    try:
        arch = space.parse("_".join(row[name] or "" for name in columns))
        latency_s = float(row["latency_s"] or "nan")
    except (ArchitectureError, ValueError) as error:
        raise DataError(f"{where} cannot be used: {error}") from None
    if not (math.isfinite(latency_s) and latency_s > 0):
        raise DataError(f"{where} has the latency {row['latency_s']!r}. Expected a positive number of seconds.")
    return arch, latency_s
