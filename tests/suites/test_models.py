"""Cost models in the night: a device that moved is told from noise, and further fits get folders of their own."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwcost.cost_models.prediction import Prediction
from hwcost.stores import open_store
from hwcost.stores.entries import ModelCheck
from hwcost.suites import Suite
from hwcost.suites.judging import judge_values
from hwcost.suites.model_spec import Limits
from hwcost.suites.models import current_folder, next_folder
from tests.suites.nights import SPACE, night, simulate, suite

pytestmark = pytest.mark.once


def with_model(folder: Path, **values: Any) -> Suite:
    sets = [{"name": "nets", "space": SPACE, "n": 16}]
    return suite(workloads=sets, models={"mini": {"path": str(folder / "mini"), "model": "lut", **values}})


@pytest.mark.slow
def test_a_device_that_moves_by_six_percent_is_told_from_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared, store = with_model(tmp_path, refit="failing"), tmp_path / "night.db"
    checks = []
    for seed, factor in enumerate((1.0, 1.0, 1.0, 1.06, 1.06)):
        simulate(monkeypatch, seed=seed, factor=factor)
        checks += night(store, declared).checks
    assert [(one.holds, one.refitted) for one in checks] == [
        (True, True), (True, False), (True, False), (False, True), (True, False),
    ]  # fmt: skip
    assert "There was no model" in checks[0].reason
    assert checks[3].reason.startswith("The level of the device moved: it is ")
    assert checks[3].level == pytest.approx(math.log(1.06), abs=0.015)
    assert abs(checks[4].level or 1.0) < 0.015
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["mini", "mini.1"]
    with open_store(store) as opened:
        kept = opened.entries(ModelCheck)
        assert kept == checks
        known = opened.series()
        assert all(len(row) == 5 and known[row[0]].search_space == "supershaper" for row in kept[3].points)
    assert len(checks[3].points) == checks[3].n == 16
    assert sum(checks[3].importance.values()) == pytest.approx(1.0)


def test_what_stands_in_the_way_is_said_and_the_run_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, seed=0)
    declared = with_model(tmp_path, device="k80")
    result = night(tmp_path / "night.db", declared)
    assert result.run.status == "done"
    assert result.unjudged == {"mini": "the run measured nothing on k80."}
    assert not result.checks
    (tmp_path / "mini").mkdir()
    (tmp_path / "mini" / "config.json").write_text("{}")
    damaged = night(tmp_path / "night.db", with_model(tmp_path)).checks
    assert [(one.holds, one.n) for one in damaged] == [(False, 0)]
    assert "is damaged: it has no schema_version" in damaged[0].reason


def test_every_limit_has_its_reason() -> None:
    rng = np.random.default_rng(0)
    values = np.geomspace(1e-3, 1e-2, 40)
    measured = values * np.exp(0.2 * rng.standard_normal(40))
    narrow = Prediction(values, values / 1.05, values * 1.05, np.ones(40, dtype=np.bool_))
    found = judge_values(narrow, measured, Limits(kendall_tau=0.99, level=20.0))
    assert not found.holds
    for said in ("The mean error is", "The rank correlation is", "The 90 % intervals hold"):
        assert said in found.reason
    assert judge_values(narrow, measured, Limits(mape=50, level=20, coverage=False)).holds
    few = judge_values(Prediction(values[:3], None, None, np.ones(3, dtype=np.bool_)), measured[:3], Limits())
    assert few.holds
    assert "3 measurements, where 5 are needed" in few.reason


def test_folders_of_further_fits_stand_beside_the_first(tmp_path: Path) -> None:
    path = tmp_path / "m"
    assert (current_folder(path), next_folder(path)) == (None, path)
    for name in ("m", "m.1", "m.2", "m.10"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").touch()
    (tmp_path / "m.x").mkdir()
    assert current_folder(path) == tmp_path / "m.10"
    assert next_folder(path) == tmp_path / "m.11"
