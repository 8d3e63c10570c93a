"""The system of one's own in docs/own-system.md, run as it is written there, with figures of its own."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

from hwcost.errors import ContractError
from hwcost.report import FIGURES, Drawing, drawings, write_page
from hwcost.systems import Event, Settings, pipeline, results_of
from hwcost.testing.plugins import registered
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "own-system.md").read_text(encoding="utf-8"), re.DOTALL)
    (text,) = (block for block in blocks if "(Pipeline[" in block)
    path = tmp_path_factory.mktemp("package") / "own_system.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("own_system", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules["own_system"] = made
    spec.loader.exec_module(made)
    yield made
    del sys.modules["own_system"]


def test_it_runs_and_is_read(module: ModuleType, tmp_path: Path) -> None:
    made = module.SpreadPipeline(tmp_path / "run", Settings(backend="null"))
    report = made.run()
    assert made.spread.ratio > 1
    assert len(made.latencies.archs) == 12
    assert report["verdicts"][0]["found"] == f"{made.spread.ratio:.2f} times"
    assert list(report["stages"]) == ["latencies", "spread"]
    again = module.SpreadPipeline(tmp_path / "run", Settings(backend="null"))
    assert again.run() == report


def test_its_campaign_is_announced_where_it_takes_long(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hwcost.campaign.rounds.forecast.LONG_S", 0.0)
    events: list[Event] = []
    module.SpreadPipeline(tmp_path / "run", Settings(backend="null"), events.append).run()
    told = [(event.stage, event.remark) for event in events if event.remark is not None]
    assert [stage for stage, _ in told] == ["latencies", "latencies"]
    assert told[0][1].startswith("this takes ")
    measuring = next(place for place, event in enumerate(events) if event.doing == "measuring" and event.remark is None)
    assert events.index(next(event for event in events if event.remark is not None)) < measuring


def own_figures(report: dict[str, Any]) -> list[Drawing]:
    seconds = report["stages"]["latencies"]["seconds"]
    return [Drawing("spread", lambda ax: ax.plot(sorted(seconds)))]


def test_it_brings_its_own_figures(module: ModuleType, tmp_path: Path) -> None:
    report = module.SpreadPipeline(tmp_path / "run", Settings(backend="null")).run()
    assert drawings(report) == []
    with registered(FIGURES.group, {"spread": f"{__name__}:own_figures"}):
        assert [one.name for one in drawings(report)] == ["spread"]
        assert write_page(report, tmp_path / "run").read_text().count("<svg") == 1
    assert (tmp_path / "run" / "figures" / "spread.png").exists()


def test_reports_of_another_shape_are_errors(module: ModuleType) -> None:
    from hwcost.errors import DataError
    from hwcost.systems.supershaper.results import Results

    with pytest.raises(DataError, match=r"not a report of pipeline 'supershaper' .*backbone: Field required"):
        results_of({"pipeline": "supershaper", "stages": {}}, Results)


SLIPS = """
from dataclasses import dataclass
import numpy as np
from hwcost.systems import Claim, Measuring, Pipeline, Preset, stage


@dataclass(frozen=True)
class Found:
    value: float | None
    names: list[int]


class Base(Pipeline):
    name = "slip"
    title = "A slip"
    presets = {"quick": Preset(measuring=Measuring(batch_size=1, seq_lens=(8,), rounds=2))}

    def claims(self):
        return []


class NoStage(Base):
    pass


class NoPresets(Pipeline):
    name = title = "slip"

    @stage
    def one(self) -> Found:
        return Found(1.0, [])


class NoAnnotation(Base):
    @stage
    def one(self):
        return Found(1.0, [])


class WrongClaims(Base):
    @stage
    def one(self) -> Found:
        return Found(1.0, [])

    def claims(self):
        return ["it works"]


def giving(make):
    class Giving(Base):
        @stage
        def one(self) -> Found:
            return make()

    return Giving


Nothing = giving(lambda: None)
Mapping = giving(lambda: {"value": 1.0, "names": []})
NotANumber = giving(lambda: Found(float("nan"), []))
Numpy = giving(lambda: Found(np.float32(1), []))
Text = giving(lambda: Found(1.0, ["a"]))
Fails = giving(lambda: {}["a"])
text = "no class"
"""


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ("NoStage", r"the system 'slip' \(NoStage\) lacks methods with the decorator"),
        ("NoPresets", r"the system 'slip' \(NoPresets\) lacks claims, presets"),
        ("text", "'slip' is registered as a system, and is not a subclass of hwcost.systems.Pipeline"),
        ("NoAnnotation", "the stage 'one' is annotated with no dataclass"),
        ("WrongClaims", "the system 'slip' failed in claims: TypeError"),
        ("Nothing", "the stage 'one' gave None; expected a Found"),
        ("Mapping", "the stage 'one' gave {'value'.*; expected a Found"),
        ("NotANumber", "the stage 'one' gave a Found that cannot be kept: Out of range.*None for what is unknown"),
        ("Numpy", "the stage 'one' gave a Found that cannot be kept.*float32"),
        ("Text", "the stage 'one' gave a Found that cannot be kept: names"),
        ("Fails", "the system 'slip' failed in stage 'one': KeyError: 'a'"),
    ],
)
def test_slips_are_named_and_nothing_of_them_is_kept(
    member: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slips.py").write_text(SLIPS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with registered("hwcost.systems", {"slip": f"slips:{member}"}), pytest.raises(ContractError, match=told):
        pipeline("slip", tmp_path / "run", Settings(backend="null")).run()
    kept = list((tmp_path / "run").glob("stages/*"))
    assert len(kept) == (member == "WrongClaims")
    sys.modules.pop("slips", None)


def failing_figures(report: Any) -> Any:
    raise KeyError("nothing")


def other_figures(report: Any) -> Any:
    return ["a figure"]


@pytest.mark.parametrize(
    ("member", "told"), [("failing_figures", "failed: KeyError: 'nothing'"), ("other_figures", "gave 'a figure'; expected")]
)
def test_slips_in_figures_are_named(member: str, told: str) -> None:
    with registered("hwcost.figures", {"slip": f"{__name__}:{member}"}), pytest.raises(ContractError, match=told):
        drawings({"pipeline": "slip"})
