"""The conformance suite of systems: what every pipeline promises, as tests.

::

    class TestMySystem(SystemSuite):
        name = "my-system"
        preset = "smoke"

The whole pipeline runs twice, so give its smallest preset. Latencies come from a law in place of a device.
"""

from __future__ import annotations

import json
from abc import ABC
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hwcost.errors import DataError, InterruptedRunError, UnknownNameError
from hwcost.systems import PIPELINES, Event, Settings, pipeline

VARYING = ("seconds", "campaign", "flags")
"""Results that say how a run went, and differ between two runs of the same settings."""

AGREEMENT = 1e-3
"""Largest relative difference between numbers of a run and of an interrupted one, which measures in other processes."""


class SystemSuite(ABC):
    """Subclass it as ``Test...`` and name the system.

    Attributes:
        name: Name of the system.
        preset: Name of its smallest preset.
        seed: Seed of the runs.
    """

    name: ClassVar[str]
    preset: ClassVar[str] = "smoke"
    seed: ClassVar[int] = 0

    @classmethod
    def settings(cls, **changes: Any) -> Settings:
        """Returns what the system is run on; override it for a corpus of one's own."""
        return Settings(**{"preset": cls.preset, "seed": cls.seed, "backend": "null", **changes})

    @pytest.fixture(scope="class")
    @classmethod
    def whole(cls, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[Event]]:
        """A run without an interruption: its folder, its report, and its events."""
        folder, events = tmp_path_factory.mktemp("system") / "run", list[Event]()
        return folder, pipeline(cls.name, folder, cls.settings(), events.append).run(), events

    def test_a_run_ends_in_a_report_with_verdicts(self, whole: tuple[Path, dict[str, Any], list[Event]]) -> None:
        """The report is plain JSON, and the file in the folder is the same."""
        folder, report, _ = whole
        kept = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        assert {name: value for name, value in kept.items() if name != "schema_version"} == report
        assert report["verdicts"]
        for verdict in report["verdicts"]:
            assert set(verdict) == {"claim", "found", "holds"}
            assert isinstance(verdict["holds"], bool)

    def test_stages_begin_once_and_in_order(self, whole: tuple[Path, dict[str, Any], list[Event]]) -> None:
        """Every event says where the run is."""
        _, report, events = whole
        stages = list(report["stages"])
        assert [event.stage for event in events if event.doing == "begins"] == stages
        for event in events:
            assert (event.number, event.stages) == (stages.index(event.stage) + 1, len(stages))
            assert event.total is None or 0 <= event.done <= event.total

    def test_a_finished_run_is_read_and_not_repeated(self, whole: tuple[Path, dict[str, Any], list[Event]]) -> None:
        """The same command returns the same report at once."""
        folder, report, _ = whole
        events: list[Event] = []
        assert pipeline(self.name, folder, self.settings(), events.append).run() == report
        assert not [event for event in events if event.doing == "begins"]

    def test_an_interrupted_run_ends_in_the_same(
        self, whole: tuple[Path, dict[str, Any], list[Event]], tmp_path: Path
    ) -> None:
        """Interrupted where each stage begins; what is finished is never begun again."""
        report, begun = whole[1], list[str]()

        def interrupt(event: Event) -> None:
            if event.doing == "begins" and event.stage not in begun:
                begun.append(event.stage)
                raise KeyboardInterrupt
            if begun:  # before the first stage begins, memory is planned and text is read
                assert event.stage == begun[-1], f"stage '{event.stage}' was begun again"

        for _ in report["stages"]:
            with pytest.raises(InterruptedRunError):
                pipeline(self.name, tmp_path / "run", self.settings(), interrupt).run()
        again = pipeline(self.name, tmp_path / "run", self.settings(), interrupt).run()
        assert begun == list(report["stages"])
        assert not list(_differing(again["stages"], report["stages"]))

    def test_a_folder_of_other_settings_is_refused(self, whole: tuple[Path, dict[str, Any], list[Event]]) -> None:
        """Two runs are never mixed."""
        with pytest.raises(DataError, match="seed"):
            pipeline(self.name, whole[0], self.settings(seed=self.seed + 1))

    def test_an_unknown_preset_is_refused(self, tmp_path: Path) -> None:
        """The error names those that there are, before anything is written."""
        with pytest.raises(UnknownNameError, match=f"no-such-preset.*Known: .*{self.preset}"):
            pipeline(self.name, tmp_path / "run", self.settings(preset="no-such-preset"))
        assert not (tmp_path / "run").exists()

    def test_presets_are_sizes_and_the_title_is_a_text(self) -> None:
        """Both are shown by the command line before anything is run."""
        kind = PIPELINES.load(self.name)
        assert kind.name == self.name
        assert kind.title
        assert self.preset in kind.presets


def _differing(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Yields the places where the results of two runs differ."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            if name not in VARYING:
                yield from _differing(one[name], other[name], f"{where}/{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from _differing(*pair, f"{where}/{index}")
    elif isinstance(one, float) and isinstance(other, float):
        if one != pytest.approx(other, rel=AGREEMENT):
            yield f"{where}: {one} and {other}"
    elif one != other:
        yield f"{where}: {one} and {other}"
