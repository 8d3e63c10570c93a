"""Figures that other distributions bring: what fails in them is told, with the figure's name."""

from __future__ import annotations

from typing import Any

import pytest

from hwcost.errors import ContractError, UsageError
from hwcost.report import FIGURES, Drawing, drawings


def failing(error: Exception) -> Drawing:
    def draw(ax: Any) -> None:
        raise error

    return Drawing("growth", draw)


def of_system(monkeypatch: pytest.MonkeyPatch, figures: Any) -> list[Drawing]:
    monkeypatch.setattr(FIGURES, "names", lambda: ["growing"])
    monkeypatch.setattr(FIGURES, "load", lambda name: figures)
    return drawings({"pipeline": "growing"})


def test_a_drawing_that_fails_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = of_system(monkeypatch, lambda report: [failing(KeyError("loss"))])
    with pytest.raises(ContractError, match="figure 'growth' of the system 'growing' failed: KeyError: 'loss'"):
        one.draw(None)
    (one,) = of_system(monkeypatch, lambda report: [failing(UsageError("give a size"))])
    with pytest.raises(UsageError, match="^give a size$"):
        one.draw(None)


def test_figures_that_fail_or_are_none_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ContractError, match="the figures of the system 'growing' failed: KeyError: 'stage'"):
        of_system(monkeypatch, lambda report: [report["stage"]])
    with pytest.raises(ContractError, match="gave 3; expected hwcost.report.Drawing"):
        of_system(monkeypatch, lambda report: [3])
