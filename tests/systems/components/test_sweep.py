"""The sweep over lambda: what is selected, when speed and quality are monotone, and what the paper's settings find."""

# ruff: noqa: E402 - nothing below can be imported without torch

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from benchmarks.studies.planted_net import PlantedNet
from hwcost.systems.components.presets import PRESETS, Sweeping
from hwcost.systems.components.results import Point
from hwcost.systems.components.series import fastest_within, is_monotone, series, shows_trade
from hwcost.systems.components.sweep import settings_of
from tests.conftest import ROOT

pytestmark = pytest.mark.torch

PAPER = PRESETS["paper"]
SHORT = {name: replace(PAPER.direct, steps=steps, warmup_steps=20) for name, steps in (("do", 1000), ("sdo", 2000))}
"""A hundredth of the steps, for gates that each cost a 24th of the net, ten times what they cost in BERT-base."""


def point(method: str, penalty: float, speed: float, quality: float, name: str = "") -> Point:
    return Point(
        arch="", params=1, cost=1 / speed, perplexity=1.0, method=method, penalty=penalty,
        rate=None if method == "do" else 1e-2, name=name or f"{method} {penalty:g}", speed=speed, quality=quality,
    )  # fmt: skip


TABLE_7 = [
    point("do", 1e-2, 1.3, 0.791), point("do", 1e-3, 1.06, 0.822), point("do", 1e-4, 1.03, 0.826),
    point("do", 1e-5, 1.03, 0.831), point("sdo", 1e-4, 3.0, 0.744), point("sdo", 1e-5, 1.31, 0.822),
    point("sdo", 1e-6, 1.0, 0.831),
]  # fmt: skip
"""MNLI accuracy and speed by lambda; BERT-base has 0.828."""


def test_the_papers_grid_selects_the_papers_nets() -> None:
    """Table 7 prints in bold what is selected: lambda 1e-3 for DO, 1e-5 for SDO, at an accepted loss of one percent."""
    lines = series(TABLE_7)
    assert list(lines) == ["DO", "SDO, nu 0.01"]
    chosen = [fastest_within(points, 0.828, PAPER.sweep.drop) for points in lines.values()]
    assert [one.name for one in chosen if one is not None] == ["do 0.001", "sdo 1e-05"]
    assert all(is_monotone(points, 0.828, 0.01) for points in lines.values())
    assert fastest_within(TABLE_7, 0.9, 0.01) is None
    wanted = {(one.method, one.penalty, one.rate) for one in TABLE_7}
    assert set(settings_of(PAPER.sweep)) == wanted


def test_nothing_is_expected_beyond_the_collapse() -> None:
    fine = [point("do", 1e-3, 1.2, 0.82), point("do", 1e-2, 2.0, 0.60), point("do", 1e-1, 1.5, 0.65)]
    assert is_monotone(fine, 0.83, 0.01)
    assert not is_monotone([fine[0], point("do", 1e-2, 1.1, 0.81)], 0.83, 0.01)
    assert not is_monotone([point("do", 1e-3, 1.2, 0.79), point("do", 1e-2, 1.3, 0.82)], 0.83, 0.01)
    assert is_monotone([], 0.83, 0.01)


def test_a_trade_shows_in_nets_that_are_faster_and_worse_than_noise() -> None:
    assert all(shows_trade(points, 0.01) for points in series(TABLE_7).values())
    assert not shows_trade([point("do", 0.1, 1.0, 0.5), point("do", 1.6, 2.12, 0.5)], 0.01)  # nets that only guess
    assert not shows_trade([point("do", 0.1, 1.0, 0.5), point("do", 1.6, 1.01, 0.4)], 0.01)
    assert not shows_trade([point("do", 0.1, 1.0, 0.5)], 0.01)
    assert not shows_trade([], 0.01)


def test_settings_go_up_with_lambda_for_each_nu() -> None:
    grid = Sweeping(direct_penalties=(2.0, 1.0), sampled_penalties=(0.2, 0.1), sampled_rates=(5.0, 1.0))
    assert settings_of(grid) == [
        ("do", 1.0, None), ("do", 2.0, None), ("sdo", 0.1, 1.0), ("sdo", 0.2, 1.0), ("sdo", 0.1, 5.0), ("sdo", 0.2, 5.0)
    ]  # fmt: skip
    assert settings_of(Sweeping()) == []


def swept(net: PlantedNet, method: str, penalties: tuple[float, ...]) -> dict[float, np.ndarray[Any, Any]]:
    """Returns open gates by lambda, with the paper's settings but for a larger nu, as there are fewer steps."""
    if method == "do":
        return {penalty: net.direct(PAPER, SHORT[method], penalty) for penalty in penalties}
    return {penalty: net.sampled(PAPER, SHORT[method], penalty, rate=5 * PAPER.sampled_rate) for penalty in penalties}


@pytest.mark.parametrize(("method", "penalties"), [("do", (1e-4, 2e-3, 1e-1)), ("sdo", (1e-6, 1e-5, 1e-4))])
def test_speed_is_monotone_in_lambda_until_collapse_where_the_answer_is_known(method: str, penalties: Any) -> None:
    """The printed lambdas act as in Table 7: next to nothing is dropped, then what is of no use, then all."""
    net = PlantedNet()
    found = swept(net, method, penalties)
    points = [
        point(method, penalty, 1 / max(net.cost(open_), 0.01), -net.loss(open_)) for penalty, open_ in found.items()
    ]  # fmt: skip
    quality = -net.loss(np.ones(net.number, dtype=bool))
    assert is_monotone(points, quality, 0.0)
    least, best, most = found.values()
    assert least.sum() >= 20
    assert (best == net.useful).sum() >= 23
    assert most.sum() <= 2
    chosen = fastest_within(points, quality, 0.01)
    assert chosen is not None
    assert chosen.penalty == penalties[1]


def test_the_printed_update_tells_no_gates_apart() -> None:
    """The score function of appendix A.1, as printed: docs/fast-transformers.md says how many gates it closes."""
    net = PlantedNet()
    open_ = net.sampled(PAPER, SHORT["sdo"], PAPER.sampled_penalty, rate=5 * PAPER.sampled_rate, estimator="literal")
    closed = [int((~open_ & kind).sum()) for kind in (~net.useful, net.useful)]
    assert closed == [4, 4]
    told = (ROOT / "docs" / "fast-transformers.md").read_text(encoding="utf-8")
    assert "of 12 gates of no use it closed 4, and 4 of 12 useful ones with them" in told


def test_a_penalty_in_the_loss_closes_what_is_of_no_use() -> None:
    """Decay, with the paper's lambda; gates get below the threshold as the rate goes to 0."""
    net = PlantedNet(1)
    open_ = net.direct(PAPER, SHORT["sdo"], 2e-3, mode="decay", rate=0.15)
    assert (~open_ & ~net.useful).sum() >= 11
    assert (open_ & net.useful).sum() >= 11


@pytest.mark.slow
@pytest.mark.parametrize("method", ["do", "sdo"])
def test_the_papers_preset_closes_planted_gates(method: str) -> None:
    """Gates of BERT-base at their prices, with lambda, nu, rates and steps of the preset: some minutes."""
    net = PlantedNet(grid="bert-base")
    if method == "do":
        open_ = net.direct(PAPER, PAPER.direct, PAPER.direct_penalty)
    else:
        open_ = net.sampled(PAPER, PAPER.sampled, PAPER.sampled_penalty)
    assert (~open_ & ~net.useful).sum() >= 11
    assert (open_ & net.useful).sum() >= 11
