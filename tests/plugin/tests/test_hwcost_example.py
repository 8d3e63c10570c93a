"""The plug-in keeps the contracts of hwcost; each suite is a class of tests."""

from __future__ import annotations

from hwcost.searchers import searcher
from hwcost.testing.backends import BackendSuite
from hwcost.testing.commands import CommandSuite
from hwcost.testing.cost_models import CostModelSuite
from hwcost.testing.device_profiles import DeviceProfileSuite
from hwcost.testing.searchers import SearcherSuite
from hwcost.testing.spaces import SpaceSuite
from hwcost.workloads import SyntheticWorkload


class TestMlp(SpaceSuite):
    name = "mlp"


class TestNarrowMlp(SpaceSuite):
    name = "mlp:width=16,vocabulary=100"


class TestSimulator(BackendSuite):
    name = "simulator"
    computes = False

    @classmethod
    def workload(cls):
        return SyntheticWorkload("some", flops=10**9, elements=10**6)


class TestFlopsLine(CostModelSuite):
    name = "flops-line"


class TestClimb(SearcherSuite):
    def make(self, problem, seed=0):
        return searcher("climb", problem, seed)


class TestRidgePoint(CommandSuite):
    name = "ridge-point"
    works = ("example-board",)
    wrong = ("no-such-board",)


class TestBoards(DeviceProfileSuite):
    package = "example"
