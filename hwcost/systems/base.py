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
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.planning import find_or_create
from hwcost.campaign.run import run as run_campaign
from hwcost.devices import DeviceHandle, elsewhere, require
from hwcost.errors import (
    DataError,
    DeviceError,
    InterruptedRunError,
    MeasurementError,
    UnknownNameError,
    UsageError,
)
from hwcost.stores import open_store
from hwcost.systems.claims import Claim
from hwcost.systems.costs import content, given_costs
from hwcost.systems.division import check_shares, divided
from hwcost.systems.doubts import doubts
from hwcost.systems.events import Event
from hwcost.systems.parts import NONE, POLICY, Parts
from hwcost.systems.plan import Calls, Plan, Training, plan_of
from hwcost.systems.processes import Processes
from hwcost.systems.result_cache import ResultCache
from hwcost.systems.run_folder import REPORT, STORE, Plain, RunFolder
from hwcost.systems.searching import Searching
from hwcost.systems.settings import REHEARSAL, Preset, Settings
from hwcost.systems.sizes import resized
from hwcost.systems.stage_files import Finished, StageFiles
from hwcost.systems.stages import Result, Stage
from hwcost.tasks import Task, task
from hwcost.timing.timer import stopwatch

if TYPE_CHECKING:
    from hwcost.campaign.run import Result as Campaign
    from hwcost.cost_models import CostModel
    from hwcost.timing.measurement import Measurement
    from hwcost.workloads import Workload

Item = TypeVar("Item")
PresetT = TypeVar("PresetT", bound=Preset)


class Pipeline(Searching, Generic[PresetT]):
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
        costs: Cost models that were given, by the names of :meth:`spaces`.
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
        self.device, self.measures = self._device(dry_run)
        self.began = (None if dry_run else self._files.processes) or self.processes.count
        self.preset = self._preset()
        self._check_parts()
        self.check_settings()
        self.costs = given_costs(parts.costs, self.spaces(), self.cost_kind)
        self._check_shapes()
        self.check_costs()
        self.check_constraints()
        self._results = StageFiles(self._files, self.stages())
        self._finished: dict[str, Finished] = {}
        self._progress, self._stage = progress, next(iter(self.stages()))
        if not dry_run and self.processes.is_first:
            self._files.open(self._identity())

    def _preset(self) -> PresetT:
        """Returns the preset with the user's changes and the device's protocol, divided for the processes of the run."""
        preset = divided(resized(self.presets[self.settings.preset], self.parts.sizes), self.began)
        if self.processes.count > self.began:
            check_shares(preset, self.began, self.processes.count)
        return cast(PresetT, replace(preset, measuring=preset.measuring.on(self.device.profile)))

    def _device(self, dry_run: bool) -> tuple[DeviceHandle, bool]:
        """Returns the device, and whether it measures."""
        named, is_given = self.settings.device, bool(self.parts.costs)
        if dry_run or not self.processes.is_first or (is_given and named is None):
            return elsewhere(named or "cpu"), named is not None or not is_given
        try:
            return require(named or "cpu"), True
        except DeviceError:
            if not is_given:
                raise
            return elsewhere(named or "cpu"), False

    def _identity(self) -> Plain:
        """Returns what identifies this run, plain JSON: a cost model by its content, all else by its value."""
        costs = {name: content(cost) for name, cost in self.costs.items()}
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

    def _check_shapes(self) -> None:
        """Refuses a cost model of another shape than its predictions would be compared with."""
        measuring = self.preset.measuring
        for cost in self.costs.values() if self.measures else ():
            of_model = {name: cost.provenance.get(name) for name in ("batch_size", "seq_len")}
            is_same = of_model["batch_size"] in (None, measuring.batch_size)
            if not is_same or of_model["seq_len"] not in (None, *measuring.lengths):
                raise UsageError(
                    f"the cost model predicts calls of {of_model['batch_size']} x {of_model['seq_len']} tokens, and winners "
                    f"would be measured at {measuring.batch_size} x {', '.join(map(str, measuring.lengths))}. Set "
                    "measuring.batch_size and measuring.seq_lens to the model's, or name no device: nothing is measured then"
                )

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

    def calls(self) -> list[Calls]:
        """Returns what is measured, by stage and shape; by default one row per sequence length."""
        return [self.planned_calls(None, None, length) for length in self.preset.measuring.lengths]

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

        Called by every process that ``torchrun`` started, trainings are divided among them; the first does all else.

        Returns:
            The report: settings, every stage's results, and the claims beside what was found (``verdicts``).

        Raises:
            DataError: When the user's corpus, weights or tasks cannot be read; nothing is written then.
            EndedError: When another process ended by an error.
            InterruptedRunError: On Ctrl-C; the same run can be resumed.
            StoreError: When the disk is full; the same run can be resumed.
        """
        if not self.processes.is_first:
            self.processes.follow(self)
            return self._files.read(REPORT)
        with self.processes.leading():
            try:
                self._run_stages()
            except (KeyboardInterrupt, InterruptedRunError):
                raise InterruptedRunError(
                    f"interrupted in stage '{self._stage}' of {len(self.stages())}; finished work is kept in "
                    f"'{self.folder}', and the same command resumes the run"
                ) from None
            report = self._report()
            self._files.write(REPORT, report)
        return report

    def _run_stages(self) -> None:
        if not self._results.is_complete:
            _ = self.tasks
        if not self._files.is_begun:
            self.read_inputs()
            self._files.begin(self._identity(), self.processes.count)
        for name, stage in self.stages().items():
            self._stage = name
            self._finished[name] = self._results.read(stage) or self._work(stage)

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
            "pipeline": self.name, "title": self.title, "settings": asdict(self.settings), "preset": asdict(self.preset),
            "device": self.device.name if self.measures else None, "parts": self.given(), "stages": found,
            "doubts": doubts(results, self.is_rehearsal), "is_rehearsal": self.is_rehearsal,
            "verdicts": [asdict(one) for one in self.claims()],
            "seconds": {name: one.seconds for name, one in self._finished.items()},
        }  # fmt: skip
        return cast(Plain, json.loads(json.dumps(report)))

    def _work(self, stage: Stage[Any]) -> Finished:
        """Runs a stage and keeps its result."""
        self.say("begins")
        spent = stopwatch()
        result = stage.work(self)
        return self._results.keep(stage, result, spent())

    # -- what is planned ----------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Returns what a run would do, and the memory of its largest training; nothing is trained, measured or written."""
        if self.settings.tasks:
            _ = self.tasks
        stages = {name: (stage.__doc__ or "").strip().split("\n")[0] for name, stage in self.stages().items()}
        return plan_of(
            pipeline=self.name, title=self.title, settings=asdict(self.settings), preset=asdict(self.preset),
            parts=self.given(), stages=stages, workloads=self.calls() if self.measures else [], trainings=self.trainings(),
            train_on=self.train_on,
        )  # fmt: skip

    def planned_calls(self, stage: str | None, nets: int | None, seq_len: int | None = None) -> Calls:
        """Describes calls that a stage measures.

        Args:
            stage: Name of the stage; None where it is not known.
            nets: Largest number of nets, or of stacks of components; None where it is not known.
            seq_len: Number of tokens in a sequence; None for the longest.
        """
        shape = self.preset.measuring.shape(seq_len)
        return Calls(stage=stage, nets=nets, **shape, backend=self.settings.backend, device=self.device.name)

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

    def measured(
        self, workloads: Sequence[Workload], role: str = "fit", rounds: int | None = None
    ) -> Sequence[Measurement]:
        """Returns what :meth:`measure` finds; nothing where nothing is measured."""
        return self.measure(workloads, role, rounds).measurements if self.measures else ()

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
            quantities=self.quantities(),
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


def described(cost: CostModel) -> str:
    """Describes a cost model that was given: its kind, and what it was fitted on as far as it tells."""
    known = [cost.provenance.get(name) for name in ("device", "data")]
    source = ", ".join(str(one) for one in known if one)
    return f"{cost.name} of {source}" if source else cost.name
