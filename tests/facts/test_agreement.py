"""What two environments must agree on: the machine, not its last boot."""

from __future__ import annotations

from typing import Any

import pytest

from hwcost.devices.detected import DetectedDevice
from hwcost.facts import FACTS, Process, differing
from hwcost.stores.environment import Environment

MEMORY = 16_106_127_360 - 4096  # just below a boundary of the device key's rounding


def facts(host: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    known = {
        "cpu_model": "A", "kernel": "6.8.0-45-generic", "memory_bytes": MEMORY, "boot_id": "one", "cpu_core_count": 4,
        **(host or {}),
    }  # fmt: skip
    found = DetectedDevice("cpu", "amd", "A", memory_bytes=known["memory_bytes"], cores=4, **more.pop("device", {}))
    software = {"python_version": "3.11.8", "framework": {"torch": "2.6.0"}, "env": {"OMP_NUM_THREADS": "1"}, **more}
    settings = {"governor": "performance", "cpu_affinity": [1]}
    return Environment(host=known, software=software, device=found.to_dict(), settings=settings).deciding


@pytest.mark.parametrize(
    ("host", "more"),
    [
        ({"memory_bytes": MEMORY - 4096}, {}),
        ({"memory_bytes": int(MEMORY * 0.97)}, {}),
        ({"boot_id": "two"}, {}),
        ({"kernel": "6.8.0-47-generic"}, {}),
        ({}, {"python_version": "3.11.9"}),
        ({"cpu_core_count": None}, {}),
        ({}, {"device": {"clock_hz": 3e9}}),
    ],
)
def test_a_reboot_or_a_patch_is_no_other_machine(host: dict[str, Any], more: dict[str, Any]) -> None:
    assert differing(facts(), facts(host, **more)) == {}
    assert differing(facts(host, **more), facts()) == {}


@pytest.mark.parametrize(
    ("host", "more", "name"),
    [
        ({"memory_bytes": MEMORY // 2}, {}, "memory_bytes"),
        ({"cpu_model": "B"}, {}, "cpu_model"),
        ({"kernel": "6.11.0-45-generic"}, {}, "kernel"),
        ({}, {"python_version": "3.12.8"}, "python_version"),
        ({}, {"framework": {"torch": "2.6.1"}}, "framework.torch"),
        ({}, {"device": {"partition": "half"}}, "device.partition"),
        ({}, {"driver_version": "550.90.07"}, "driver_version"),
        ({}, {"env": {}}, "env.OMP_NUM_THREADS"),
    ],
)
def test_another_machine_or_software_is_named(host: dict[str, Any], more: dict[str, Any], name: str) -> None:
    base = facts(device={"partition": "whole"}, driver_version="550.54.15")
    assert name in differing(base, facts(host, **more))


def test_keys_decide_where_the_facts_behind_them_are_unknown() -> None:
    assert differing({"device_key": "a"}, {"device_key": "b"}) == {"device_key": ("a", "b")}
    assert differing({"device_key": "a"}, {"device_key": None}) == {}


def test_variables_that_change_the_latency_of_gpus_and_tpus_are_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    (env,) = (fact for fact in FACTS if (fact.group, fact.name) == ("software", "env"))
    for name in ("CUDA_LAUNCH_BLOCKING", "CUBLAS_WORKSPACE_CONFIG", "PYTORCH_CUDA_ALLOC_CONF", "XLA_FLAGS"):
        monkeypatch.setenv(name, "1")
        assert env.find(Process())[name] == "1"
