"""Kinds of workload of other distributions: their slips are named before a campaign is planned, or where they are built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest

from hwcost.campaign.targets import workloads
from hwcost.errors import ContractError
from hwcost.testing.plugins import registered
from hwcost.workloads import Workload


@dataclass(frozen=True)
class Rows(Workload):
    kind: ClassVar[str] = "own-rows"

    rows: int = 8
    batch_size: int | None = None
    seq_len: int | None = None
    dtype: str = "float32"

    @property
    def name(self) -> str:
        return f"rows-{self.rows}"

    def build(self) -> Any:
        from torch import nn

        return nn.Sequential(nn.Linear(self.rows, 4), nn.Dropout(0.5)).train()

    def inputs(self, seed: int = 0) -> Any:
        return {"input": np.ones((2, self.rows), np.float32)}


class Nameless(Rows):
    name = None  # type: ignore[assignment]


class Counted(Rows):
    def work(self) -> Any:
        return 128


@dataclass(frozen=True)
class Array(Rows):
    weights: Any = field(default_factory=lambda: np.ones(3))


class Forgetful(Rows):
    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "rows": self.rows + 1}


class Kindless(Rows):
    kind = None  # type: ignore[assignment]


class NoModule(Rows):
    def build(self) -> Any:
        return None


class Lists(Rows):
    def inputs(self, seed: int = 0) -> Any:
        return {"input": [[1.0] * 8]}


class Unnamed(Rows):
    def inputs(self, seed: int = 0) -> Any:
        return np.ones((2, 8), np.float32)


@pytest.fixture(autouse=True)
def _plugin() -> Iterator[None]:
    with registered("hwcost.workloads", {"own-rows": f"{__name__}:Rows"}):
        yield


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Nameless, "gave None as its name; expected a text"),
        (Counted, "gave 128 from work; expected a hwcost.spaces.accounting.Work, or None"),
        (Array, "failed in as_dict .*ndarray is not JSON serializable"),
        (Forgetful, "is another one when it is made of what as_dict gives: .*'rows': 9"),
        (Kindless, "has no kind; expected the name of its entry point"),
    ],
)
def test_a_slip_is_named_before_a_campaign_is_planned(kind: type[Rows], says: str) -> None:
    with pytest.raises(ContractError, match=f"the workload {__name__}.{kind.__name__} {says}"):
        workloads([kind()], None)  # type: ignore[arg-type]


def test_a_workload_that_keeps_its_contract_is_taken_as_it_is() -> None:
    assert workloads([Rows(3)], None) == [Rows(3)]  # type: ignore[arg-type]


@pytest.mark.torch
@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (NoModule, "gave NoneType from build; expected a torch.nn.Module"),
        (Lists, "gave list for the input 'input'; expected a NumPy array"),
        (Unnamed, "gave ndarray from inputs; expected a dict of NumPy arrays by argument"),
    ],
)
def test_a_slip_in_what_is_built_is_named(kind: type[Rows], says: str) -> None:
    pytest.importorskip("torch")
    with pytest.raises(ContractError, match=says):
        kind().built()


@pytest.mark.torch
def test_a_module_in_training_mode_is_measured_in_evaluation_mode() -> None:
    pytest.importorskip("torch")
    built = Rows().built()
    assert not any(one.training for one in built.module.modules())
