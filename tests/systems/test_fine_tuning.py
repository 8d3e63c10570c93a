"""Pipelines on labelled tasks that the user gives: each system's last stage, and starts from other tasks."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("tokenizers")
pytest.importorskip("matplotlib")

from hwcost.report import drawings
from hwcost.supernets.recipe import RECIPES
from hwcost.supernets.registry import supernet
from hwcost.supernets.tuning import Grid, Tuning
from hwcost.systems import Settings, pipeline
from hwcost.systems.fine_tuning import FineTuning
from hwcost.tasks import task
from tests.supernets.test_fine_tuning import Numbers
from tests.tasks.glue import write_conllu, write_glue, write_json
from tests.tasks.squad import write_squad
from tests.tasks.test_languages import write_wikiann

pytestmark = pytest.mark.torch


@pytest.mark.slow
@pytest.mark.parametrize("name", ["autodistil", "autodistill", "components", "supershaper"])
def test_every_system_fine_tunes_its_nets_on_the_tasks_given(text: Path, tmp_path: Path, name: str) -> None:
    given = (
        f"{write_glue(tmp_path / 'mnli', 'mnli', 9)}", f"{write_glue(tmp_path / 'sts', 'stsb', 9)}:name=similarity",
        f"{write_conllu(tmp_path / 'ud')}", f"{write_squad(tmp_path / 'squad')}", f"{write_wikiann(tmp_path / 'sw')}",
    )  # fmt: skip
    report = pipeline(name, tmp_path / "run", Settings("smoke", corpus=str(text), backend="null", tasks=given)).run()
    found = report["stages"]["fine_tuned"]
    assert [(one["task"], one["kind"], one["metric"], one["split"]) for one in found["tasks"]] == [
        ("mnli", "classification", "accuracy", "validation_matched"), ("similarity", "regression", "spearman", "validation"),
        ("ud", "tagging", "accuracy", "validation"), ("squad", "span", "answer_f1", "validation"),
        ("wikiann", "tagging", "entity_f1", "validation"),
    ]  # fmt: skip
    nets = {row["net"] for row in found["nets"]}
    assert len(found["nets"]) == 5 * len(nets) >= 5
    assert {"validation_mismatched accuracy"} == {
        one for row in found["nets"] if row["task"] == "mnli" for one in row["others"]
    }
    assert all("validation entity_f1 (en)" in row["others"] for row in found["nets"] if row["task"] == "wikiann")
    assert "fine-tuned" in [one.name for one in drawings(report)]
    if name in ("components", "autodistil"):
        used = report["stages"]["retraining" if name == "components" else "proxy"]["task"]
        assert (used["task"], used["split"]) == ("mnli", "validation_matched")
        assert any("accuracy on mnli (validation_matched)" in one["found"] for one in report["verdicts"])


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """A pipeline's part that fine-tuning needs, on tasks whose texts are numbers of tokens."""
    three = [{"text": f"{n} 9", "label": ("a", "b", "c")[n % 3]} for n in range(5, 17)]
    two = [{"text": f"{n} 9", "label": ("yes", "no")[n % 2]} for n in range(5, 17)]
    folders = [f"{write_json(tmp_path / 'rte', two)}", f"{write_json(tmp_path / 'mnli', three)}"]
    said: list[str] = []
    return SimpleNamespace(
        folder=tmp_path / "run", settings=Settings("smoke", tasks=tuple(folders)), tasks=tuple(map(task, folders)),
        began=1, said=said, say=lambda doing, done=0, total=None: said.append(doing),
    )  # fmt: skip


def test_a_task_starts_from_the_net_that_was_fine_tuned_on_another_one(run: Any) -> None:
    grid = Grid(replace(RECIPES["smoke"], steps=3), learning_rates=(1e-3, 2e-3))
    net = supernet("autodistil:subspace=tiny,scale=mini")
    makers = {"small": lambda: net.extract(net.smallest(), "none")}
    chained = FineTuning(run, Numbers(), Tuning(grid, starts={"rte": "mnli", "stsb": "mnli"}))  # type: ignore[arg-type]
    found = chained.scores(makers)
    assert [(row.task, row.start, row.tried) for row in found.nets] == [("mnli", None, 2), ("rte", "mnli", 2)]
    assert json.loads((run.folder / "tuned" / "small-mnli" / "tuned.json").read_text())["task"] == "mnli"
    assert not (run.folder / "tuned" / "small-rte").exists()
    before = len(run.said)
    assert FineTuning(run, Numbers(), chained.tuning).scores(makers) == found  # type: ignore[arg-type]
    assert len(run.said) == before
    assert set(run.said) == {"fine-tuning small on mnli", "fine-tuning small on rte"}


def test_without_the_other_task_it_starts_from_the_net_itself(run: Any) -> None:
    run.tasks = run.tasks[:1]
    net = supernet("autodistil:subspace=tiny,scale=mini")
    tuning = Tuning(Grid(replace(RECIPES["smoke"], steps=1)), starts={"rte": "mnli"})
    found = FineTuning(run, Numbers(), tuning).scores({"small": lambda: net.extract(net.smallest(), "none")})  # type: ignore[arg-type]
    assert [(row.task, row.start) for row in found.nets] == [("rte", None)]
