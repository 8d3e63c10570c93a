"""How much of a GPU's memory is free, by CUDA's driver; a library that is not here answers as it is set to."""

from __future__ import annotations

import ctypes

import pytest

from hwcost.backends import cuda_driver
from hwcost.backends.cuda_driver import free_driver_bytes
from tests.backends.fake_driver import GIB, FakeDriver


def test_the_driver_tells_what_is_free_and_its_context_is_given_back() -> None:
    driver = FakeDriver(free_bytes=3 * GIB)
    assert free_driver_bytes(driver) == 3 * GIB
    assert (driver.retained, driver.pushed) == (0, 0)


def test_a_process_that_does_not_use_the_gpu_yet_gets_no_context_by_asking() -> None:
    driver = FakeDriver(is_active=False)
    driver.cuDevicePrimaryCtxRetain = None  # type: ignore[assignment]
    assert free_driver_bytes(driver) is None


@pytest.mark.parametrize(
    "failing",
    [
        "cuInit", "cuDeviceGet", "cuDevicePrimaryCtxGetState", "cuDevicePrimaryCtxRetain", "cuCtxPushCurrent_v2",
        "cuMemGetInfo_v2",
    ],
)  # fmt: skip
def test_what_the_driver_refuses_is_unknown(failing: str) -> None:
    driver = FakeDriver(failing=failing)
    assert free_driver_bytes(driver) is None
    assert (driver.retained, driver.pushed) == (0, 0)


def test_without_a_driver_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def absent(name: str) -> None:
        asked.append(name)
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", absent)
    assert free_driver_bytes() is None
    assert tuple(asked) == cuda_driver.NAMES
