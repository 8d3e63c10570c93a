"""Every supernet passes the suite."""

from __future__ import annotations

import pytest

from hwcost.testing.supernets import SupernetSuite

pytestmark = pytest.mark.torch


class TestSuperShaper(SupernetSuite):
    name = "supershaper:scale=mini"


class TestMergedSuperShaper(SupernetSuite):
    name = "supershaper:scale=mini,merged=true"


class TestAutoDistil(SupernetSuite):
    name = "autodistil:scale=mini,subspace=tiny"


class TestScaledAutoDistil(SupernetSuite):
    name = "autodistil:scale=mini,subspace=base,heads=scaled"


class TestComponents(SupernetSuite):
    name = "components:grid=mini"


class TestTransformer(SupernetSuite):
    name = "transformer:layers=[2,3],hidden=[32,64],heads=[2,4],ffn_ratio=[2,3],vocabulary=2048"
