"""Objectives and constraints as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwcost.cost_models import cost_model
from hwcost.errors import UsageError
from hwcost.objectives.written import SearchSpec
from hwcost.spaces import space

SPACE = space("supershaper", scale="mini")


def test_a_folder_is_read_once_by_a_search_and_anew_by_the_next(tmp_path: Path) -> None:
    archs, folder = SPACE.sample(20, seed=0), str(tmp_path / "model")
    for scale in (1e-9, 3e-9):
        cost_model("lut", SPACE).fit(archs, [scale * SPACE.params(arch) for arch in archs]).save(folder)
        spec = SearchSpec(None, probability=0)
        assert spec.read_models([folder], [f"{folder}<=1s"]).name == "supershaper"
        objective, limit = spec.objective(folder, True), spec.constraint(f"{folder}<=1s", None)
        assert objective.value is limit.value
        assert objective.value(archs[0]) == pytest.approx(scale * SPACE.params(archs[0]), rel=0.01)


def test_a_quantity_without_a_cost_model_names_where_one_is_given() -> None:
    says = r"is a quantity, and no cost model of it is here\. .*'hwcost pipeline' .*--cost"
    for text in ("latency_s<=5ms", "energy_j<=1J"):
        with pytest.raises(UsageError, match=says):
            SearchSpec(SPACE).constraint(text, None)
    with pytest.raises(UsageError, match="nor a folder that is there"):
        SearchSpec(SPACE).constraint("models/latency_s<=5ms", None)
