"""Counters of other distributions: a wrong answer names the provider and its method, and is never stored."""

from __future__ import annotations

from typing import Any

import pytest

from hwcost.devices import DeviceHandle, load
from hwcost.devices.telemetry import BlockReading, Telemetry
from hwcost.errors import ContractError, UsageError
from hwcost.timing.telemetry.plugin_providers import provider_of

XEON = DeviceHandle(load("xeon"))


class Mine(Telemetry):
    block: Any = BlockReading(clock_hz=1.2e9)
    conditions: Any = {"throttle_reasons": (), "visit_energy_j": 1.5, "driver": "7"}  # noqa: RUF012
    joules: Any = 3

    def after_block(self) -> Any:
        return self.block

    def end(self) -> Any:
        return self.conditions

    def energy_j(self) -> Any:
        return self.joules


class NoHandle(Telemetry):
    def __init__(self) -> None:
        self.made = True


class NoProvider:
    def __init__(self, handle: DeviceHandle) -> None:
        self.handle = handle


def provider(member: str = "Mine") -> Telemetry:
    return provider_of(f"{__name__}:{member}", XEON)


def test_what_keeps_the_contract_is_handed_on() -> None:
    found = provider()
    found.begin()
    found.before_block()
    assert found.after_block() == Mine.block
    assert found.end() == Mine.conditions
    assert (found.energy_j(), found.power_w(), found.memory_bytes()) == (3, None, None)
    assert (found.settings(), found.unavailable()) == ({}, {})


@pytest.mark.parametrize(
    ("attribute", "value", "method", "said"),
    [
        ("block", None, "after_block", r"gave None from after_block; expected hwcost.devices.telemetry.BlockReading"),
        ("block", 1.2e9, "after_block", r"gave 1200000000.0 from after_block"),
        ("block", BlockReading(clock_hz="1200 MHz"), "after_block", r"gave '1200 MHz' from .*a number \(clock_hz\)"),  # type: ignore[arg-type]
        ("conditions", None, "end", r"gave None from end; expected a dict, which may be empty"),
        ("conditions", {"visit_energy_j": "1.5 J"}, "end", r"gave '1.5 J' from end; expected a number \(visit_energy_j\)"),
        ("conditions", {"visit_energy_j": float("nan")}, "end", r"gave nan from end"),
        ("conditions", {"throttle_reasons": "hot"}, "end", r"expected a list as throttle_reasons"),
        ("joules", "3", "energy_j", r"gave '3' from energy_j; expected a number \(joules\), or None where it is unknown"),
    ],
)
def test_a_slip_names_provider_and_method(
    attribute: str, value: Any, method: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mine, attribute, value)
    with pytest.raises(ContractError, match=said) as told:
        getattr(provider(), method)()
    assert f"the telemetry '{__name__}:Mine'" in str(told.value)


def test_what_is_no_provider_is_told() -> None:
    with pytest.raises(ContractError, match="is not a subclass of hwcost.devices.telemetry.Telemetry"):
        provider("NoProvider")
    with pytest.raises(UsageError, match="NoHandle"):
        provider("NoHandle")
