"""A cost model of another distribution is found wherever the built-in ones are, and behaves like them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from hwcost.cost_models import candidates, cost_model, load
from hwcost.cost_models.data import Data
from hwcost.cost_models.evaluation.evaluate import asked, baselines, evaluate_roles
from hwcost.cost_models.families.lut import LookupTable
from hwcost.spaces import space
from hwcost.testing.plugins import registered
from tests.cost_models.planted import SPACE, noisy

ARCHS = SPACE.sample(40, seed=0)
LATENCY_S = noisy(ARCHS)


class Theirs(LookupTable):
    """A model that is as good as the lookup table and claims to be plainer."""

    name = "theirs"
    complexity = -1
    baseline_for: ClassVar[frozenset[str]] = frozenset({"campaign"})


@pytest.fixture
def theirs():
    with registered("hwcost.cost_models", {"theirs": f"{__name__}:Theirs"}):
        yield


def test_the_candidates_stand_from_plain_to_general():
    assert candidates(SPACE) == ["constant", "ridge", "lut", "polynomial", "hybrid", "lightgbm", "xgboost"]
    assert baselines("table", SPACE) == ["constant", "ridge", "xgboost"]
    assert baselines("campaign", SPACE) == ["constant", "params", "ridge"]
    assert baselines("campaign", space("table", columns=[{"name": "n"}])) == ["constant", "ridge"]


def test_auto_and_all_find_it(theirs, tmp_path):
    assert candidates(SPACE)[0] == "theirs"
    assert {"auto", "theirs"} < set(asked("all", SPACE))
    quick = [name for name in candidates(SPACE) if name in ("theirs", "constant", "lut")]
    auto = cost_model("auto", SPACE, candidates=quick)
    assert auto.fit(ARCHS, LATENCY_S).chosen == "theirs"
    again = load(auto.save(tmp_path / "model"))
    assert again.chosen == "theirs"
    np.testing.assert_array_equal(again.predict(ARCHS).values, auto.predict(ARCHS).values)
    roles = ("fit",) * 30 + ("test",) * 10
    data = Data(SPACE, ARCHS, LATENCY_S, np.ones(40), roles, "rows.csv", {}, {})
    assert "theirs" in evaluate_roles(data, "constant")["models"]


def test_the_model_of_the_documentation_works(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "extending-cost-models.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict = {}
    exec(compile(code[1], "extending-cost-models.md", "exec"), names)
    model = names["Nearest"](SPACE).fit(ARCHS, LATENCY_S)
    assert [model(arch) for arch in ARCHS] == model.predict(ARCHS).values.tolist() == LATENCY_S.tolist()
    again = names["Nearest"](SPACE)
    again.restore(model.state(), model.files())
    np.testing.assert_array_equal(again.predict(ARCHS).values, LATENCY_S)
