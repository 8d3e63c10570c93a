"""What all pipelines share, on one that trains nothing."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hwcost.campaign.options import MeasureOptions
from hwcost.errors import (
    BusyError,
    DataError,
    DeviceError,
    InterruptedRunError,
    MeasurementError,
    StoreError,
    UnknownNameError,
    UsageError,
)
from hwcost.stores import open_store
from hwcost.systems import Claim, Event, Measuring, Pipeline, Preset, Settings, pipeline, stage
from hwcost.systems.run_folder import STORE
from hwcost.workloads import SyntheticWorkload
from tests.systems.comparing import differing

MEASURING = Measuring(batch_size=1, seq_lens=(32,), rounds=2)
NULL = Settings("small", backend="null")


@dataclass(frozen=True, kw_only=True)
class Counts(Preset):
    numbers: int


@dataclass(frozen=True)
class Squares:
    squares: list[int]


@dataclass(frozen=True)
class Times:
    campaign: str
    seconds_of: list[float | None]


@dataclass(frozen=True)
class Sum:
    sum: int


class Counting(Pipeline[Counts]):
    """Squares numbers, measures sleeping workloads, and adds up."""

    name = "counting"
    title = "A pipeline that counts"
    presets: ClassVar[Mapping[str, Counts]] = {
        "small": Counts(numbers=5, measuring=MEASURING), "large": Counts(numbers=200, measuring=MEASURING),
    }  # fmt: skip

    def __init__(self, *given: Any) -> None:
        self.worked: list[int] = []
        super().__init__(*given)

    @stage
    def squares(self) -> Squares:
        return Squares(self.cached_map("numbers", range(self.preset.numbers), str, self._square))

    def _square(self, number: int) -> int:
        self.worked.append(number)
        return number**2

    @stage
    def times(self) -> Times:
        found = self.measure(self.workloads())
        return Times(found.campaign_id, [one.latency_s for one in found.measurements])

    def workloads(self) -> list[SyntheticWorkload]:
        return [SyntheticWorkload(f"w{index}", flops=10**9 * (1 + index)) for index in range(3)]

    @stage
    def sum(self) -> Sum:
        return Sum(self.add())

    def add(self) -> int:
        return sum(self.squares.squares)

    def claims(self) -> list[Claim]:
        return [Claim("the sum is that of squares", str(self.sum.sum), self.sum.sum == 30)]


def test_stages_run_in_order_and_once(tmp_path: Path) -> None:
    events: list[Event] = []
    first = Counting(tmp_path / "run", NULL, events.append)
    report = first.run()
    assert report["verdicts"] == [{"claim": "the sum is that of squares", "found": "30", "holds": True}]
    assert [event.doing for event in events[:3]] == ["planning the memory of trainings", "reading text", "begins"]
    assert [event.stage for event in events if event.doing == "begins"] == ["squares", "times", "sum"]
    assert {(event.number, event.stages) for event in events} == {(1, 3), (2, 3), (3, 3)}
    again = Counting(tmp_path / "run", NULL)
    assert again.run() == report
    assert again.worked == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return Counting(tmp_path_factory.mktemp("whole") / "run", NULL).run()


@pytest.mark.parametrize("stop", [3, 6, 9, 11, 14, 17])
def test_an_interrupted_run_is_resumed_and_repeats_nothing(tmp_path: Path, whole: dict[str, Any], stop: int) -> None:
    seen = 0

    def tell(event: Event) -> None:
        nonlocal seen
        seen += 1
        if seen == stop:
            raise KeyboardInterrupt

    broken = Counting(tmp_path / "run", NULL, tell)
    with pytest.raises(InterruptedRunError, match="the same command resumes the run"):
        broken.run()
    rest = Counting(tmp_path / "run", NULL)
    assert not list(differing(rest.run(), whole))
    assert sorted(broken.worked + rest.worked) == list(range(5))


def test_a_run_that_is_interrupted_before_its_folder_is_made_says_that_nothing_is_kept(tmp_path: Path) -> None:
    class Reading(Counting):
        name = "reading"

        def read_inputs(self) -> None:
            raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError, match="nothing is kept yet, and the same command begins it anew"):
        Reading(tmp_path / "run", NULL).run()
    assert not (tmp_path / "run").exists()


def test_a_campaign_is_resumed(tmp_path: Path) -> None:
    done = []

    def tell(event: Event) -> None:
        if event.doing == "measuring":
            done.append(event.done)
            if event.done >= 4:
                raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError):
        Counting(tmp_path / "run", NULL, tell).run()
    rest: list[Event] = []
    Counting(tmp_path / "run", NULL, rest.append).run()
    assert min(event.done for event in rest if event.doing == "measuring" and event.total) >= 4


@pytest.mark.parametrize(("budget_s", "rounds"), [(None, 4), (0.01, 2)])
def test_a_campaign_ends_within_its_seconds(budget_s: float | None, rounds: int, tmp_path: Path) -> None:
    class Hurried(Counting):
        name = "hurried"
        presets: ClassVar[Mapping[str, Counts]] = {
            "small": Counts(numbers=5, measuring=replace(MEASURING, rounds=4, budget_s=budget_s))
        }

    made = Hurried(tmp_path / "run", NULL)
    made.run()
    with open_store(tmp_path / "run" / STORE) as store:
        visits = [record.visit for record in store.records(made.times.campaign)]
    assert {visit.round for visit in visits} == set(range(rounds))
    assert None not in made.times.seconds_of


def test_a_folder_of_other_settings_is_left_alone(tmp_path: Path) -> None:
    Counting(tmp_path / "run", NULL).run()
    with pytest.raises(DataError, match="it has seed=0, and seed=3 was given"):
        Counting(tmp_path / "run", Settings("small", backend="null", seed=3))
    with pytest.raises(DataError, match="it has preset='small', and preset='large' was given"):
        Counting(tmp_path / "run", Settings("large", backend="null"))


class Reading(Counting):
    """One that reads a file of the user's."""

    def read_inputs(self) -> None:
        if not Path(self.settings.corpus).exists():
            raise DataError(f"no corpus in '{self.settings.corpus}'")


def test_what_cannot_be_read_leaves_the_folder_to_the_corrected_command(tmp_path: Path) -> None:
    mistyped = Settings("small", backend="null", corpus=str(tmp_path / "tetx"))
    with pytest.raises(DataError, match="no corpus in"):
        Reading(tmp_path / "run", mistyped).run()
    assert not (tmp_path / "run").exists()
    (tmp_path / "text").write_text("one")
    corrected = Settings("small", backend="null", corpus=str(tmp_path / "text"))
    first = Reading(tmp_path / "run", corrected).run()
    (tmp_path / "text").unlink()  # what is finished needs it no more
    assert Reading(tmp_path / "run", corrected).run() == first


def test_what_cannot_be_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown preset 'tiny'. Known: large, small"):
        Counting(tmp_path / "run", Settings("tiny"))
    with pytest.raises(UsageError, match="trained on cpu or cuda, got 'tpu'"):
        Counting(tmp_path / "run", Settings("small", train_on="tpu"))
    with pytest.raises(DeviceError):
        Counting(tmp_path / "run", Settings("small", device="k80"))
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot make the folder"):
        Counting(tmp_path / "file" / "run", NULL)
    with pytest.raises(UnknownNameError, match="unknown pipeline 'supershape'. Did you mean 'supershaper'"):
        pipeline("supershape", tmp_path / "run", NULL)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 99}', "null"])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    Counting(tmp_path / "run", NULL).run()
    for path in (tmp_path / "run" / "pipeline.json", tmp_path / "run" / "stages" / "3-sum.json"):
        whole = path.read_text()
        path.write_text(text)
        with pytest.raises(DataError, match=path.name):
            Counting(tmp_path / "run", NULL).run()
        path.write_text(whole)


@pytest.mark.parametrize("squares", ['"many"', "[1.5]", "null"])
def test_a_stage_of_another_shape_says_what_to_do(tmp_path: Path, squares: str) -> None:
    Counting(tmp_path / "run", NULL).run()
    path = tmp_path / "run" / "stages" / "1-squares.json"
    path.write_text(f'{{"schema_version": 3, "seconds": 1.0, "result": {{"squares": {squares}}}}}')
    with pytest.raises(DataError, match=r"1-squares.json' is damaged: .*Remove it to have the stage run again"):
        Counting(tmp_path / "run", NULL).run()


def test_a_folder_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "pipeline.json").write_text('{"schema_version": 1, "pipeline": "counting"}')
    with pytest.raises(DataError, match=r"has schema version 1, this hwcost reads 3.* Give another folder"):
        Counting(tmp_path / "run", NULL)


def test_stages_are_attributes_once_they_are_finished(tmp_path: Path) -> None:
    run = Counting(tmp_path / "run", NULL)
    assert list(Counting.stages()) == ["squares", "times", "sum"]
    with pytest.raises(UsageError, match="stage 'squares' of pipeline 'counting' has no result yet"):
        _ = run.squares
    run.run()
    assert run.squares == Squares([0, 1, 4, 9, 16])
    assert Counting(tmp_path / "run", NULL).run()["stages"]["sum"] == {"sum": 30}


def test_nothing_that_can_be_used_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counting, "workloads", lambda self: [SyntheticWorkload("w0", flops=10**9)])
    monkeypatch.setattr("hwcost.systems.campaigns.MeasureOptions", partial(MeasureOptions, backend_options={"fail": "w0"}))
    with pytest.raises(MeasurementError, match="no measurement is usable"):
        Counting(tmp_path / "run", NULL).run()


def test_void_measurements_of_any_stage_open_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage returns seconds only: what its campaign says of itself is kept with the run, and told again."""
    monkeypatch.setattr("hwcost.systems.campaigns.MeasureOptions", partial(MeasureOptions, backend_options={"fail": "w1"}))
    run = Counting(tmp_path / "run", NULL)
    said = next(one for one in run.run()["doubts"] if "void" in one)
    assert said.startswith("Of 3 workloads that stage times measured, 1 are void. E_FAILED: ")
    assert [(one.stage, one.workloads, one.void) for one in run.notes] == [("times", 3, 1)]
    (tmp_path / "run" / "report.json").unlink()
    (tmp_path / "run" / "stages" / "2-times.json").unlink()
    again = Counting(tmp_path / "run", NULL)
    assert said in again.run()["doubts"]
    assert len(again.notes) == 1


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Lets the system refuse to write more to any file."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_second_run_of_the_folder_is_refused_while_the_first_one_works(tmp_path: Path) -> None:
    """Two processes that train into the same files would do everything twice, and mix what they write."""
    refused: list[str] = []

    def again(event: Event) -> None:
        if event.doing == "begins":
            with pytest.raises(BusyError, match=r"process \d+\. Wait until it ends, or give another folder") as error:
                Counting(tmp_path, NULL).run()
            refused.append(str(error.value))

    report = Counting(tmp_path, NULL, again).run()
    assert len(refused) == len(report["stages"])
    assert Counting(tmp_path, NULL).run() == report  # the folder is free once the run ended
    assert not list(tmp_path.glob("*.lock"))


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    settings = Settings("large", backend="null")
    expected = Counting(tmp_path / "whole", settings).run()
    broken = Counting(tmp_path / "run", settings)
    with files_of_at_most(900), pytest.raises(StoreError, match="make room, then run the same command again"):
        broken.run()
    assert 3 < len(broken.worked) < 200
    assert not list(differing(Counting(tmp_path / "run", settings).run(), expected))
