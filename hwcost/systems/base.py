"""A system end to end: stages in a fixed order, each kept when it is finished, so that the same command resumes a run.

Expensive work within a stage is resumable too: trainings by their checkpoints, campaigns by their store, studies by their
logs, and single results by :meth:`Pipeline.cached_map`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar, cast

from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.planning import find_or_create
from hwcost.campaign.run import run as run_campaign
from hwcost.devices import require
from hwcost.errors import DataError, InterruptedRunError, MeasurementError, UnknownNameError, UsageError
from hwcost.searchers import Problem
from hwcost.stores import open_store
from hwcost.study import SearchOptions, Study
from hwcost.systems.claims import Claim
from hwcost.systems.events import Event
from hwcost.systems.result_cache import ResultCache
from hwcost.systems.run_folder import REPORT, STORE, Plain, RunFolder
from hwcost.systems.settings import Preset, Settings
from hwcost.systems.stages import Result, Stage
from hwcost.tasks import Task, task
from hwcost.timing.timer import stopwatch

if TYPE_CHECKING:
    from hwcost.campaign.run import Result as Campaign
    from hwcost.workloads import Workload

Item = TypeVar("Item")
PresetT = TypeVar("PresetT", bound=Preset)


class Finished(NamedTuple):
    """A stage that has run.

    Attributes:
        result: The stage's result.
        seconds: Seconds that it took.
    """

    result: Any
    seconds: float


class Pipeline(ABC, Generic[PresetT]):
    """A system's stages in a folder. Subclasses declare them with :func:`hwcost.systems.stage`.

    Args:
        folder: Folder that keeps everything; a folder of the same settings is resumed.
        settings: The user's choices.
        progress: Function that is called often, with the place that the run has reached.

    Attributes:
        preset: The preset's numbers.
        device: The device that latencies are measured on.

    Raises:
        DataError: When the folder holds a run of other settings, or is damaged.
        DeviceError: When the device is not here.
        UnknownNameError: When the preset is unknown.
        UsageError: When the folder cannot be written.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    presets: ClassVar[Mapping[str, Preset]]
    needs_task: ClassVar[bool] = False
    """Whether a stage cannot do without a labelled task."""

    def __init__(
        self, folder: str | Path, settings: Settings, progress: Callable[[Event], None] = lambda event: None
    ) -> None:
        if settings.preset not in self.presets:
            raise UnknownNameError("preset", settings.preset, self.presets)
        if settings.train_on not in (None, "cpu", "cuda"):
            raise UsageError(f"nets are trained on cpu or cuda, got '{settings.train_on}'")
        self.folder, self.settings = Path(folder), settings
        self.preset = cast(PresetT, self.presets[settings.preset])
        self.device = require(settings.device)
        self.check_settings()
        identity = {"pipeline": self.name, **asdict(settings), "sizes": asdict(self.preset)}
        self._files = RunFolder(self.folder, json.loads(json.dumps(identity)))
        self._finished: dict[str, Finished] = {}
        self._progress, self._stage = progress, next(iter(self.stages()))

    @abstractmethod
    def claims(self) -> list[Claim]:
        """Compares the results of a finished run with the paper's claims."""

    def check_settings(self) -> None:
        """Raises UsageError where this system cannot be run on these settings."""

    def read_inputs(self) -> None:
        """Reads the user's corpus and weights before anything is written, so that a wrong path leaves no folder behind."""

    # -- the run -------------------------------------------------------------------------------------------------------

    @classmethod
    def stages(cls) -> dict[str, Stage[Any]]:
        """Returns the stages by name, in the order of their definition."""
        members = {name: member for one in reversed(cls.__mro__) for name, member in vars(one).items()}
        return {name: member for name, member in members.items() if isinstance(member, Stage)}

    def result(self, stage: Stage[Result]) -> Result:
        """Returns the result of a finished stage.

        Raises:
            UsageError: When it is not finished.
        """
        if stage.name not in self._finished:
            raise UsageError(f"stage '{stage.name}' of pipeline '{self.name}' has no result yet: it has not run")
        return cast(Result, self._finished[stage.name].result)

    def run(self) -> Plain:
        """Runs the stages that are not finished yet and writes ``report.json``.

        Returns:
            The report: settings, every stage's results, and the claims beside what was found (``verdicts``).

        Raises:
            DataError: When the user's corpus, weights or tasks cannot be read; nothing is written then.
            InterruptedRunError: On Ctrl-C; the same run can be resumed.
            StoreError: When the disk is full; the same run can be resumed.
        """
        try:
            if not self._is_finished:
                _ = self.tasks
            if not self._files.is_begun:
                self.read_inputs()
                self._files.begin()
            for name, stage in self.stages().items():
                self._stage = name
                self._finished[name] = self._read(stage) or self._work(stage)
        except (KeyboardInterrupt, InterruptedRunError):
            raise InterruptedRunError(
                f"interrupted in stage '{self._stage}' of {len(self.stages())}; finished work is kept in '{self.folder}', "
                f"and the same command resumes the run"
            ) from None
        report = self._report()
        self._files.write(REPORT, report)
        return report

    @property
    def _is_finished(self) -> bool:
        """Whether every stage's result is in the folder."""
        return all((self.folder / self._file_of(stage)).exists() for stage in self.stages().values())

    def _report(self) -> Plain:
        found = {name: stage.encode(self._finished[name].result) for name, stage in self.stages().items()}
        report = {
            "pipeline": self.name, "title": self.title, "settings": asdict(self.settings), "preset": asdict(self.preset),
            "device": self.device.name, "stages": found, "verdicts": [asdict(one) for one in self.claims()],
            "seconds": {name: one.seconds for name, one in self._finished.items()},
        }  # fmt: skip
        return cast(Plain, json.loads(json.dumps(report)))

    def _work(self, stage: Stage[Any]) -> Finished:
        """Runs a stage and keeps its result."""
        self.say("begins")
        spent = stopwatch()
        result = stage.encode(stage.work(self))
        plain = {"seconds": round(spent(), 1), "result": result}
        self._files.write(self._file_of(stage), plain)
        return self._decoded(stage, json.loads(json.dumps(plain)))

    def _read(self, stage: Stage[Any]) -> Finished | None:
        name = self._file_of(stage)
        return self._decoded(stage, self._files.read(name)) if (self.folder / name).exists() else None

    def _decoded(self, stage: Stage[Any], plain: Plain) -> Finished:
        try:
            return Finished(stage.decode(plain["result"]), float(plain["seconds"]))
        except (ValueError, LookupError, TypeError) as error:
            path = self.folder / self._file_of(stage)
            raise DataError(f"'{path}' is damaged: {error}. Remove it to have the stage run again") from None

    def _file_of(self, stage: Stage[Any]) -> str:
        return f"stages/{list(self.stages()).index(stage.name) + 1}-{stage.name}.json"

    # -- what stages need ----------------------------------------------------------------------------------------------

    def say(self, doing: str, done: int = 0, total: int | None = None, remark: str | None = None) -> None:
        """Reports the place that the run has reached within the current stage, and a remark on it where there is one."""
        names = list(self.stages())
        self._progress(Event(self._stage, names.index(self._stage) + 1, len(names), doing, done, total, remark))

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """Labelled tasks that nets are fine-tuned on: the user's or, where there are none, the preset's.

        Raises:
            DataError: When one cannot be read, or two have one name.
            UsageError: When the system needs one and there is none.
        """
        found = tuple(map(task, self.settings.tasks or self.preset.tasks))
        names = [one.name for one in found]
        if len(set(names)) < len(names):
            raise DataError(f"two tasks have one name: {', '.join(names)}. Give them other names: --task DIR:name=NAME")
        if self.needs_task and not found:
            raise UsageError(
                f"preset '{self.settings.preset}' of pipeline '{self.name}' fine-tunes nets on labelled tasks, and none was "
                "given. Give one or several: --task DIR, such as GLUE's folder of MNLI, or the name of a task"
            )
        return found

    @cached_property
    def train_on(self) -> str:
        """Device that nets are trained on, ``cpu`` or ``cuda``."""
        return self.settings.train_on or ("cuda" if self.device.kind == "cuda" else "cpu")

    def cached_map(
        self, name: str, sequence: Sequence[Item], key: Callable[[Item], str], work: Callable[[Item], Any]
    ) -> list[Any]:
        """Applies a function to items one by one; each result is written at once, and none is computed twice.

        Args:
            name: Name of the file that keeps the results, and of the work in reports of progress.
            sequence: Items to work on.
            key: Function that names an item.
            work: Function that returns plain JSON for one item.
        """
        cache = ResultCache(self.folder / f"{name}.jsonl")
        found = []
        for number, item in enumerate(sequence):
            found.append(cache.get(key(item), lambda item=item: work(item)))  # type: ignore[misc]
            self.say(name, number + 1, len(sequence))
        return found

    def run_study(self, name: str, doing: str, problem: Problem, **options: Any) -> Study:
        """Searches a problem, or resumes the search by its log in the folder; remarks are reported beside the progress.

        Args:
            name: Name of the log.
            doing: Description of the search in reports of progress.
            problem: Space, objectives and constraints.
            **options: Options of the search, see :class:`hwcost.study.SearchOptions`; the seed is the run's.

        Raises:
            InfeasibleError: When nothing satisfies the constraints.
        """
        log = self.folder / "studies" / f"{name}.jsonl"
        asked = SearchOptions(seed=self.settings.seed, log=log, **options)
        return asked.run(
            problem, progress=lambda state: self.say(doing, state.evaluations, asked.evaluations),
            remark=lambda text: self.say(doing, remark=text),
        )  # fmt: skip

    def measure(self, workloads: Sequence[Workload], role: str = "fit", rounds: int | None = None) -> Campaign:
        """Measures workloads in a campaign of their own, or resumes it.

        Args:
            workloads: Workloads to measure.
            role: Role of the measurements: cost models are fitted on ``fit``.
            rounds: Number of rounds; None for the preset's.

        Raises:
            MeasurementError: When no measurement is usable.
        """
        settings, measuring = self.settings, self.preset.measuring
        plan = MeasureOptions(
            device=self.device, backend=settings.backend, threads=settings.threads, tier=measuring.tier,
            rounds=measuring.rounds if rounds is None else rounds, seed=settings.seed, role=role,
        ).plan(workloads)  # fmt: skip
        with open_store(self.folder / STORE) as store:
            result = run_campaign(
                store, find_or_create(plan, store),
                progress=lambda state: self.say(state.waiting or "measuring", state.done, state.planned),
            )  # fmt: skip
        if all(one.latency_s is None for one in result.measurements):
            flags = [flag for one in result.measurements for flag in one.flags]
            raise MeasurementError(f"no measurement is usable. The first reason: {flags[0] if flags else '-'}")
        return result
