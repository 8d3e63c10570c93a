"""Every cost model passes the suite."""

from __future__ import annotations

from typing import ClassVar

import pytest

from hwcost.testing.cost_models import CostModelSuite

ONE_ANSWER = "test_there_is_one_answer_for_an_architecture"


@pytest.fixture(autouse=True)
def _awaited(request: pytest.FixtureRequest) -> None:
    if request.node.name == ONE_ANSWER and request.cls.name in ("auto", "lut", "products", "ridge"):
        request.applymarker(pytest.mark.xfail(reason="one architecture alone is summed in another order", strict=True))


class TestAuto(CostModelSuite):
    name = "auto"
    options: ClassVar = {"candidates": ["constant", "ridge", "lut", "lightgbm"]}


class TestConstant(CostModelSuite):
    name = "constant"
    varies = False


class TestHybrid(CostModelSuite):
    name = "hybrid"
    options: ClassVar = {"rounds": 40}


class TestLightGBM(CostModelSuite):
    name = "lightgbm"
    options: ClassVar = {"rounds": 40}


class TestLookupTable(CostModelSuite):
    name = "lut"


class TestParams(CostModelSuite):
    name = "params"


class TestProducts(CostModelSuite):
    name = "products"


class TestRidge(CostModelSuite):
    name = "ridge"


class TestXGBoost(CostModelSuite):
    name = "xgboost"
    options: ClassVar = {"rounds": 40}

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _installed(cls) -> None:
        pytest.importorskip("xgboost")
