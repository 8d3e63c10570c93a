"""The conformance suite of kinds of workload: what every kind promises, as tests.

::

    class TestMyWorkload(WorkloadSuite):
        kind = "my-kind"

        def make(self):
            return MyWorkload(size=64)

        def others(self):
            return [MyWorkload(size=128), MyWorkload(size=64, batch_size=2)]

Work that is not a torch model sets ``builds = False``, and the backends that run it test how it is run.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from hwcost.backends.null import Null
from hwcost.devices import DeviceHandle, load
from hwcost.errors import DataError, UsageError
from hwcost.timing.execution.visit import VisitIndex, visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import WORKLOADS, Workload, from_dict


class WorkloadSuite(ABC):
    """Subclass it as ``Test...``, name the kind, and make some workloads of it.

    Attributes:
        kind: Name of the kind.
        builds: Whether workloads of the kind are torch models.
        has_inputs: Whether they describe their inputs.
    """

    kind: ClassVar[str]
    builds: ClassVar[bool] = True
    has_inputs: ClassVar[bool] = True

    @abstractmethod
    def make(self) -> Workload:
        """Makes a small workload; every call makes an equal one."""

    @abstractmethod
    def others(self) -> Sequence[Workload]:
        """Makes workloads of the kind that differ from the one of :meth:`make` and from one another."""

    @pytest.fixture
    def made(self) -> Workload:
        """The workload."""
        return self.make()

    # -- the description -----------------------------------------------------------------------------------------------

    def test_it_is_registered_under_its_kind(self, made: Workload) -> None:
        """Stores keep the name and find the class by it."""
        assert (made.kind, type(made)) == (self.kind, WORKLOADS.load(self.kind))

    def test_it_survives_json(self, made: Workload) -> None:
        """What is read back is equal, is hashed as equal, and has the same key and name."""
        for workload in (made, *self.others()):
            plain = workload.as_dict()
            again = from_dict(json.loads(json.dumps(plain, sort_keys=True, allow_nan=False)))
            assert plain["kind"] == self.kind
            assert (again, hash(again), type(again)) == (workload, hash(workload), type(workload))
            assert (again.key, again.name, again.as_dict()) == (workload.key, workload.name, plain)

    def test_keys_are_equal_exactly_when_workloads_are(self, made: Workload) -> None:
        """What differs in anything that can change its latency is measured by itself."""
        assert (self.make(), self.make().key) == (made, made.key)
        all_of_them = [made, *self.others()]
        assert len({one.key for one in all_of_them}) == len(set(all_of_them)) == len(all_of_them)

    def test_fields_that_make_no_workload_are_refused(self, made: Workload) -> None:
        """The error names the kind; sizes are at least 1."""
        with pytest.raises(DataError, match=f"these fields make no {self.kind} workload"):
            from_dict({**made.as_dict(), "no_such_field": 1})
        for change in ({"batch_size": 0}, {"seq_len": -1}):
            with pytest.raises(UsageError, match="at least 1"):
                from_dict({**made.as_dict(), **change})

    def test_its_name_is_for_people(self, made: Workload) -> None:
        """One line, and different for different workloads, since a campaign lists them by it."""
        names = [one.name for one in (made, *self.others())]
        assert len(set(names)) == len(names)
        assert all(name.strip() and "\n" not in name for name in names)

    # -- what it does --------------------------------------------------------------------------------------------------

    def test_its_work_is_counted_or_unknown(self, made: Workload) -> None:
        """Unknown is None, never 0 in all respects."""
        work = made.work()
        if work is not None:
            assert min(work.params, work.flops, work.elements) >= 0
            assert work.flops + work.elements > 0

    def test_nothing_is_left_open_once_it_is_resolved(self, made: Workload) -> None:
        """Plans hold the resolved workload; a resumed campaign resolves it again."""
        resolved = made.resolved(batch_size=1, seq_len=8, dtype="float32")
        assert type(resolved) is type(made)
        assert resolved.resolved(batch_size=3, seq_len=24, dtype="float32") == resolved

    def test_a_visit_of_it_is_timed(self, made: Workload) -> None:
        """The backend ``null`` runs whatever has known work."""
        if made.work() is None:
            return
        seen = visit(Null(), made, DeviceHandle(load("xeon")), protocol("quick"), VisitIndex(0, 0))
        assert seen.status == "ok"
        assert min(seen.samples_s) > 0

    # -- what is built -------------------------------------------------------------------------------------------------

    def test_inputs_are_seeded(self, made: Workload) -> None:
        """Equal seeds give equal arrays; none is all zeros, which some runtimes multiply by in no time."""
        if not self.has_inputs:
            with pytest.raises(UsageError):
                made.inputs()
            return
        if self.builds:
            pytest.importorskip("torch")
        first, again = made.inputs(seed=3), made.inputs(seed=3)
        assert first
        assert list(first) == list(again)
        for name, array in first.items():
            np.testing.assert_array_equal(array, again[name])
            assert array.any(), name
            assert array.dtype.kind != "f" or array.dtype == np.float32, name

    def test_what_is_built_can_be_called(self, made: Workload) -> None:
        """Module and inputs fit each other, in the dtype of the workload; work of another sort is refused as such."""
        if not self.builds:
            with pytest.raises(UsageError):
                made.build()
            return
        torch = pytest.importorskip("torch")
        built = made.built()
        assert not built.module.training
        assert built.dtype() == made.resolved(batch_size=1, seq_len=8, dtype="float32").dtype
        with torch.no_grad():
            outputs = [built.module(*built.args, **built.kwargs) for _ in range(2)]
        assert torch.isfinite(outputs[0]).all()
        assert torch.equal(*outputs)

    def test_equal_workloads_are_built_equal(self, made: Workload) -> None:
        """Weights are seeded."""
        if not self.builds:
            return
        torch = pytest.importorskip("torch")
        one, other = (workload.build().state_dict() for workload in (made, self.make()))
        assert one.keys() == other.keys()
        assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
