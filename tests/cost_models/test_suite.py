"""Every cost model passes the suite."""

from __future__ import annotations

from typing import ClassVar

import pytest

from hwcost.testing.cost_models import CostModelSuite


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


class TestPolynomial(CostModelSuite):
    name = "polynomial"


class TestPrior(CostModelSuite):
    name = "prior"
    options: ClassVar = {"sources": ["auto"]}
    rows = 12


class TestRidge(CostModelSuite):
    name = "ridge"


class TestXGBoost(CostModelSuite):
    name = "xgboost"
    options: ClassVar = {"rounds": 40}

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _installed(cls) -> None:
        pytest.importorskip("xgboost")
