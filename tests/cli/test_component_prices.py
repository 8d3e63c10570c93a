"""Prices of components from measuring to a fitted model: with intervals, and named where they make no sense."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import hwcost as hc
from hwcost.campaign.components.costs import component_report
from hwcost.cli.main import invoke
from hwcost.cost_models import load
from hwcost.cost_models.families.lut import LookupTable
from hwcost.errors import DataError
from hwcost.spaces import space
from hwcost.timing.measurement import Measurement
from hwcost.workloads import component_stacks, models

pytestmark = pytest.mark.usefixtures("laws_here")

SPACE = space("supershaper")
NOISY = ["--backend-option", "overhead_s=0.001", "--backend-option", "process_noise=0.05"]


def test_a_noisy_campaign_shows_intervals_names_bad_prices_and_still_fits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, model = str(tmp_path / "s.db"), tmp_path / "model"
    arguments = ["measure", "--backend", "null", "--components", "-n", "3", "--seq-len", "8", "--rounds", "2", *NOISY]
    assert invoke([*arguments, "--backend-option", "seed=1", "--store", store, "--json", "-"]) == 0
    seen = capsys.readouterr()
    found = json.loads(seen.out)["components"]
    assert found["overhead_half_s"] > 0
    for name, cost_s in found["costs_s"].items():
        low, high = found["intervals_s"][name]
        assert low < cost_s < high
    assert found["costs_s"]["embeddings"] < 0
    (flag,) = [flag for flag in found["flags"] if flag["code"] == "W_PRICE"]
    assert "no component can cost zero or less: embeddings -" in flag["text"]
    assert invoke(["measure", "--resume", "--store", store]) == 0
    seen = capsys.readouterr()
    assert "W_PRICE: no component can cost zero or less: embeddings -" in seen.err
    assert "± 95 %" in seen.out.split("Component costs by depth slope")[1]
    assert invoke(["fit", store, "-m", "lut", "-o", str(model), "--no-plot"]) == 0
    assert "Prices moved to positive ones within their intervals: embeddings -" in " ".join(capsys.readouterr().out.split())
    made = load(model)
    assert made.provenance["shrunk"]["embeddings"]["used_s"] > 0
    assert isinstance(made, LookupTable)
    assert min(made.component_s_.values()) > 0


def test_some_components_are_measured_by_name_and_what_that_leaves_without_a_price_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["measure", "--backend", "null", "--space", "supershaper:scale=mini", "--components", "-n", "2"]
    arguments += ["--seq-len", "8", "--rounds", "2", "--store", str(tmp_path / "s.db")]
    assert invoke([*arguments, "--only", "4 x layer[[]hidden=24]@1x8", "--json", "-"]) == 0
    seen = capsys.readouterr()
    assert [one["name"] for one in json.loads(seen.out)["measurements"]] == ["4 x layer[hidden=24]@1x8"]
    assert "no prices of components: the overhead of a call is unknown" in seen.err
    assert invoke([*arguments, "--only", "*layer[[]hidden=24]*", "--only", "emb*", "--json", "-"]) == 0
    assert set(json.loads(capsys.readouterr().out)["components"]["costs_s"]) == {"layer[hidden=24]", "embeddings"}
    assert invoke([*arguments, "--only", "none*"]) == 2
    assert "--only none* leaves nothing of 28 workloads, such as" in capsys.readouterr().err


def test_prices_of_a_calm_campaign_have_no_remark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, model = str(tmp_path / "s.db"), tmp_path / "model"
    arguments = ["measure", "--backend", "null", "--components", "-n", "3", "--seq-len", "8", "--rounds", "2"]
    assert invoke([*arguments, "--store", store, "--backend-option", "noise=0.001"]) == 0
    assert "W_PRICE" not in capsys.readouterr().err
    assert invoke(["fit", store, "-m", "lut", "-o", str(model), "--no-plot"]) == 0
    assert "Prices moved" not in capsys.readouterr().out
    assert "shrunk" not in load(model).provenance


def test_components_at_several_shapes_are_shown_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command line resumes and shows a campaign that Python made at two batch sizes."""
    work = [
        one
        for size in (1, 8)
        for one in (
            *component_stacks(SPACE, batch_size=size, seq_len=8, dtype="float32", components=SPACE.components()),
            *models(SPACE, SPACE.sample(1, seed=0), batch_size=size, seq_len=8),
        )
    ]
    store = str(tmp_path / "s.db")
    hc.measure(work, backend="null", tier="quick", rounds=2, store=store)
    assert invoke(["measure", "--resume", "--store", store, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert "components" not in document
    one, eight = document["components_by_shape"]
    assert one["shape"] == {"batch_size": 1, "seq_len": 8, "dtype": "float32"}
    assert eight["costs_s"]["head"] > one["costs_s"]["head"]
    assert len(one["gaps"]) == len(eight["gaps"]) == 1
    assert invoke(["measure", "--resume", "--store", store]) == 0
    seen = capsys.readouterr()
    for size in (1, 8):
        assert f"Component costs by depth slope at batch_size={size}, seq_len=8, dtype=float32" in seen.out
        assert f"Seen at batch_size={size}, seq_len=8, dtype=float32." in " ".join(seen.err.split())


def test_intervals_follow_from_those_of_the_campaign() -> None:
    """Half-widths of 1 % on a line through 1, 2, 4 and 8 copies make about 2 % of the price where a call costs little."""
    stacks = component_stacks(SPACE, batch_size=1, seq_len=8, dtype="float32", components=SPACE.components())
    found = [Measurement(work, "component", 1e-5 + work.depth * 1e-3, 0.01, 4, ()) for work in stacks]
    report = component_report(found)
    assert report is not None
    layer = report.table.fits["layer[hidden=120]"]
    depths = np.array([1, 2, 4, 8])
    seconds = 1e-5 + depths * 1e-3
    covariance = np.linalg.inv((np.vander(depths, 2).T / (0.01 * seconds) ** 2) @ np.vander(depths, 2))
    assert layer.half_width_s == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-6)
    assert not report.flags


def test_the_table_of_components_names_what_it_refuses() -> None:
    prices = {part.name: 1e-3 for part in SPACE.components()}
    with pytest.raises(DataError, match=r"positive finite number of seconds, got head -0\.001 s"):
        LookupTable.from_components(SPACE, {**prices, "head": -1e-3})
    with pytest.raises(DataError, match="got the overhead nan s"):
        LookupTable.from_components(SPACE, prices, float("nan"))
