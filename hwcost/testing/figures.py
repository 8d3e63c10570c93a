"""The conformance suite of sets of figures: what the figures of every pipeline promise, as tests.

::

    class TestMyFigures(FigureSuite):
        name = "my-system"

        @pytest.fixture(scope="class")
        @classmethod
        def report(cls, tmp_path_factory):
            return pipeline(cls.name, tmp_path_factory.mktemp("run"), Settings("smoke", backend="null")).run()

The suite needs matplotlib (the extra ``report``). A class that derives from :class:`hwcost.testing.systems.SystemSuite` too
returns the report of the run that is there already: ``def report(cls, whole): return whole[1]``.
"""

from __future__ import annotations

import copy
import json
from abc import ABC
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest

from hwcost.report import FIGURES, Drawing, drawings, write_page
from hwcost.report.figures import new_figure, save

COMPARED = 3
"""Figures of the page that are drawn again and compared, file by file."""


class Page(NamedTuple):
    """A page that was written.

    Attributes:
        path: Its file, beside the folder of its figures.
        before: The report as it was before it was drawn.
    """

    path: Path
    before: dict[str, Any]


class FigureSuite(ABC):
    """Subclass it as ``Test...``, name the pipeline, and return a report of it.

    Attributes:
        name: Name of the pipeline whose report is drawn.
    """

    name: ClassVar[str]

    @pytest.fixture(scope="class")
    @classmethod
    def report(cls) -> dict[str, Any]:
        """A report of the pipeline."""
        raise NotImplementedError("override the fixture 'report', so that it returns a report of the pipeline")

    @pytest.fixture(scope="class")
    @classmethod
    def page(cls, report: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Page:
        """The page of the report, which is written once."""
        pytest.importorskip("matplotlib")
        before = copy.deepcopy(report)
        return Page(write_page(report, tmp_path_factory.mktemp("page")), before)

    @pytest.fixture
    def drawn(self, report: dict[str, Any]) -> list[Drawing]:
        """The figures of the report."""
        pytest.importorskip("matplotlib")
        return drawings(report)

    def test_figures_are_found_by_the_name_of_the_pipeline(self, report: dict[str, Any], drawn: list[Drawing]) -> None:
        """Each has the name of a file of its own, and a size in inches."""
        assert report["pipeline"] == self.name
        assert self.name in FIGURES.names()
        assert drawn
        names = [one.name for one in drawn]
        assert len(set(names)) == len(names)
        assert all(name == Path(name).name and not Path(name).suffix for name in names)
        assert all(min(one.size) > 0 for one in drawn)

    def test_every_figure_can_be_drawn_and_is_the_same_file_again(
        self, drawn: list[Drawing], page: Page, tmp_path: Path
    ) -> None:
        """It has a title, and equal reports give equal files, of which some are compared."""
        for index, one in enumerate(drawn):
            figure, axes = new_figure(*one.size)
            one.draw(axes)
            assert any(axes.get_title(loc=place) for place in ("left", "center", "right")), one.name
            for path in save(figure, tmp_path / one.name) if index < COMPARED else ():
                assert path.read_bytes() == (page.path.parent / "figures" / path.name).read_bytes(), path.name

    def test_a_report_that_was_read_from_its_file_gives_the_same_figures(
        self, report: dict[str, Any], drawn: list[Drawing], page: Page
    ) -> None:
        """A report is plain JSON, and drawing it leaves it as it is."""
        again = drawings(json.loads(json.dumps(report)))
        assert [(one.name, one.size) for one in again] == [(one.name, one.size) for one in drawn]
        assert page.path.read_text(encoding="utf-8").count("<svg") == len(drawn)
        assert report == page.before
