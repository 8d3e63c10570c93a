"""The second plug-in keeps the contracts of hwcost too; its device is a folder of files that the tests write."""

from __future__ import annotations

import shutil

import pytest
from hwcost_example_more.npu import FOLDER, ROOT, NpuTelemetry
from hwcost_example_more.quantity import MeanPower
from hwcost_example_more.stopwatch import Stopwatch
from hwcost_example_more.workload import Product

from hwcost.elsewhere.transports import transport
from hwcost.testing.device_kinds import DeviceKindSuite
from hwcost.testing.device_profiles import DeviceProfileSuite
from hwcost.testing.figures import FigureSuite
from hwcost.testing.formats import FormatSuite
from hwcost.testing.quantities import QuantitySuite
from hwcost.testing.supernets import SupernetSuite
from hwcost.testing.systems import SystemSuite
from hwcost.testing.tasks import TaskSuite
from hwcost.testing.transports import TransportSuite
from hwcost.testing.workloads import WorkloadSuite

FILES = {"product": "Model 5", "memory_bytes": "8e9", "clock_hz": "1e9", "energy_j": "10", "slowed_by": "", "pids": ""}
CHANGES = {"ok": {}, "throttled": {"slowed_by": "hot"}, "shared": {"pids": "4242"}, "lost": {}}


class TestNpu(DeviceKindSuite):
    name = "npu"

    @pytest.fixture(autouse=True)
    def _units(self, tmp_path, monkeypatch):
        for index in range(2):
            folder = tmp_path / FOLDER / f"npu{index}"
            folder.mkdir(parents=True)
            for name, text in {**FILES, "uuid": f"NPU-{index}"}.items():
                (folder / name).write_text(text)
        monkeypatch.setenv(ROOT, str(tmp_path))

    def telemetry(self, handle, state):
        made = NpuTelemetry(handle)
        for name, text in CHANGES[state].items():
            (made.folder / name).write_text(text)
        if state == "lost":
            shutil.rmtree(made.folder)
        return made


class TestProfiles(DeviceProfileSuite):
    package = "example-more"


class TestParity(TaskSuite):
    name = "parity"


class TestProduct(WorkloadSuite):
    kind = "product"

    def make(self):
        return Product(4, 8, 2)

    def others(self):
        return [Product(4, 8, 3), Product(4, 8, 2, batch_size=2), Product(4, 8, 2, dtype="bfloat16")]


class TestMeanPower(QuantitySuite):
    kind = MeanPower
    conditions = {"uninterrupted": {"calls": 10, "seconds": 2.0, "visit_energy_j": 5.0}}  # noqa: RUF012


class TestStopwatch(FormatSuite):
    kind = Stopwatch
    content = b"stopwatch 1\nstirring 12.5\nbaking 1800\n"
    values = (12.5, 1800.0)


class TestMlpSupernet(SupernetSuite):
    name = "mlp:width=16,vocabulary=100"


class TestGrowth(SystemSuite, FigureSuite):
    name = "growth"

    @pytest.fixture(scope="class")
    @classmethod
    def report(cls, whole):
        return whole[1]


class TestShelf(TransportSuite):
    @pytest.fixture
    def transport(self, tmp_path):
        return transport(f"shelf://{tmp_path}/shelf")
