"""What every format that is imported keeps: ``class TestMine(FormatSuite)`` in the tests of another distribution."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import pytest

from hwcost.errors import DataError, UsageError
from hwcost.exchange.benchmarks import FORMATS
from hwcost.exchange.benchmarks.base import Given, Reader
from hwcost.exchange.benchmarks.reading import read

__all__ = ["FormatSuite"]

GIVEN = Given(device="bench-1", measured_at="2025-01-31T12:00:00Z")


class FormatSuite:
    """Contract of a reader.

    Attributes:
        kind: Class of the format.
        content: A whole file of it.
        values: Values that the file holds, in the units of their series and in order; None for a failure.
    """

    kind: ClassVar[type[Reader]]
    content: ClassVar[bytes]
    values: ClassVar[tuple[float | None, ...]]

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        """The file, under a name that says nothing."""
        path = tmp_path / "results"
        path.write_bytes(self.content)
        return path

    def test_it_is_registered_under_its_name(self) -> None:
        """Users type the name."""
        assert FORMATS.load(self.kind.name) is self.kind

    def test_it_is_recognised_by_its_content(self, file: Path) -> None:
        """No other format takes it for its own."""
        assert read(file, None, GIVEN)[0].name == self.kind.name

    def test_its_values(self, file: Path) -> None:
        """Every value is read once, converted, and said to be imported."""
        _, runs = read(file, self.kind.name, GIVEN)
        assert tuple(estimate.value for run in runs for estimate in run.estimates) == self.values
        for run in runs:
            assert run.run.origin == "imported"
            assert run.remarks, "units and what the numbers mean are said"
            assert {one.series_key for one in run.series} == {one.series_key for one in run.estimates}

    def test_reading_again_gives_the_same_run(self, file: Path) -> None:
        """A store keeps it once."""
        assert read(file, self.kind.name, GIVEN)[1] == read(file, self.kind.name, GIVEN)[1]

    @pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
    def test_a_part_of_a_file_is_refused_or_holds_sound_values(self, file: Path, share: float) -> None:
        """Nothing but an error that names the file comes of damage."""
        file.write_bytes(self.content[: int(share * len(self.content))])
        try:
            _, runs = read(file, self.kind.name, GIVEN)
        except (DataError, UsageError) as error:
            said, runs = str(error), []
        else:
            said = str(file)
        assert str(file) in said
        assert all(one.value is None or math.isfinite(one.value) for run in runs for one in run.estimates)
