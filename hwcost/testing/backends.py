"""The conformance suite of backends: what every backend promises, as tests.

::

    class TestMyBackend(BackendSuite):
        name = "my-backend"

A backend that runs no models (a law, a recording) sets ``computes = False``; its outputs are compared with nothing.
"""

from __future__ import annotations

import json
from abc import ABC
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

from hwcost.backends import Backend, Runner, backend
from hwcost.devices import DeviceHandle, load, require
from hwcost.errors import MissingExtraError, UsageError
from hwcost.spaces import Component, space
from hwcost.timing.timer import clock_of
from hwcost.workloads import ComponentWorkload, Workload


def small_workload() -> Workload:
    """Returns the smallest thing worth running: SuperShaper's narrowest layer on eight tokens."""
    return ComponentWorkload.of(space("supershaper"), Component("layer", (("hidden", 120),)), seq_len=8)


class BackendSuite(ABC):
    """Subclass it as ``Test...`` and set the class attributes; the workload is prepared once for all tests.

    Attributes:
        name: Name of the backend; the tests skip where its runtime is not installed.
        options: Options to test it with.
        device: Name of a device that it runs on and that is here.
        computes: Whether it runs models, so that its outputs can be compared with eager torch's.
        tolerance: Largest difference from eager torch, relative to the largest absolute output.
    """

    name: ClassVar[str]
    options: ClassVar[dict[str, Any]] = {}
    device: ClassVar[str] = "cpu"
    computes: ClassVar[bool] = True
    tolerance: ClassVar[float] = 1e-4

    @classmethod
    def workload(cls) -> Workload:
        """Returns what is run."""
        return small_workload()

    @pytest.fixture(scope="class")
    @classmethod
    def handle(cls) -> DeviceHandle:
        """The device."""
        return require(cls.device)

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls) -> Backend:
        """The backend, whose nets have weights of their own: where they are shared, other numbers may stand in them."""
        try:
            found = backend(cls.name, threads=1, options=cls.options)
        except MissingExtraError as error:
            pytest.skip(str(error))
        found.shares_weights = False
        return found

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls, made: Backend, handle: DeviceHandle) -> Iterator[Runner]:
        """The workload, ready to run."""
        runner = made.prepare(cls.workload(), handle)
        yield runner
        runner.close()

    def test_it_names_itself_and_its_versions(self, made: Backend) -> None:
        """Results can only be compared when the versions are known."""
        assert made.name == self.name
        versions = made.version()
        assert versions
        assert all(isinstance(part, str) and part for pair in versions.items() for part in pair)
        assert type(made).availability() == (True, "")

    def test_it_runs_as_often_as_asked(self, runner: Runner) -> None:
        """Once and several times, timed by the clock that it was handed or brings along."""
        clock_of(runner)
        runner.run(1)
        once, many = runner.time_block(1), runner.time_block(1000 if runner.clock_step_s is not None else 3)
        for timing in (once, many):
            assert timing.host_s > 0
            assert timing.device_s is None or timing.device_s > 0
            assert timing.enqueue_s is None or 0 < timing.enqueue_s <= timing.host_s
        if runner.clock_step_s is not None:
            assert runner.clock is not None
            assert isinstance(runner.clock(), int)
            assert many.host_s > 10 * once.host_s

    def test_outputs_are_numbers_and_stay_the_same(self, runner: Runner) -> None:
        """float32 or integers, finite, and equal from call to call."""
        first, again = runner.outputs(), runner.outputs()
        assert first
        for one, other in zip(first, again, strict=True):
            assert one.dtype == np.float32 or one.dtype.kind in "iu"
            assert np.isfinite(one).all()
            np.testing.assert_array_equal(one, other)

    def test_outputs_equal_eager_torch(self, runner: Runner, handle: DeviceHandle) -> None:
        """What is timed is the model that was asked for."""
        if not self.computes:
            return
        eager = backend("torch").prepare(self.workload(), handle)
        for mine, theirs in zip(runner.outputs(), eager.outputs(), strict=True):
            assert mine.shape == theirs.shape
            assert np.abs(mine - theirs).max() <= self.tolerance * np.abs(theirs).max()
        eager.close()

    def test_nothing_is_compiled_once_it_is_ready(self, runner: Runner) -> None:
        """Compiling belongs to preparing; a steady count is what makes a visit valid."""
        before = runner.compile_events()
        runner.run(2)
        assert runner.compile_events() == before

    def test_facts_are_plain_json(self, runner: Runner) -> None:
        """They are kept in records."""
        assert runner.facts
        assert json.loads(json.dumps(runner.facts)) == runner.facts

    def test_a_process_that_works_is_alive(self, made: Backend, handle: DeviceHandle, runner: Runner) -> None:
        """Only a device that is lost ends a process; where the device has memory of its own, some is left."""
        made.check_alive(handle)
        free_bytes = made.free_bytes()
        assert free_bytes is None or free_bytes > 0

    def test_what_was_exported_is_not_exported_again(self, made: Backend, runner: Runner) -> None:
        """A campaign has exports made before it measures, and those who prepare find them."""
        assert not made.needs_export(self.workload())

    def test_it_can_prepare_again_after_closing(self, made: Backend, handle: DeviceHandle) -> None:
        """A worker closes each runner before the next."""
        first = made.prepare(self.workload(), handle)
        first.close()
        second = made.prepare(self.workload(), handle)
        second.run(1)
        second.close()

    def test_an_unknown_option_is_refused(self, made: Backend) -> None:
        """A misspelt option never passes in silence."""
        with pytest.raises(UsageError, match=rf"backend '{self.name}' has no option 'no_such_option'. Known: "):
            backend(self.name, options={**self.options, "no_such_option": 1})

    def test_a_device_of_another_kind_is_refused(self, made: Backend) -> None:
        """The refusal is a usage error, before anything is built."""
        for kind, other in (("tpu", "tpu-v2"), ("cuda", "k80")):
            if not {kind, "*"} & {*type(made).kinds}:
                with pytest.raises(UsageError, match=kind):
                    made.prepare(self.workload(), DeviceHandle(load(other)))
