"""Detection on made-up trees of proc, sys and dev, and what follows from it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.devices import (
    DetectedDevice,
    DeviceHandle,
    device_key,
    find,
    load,
    matches,
    present,
    profiles_of,
    require,
    resolve,
)
from hwcost.devices.kinds import cuda
from hwcost.devices.kinds.cuda import from_smi
from hwcost.errors import DeviceError, UnknownNameError

X86 = """processor	: {n}
vendor_id	: {vendor}
model name	: {brand}
cpu MHz		: 2794.748
physical id	: {socket}
core id		: {core}
flags		: fpu avx2

"""
ARM = """processor	: {n}
BogoMIPS	: 108.00
CPU implementer	: 0x41
CPU part	: 0xd08

"""


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def caches(root: Path, *entries: tuple[int, str, str]) -> None:
    for index, (level, kind, size) in enumerate(entries):
        for name, text in (("level", str(level)), ("type", kind), ("size", size)):
            write(root, f"sys/devices/system/cpu/cpu0/cache/index{index}/{name}", text + "\n")


@pytest.fixture
def epyc(tmp_path: Path) -> Path:
    """Two sockets of two cores with two threads each."""
    brand = "AMD EPYC 7763 64-Core Processor"
    places = [(socket, core) for _ in range(2) for socket in range(2) for core in range(2)]
    text = "".join(
        X86.format(n=n, vendor="AuthenticAMD", brand=brand, socket=socket, core=core)
        for n, (socket, core) in enumerate(places)
    )
    write(tmp_path, "proc/cpuinfo", text)
    write(tmp_path, "proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\n")
    write(tmp_path, "sys/devices/system/cpu/cpu0/cpufreq/base_frequency", "2450000\n")
    caches(tmp_path, (1, "Data", "32K"), (1, "Instruction", "64K"), (2, "Unified", "512K"), (3, "Unified", "32M"))
    return tmp_path


def test_x86_tree(epyc: Path) -> None:
    (cpu,) = present(epyc)
    assert (cpu.kind, cpu.vendor, cpu.product) == ("cpu", "amd", "AMD EPYC 7763 64-Core Processor")
    assert (cpu.cores, cpu.threads, cpu.memory_bytes, cpu.clock_hz) == (4, 8, 16384000 * 1024, 2.45e9)
    assert (cpu.l1d_bytes, cpu.l2_bytes, cpu.l3_bytes) == (32 * 1024, 512 * 1024, 32 * 1024**2)
    assert profiles_of(cpu) == ["cpu", "epyc"]


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    brand = "Intel(R) Xeon(R) CPU @ 2.80GHz"
    write(tmp_path, "proc/cpuinfo", X86.format(n=0, vendor="GenuineIntel", brand=brand, socket=0, core=0))
    (cpu,) = present(tmp_path)
    assert (cpu.l1d_bytes, cpu.l3_bytes, cpu.memory_bytes, cpu.power_limit_w) == (None, None, None, None)
    assert cpu.clock_hz == 2.8e9
    assert profiles_of(cpu) == ["cpu", "xeon"]


def test_raspberry_pi(tmp_path: Path) -> None:
    board = "Hardware\t: BCM2835\nRevision\t: c03112\nModel\t\t: Raspberry Pi 4 Model B Rev 1.2\n"
    write(tmp_path, "proc/cpuinfo", "".join(ARM.format(n=n) for n in range(4)) + board)
    (cpu,) = present(tmp_path)
    assert (cpu.vendor, cpu.cores, cpu.threads) == ("arm", 4, 4)
    assert profiles_of(cpu) == ["cpu", "raspberry-pi-4"]


def test_raspberry_pi_by_device_tree(tmp_path: Path) -> None:
    write(tmp_path, "proc/cpuinfo", ARM.format(n=0))
    write(tmp_path, "proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    assert present(tmp_path)[0].product == "Raspberry Pi 4 Model B Rev 1.4 Cortex-A72"


def test_a_machine_without_proc_still_has_a_cpu(tmp_path: Path) -> None:
    (cpu,) = present(tmp_path)
    assert cpu.kind == "cpu"
    assert cpu.product


def test_gpus_of_the_driver_directory(epyc: Path) -> None:
    write(epyc, "proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.82.01  Wed\n")
    for bus, model in (("0000:04:00.0", "Tesla K80"), ("0000:05:00.0", "Tesla K80")):
        write(epyc, f"proc/driver/nvidia/gpus/{bus}/information", f"Model: \t\t {model}\nIRQ: 1\n")
    gpus = [device for device in present(epyc) if device.kind == "cuda"]
    assert [(gpu.product, gpu.index) for gpu in gpus] == [("Tesla K80", 0), ("Tesla K80", 1)]
    assert gpus[0].driver_version == "470.82.01"
    assert find(load("k80"), gpus) == gpus[0]


def test_gpus_of_an_open_driver_that_nobody_has_used_yet(epyc: Path) -> None:
    """Such a driver names the machine before its version, and shows no UUID before a card is used."""
    version = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  560.35.03  Release Build  (dvs-builder@U16)\n"
    write(epyc, "proc/driver/nvidia/version", version)
    unknown = "GPU-????????-????-????-????-????????????"
    for bus, uuid in (("04", unknown), ("05", "GPU-12345678-1234-1234-1234-123456789012")):
        text = f"Model: \t\t NVIDIA H200\nIRQ: 1\nGPU UUID: \t {uuid}\n"
        write(epyc, f"proc/driver/nvidia/gpus/0000:{bus}:00.0/information", text)
    gpus = [device for device in present(epyc) if device.kind == "cuda"]
    assert [gpu.uuid for gpu in gpus] == [None, "GPU-12345678-1234-1234-1234-123456789012"]
    assert {gpu.driver_version for gpu in gpus} == {"560.35.03"}


def test_a_card_without_a_profile_of_its_own_is_measured_with_that_of_any_card() -> None:
    own, other = from_smi(
        "NVIDIA H200, GPU-1, 143771, 700.00, 1980, 9.0, 570.1, Disabled\n"
        "NVIDIA GeForce RTX 4090, GPU-2, 24564, 450.00, 3105, 8.9, 570.1, [N/A]\n"
    )
    assert (profiles_of(own), profiles_of(other)) == (["h200"], ["cuda"])
    handle = require("cuda:1", [own, other])
    assert (handle.uuid, handle.profile.title) == ("GPU-2", "NVIDIA GeForce RTX 4090")
    assert resolve("cuda", [other]).memory_bytes == 24564 * 1024**2
    assert resolve("cuda", [other]).clock_hz == 3.105e9


def test_nvidia_smi_output() -> None:
    text = (
        "Tesla T4, GPU-1, 15360, 70.00, 1590, 7.5, 535.104.05, [N/A]\n"
        "NVIDIA A100-SXM4-80GB, GPU-2, 81920, 400.00, 1410, 8.0, 535.104.05, Enabled\n"
        "NVIDIA H200, [N/A], 143771, [N/A], 1980, 9.0, 570.1, Disabled\n"
        "broken line\n"
    )
    t4, a100, h200 = from_smi(text)
    assert (t4.memory_bytes, t4.power_limit_w, t4.clock_hz, t4.compute_capability) == (15360 * 1024**2, 70.0, 1.59e9, "7.5")
    assert (t4.uuid, a100.uuid, h200.uuid) == ("GPU-1", "GPU-2", None)
    assert (t4.partition, a100.partition, h200.partition) == (None, "MIG", None)
    assert h200.power_limit_w is None
    assert profiles_of(t4) == ["t4"]
    assert profiles_of(h200) == ["h200"]
    assert profiles_of(a100) == [], "a slice is not the device"


@pytest.mark.parametrize(("unknown", "partition"), [(("compute_cap",), "MIG"), (("compute_cap", "mig.mode.current"), None)])
def test_a_driver_that_lacks_a_field_is_asked_for_the_others(
    unknown: tuple[str, ...], partition: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Driver 470, the last one of a K80, refuses a query for compute_cap as a whole."""
    cells = {
        "name": "Tesla K80", "uuid": "GPU-1", "memory.total": "11441", "power.limit": "149.00", "clocks.max.sm": "875",
        "driver_version": "470.82.01", "mig.mode.current": "Enabled", "compute_cap": "3.7",
    }  # fmt: skip

    def answer(command: list[str], **how: object) -> subprocess.CompletedProcess[str]:
        fields = command[1].removeprefix("--query-gpu=").split(",")
        refused = [field for field in fields if field in unknown]
        said = f'Field "{refused[0]}" is not a valid field to query.' if refused else ", ".join(cells[one] for one in fields)
        return subprocess.CompletedProcess(command, 2 if refused else 0, said + "\n", "")

    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", answer)
    (card,) = cuda._from_smi() or ()
    assert (card.product, card.uuid, card.memory_bytes, card.power_limit_w) == ("Tesla K80", "GPU-1", 11441 * 1024**2, 149.0)
    assert (card.compute_capability, card.partition, card.driver_version) == (None, partition, "470.82.01")


def test_tpu_device_files_and_type(epyc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        write(epyc, f"dev/accel{number}", "")
    write(epyc, "sys/class/accel/accel3/device/vendor", "0x8086\n")
    monkeypatch.setenv("TPU_ACCELERATOR_TYPE", "v2-8")
    chips = [device for device in present(epyc) if device.kind == "tpu"]
    assert len(chips) == 3, "an accelerator of another vendor is no TPU"
    assert profiles_of(chips[0]) == ["tpu-v2"]


@pytest.mark.parametrize(
    ("numbers", "said", "profiles"),
    [
        (["0x0063", "0x0063"], None, [["tpu-v5e"], ["tpu-v5e"]]),
        (["0x006f", "0x1234"], None, [["tpu-v6e"]]),
        (["0x0027"], None, [[]]),
        (["0x0027/0x004e", "0x0027/0x004f"], None, [["tpu-v2"], []]),  # a v2 and a v3
        (["0x0027"], "v2-8", [["tpu-v2"]]),
        (["0x0063"], "v5litepod-4", [["tpu-v5e"]]),
        ([], "v6e-1", [["tpu-v6e"]]),
    ],
)
def test_tpus_on_the_bus(epyc: Path, monkeypatch: pytest.MonkeyPatch, numbers, said, profiles) -> None:
    monkeypatch.delenv("TPU_ACCELERATOR_TYPE", raising=False)
    for place, number in enumerate(numbers):
        write(epyc, f"sys/bus/pci/devices/0000:00:0{place}.0/vendor", "0x1ae0\n")
        chip, _, board = number.partition("/")
        write(epyc, f"sys/bus/pci/devices/0000:00:0{place}.0/device", f"{chip}\n")
        write(epyc, f"sys/bus/pci/devices/0000:00:0{place}.0/subsystem_device", f"{board}\n")
    write(epyc, "sys/bus/pci/devices/0000:01:00.0/vendor", "0x8086\n")
    write(epyc, "sys/bus/pci/devices/0000:01:00.0/device", "0x0063\n")
    if said:
        monkeypatch.setenv("TPU_ACCELERATOR_TYPE", said)
    chips = [device for device in present(epyc) if device.kind == "tpu"]
    assert [profiles_of(chip) for chip in chips] == profiles
    assert [chip.index for chip in chips] == list(range(len(profiles)))


@pytest.mark.parametrize(
    ("profile", "product", "expected"),
    [
        ("h200", "NVIDIA H200", True),
        ("h200", "NVIDIA GH200 480GB", False),
        ("h200", "NVIDIA H200 NVL", False),
        ("h100", "NVIDIA H100 80GB HBM3", True),
        ("h100", "NVIDIA H100 PCIe", False),
        ("a100", "NVIDIA A100-SXM4-40GB", False),
        ("a100-40gb", "NVIDIA A100-SXM4-40GB", True),
        ("a100-40gb", "NVIDIA A100-SXM4-80GB", False),
        ("b200", "NVIDIA B200", True),
        ("b200", "NVIDIA GB200", False),
        ("v100", "Tesla V100-SXM2-16GB", True),
        ("v100", "Tesla V100-SXM2-32GB", True),
        ("v100", "Tesla V100-PCIE-16GB", False),
        ("l4", "NVIDIA L4", True),
        ("l4", "NVIDIA L40S", False),
        ("t4", "Quadro T400", False),
        ("gtx1080ti", "NVIDIA GeForce GTX 1080", False),
        ("gtx1080ti", "GeForce GTX 1080 Ti", True),
        ("titan-xp", "NVIDIA TITAN X (Pascal)", False),
    ],
)
def test_names_match_as_whole_words(profile: str, product: str, expected: bool) -> None:
    device = DetectedDevice("cuda", "nvidia", product)
    assert matches(load(profile), device) is expected


def test_another_compute_capability_is_no_match() -> None:
    device = DetectedDevice("cuda", "nvidia", "NVIDIA L4", compute_capability="8.9")
    assert matches(load("l4"), device)
    assert not matches(load("l4"), replace(device, compute_capability="7.5"))


def test_cpu_is_filled_in_with_what_is_here(epyc: Path) -> None:
    profile = resolve("cpu", present(epyc))
    assert (profile.name, profile.title) == ("cpu", "AMD EPYC 7763 64-Core Processor")
    assert (profile.cores, profile.l3_bytes) == (4, 32 * 1024**2)
    assert profile.peak("float32") is None
    assert all(profile.source(fact) for fact in profile.numbers())


def test_other_names_resolve_anywhere_but_are_required_where_they_are(epyc: Path) -> None:
    here = present(epyc)
    assert resolve("k80", here) == load("k80")
    assert require("epyc", here) == DeviceHandle(load("epyc"))
    with pytest.raises(UnknownNameError):
        require("k81", here)


@pytest.mark.parametrize(("name", "framework"), [("gtx1080ti", "torch 2.14"), ("k80", "torch 2.3.1")])
def test_absence_says_what_is_here_and_how_to_measure_it_where_it_is(epyc: Path, name: str, framework: str) -> None:
    with pytest.raises(DeviceError) as caught:
        require(name, present(epyc))
    text = str(caught.value)
    assert caught.value.exit_code == 3
    ways = (
        f"'{name}'", "AMD EPYC 7763", "--device epyc", f"'hwcost measure --device {name} --on ssh://HOST'",
        f"'hwcost plan --device {name} --out plan/' here", "'python plan/run.py' there", "'hwcost import plan/' here",
        framework, "'hwcost fit FILE.csv",
    )  # fmt: skip
    assert [text.find(way) for way in ways] == sorted(text.find(way) for way in ways)
    assert -1 not in [text.find(way) for way in ways]


def test_absence_of_a_device_that_no_job_folder_reaches_promises_none(epyc: Path) -> None:
    with pytest.raises(DeviceError) as caught:
        require("tpu-v2", present(epyc))
    text = str(caught.value)
    assert "--on" not in text
    assert text.index("hwcost export") < text.index("hwcost import")


def test_key_ignores_what_changes_at_boot() -> None:
    device = DetectedDevice("cuda", "nvidia", "Tesla T4", memory_bytes=15360 * 1024**2, power_limit_w=70.0)
    assert device.key == replace(device, driver_version="1", clock_hz=1e9, index=3).key
    assert len(device.key) == 16


@pytest.mark.parametrize(
    "change",
    [
        {"product": "Tesla T5"},
        {"memory_bytes": 2**36},
        {"power_limit_w": 60.0},
        {"partition": "MIG"},
        {"cores": 2},
        {"vendor": "other"},
    ],
)
def test_key_tells_apart_what_lasts(change: dict[str, object]) -> None:
    device = DetectedDevice("cuda", "nvidia", "Tesla T4", memory_bytes=15360 * 1024**2, power_limit_w=70.0, cores=1)
    assert device.key != replace(device, **change).key  # type: ignore[arg-type]


@given(gib=st.sampled_from([1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512]), kept=st.floats(0.001, 0.045))
def test_key_is_the_same_whatever_the_kernel_keeps_of_memory(gib: int, kept: float) -> None:
    installed = gib * 1024**3
    key = device_key(vendor="intel", product="Xeon", memory_bytes=installed, units=2)
    assert key == device_key(vendor="intel", product="Xeon", memory_bytes=int(installed * (1 - kept)), units=2)


def test_looking_imports_no_framework() -> None:
    code = (
        "import sys; import hwcost.devices as d; d.present(); d.names(); d.resolve('cpu'); "
        "print([m for m in ('torch', 'numpy', 'pydantic', 'sqlalchemy') if m in sys.modules])"
    )
    command, root = [sys.executable, "-c", code], Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"
