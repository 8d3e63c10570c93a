"""One of several devices: named by its index, pinned by its UUID, and kept with its profile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwcost.devices import DetectedDevice, DeviceHandle, device_kind, find, load, require, resolve
from hwcost.devices.kinds import device_kinds
from hwcost.devices.kinds.cuda import visible
from hwcost.errors import DeviceError, UnknownNameError, UsageError
from hwcost.testing.plugins import registered

T4, H100 = "Tesla T4", "NVIDIA H100 80GB HBM3"
pytestmark = pytest.mark.usefixtures("laws_here")

CARDS = [DetectedDevice("cuda", "nvidia", name, index, f"GPU-{index}abc") for index, name in enumerate((T4, H100, H100))]

MINE = """name = "mine"
title = "My CPU"
kind = "cpu"
memory_bytes = 8_000_000_000

[match]
cpu = ["*"]

[protocol]
batch_size = 2
seq_len = 64
dtype = "float32"
threads = 1

[sources]
memory_bytes = "box"
protocol = "me"
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    return path


def test_a_name_is_the_first_of_its_model_and_an_index_the_one_that_the_kind_counts() -> None:
    assert (require("t4", CARDS).index, require("h100", CARDS).index) == (0, 1)
    second = require("h100:2", CARDS)
    assert (second.name, second.kind, second.index, second.uuid) == ("h100", "cuda", 2, "GPU-2abc")
    assert str(second) == "h100:2 (GPU-2abc)"
    assert require(second, CARDS) == second
    assert find(second, CARDS) == CARDS[2]
    assert resolve("h100:2", CARDS) == load("h100")


def test_another_model_at_that_index_or_a_card_that_is_gone_is_refused() -> None:
    with pytest.raises(DeviceError, match="no 'h100' with the index 0 is here, of kind cuda. Known: --device h100:1"):
        require("h100:0", CARDS)
    with pytest.raises(DeviceError, match=r"device h100:2 \(GPU-2abc\) is not here any more. Here: Tesla T4"):
        require(require("h100:2", CARDS), CARDS[:2])


def test_a_process_is_pinned_by_uuid_in_the_order_of_the_bus() -> None:
    kind = device_kind("cuda")
    assert kind.environment(require("h100:2", CARDS)) == {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "GPU-2abc",
    }  # fmt: skip
    assert kind.environment(DeviceHandle(load("k80"), 1))["CUDA_VISIBLE_DEVICES"] == "1"
    assert device_kind("cpu").environment(require("cpu")) == {}


@pytest.mark.parametrize(
    ("variable", "seen"),
    [(None, [0, 1, 2]), ("2,0", [0, 2]), ("GPU-1", [1]), ("1,7,0", [1]), ("", []), ("-1", []), ("1,1", [1]), ("GPU-", [])],
)
def test_only_what_cuda_shows_is_here_under_its_index_on_the_bus(variable: str | None, seen: list[int]) -> None:
    assert [one.index for one in visible(CARDS, variable)] == seen


@pytest.mark.parametrize("name", ["h100", "cpu", "raspberry-pi-4", "tpu-v2", "k80"])
def test_a_handle_survives_json_with_its_profile(name: str) -> None:
    handle = DeviceHandle(resolve(name), 3, "GPU-x")
    assert DeviceHandle.from_dict(json.loads(json.dumps(handle.to_dict()))) == handle


def test_a_path_a_profile_and_a_name_with_an_index_are_devices_too(mine: Path) -> None:
    handle = require(f"{mine}:0")
    assert handle == require(str(mine)) == require(load(str(mine))) == require(handle)
    assert handle.profile.cores, "filled in with what is here"
    assert handle.profile.memory_bytes == 8_000_000_000
    with pytest.raises(UnknownNameError, match="unknown kind of device 'abacus'. Known: cpu, cuda"):
        device_kind("abacus")


def test_a_profile_of_ones_own_measures_and_is_not_needed_again(mine: Path, tmp_path: Path) -> None:
    from hwcost.cli.main import invoke
    from hwcost.stores import open_store

    command = ["measure", "--backend", "null", "--space", "supershaper:scale=mini", "-n", "2", "--rounds", "1", "-q"]
    store = ["--store", str(tmp_path / "s.db")]
    assert invoke([*command, *store, "--device", str(mine), "--budget", "1us"]) != 2
    mine.unlink()
    assert invoke(["measure", "--resume", "--device", str(mine), "-q", *store]) == 0
    with open_store(tmp_path / "s.db") as opened:
        records = list(opened.records())
        assert opened.campaigns()[0].plan["handle"]["profile"]["title"]
    assert len(records) == 2
    assert {record.environment.device["device_name"] for record in records} == {"mine"}
    assert {record.workload.batch_size for record in records} == {2}


def test_a_kind_that_cannot_be_imported_hides_no_other_device(caplog: pytest.LogCaptureFixture) -> None:
    with registered("hwcost.device_kinds", {"broken": "no_such_module:Kind"}):
        assert "cpu" in [kind.name for kind in device_kinds()]
        assert "kind of device 'broken' (no_such_module:Kind)" in caplog.text


def test_a_device_is_a_name_a_path_a_profile_or_a_handle() -> None:
    with pytest.raises(UsageError, match="a device is a name, .* got 3"):
        require(3)  # type: ignore[arg-type]
