"""A system end to end: stages in a fixed order, each kept when it is finished, so that the same command goes on.

What is expensive within a stage is resumable by itself: trainings by their checkpoints, campaigns by their store, studies by
their logs, and single results by :meth:`Pipeline.each`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from hwcost._io import write_text
from hwcost.campaign import run as campaign
from hwcost.campaign.plan import items
from hwcost.campaign.planning import planned, taken_up
from hwcost.devices import require
from hwcost.errors import DataError, InterruptedRunError, MeasurementError, UnknownNameError, UsageError
from hwcost.stores import open_store
from hwcost.supernets.schema import VERSION, check_version, writing
from hwcost.systems.kept import Kept
from hwcost.timing.timer import stopwatch
from hwcost.workloads import models

if TYPE_CHECKING:
    from hwcost.campaign.run import Result
    from hwcost.spaces.base import Architecture, SearchSpace
    from hwcost.workloads.base import Workload

Thing = TypeVar("Thing")
Plain = dict[str, Any]

SETTINGS, REPORT, STORE = "pipeline.json", "report.json", "measurements.db"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a pipeline is run on.

    Attributes:
        preset: How much of everything: ``smoke``, ``quick`` or ``paper``.
        seed: Of weights, batches, samples and searches.
        corpus: ``stdlib``, or the path of text files or of a data set on disk.
        device: Where latencies are measured.
        backend: Through what.
        threads: With how many threads.
        train_on: Where nets are trained: ``cpu`` or ``cuda``; None for ``cuda`` where latencies are measured on such a
            device, else ``cpu``.
        weights: Folder of a BERT that training starts from, or that is the teacher; None starts from nothing.
    """

    preset: str = "quick"
    seed: int = 0
    corpus: str = "stdlib"
    device: str = "cpu"
    backend: str = "torch"
    threads: int = 1
    train_on: str | None = None
    weights: str | None = None


@dataclass(frozen=True, slots=True)
class Measuring:
    """How latencies are measured.

    Attributes:
        batch_size: Sequences of a call.
        seq_lens: Tokens of a sequence; ascending.
        rounds: Of a campaign; None tops up to what the tier wants.
        tier: ``quick``, ``standard`` or ``strict``.
    """

    batch_size: int
    seq_lens: tuple[int, ...]
    rounds: int | None
    tier: str = "quick"

    @property
    def seq_len(self) -> int:
        """The longest, where a net has one latency."""
        return self.seq_lens[-1]

    def models(
        self, space: SearchSpace, archs: Sequence[Architecture], seq_len: int | None = None
    ) -> list[Workload]:
        """Returns what is measured of architectures, at the longest sequences or at others."""
        return list(models(space, archs, self.batch_size, seq_len or self.seq_len))


ONE_BY_ONE = Measuring(1, (128,), None, "standard")
"""As the papers measure: one sequence of 128 tokens at a time."""


@dataclass(frozen=True, slots=True)
class Event:
    """Where a pipeline is.

    Attributes:
        stage: Name of the stage.
        number: Of the stage, from 1.
        stages: How many there are.
        doing: What it does now.
        done: How much of that is finished.
        total: Of how much; None when that is not known.
    """

    stage: str
    number: int
    stages: int
    doing: str
    done: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was to be shown, and whether this run shows it.

    Attributes:
        claim: In words.
        found: In words, with this run's numbers.
        holds: Whether it came out so.
    """

    claim: str
    found: str
    holds: bool


class Pipeline(ABC):
    """A system's stages in a folder.

    Args:
        folder: Where everything is kept; a folder of the same settings is gone on with.
        settings: What it is run on.
        tell: Called often, with where the run is.

    Attributes:
        effort: The preset's numbers; a dataclass, in which ``measuring`` is a :class:`Measuring`.
        found: Results of the stages that are finished, plain JSON, by name.

    Raises:
        DataError: When the folder holds a run of other settings, or is damaged.
        DeviceError: When the device is not here.
        UnknownNameError: When there is no such preset.
        UsageError: When the folder cannot be written.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    presets: ClassVar[Mapping[str, Any]]

    def __init__(
        self, folder: str | Path, settings: Settings, tell: Callable[[Event], None] = lambda event: None
    ) -> None:
        if settings.preset not in self.presets:
            raise UnknownNameError("preset", settings.preset, self.presets)
        if settings.train_on not in (None, "cpu", "cuda"):
            raise UsageError(f"nets are trained on cpu or cuda, got '{settings.train_on}'")
        self.folder, self.settings = Path(folder), settings
        self.effort: Any = self.presets[settings.preset]
        self.profile = require(settings.device)
        self.check_settings()
        self.found: dict[str, Plain] = {}
        self._tell, self._stage = tell, ""
        self._check_folder()

    @property
    @abstractmethod
    def stages(self) -> Mapping[str, Callable[[], Plain]]:
        """The stages in order; each returns plain JSON and reads those before it from ``found``."""

    @abstractmethod
    def verdicts(self) -> list[Verdict]:
        """Says what this run shows."""

    def check_settings(self) -> None:  # noqa: B027 - most take all that there are
        """Raises UsageError where this system cannot be run on these settings."""

    def read_given(self) -> None:  # noqa: B027 - a system need not be given anything
        """Reads the corpus and the weights that are given, before anything is written: what cannot be read is told then."""

    # -- the run -------------------------------------------------------------------------------------------------------

    def run(self) -> Plain:
        """Runs what is not finished yet and writes ``report.json``.

        Returns:
            The report: settings, every stage's results, and the verdicts.

        Raises:
            DataError: When the corpus or the weights that are given cannot be read; nothing is written then.
            InterruptedRunError: On Ctrl-C; the same run goes on from there.
            StoreError: When the disk is full; likewise.
        """
        self._stage = next(iter(self.stages))
        try:
            if not (self.folder / SETTINGS).exists():
                self.read_given()
                self._write(self.folder / SETTINGS, {"schema_version": VERSION, **self._given})
            for stage, work in self.stages.items():
                self._stage = stage
                self.found[stage] = self._kept(stage) or self._finished(stage, work)
        except (KeyboardInterrupt, InterruptedRunError):
            raise InterruptedRunError(
                f"interrupted in stage '{self._stage}' of {len(self.stages)}; what is finished is kept in '{self.folder}', "
                f"and the same command goes on from there"
            ) from None
        report = {
            "pipeline": self.name, "title": self.title, "settings": asdict(self.settings), "effort": asdict(self.effort),
            "device": self.profile.name, "stages": self.found, "verdicts": [asdict(one) for one in self.verdicts()],
        }  # fmt: skip
        plain: Plain = json.loads(json.dumps(report))
        self._write(self.folder / REPORT, {"schema_version": VERSION, **plain})
        return plain

    def _finished(self, stage: str, work: Callable[[], Plain]) -> Plain:
        """Does a stage's work and keeps the result."""
        self.say("begins")
        spent = stopwatch()
        found: Plain = json.loads(json.dumps(work() | {"seconds": round(spent(), 1)}))
        self._write(self._place(stage), {"schema_version": VERSION, **found})
        return found

    def _place(self, stage: str) -> Path:
        return self.folder / "stages" / f"{list(self.stages).index(stage) + 1}-{stage}.json"

    def _kept(self, stage: str) -> Plain | None:
        path = self._place(stage)
        return read(path) if path.exists() else None

    @property
    def _given(self) -> Plain:
        effort = json.loads(json.dumps(asdict(self.effort)))
        return {"pipeline": self.name, **asdict(self.settings), "effort": effort}

    def _check_folder(self) -> None:
        path = self.folder / SETTINGS
        if not path.exists():
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(f"cannot make the folder '{self.folder}': {error.strerror}. Give another one") from None
            return
        kept = read(path)
        for name, value in self._given.items():
            if kept.get(name) != value:
                raise DataError(
                    f"'{self.folder}' holds a run with other settings: its {name} is {kept.get(name)}, given is {value}. "
                    f"Give the same settings to go on, or another folder"
                )

    @staticmethod
    def _write(path: Path, plain: Plain) -> None:
        """Writes a file whole or not at all."""
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(plain, indent=1, allow_nan=False) + "\n")

    # -- what stages need ----------------------------------------------------------------------------------------------

    def say(self, doing: str, done: int = 0, total: int | None = None) -> None:
        """Tells where the run is."""
        names = list(self.stages)
        self._tell(Event(self._stage, names.index(self._stage) + 1, len(names), doing, done, total))

    @cached_property
    def train_on(self) -> str:
        """Where nets are trained."""
        return self.settings.train_on or ("cuda" if self.profile.kind == "cuda" else "cpu")

    def each(
        self, name: str, things: Sequence[Thing], key: Callable[[Thing], str], work: Callable[[Thing], Any]
    ) -> list[Any]:
        """Works on things one by one; each result is kept at once, and none is found twice.

        Args:
            name: Of the file that keeps them, and of what is done.
            things: What is worked on.
            key: Names a thing.
            work: Returns plain JSON for one.
        """
        kept = Kept(self.folder / f"{name}.jsonl")
        found = []
        for number, thing in enumerate(things):
            found.append(kept.get(key(thing), lambda thing=thing: work(thing)))  # type: ignore[misc]
            self.say(name, number + 1, len(things))
        return found

    def measured(self, workloads: Sequence[Workload], role: str = "fit", rounds: int | None = None) -> Result:
        """Measures workloads in a campaign of their own, or goes on with it.

        Args:
            workloads: What is measured.
            role: Why.
            rounds: Overrides the preset's.

        Raises:
            MeasurementError: When nothing that was measured can be used.
        """
        settings, seed = self.settings, self.settings.seed
        measuring: Measuring = self.effort.measuring
        wanted = rounds if rounds is not None else measuring.rounds
        plan = planned(
            items(workloads, role), self.profile, settings.backend, tier=measuring.tier, rounds=wanted,
            threads=settings.threads, seed=seed,
        )  # fmt: skip
        with open_store(self.folder / STORE) as store:
            result = campaign.run(
                store, taken_up(plan, store), progress=lambda state: self.say("measuring", state.done, state.planned)
            )
        if all(one.latency_s is None for one in result.measurements):
            flags = [flag for one in result.measurements for flag in one.flags]
            raise MeasurementError(f"nothing that was measured can be used. The first reason: {flags[0] if flags else '-'}")
        return result


def read(path: Path) -> Plain:
    """Reads a file of a pipeline's.

    Raises:
        DataError: When it is damaged, or of a later hwcost.
    """
    try:
        plain: Plain = json.loads(path.read_text(encoding="utf-8"))
        check_version(plain, path)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(f"'{path}' is damaged: {error}. Remove it to have it made again") from None
    del plain["schema_version"]
    return plain


