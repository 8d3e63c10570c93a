"""The shipped profiles: complete sources, and figures that agree with one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwcost._resources import share
from hwcost.devices import load, names
from hwcost.testing.device_profiles import DeviceProfileSuite

NAMED = {
    "a100", "a100-40gb", "b200", "cpu", "cuda", "epyc", "gtx1080ti", "h100", "h200", "k80", "l4", "raspberry-pi-4", "t4",
    "titan-xp", "tpu-v2", "tpu-v4i", "tpu-v5e", "tpu-v6e", "v100", "xeon",
}  # fmt: skip


class TestShipped(DeviceProfileSuite):
    @classmethod
    def folders(cls) -> list[Path]:
        return [share("devices")]


def test_every_named_device_has_a_profile() -> None:
    assert set(names()) == NAMED


@pytest.mark.parametrize(
    ("name", "lanes"),
    [
        ("k80", 192), ("gtx1080ti", 128), ("titan-xp", 128), ("t4", 64), ("l4", 128), ("a100", 64), ("a100-40gb", 64),
        ("v100", 64),
    ],
)
def test_float32_peak_follows_from_multiprocessors_and_clock(name: str, lanes: int) -> None:
    profile = load(name)
    assert profile.sm_count
    assert profile.clock_hz
    assert profile.peak("float32") == pytest.approx(2 * lanes * profile.sm_count * profile.clock_hz, rel=0.01)


@pytest.mark.parametrize(
    ("name", "batch_size", "dtype"),
    [
        ("k80", 128, "float32"),
        ("gtx1080ti", 128, "float32"),
        ("xeon", 1, "float32"),
        ("tpu-v2", 16, "bfloat16"),
        ("tpu-v4i", 1, "bfloat16"),
    ],
)
def test_protocols_are_the_papers(name: str, batch_size: int, dtype: str) -> None:
    protocol = load(name).protocol
    assert (protocol.batch_size, protocol.dtype, protocol.threads) == (batch_size, dtype, 1)


def test_peak_of_unknown_dtype_is_none_and_of_threads_a_share() -> None:
    xeon = load("xeon")
    assert xeon.peak("bfloat16") is None
    assert xeon.peak("float32", threads=1) == pytest.approx(160e9)
    assert xeon.peak("float32", threads=1000) == xeon.peak("float32")
    assert load("k80").peak("float32", threads=1) == load("k80").peak("float32")
    assert load("cpu").peak("float32", threads=1) is None


@pytest.mark.parametrize("name", ["tpu-v2", "tpu-v4i", "tpu-v5e", "tpu-v6e"])
def test_peaks_of_a_tpu_are_those_of_the_one_core_that_a_process_uses(name: str) -> None:
    profile = load(name)
    assert profile.cores == 1
    if profile.clock_hz:  # 128 x 128 multipliers, four of them in v4i
        matrices = profile.peak("bfloat16") / (2 * 128**2 * profile.clock_hz)
        assert matrices == pytest.approx({"tpu-v2": 1, "tpu-v4i": 4}[name], rel=0.02)


def test_profiles_are_hashable_and_equal_by_value() -> None:
    assert load("k80") == load("k80")
    assert len({load("k80"), load("k80"), load("xeon")}) == 2
