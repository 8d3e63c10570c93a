# ruff: noqa: E402 - nothing below can be imported without torch
"""Supernets of other distributions: their slips are named before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from hwcost.errors import ContractError, UsageError
from hwcost.spaces import Architecture
from hwcost.spaces.supershaper import SuperShaper
from hwcost.supernets import plugin_supernets
from hwcost.supernets.masked_lm import SupernetLm
from hwcost.supernets.registry import supernet
from hwcost.supernets.supershaper import SuperShaperSupernet
from hwcost.testing.plugins import registered
from hwcost.workloads.supershaper import SuperShaperBuilder

pytestmark = pytest.mark.torch


class Space(SuperShaper):
    name = "own-nets"


class Build(SuperShaperBuilder):
    pass


class Net(SuperShaperSupernet):
    pass


class Raises(Net):
    def part(self, arch: Architecture, name: str, shape: Any) -> Any:
        raise RuntimeError("8 does not divide 60")


class Uninitialised(Net):
    def __init__(self, space: Any, seed: int) -> None:
        torch.nn.Module.__init__(self)


class Listed(Net):
    def smallest(self) -> Any:
        return [8, 8, 8, 8]


class Copied(Net):
    def part(self, arch: Architecture, name: str, shape: Any) -> Any:
        return super().part(arch, name, shape).detach().clone()


class Named(Net):
    def forward(self, *inputs: Any) -> Any:
        return {"logits": super().forward(*inputs)}


class Infinite(Net):
    def forward(self, *inputs: Any) -> Any:
        return super().forward(*inputs) / 0.0


class First(Net):
    def forward(self, *inputs: Any) -> Any:
        return super().forward(*inputs)[:, 0]


class Ignoring(Net):
    def forward(self, *inputs: Any) -> Any:
        self.set(self.largest())
        return super().forward(*inputs)


class Other(Net):
    def extract(self, arch: Architecture, head: str | None = None) -> Any:
        net = super().extract(arch, head)
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(0.1)
        return net


class Images(Net):
    def forward(self, pixels: Any) -> Any:
        return super().forward(pixels, torch.ones_like(pixels), torch.zeros_like(pixels))


@pytest.fixture(autouse=True)
def _plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(plugin_supernets, "_seen", set())
    space = registered("hwcost.spaces", {"own-nets": f"{__name__}:Space"})
    with space, registered("hwcost.builders", {"own-nets": f"{__name__}:Build"}):
        yield


def made(kind: type) -> Any:
    with registered("hwcost.supernets", {"own-nets": f"{__name__}:{kind.__name__}"}):
        return supernet("own-nets:scale=mini")


def test_a_supernet_that_keeps_its_contract_is_left_as_it_was_made() -> None:
    net, again = made(Net), SuperShaperSupernet(Space(scale="mini"))
    assert net.arch == net.largest()
    assert all(torch.equal(one, other) for one, other in zip(net.parameters(), again.parameters(), strict=True))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Raises, "failed in forward with the architecture 8_8_8_8: RuntimeError: 8 does not divide 60"),
        (Uninitialised, r"call super\(\).__init__\(space, seed\) in its __init__"),
        (Listed, r"gave \[8, 8, 8, 8\] from smallest; expected an architecture of its space"),
        (Copied, "from forward that no gradient passes"),
        (Named, "gave dict from forward; expected a tensor"),
        (Infinite, "gave numbers from forward that are not finite"),
        (First, r"in another shape than the net that it extracts: \(2, 2048\) and \(2, 12, 2048\)"),
        (Ignoring, "8_8_8_8 otherwise than the net that it extracts: .* what is trained is not what is measured"),
        (Other, "8_8_8_8 otherwise than the net that it extracts"),
    ],
)
def test_a_slip_is_named_before_anything_is_trained(kind: type, says: str) -> None:
    with pytest.raises(ContractError, match="the supernet 'own-nets' .*" + says):
        made(kind)


def test_nets_that_take_no_text_are_no_language_models() -> None:
    with pytest.raises(UsageError, match=r"not masked language models: forward of their supernet takes \(pixels: 'Any'\)"):
        SupernetLm(Images(Space(scale="mini")), lambda number: {}, lambda step: {})
