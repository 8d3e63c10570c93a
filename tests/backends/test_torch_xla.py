# ruff: noqa: E402 - nothing below can be imported without torch
"""What is particular to torch_xla: tests with a stand-in for it, and below those that need the real one."""

from __future__ import annotations

import importlib
import itertools
import json
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from typer.testing import CliRunner

from hwcost.backends import backend, libtpu
from hwcost.backends.buckets import Buckets
from hwcost.cli.devices import app
from hwcost.devices import require
from hwcost.errors import DeviceError, MeasurementError, MissingBackendError, UsageError
from hwcost.spaces import Component, space
from hwcost.testing.backends import BackendSuite, small_workload
from hwcost.timing.execution.groups import Groups
from hwcost.timing.execution.visit import VisitIndex, visit
from hwcost.timing.protocol import protocol
from hwcost.timing.setting import Limits, Setting
from hwcost.timing.telemetry import telemetry_of
from hwcost.workloads import ComponentWorkload, FactoryWorkload, SyntheticWorkload, models

FAKE = Path(__file__).parent / "fake_torch_xla"
REAL = find_spec("torch_xla") is not None
SHORT = replace(
    protocol("quick", rounds=1), min_blocks=4, max_blocks=8, min_visit_s=0.0, max_visit_s=0.1, steady_cap_s=0.1,
    steady_tolerance=10.0,
)  # fmt: skip
"""A visit of a few blocks, whatever else the machine does."""
SPACE = space("supershaper")

MIXED = '''
import torch

class Mixed(torch.nn.Module):
    def forward(self, one):
        two = one + 1
        return one, two, two

def mixed(): return Mixed(), (torch.arange(2.0),)
def idle(): return torch.nn.Identity(), (torch.ones(2),)
'''


class Fake:
    """The stand-in, on the path of this process and of those that it starts."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder, self._patch = folder, patch
        patch.setattr("hwcost.backends.xla_client._client", None)
        patch.setenv("PJRT_DEVICE", "")
        self.fault("")
        self.release(torch.__version__)
        for path in (FAKE, folder):
            patch.syspath_prepend(str(path))
        patch.setenv("PYTHONPATH", f"{FAKE}:{folder}")

    def release(self, version: str) -> None:
        info = self._folder / "torch_xla-0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch_xla\nVersion: {version}\n")

    def fault(self, name: str) -> None:
        self._patch.setenv("FAKE_XLA", name)

    @property
    def module(self):
        return importlib.import_module("torch_xla")


@pytest.fixture(scope="class")
def fake(tmp_path_factory):
    if REAL:
        pytest.skip("the real torch_xla is here")
    with pytest.MonkeyPatch.context() as patch:
        yield Fake(tmp_path_factory.mktemp("fake"), patch)
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch_xla"]:
        del sys.modules[name]


class TestFakeTorchXla(BackendSuite):
    name = "torch-xla"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _here(cls, fake):
        pass


class TestFakeThatTracesEachCall(BackendSuite):
    name = "torch-xla"
    options = {"tracing": "each-call", "bucket": 8}  # noqa: RUF012 - as the suite has it

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _here(cls, fake):
        pass


@pytest.mark.usefixtures("fake")
class TestWithTheStandIn:
    @pytest.fixture(autouse=True)
    def _settings(self, fake, monkeypatch):
        monkeypatch.setattr("hwcost.backends.xla_client._client", None)
        monkeypatch.setenv("PJRT_DEVICE", "")
        fake.fault("")

    @pytest.fixture
    def tpu(self, monkeypatch):
        """A TPU whose libtpu has answered, which takes a process that loads torch."""
        monkeypatch.setenv("TPU_ACCELERATOR_TYPE", "v5litepod-1")
        monkeypatch.setattr("hwcost.backends.xla_client.check_answers", lambda limit_s: None)

    def prepare(self, **options):
        return backend("torch-xla", options=options).prepare(small_workload(), require("cpu"))

    @pytest.mark.parametrize("tracing", ["once", "each-call"])
    def test_a_visit_in_which_something_was_compiled_is_void(self, fake, tracing) -> None:
        made = backend("torch-xla", options={"tracing": tracing})
        fake.fault("recompile")
        seen = visit(made, small_workload(), require("cpu"), SHORT, VisitIndex(0, 0))
        assert not seen.is_usable
        assert "E_COMPILE" in {flag.code for flag in seen.flags}

    def test_a_visit_without_compilations_has_no_such_flag(self, fake) -> None:
        seen = visit(backend("torch-xla"), small_workload(), require("cpu"), SHORT, VisitIndex(0, 0))
        assert "E_COMPILE" not in {flag.code for flag in seen.flags}
        assert seen.facts["compilations"] == 1
        assert seen.facts["compile_s"] == 2.0
        assert seen.facts["trace_s"] > 0

    def test_outputs_are_alive_when_the_device_is_waited_for(self, fake) -> None:
        runner = self.prepare()
        fake.module.ALIVE_AT_WAIT.clear()
        runner.run(3)
        assert fake.module.ALIVE_AT_WAIT == [1]

    def test_every_call_is_an_execution_of_its_own(self, fake) -> None:
        for tracing in ("once", "each-call"):
            runner = self.prepare(tracing=tracing)
            before = fake.module.COUNTERS["ExecuteComputation"]
            runner.run(5)
            assert fake.module.COUNTERS["ExecuteComputation"] == before + 5

    def test_tracing_is_timed_apart(self) -> None:
        runner = self.prepare()
        ticks = itertools.count(step=10**9)
        runner.clock = lambda: next(ticks)
        assert runner.time_block(2).host_s == pytest.approx(1.0)
        assert runner.facts["trace_s"] == pytest.approx(1.0)

    def test_operators_that_run_on_the_host_are_named(self, fake) -> None:
        fake.fault("fallback")
        with pytest.raises(MeasurementError, match="XLA lacks nonzero"):
            self.prepare()

    def test_another_model_is_noticed(self, fake) -> None:
        fake.fault("wrong")
        with pytest.raises(MeasurementError, match="computes something else than eager torch"):
            self.prepare()

    def test_a_process_has_one_client(self) -> None:
        self.prepare()
        with pytest.raises(MeasurementError, match=r"XLA computes on cpu with 1 thread.*cpu with 2 was asked for"):
            backend("torch-xla", threads=2).prepare(small_workload(), require("cpu"))

    def test_a_bucket_is_what_runs(self) -> None:
        workload = models(SPACE, [SPACE.architecture([120] * 12)], seq_len=5)[0]
        runner = backend("torch-xla", options={"bucket": "powers"}).prepare(workload, require("cpu"))
        assert runner.facts["bucket"] == {"batch_size": 1, "seq_len": 8}
        assert runner.facts["inputs"][0] == "input_ids 1x8 int64"
        assert runner.outputs()[0].shape[1] == 8

    def test_what_xla_does_not_run_is_refused(self) -> None:
        half = models(SPACE, [SPACE.architecture([120] * 12)], dtype="float16")[0]
        with pytest.raises(UsageError, match="float32 and bfloat16, not float16"):
            backend("torch-xla").prepare(half, require("cpu"))

    def test_a_torch_of_another_release_is_told(self, fake) -> None:
        fake.release("1.13.0")
        with pytest.raises(MissingBackendError, match=r"torch_xla 1.13 runs with that release.*torch 2.* is here"):
            backend("torch-xla")
        fake.release(torch.__version__)

    @pytest.mark.parametrize(
        ("fault", "message"),
        [("hang", "did not answer within 0.5 s.*detect.*probe_s"), ("broken", "RuntimeError: INTERNAL: the chip is held")],
    )
    def test_a_tpu_that_does_not_answer_is_absent(self, fake, fault, message, monkeypatch) -> None:
        monkeypatch.setenv("TPU_ACCELERATOR_TYPE", "v5litepod-1")
        fake.fault(fault)
        limit = "0.5" if fault == "hang" else "60"
        with pytest.raises(DeviceError, match=message) as error:
            backend("torch-xla", options={"probe_s": limit}).prepare(small_workload(), require("tpu-v5e"))
        assert error.value.exit_code == 3

    def test_a_tpu_tells_the_memory_that_is_left(self, fake, monkeypatch) -> None:
        monkeypatch.setenv("TPU_ACCELERATOR_TYPE", "v5litepod-1")
        made = backend("torch-xla")
        assert made.free_bytes() is None  # nothing is started to find out
        made.prepare(small_workload(), require("tpu-v5e"))
        before = made.free_bytes()
        made.prepare(small_workload(), require("tpu-v5e"))
        assert 0 < made.free_bytes() < before < fake.module.HBM_BYTES

    @pytest.mark.parametrize("fault", ["old", "untold"])
    def test_a_runtime_that_does_not_tell_is_taken_at_its_word(self, fake, fault, tpu) -> None:
        made = backend("torch-xla")
        made.prepare(small_workload(), require("tpu-v5e"))
        fake.fault(fault)
        assert made.free_bytes() is None

    def test_a_cpu_has_no_memory_of_its_own(self) -> None:
        made = backend("torch-xla")
        made.prepare(small_workload(), require("cpu"))
        assert made.free_bytes() is None

    def test_groups_on_a_tpu_end_where_its_memory_does(self, fake, tpu, monkeypatch) -> None:
        made, handle, part = backend("torch-xla"), require("tpu-v5e"), Component("layer", (("hidden", 120),))
        works = [ComponentWorkload.of(SPACE, part, batch_size=size, seq_len=8) for size in (1, 2, 3, 4, 5)]
        fake.module.GRAPHS.clear()
        made.prepare(works[0], handle)
        monkeypatch.setattr(fake.module, "HBM_BYTES", 20 * (fake.module.HBM_BYTES - made.free_bytes()))
        setting = Setting(made, handle, SHORT, telemetry_of(made, handle))
        groups = Groups(setting, Limits(passes=1), [(work, place) for place, work in enumerate(works)])
        assert [event["group"] for event in groups.events() if event["event"] == "prepared"] == [0, 0, 0, 0, 1]

    def test_detecting_starts_no_libtpu(self, fake, monkeypatch) -> None:
        monkeypatch.setenv("TPU_ACCELERATOR_TYPE", "v6e-1")
        fake.fault("hang")
        done = CliRunner().invoke(app, ["detect", "--json", "-"])
        assert [one["product"] for one in json.loads(done.stdout)["devices"] if one["kind"] == "tpu"] == ["TPU v6e-1"]


def test_a_missing_torch_xla_is_exit_3(monkeypatch) -> None:
    monkeypatch.setattr("hwcost.backends.torch_xla.find_spec", lambda name: None if name == "torch_xla" else 1)
    with pytest.raises(MissingBackendError, match=r"torch_xla is missing.*own.*pip install 'hwcost\[tpu\]'") as error:
        backend("torch-xla")
    assert error.value.exit_code == 3


@pytest.mark.parametrize(
    ("rule", "shape", "rounded"),
    [("none", (3, 100), (3, 100)), ("powers", (3, 100), (4, 128)), ("128", (3, 100), (3, 128)), (64, (1, 128), (1, 128))],
)
def test_shapes_are_rounded_up(rule, shape, rounded) -> None:
    workload = models(SPACE, [SPACE.architecture([120] * 12)], *shape)[0]
    executed = Buckets.parse(rule).of(workload)
    assert (executed.batch_size, executed.seq_len) == rounded
    assert Buckets.parse(rule).of(executed) == executed


def test_rules_and_workloads_that_have_no_bucket_are_refused() -> None:
    for text in ("some", "0", "-1", "1.5"):
        with pytest.raises(UsageError, match=f"'bucket' must be none, powers or a number.*got '{text}'"):
            Buckets.parse(text)
    with pytest.raises(UsageError, match="no batch size and sequence length to round up. Take bucket=none"):
        Buckets.parse("powers").of(SyntheticWorkload("some", 1))


@pytest.mark.skipif(not REAL, reason="torch_xla is not installed; it has an environment of its own: make test-xla")
class TestWithTheRealOne:
    @pytest.mark.parametrize("tracing", ["once", "each-call"])
    def test_every_call_is_executed_and_none_is_compiled(self, tracing) -> None:
        from torch_xla.debug import metrics

        runner = backend("torch-xla", options={"tracing": tracing}).prepare(small_workload(), require("cpu"))
        compiled, executed = runner.compile_events(), metrics.metric_data("ExecuteTime")[0]
        runner.run(4)
        assert metrics.metric_data("ExecuteTime")[0] == executed + 4
        assert runner.compile_events() == compiled
        runner.close()

    def test_another_shape_is_a_compilation_and_the_same_one_is_not(self) -> None:
        made = backend("torch-xla", options={"bucket": 8})
        part = Component("feed_forward", (("hidden", 120),))
        found = [
            made.prepare(ComponentWorkload.of(SPACE, part, seq_len=length), require("cpu")) for length in (13, 15, 17)
        ]
        assert [runner.facts["compilations"] for runner in found] == [1, 0, 1]

    def test_outputs_that_are_inputs_or_come_twice_are_given_as_they_are(self, tmp_path, monkeypatch) -> None:
        (tmp_path / "xla_models.py").write_text(MIXED)
        monkeypatch.chdir(tmp_path)
        runner = backend("torch-xla").prepare(FactoryWorkload("xla_models:mixed"), require("cpu"))
        assert [part.tolist() for part in runner.outputs()] == [[0.0, 1.0], [1.0, 2.0], [1.0, 2.0]]
        with pytest.raises(MeasurementError, match="nothing is computed"):
            backend("torch-xla").prepare(FactoryWorkload("xla_models:idle"), require("cpu"))

    def test_a_tpu_that_is_not_here_is_absent(self, monkeypatch) -> None:
        monkeypatch.setenv("TPU_ACCELERATOR_TYPE", "v5litepod-1")
        with pytest.raises(DeviceError, match="libtpu"):
            libtpu.check_answers(5)
