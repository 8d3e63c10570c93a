"""The contract of a format: what a reader makes of a file, and what a writer makes files of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hwcost._cached import cached_property

if TYPE_CHECKING:
    from hwcost.exchange.benchmarks.document import Document
    from hwcost.stores.runs import Run
    from hwcost.stores.series import Estimate, Series


@dataclass(frozen=True)
class Given:
    """What the user says about a file, for what the file itself does not say.

    Attributes:
        device: Name of the device; it takes the place of what the file says.
        backend: Name of the backend; it takes the place of what the file says.
        suite: Name of the suite that the run belongs to; None for the name of the format.
        name: Name of the workload, for formats that hold a single one without a name; None for the name of the file.
        measured_at: ISO 8601 instant of the measurement, for files without one; None for the file's time of change.
    """

    device: str | None = None
    backend: str | None = None
    suite: str | None = None
    name: str | None = None
    measured_at: str | None = None


@dataclass(frozen=True)
class Imported:
    """What a file holds: one run of a suite.

    Attributes:
        run: The run; its id is a hash of the file's content, so that a file is imported once.
        series: Series of the run, each once.
        estimates: Estimates of the run, one or more a series.
        remarks: Decisions about units and columns, in whole sentences.
    """

    run: Run
    series: tuple[Series, ...]
    estimates: tuple[Estimate, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class History:
    """Measurements that are exported.

    Attributes:
        runs: Runs, the oldest first.
        series: Series by key.
        estimates: Estimates, the oldest first.
    """

    runs: Sequence[Run]
    series: Mapping[str, Series]
    estimates: Sequence[Estimate]

    @cached_property
    def run_of(self) -> dict[str, Run]:
        """Runs by their ids."""
        return {run.run_id: run for run in self.runs}

    @cached_property
    def latest(self) -> dict[str, Estimate]:
        """The latest estimate of every series, by the key of the series; it may have no value."""
        return {one.series_key: one for one in self.estimates}


@dataclass(frozen=True)
class Exported:
    """Files of another tool.

    Attributes:
        files: Text of every file by its path below the folder that is given; a single file has the path ``""``.
        remarks: Remarks on what the format cannot hold, in whole sentences.
    """

    files: dict[str, str]
    remarks: tuple[str, ...] = ()


class Format(ABC):
    """One format of one tool. Subclasses hold no state.

    Attributes:
        name: Name that the user types.
        tool: Name of the tool and of what it writes, for messages.
        fields: Sets of names of columns, or of the members of an object; a file of this format has all names of one of
            them. Empty where no names tell.
    """

    name: ClassVar[str]
    tool: ClassVar[str]
    fields: ClassVar[tuple[frozenset[str], ...]] = ()

    def recognises(self, document: Document) -> bool:
        """Whether a file is of this format, by content alone; a damaged file may not be recognised."""
        return False


class Reader(Format):
    """A format that is imported."""

    @abstractmethod
    def recognises(self, document: Document) -> bool:
        """Whether a file is of this format, by content alone; a damaged file may not be recognised."""

    @abstractmethod
    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads a file or folder whole.

        Raises:
            DataError: When something in it cannot be used; names the place.
            UsageError: When the file does not say something that the user has to say.
        """


class Writer(Format):
    """A format that is exported."""

    @abstractmethod
    def write(self, history: History) -> Exported:
        """Writes measurements.

        Raises:
            UsageError: When nothing in the history can be written in this format.
        """
