"""A system end to end: stages in a fixed order, each kept when it is finished, so that the same command resumes a run.

Expensive work within a stage is resumable too: trainings by their checkpoints, campaigns by their store, studies by their
logs, and single results by :meth:`Pipeline.cached_map`.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, cast

from hwcost.errors import DataError, InterruptedRunError, UnknownNameError, UsageError
from hwcost.files import held
from hwcost.supernets.board import GoneError
from hwcost.supernets.tuning import Tuning
from hwcost.systems.campaigns import Campaigns, check_shapes, device_of
from hwcost.systems.claims import Claim
from hwcost.systems.costs import at_measured, content, described, given_costs
from hwcost.systems.division import check_shares, divided
from hwcost.systems.doubts import doubts
from hwcost.systems.events import Event
from hwcost.systems.parts import NONE, POLICY, Parts
from hwcost.systems.plan import Plan, Training, plan_of, planned_memory, refuse_what_does_not_fit
from hwcost.systems.plugin_systems import named
from hwcost.systems.processes import Processes
from hwcost.systems.result_cache import ResultCache
from hwcost.systems.run_folder import REPORT, Plain, RunFolder
from hwcost.systems.settings import REHEARSAL, Preset, Settings
from hwcost.systems.sizes import resized, size
from hwcost.systems.stage_files import Finished, StageFiles
from hwcost.systems.stages import Result, Stage
from hwcost.systems.tables import tables_of
from hwcost.tasks import Task, task
from hwcost.timing.timer import stopwatch

Item = TypeVar("Item")
Every = TypeVar("Every")
PresetT = TypeVar("PresetT", bound=Preset)


class Pipeline(Campaigns, Generic[PresetT]):
    """A system's stages in a folder. Subclasses declare them with :func:`hwcost.systems.stage`.

    Args:
        folder: Folder that keeps everything; a folder of the same settings is resumed.
        settings: The user's choices.
        progress: Function that is called often, with the place that the run has reached.
        parts: The user's parts in place of the system's own.
        dry_run: Whether it is only asked for its :meth:`plan`: no folder is made, and the device need not be here.

    Attributes:
        preset: The preset's numbers, with the user's changes and the device's protocol; where several processes began the
            run, its batches are divided for them.
        processes: The processes of the run, see :mod:`hwcost.systems.processes`.
        began: Number of processes that the run began with, and that its batches are divided for.
        device: The device that latencies are measured on, or planned for.
        measures: Whether latencies are measured; not where a cost model is given, unless a device is named and here.
        given_costs: Cost models that were given, by the names of :meth:`spaces`; some may be over shapes.
        costs: The same at the protocol's batch size and its longest sequence length.
        paper: Authors and title of the paper whose figures, tables and sections are named; empty where there is none.
        takes: Names of the parts that a user may give: ``cost``, ``searcher``, ``constraints``, ``estimator``.
        cost_kind: Name of the cost model that a store or a table which is given is fitted with.
        needs_task: Whether a stage cannot do without a labelled task.

    Raises:
        DataError: When the folder holds a run of other settings, or is damaged.
        DeviceError: When the device is not here.
        UnknownNameError: When the preset is unknown.
        UsageError: When the folder cannot be written, or a part does not fit the system.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    paper: ClassVar[str] = ""
    presets: ClassVar[Mapping[str, Preset]]
    takes: ClassVar[tuple[str, ...]] = ()
    cost_kind: ClassVar[str] = "hybrid"
    needs_task: ClassVar[bool] = False
    preset: PresetT

    def __init__(
        self, folder: str | Path, settings: Settings, progress: Callable[[Event], None] = lambda event: None,
        parts: Parts = NONE, dry_run: bool = False,
    ) -> None:  # fmt: skip
        if settings.preset not in self.presets:
            raise UnknownNameError("preset", settings.preset, self.presets)
        if settings.train_on not in (None, "cpu", "cuda"):
            raise UsageError(f"nets are trained on cpu or cuda, got '{settings.train_on}'")
        self.folder, self.settings, self.parts = Path(folder), settings, parts
        self.processes, self._files = Processes(), RunFolder(self.folder)
        is_planned = dry_run or not self.processes.is_first
        self.device, self.measures = device_of(settings, bool(parts.costs), is_planned)
        self.began = (None if dry_run else self._files.processes) or self.processes.count
        self.preset = self._preset(self.began)
        if self.processes.count > self.began:
            check_shares(self.preset, self.began, self.processes.count)
        self._check_parts()
        self.check_settings()
        self.given_costs = given_costs(parts.costs, self.spaces(), self.cost_kind)
        self.costs = {name: at_measured(cost, self.preset.measuring) for name, cost in self.given_costs.items()}
        check_shapes(self.costs if self.measures else {}, self.preset.measuring)
        self.check_costs()
        self.check_constraints()
        self.check_searcher()
        self._results = StageFiles(self._files, self.stages())
        self._finished: dict[str, Finished] = {}
        self._progress, self._stage = progress, next(iter(self.stages()))
        if not dry_run and self.processes.is_first:
            self._files.check(self._identity())

    def _preset(self, processes: int) -> PresetT:
        """Returns the preset with the user's changes and the device's protocol, divided for a number of processes."""
        preset = divided(resized(self.presets[self.settings.preset], self.parts.sizes), processes)
        return cast(PresetT, replace(preset, measuring=preset.measuring.on(self.device.profile)))

    def _identity(self) -> Plain:
        """Returns what identifies this run, plain JSON: a cost model by its content, all else by its value."""
        costs = {name: content(cost) for name, cost in self.given_costs.items()}
        identity = {
            "pipeline": self.name, **asdict(self.settings), "measures": self.measures, **self.parts.identity(),
            "cost": costs, "sizes": asdict(self.preset),
        }  # fmt: skip
        return cast(Plain, json.loads(json.dumps(identity)))

    def _check_parts(self) -> None:
        """Refuses parts that this system has no place for."""
        taken = {*self.takes, *(("estimator",) if self.parts.searcher == POLICY else ())}
        for part in sorted(self.parts.given - taken):
            known = ", ".join(self.takes) or "none"
            raise UsageError(f"pipeline '{self.name}' takes no {part}: leave it out. Parts that it takes: {known}")

    @abstractmethod
    def claims(self) -> list[Claim]:
        """Compares the results of a finished run with the paper's claims."""

    def check_settings(self) -> None:
        """Raises UsageError where this system cannot be run on these settings."""

    def check_costs(self) -> None:
        """Raises UsageError where this system cannot use the cost models that were given."""

    def trainings(self) -> Mapping[str, Training]:
        """Returns the trainings by name, as far as their memory is planned."""
        return {}

    def read_inputs(self) -> None:
        """Reads the user's corpus and weights before anything is written, so that a wrong path leaves no folder behind."""

    def keep_inputs(self) -> None:
        """Writes what a run needs of its inputs to be resumed, once its folder is there."""

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

    def results(self, kind: Callable[..., Every]) -> Every:
        """Returns the results of all stages as one dataclass.

        Args:
            kind: The dataclass, whose fields have the names of the stages.

        Raises:
            UsageError: When a stage is not finished.
        """
        return kind(**{name: self.result(one) for name, one in self.stages().items()})

    def run(self, check_memory: bool = True) -> Plain:
        """Runs the stages that are not finished yet and writes ``report.json``.

        Called by every process that ``torchrun`` started, trainings are divided among them; the first does all else.

        Args:
            check_memory: Whether a new run is refused whose trainings are planned to take more memory than is free.

        Returns:
            The report: settings, every stage's results, and the claims beside what was found (``verdicts``).

        Raises:
            BusyError: When another process runs in the same folder.
            DataError: When the user's corpus, weights or tasks cannot be read; nothing is written then.
            EndedError: When another process ended by an error.
            InterruptedRunError: On Ctrl-C, or where another process was killed; the same run can be resumed.
            NotEnoughMemoryError: When a training does not fit into memory; nothing is written then.
            StoreError: When the disk is full; the same run can be resumed.
        """
        if not self.processes.is_first:
            self.processes.follow(self)
            return self._files.read(REPORT)
        with self.processes.leading():
            try:
                self._run_stages(check_memory)
                report = self._report()
                self._files.write(REPORT, report)
            except (KeyboardInterrupt, InterruptedRunError) as error:
                why = f": {error.what}" if isinstance(error, GoneError) else ""
                kept = f"finished work is kept in '{self.folder}', and the same command resumes the run"
                if not self._files.is_begun:
                    kept = "nothing is kept yet, and the same command begins it anew"
                number, count = self._place()
                raise InterruptedRunError(f"interrupted in stage {number} of {count}, {self._stage}{why}; {kept}") from None
        return report

    def _run_stages(self, check_memory: bool) -> None:
        if not self._results.is_complete:
            _ = self.tasks
        if not self._files.is_begun:
            self.begin(check_memory)
        with held(self.folder):
            for name, stage in self.stages().items():
                self._stage = name
                self._finished[name] = self._results.read(stage) or self._work(stage)

    def begin(self, check_memory: bool = True) -> None:
        """Checks that the trainings of a new run fit into memory, reads its inputs, and makes its folder."""
        if check_memory:
            self.say("planning the memory of trainings")
            refuse_what_does_not_fit(planned_memory(self._undivided(), self.train_on, self.began))
        self.say("reading text")
        self.read_inputs()
        self._files.make()
        self.keep_inputs()
        self._files.begin(self._identity(), self.processes.count)

    def read_finished(self) -> None:
        """Reads the results of stages that were finished since, by another process."""
        for name, stage in self.stages().items():
            found = None if name in self._finished else self._results.read(stage)
            if found is not None:
                self._finished[name] = found

    @property
    def is_rehearsal(self) -> bool:
        """Whether the preset only rehearses a run, so that claims are not judged."""
        return self.settings.preset == REHEARSAL

    def _report(self) -> Plain:
        found = {name: stage.encode(self._finished[name].result) for name, stage in self.stages().items()}
        results = {name: one.result for name, one in self._finished.items()}
        report = {
            "pipeline": self.name, "title": self.title, "paper": self.paper, "settings": asdict(self.settings),
            "preset": asdict(self.preset),
            "device": self.device.name if self.measures else None, "parts": self.given(), "stages": found,
            "described": self._described(), "tables": {name: tables_of(one.kind) for name, one in self.stages().items()},
            "doubts": doubts(results, self.is_rehearsal, self.notes), "is_rehearsal": self.is_rehearsal,
            "verdicts": self._verdicts(),
            "seconds": {name: one.seconds for name, one in self._finished.items()},
        }  # fmt: skip
        return cast(Plain, json.loads(json.dumps(report)))

    def _verdicts(self) -> list[Plain]:
        with named(self, "claims"):
            return [asdict(one) for one in self.claims()]

    def _work(self, stage: Stage[Any]) -> Finished:
        """Runs a stage and keeps its result."""
        self.say("begins")
        spent = stopwatch()
        with named(self, f"stage '{stage.name}'"):
            result = stage.work(self)
        return self._results.keep(stage, result, spent())

    # -- what is planned ----------------------------------------------------------------------------------------------

    def plan(self, processes: int | None = None) -> Plan:
        """Returns what a run would do, and the memory of its trainings; nothing is trained, measured or written.

        Args:
            processes: Number of processes of ``torchrun``; None for those of this run.

        Raises:
            UsageError: When a batch has fewer sequences than there are processes.
        """
        if self.settings.tasks:
            _ = self.tasks
        count = processes or self.began
        return plan_of(
            pipeline=self.name, title=self.title, settings=asdict(self.settings), preset=asdict(self._preset(count)),
            parts=self.given(), stages=self._described(), workloads=self.calls() if self.measures else [],
            trainings=self._undivided(), train_on=self.train_on, processes=count,
        )  # fmt: skip

    def _described(self) -> Plain:
        """Returns the first sentence on every stage."""
        return {name: (stage.__doc__ or "").strip().split("\n")[0] for name, stage in self.stages().items()}

    def _undivided(self) -> dict[str, Training]:
        """Returns the trainings with as many micro batches as one process has."""
        found = dict(self.trainings())
        if self.began == 1:
            return found
        asked = self._preset(1)
        return {
            name: replace(one, recipe=replace(one.recipe, accumulate=size(asked, f"{name}.accumulate")))
            for name, one in found.items()
        }

    def tuning_of_tasks(self, tuning: Tuning) -> Tuning:
        """Returns settings of fine-tuning without the grids of tasks that this run has not; all where it has none yet."""
        return tuning.of(one.name for one in self.tasks) if self.settings.tasks or self.preset.tasks else tuning

    def given(self) -> Plain:
        """Returns the parts that were given, in words: a cost model by its kind and what it was fitted on."""
        costs = {name: described(cost) for name, cost in self.costs.items()}
        parts = {"cost": costs, **self.parts.identity(), "sizes": dict(self.parts.sizes)}
        return {name: part for name, part in parts.items() if part}

    # -- what stages need ----------------------------------------------------------------------------------------------

    def say(self, doing: str, done: int = 0, total: int | None = None, remark: str | None = None) -> None:
        """Reports the place that the run has reached within the current stage, and a remark on it where there is one."""
        if not self.processes.is_first:
            return
        self._progress(Event(self._stage, *self._place(), doing, done, total, remark))

    def _place(self) -> tuple[int, int]:
        """Returns the number of the current stage, from 1, and the number of all."""
        names = list(self.stages())
        return names.index(self._stage) + 1, len(names)

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

    @property
    def tunes(self) -> bool:
        """Whether nets are fine-tuned: where there are tasks, or the system needs one."""
        return bool(self.needs_task or self.settings.tasks or self.preset.tasks)

    @cached_property
    def train_on(self) -> str:
        """Device that nets are trained on, ``cpu`` or ``cuda``."""
        return self.settings.trains_on

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
