"""Kinds of workload are found by name, those of other distributions too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from hwcost.errors import DataError
from hwcost.spaces.accounting import Work
from hwcost.testing.plugins import registered
from hwcost.workloads import WORKLOADS, Workload, from_dict
from hwcost.workloads.base import check_shape


@dataclass(frozen=True)
class Copying(Workload):
    """Memory that is copied."""

    kind: ClassVar[str] = "copying"

    elements: int
    batch_size: int = 1
    seq_len: int | None = None
    dtype: str = "float32"

    def __post_init__(self) -> None:
        check_shape(self.batch_size, self.seq_len, self.dtype)

    @property
    def name(self) -> str:
        return self._described(f"copy {self.elements}")

    def work(self) -> Work:
        return Work(elements=2 * self.elements).times(self.batch_size)


def test_every_kind_is_registered_under_its_own_name() -> None:
    for name in WORKLOADS.names():
        assert WORKLOADS.load(name).kind == name


def test_a_kind_of_another_distribution_is_read_back() -> None:
    work = Copying(1000)
    with pytest.raises(DataError, match="unknown kind of workload 'copying'. Known: .*where that distribution"):
        from_dict(work.as_dict())
    with registered("hwcost.workloads", {"copying": f"{__name__}:Copying"}):
        assert from_dict(work.as_dict()) == work
        with pytest.raises(DataError, match="these fields make no copying workload"):
            from_dict({"kind": "copying", "colour": 1})


@pytest.mark.parametrize("kind", [None, 3, [], {}])
def test_a_kind_that_is_no_text_is_refused(kind: object) -> None:
    with pytest.raises(DataError, match="unknown kind of workload"):
        from_dict({"kind": kind})
