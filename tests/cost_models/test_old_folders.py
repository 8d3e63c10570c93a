"""Folders that the first version wrote load, and predict what they predicted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hwcost.cost_models import load

FOLDERS = sorted((Path(__file__).parent / "data" / "schema-1").iterdir())

NAMES = {"hybrid-of-products": "hybrid", "lut-with-repeats": "lut", "products": "polynomial", "quality": "ridge"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_of_before_predicts_as_before(folder, tmp_path):
    if folder.name == "xgboost":
        pytest.importorskip("xgboost")
    expected = json.loads((folder / "expected.json").read_text())
    model = load(folder)
    archs = [model.space.architecture(genes) for genes in expected["archs"]]
    for one in (model, load(model.save(tmp_path / "again"))):
        answer, measured = one.predict(archs), one.with_measured().predict(archs)
        same(answer.values, expected["predicted"])
        same(answer.low, expected["low"])
        same(answer.high, expected["high"])
        assert answer.in_domain.tolist() == expected["in_domain"]
        assert [one(arch) for arch in archs] == answer.values.tolist()
        same(measured.values, expected["measured_first"])
        same(measured.values, expected["cost"])
        if (folder / "hits.json").exists():  # the intervals of measured values came later than the first folders
            same(measured.low, expected["measured_first_low"])
            same(measured.high, expected["measured_first_high"])
        assert one.chosen == expected["chosen"]
        assert one.importance() == pytest.approx(expected["importance"])
        assert one.provenance == expected["provenance"]
        assert one.quantity == ("quality" if folder.name == "quality" else "latency_s")
        assert one.name == NAMES.get(folder.name, folder.name)


def same(found, expected):
    if expected is None:
        assert found is None
    else:
        np.testing.assert_allclose(found, np.array(expected, dtype=float), rtol=1e-12)
