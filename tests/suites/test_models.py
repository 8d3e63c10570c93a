"""Cost models in the night: a device that moved is told from noise, and further fits get folders of their own."""

from __future__ import annotations

import math
import sys
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

NONE = np.full(20, np.nan)
"""Ends of intervals that are missing."""


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
    few = judge_values(Prediction(values[:3], NONE[:3], NONE[:3], np.ones(3, dtype=np.bool_)), measured[:3], Limits())
    assert few.holds
    assert "3 measurements, where 5 are needed" in few.reason


def test_errors_are_those_on_what_the_model_did_not_learn_from() -> None:
    measured = np.geomspace(1e-3, 1e-2, 20)
    learnt = np.arange(20) < 12
    predicted = measured * np.where(learnt, 1.001, np.where(np.arange(20) % 2, 1.2, 0.8))
    found = judge_values(Prediction(predicted, predicted / 1.05, predicted * 1.05, learnt), measured, Limits(), learnt)
    assert (found.n, found.n_held_out, found.holds) == (20, 8, False)
    assert found.mape == pytest.approx(20.0)
    assert found.coverage_90 == 0.0
    assert found.level == pytest.approx(-math.log(1.001)), "the level is that of all"
    assert "The 90 % intervals hold 0% of 8 measurements." in found.reason
    assert found.reason.endswith("Errors are those on 8 of 20 architectures, the ones that it did not learn from.")
    some = np.arange(20) < 17
    few = judge_values(Prediction(predicted, NONE, NONE, learnt), measured, Limits(), some)
    assert few.n_held_out == 0
    assert few.mape == pytest.approx(8.06)
    assert "It learnt from 17 of the 20 architectures, and its errors on others may be larger" in few.reason
    assert "learn" not in judge_values(Prediction(predicted, NONE, NONE, learnt), measured, Limits()).reason


def test_test_rows_of_the_night_judge_a_model_that_learnt_from_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = [{"name": "nets", "space": SPACE, "n": 8, "test_rows": 5}]
    declared = with_model(tmp_path).model_copy(update={"workloads": suite(workloads=sets).workloads})
    found: list[ModelCheck] = []
    for seed in range(2):
        simulate(monkeypatch, seed=seed)
        found += night(tmp_path / "night.db", declared).checks
    assert [(one.n, one.n_held_out) for one in found] == [(8, 8), (13, 5)]
    assert found[1].reason.endswith("Errors are those on 5 of 13 architectures, the ones that it did not learn from.")
    simulate(monkeypatch, seed=2)
    (other,) = night(tmp_path / "night.db", with_model(tmp_path)).checks
    assert (other.n, other.n_held_out) == (16, 16), "it learnt from none of these, whatever their role"


def test_a_model_is_of_one_of_two_devices_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, seed=0, factor=1.5)
    there = f"local://{tmp_path}/there?python={sys.executable}"
    model = {"model": "constant", "backend": "null"}
    models = {name: {**model, "path": str(tmp_path / name)} for name in ("here", "there", "nowhere")}
    models["there"]["device"], models["nowhere"]["device"] = f"cpu@{there}", "cpu@ssh://far"
    result = night(tmp_path / "night.db", suite(devices=["cpu", f"cpu@{there}"], models=models))
    assert [(one.measured, one.skipped) for one in result.outcomes] == [(6, 0)] * 2, "each is a campaign of its own"
    here, elsewhere = (np.array([point[4] for point in one.points]) for one in result.checks)
    assert np.allclose(here / elsewhere, 1.5, rtol=0.1)
    assert [one.device for one in result.checks] == ["cpu", "cpu"]
    said = 'the run measured nothing on cpu@ssh://far, but on cpu: for a model of that one, write device = "cpu".'
    assert result.unjudged == {"nowhere": said}


def test_of_several_campaigns_that_fit_what_differs_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, seed=0)
    usual = {"path": str(tmp_path / "m"), "model": "constant"}
    two = [{"name": "null", "threads": 1}, {"name": "null", "threads": 2}]
    models = {"any": usual, "two": {**usual, "backend": {"name": "null", "threads": 2}, "path": str(tmp_path / "n")}}
    unclear, clear = night(tmp_path / "night.db", suite(backends=two, models=models)).checks
    assert (unclear.holds, unclear.n, clear.holds, clear.n) == (False, 0, True, 6)
    assert "2 campaigns of the run fit, and differ in threads: threads = 1; threads = 2." in unclear.reason


def test_folders_of_further_fits_stand_beside_the_first(tmp_path: Path) -> None:
    path = tmp_path / "m"
    assert (current_folder(path), next_folder(path)) == (None, path)
    for name in ("m", "m.1", "m.2", "m.10"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").touch()
    (tmp_path / "m.x").mkdir()
    assert current_folder(path) == tmp_path / "m.10"
    assert next_folder(path) == tmp_path / "m.11"
