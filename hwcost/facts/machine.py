"""Facts of the machine and its software, found once a process: one row a fact, with the function that finds it.

Serial numbers, host names and other environment variables than those listed are never read.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hwcost.agent import machine
from hwcost.agent.files import text
from hwcost.facts.agreement import EQUAL, EXACT, FREE, NEARLY, SERIES, SHARED, Agreement
from hwcost.facts.fact import Fact, Process, Reader, of_machine
from hwcost.facts.values import BYTES, COUNT, COUNTS, HERTZ, TEXT, TEXT_BY_NAME, WATTS, WHOLE, YES_NO, Value

CPU = "sys/devices/system/cpu"


def _hwcost_version(process: Process) -> str:
    from hwcost import __version__

    return __version__


def _affinity(process: Process) -> list[int]:
    return sorted(os.sched_getaffinity(0))  # unknown on systems without affinity


def _of_device(name: str) -> Reader:
    return lambda process: process.device.get(name)


def _device(name: str, value: Value, meaning: str, agree: Agreement = FREE) -> Fact:
    return Fact(name, "device", value, meaning, agree, _of_device(name))


def _of_cpu(name: str) -> Reader:
    return lambda process: getattr(process.cpu, name)


def _of_file(path: str, parse: Callable[[str], Any] = str) -> Reader:
    def read(process: Process) -> Any:
        return parse(text(Path(process.root, path)))

    return read


TOOL = (
    Fact("hwcost_version", "tool", TEXT, "Version of this library.", FREE, _hwcost_version),
    Fact("seed", "tool", WHOLE, "Seed of the order of visits, from the plan."),
)

DEVICE = (
    _device("device_key", TEXT, "Hash of what survives a reboot; compared where the product is unknown.", EQUAL),
    Fact("device_name", "device", TEXT, "Name of the device profile, from the plan."),
    _device("kind", TEXT, "Kind of the device, such as cpu or cuda.", EQUAL),
    _device("vendor", TEXT, "Vendor.", EQUAL),
    _device("product", TEXT, "Name that the device gives itself.", EQUAL),
    _device("partition", TEXT, "Slice of the device, where it is only a part of one.", EQUAL),
    _device("index", COUNT, "Number among the devices of its kind."),
    _device("uuid", TEXT, "Identifier that the driver gives the device."),
    _device("memory_bytes", BYTES, "Memory of the device; of a CPU, that of its host.", NEARLY),
    _device("cores", COUNT, "Physical cores, or streaming multiprocessors.", EQUAL),
    _device("threads", COUNT, "Logical processors."),
    _device("compute_capability", TEXT, "Compute capability of a CUDA device."),
    _device("l1d_bytes", BYTES, "Level 1 data cache of one core."),
    _device("l2_bytes", BYTES, "Level 2 cache as one core sees it."),
    _device("l3_bytes", BYTES, "Level 3 cache as one core sees it."),
    _device("clock_hz", HERTZ, "Base clock of a CPU, highest clock of a GPU."),
    _device("power_limit_w", WATTS, "Power limit that is set.", NEARLY),
)

HOST = (
    Fact("arch", "host", TEXT, "Instruction set of the processor.", EQUAL, lambda process: platform.machine()),
    Fact("os", "host", TEXT, "Operating system.", EQUAL, lambda process: platform.system()),
    Fact("kernel", "host", TEXT, "Release of the kernel.", SERIES, lambda process: platform.release()),
    Fact("cpu_model", "host", TEXT, "Brand of the processor.", EQUAL, _of_cpu("product")),
    Fact("cpu_sockets", "host", COUNT, "Processor packages.", EQUAL, of_machine(machine.sockets)),
    Fact("cpu_core_count", "host", COUNT, "Physical cores.", EQUAL, _of_cpu("cores")),
    Fact("cpu_thread_count", "host", COUNT, "Logical processors.", EQUAL, _of_cpu("threads")),
    Fact("cpu_l1d_cache_bytes", "host", BYTES, "Level 1 data cache of one core.", EQUAL, _of_cpu("l1d_bytes")),
    Fact("cpu_l2_cache_bytes", "host", BYTES, "Level 2 cache as one core sees it.", EQUAL, _of_cpu("l2_bytes")),
    Fact("cpu_l3_cache_bytes", "host", BYTES, "Level 3 cache as one core sees it.", EQUAL, _of_cpu("l3_bytes")),
    Fact("memory_bytes", "host", BYTES, "Memory that the operating system sees.", NEARLY, _of_cpu("memory_bytes")),
    Fact("numa_nodes", "host", COUNT, "Nodes of memory.", EQUAL, of_machine(machine.numa_nodes)),
    Fact("virtualization", "host", TEXT, "Kind of virtual machine; unknown on bare metal.", EQUAL,
         of_machine(machine.virtualization)),
    Fact("boot_id", "host", TEXT, "Identifier of this boot.", FREE, _of_file("proc/sys/kernel/random/boot_id")),
)

SOFTWARE = (
    Fact("driver_version", "software", TEXT, "Version of the device's driver.", EQUAL, _of_device("driver_version")),
    Fact("framework", "software", TEXT_BY_NAME, "Versions that the backend reports.", SHARED,
         lambda process: dict(process.versions) or None),
    Fact("python_version", "software", TEXT, "Version of the interpreter.", SERIES,
         lambda process: platform.python_version()),
    Fact("env", "software", TEXT_BY_NAME, f"Environment variables that change latency: {', '.join(machine.VARIABLES)}.",
         EXACT,
         lambda process: {name: os.environ[name] for name in machine.VARIABLES if name in os.environ}),
)

SETTINGS = (
    Fact("governor", "settings", TEXT, "Governor of the processor's clock.", EQUAL,
         _of_file(f"{CPU}/cpu0/cpufreq/scaling_governor")),
    Fact("turbo", "settings", YES_NO, "Whether the clock may rise above the base clock.", EQUAL,
         of_machine(machine.turbo)),
    Fact("smt", "settings", YES_NO, "Whether cores run several threads at once.", EQUAL,
         _of_file(f"{CPU}/smt/active", lambda value: value == "1")),
    Fact("aslr", "settings", YES_NO, "Whether addresses are randomised.", FREE,
         _of_file("proc/sys/kernel/randomize_va_space", lambda value: value != "0")),
    Fact("cpu_affinity", "settings", COUNTS, "CPUs that the process was bound to.", FREE, _affinity),
    Fact("clocks_locked", "settings", YES_NO, "Whether the device's clock is fixed, from its telemetry or the campaign.",
         EQUAL),
    Fact("locked_clock_hz", "settings", HERTZ, "Clock that the campaign locked the device to.", NEARLY),
    Fact("ecc", "settings", YES_NO, "Whether the device corrects errors of its memory.", EQUAL),
    Fact("persistence_mode", "settings", YES_NO, "Whether the driver keeps the device ready between processes."),
    Fact("pcie_link", "settings", TEXT, "Generation and width of the device's link to the host; an idle link is slower."),
    Fact("exclusive", "settings", YES_NO, "Whether the campaign held its CPUs alone, from the campaign."),
    Fact("queue_job", "settings", TEXT, "Job of a queue that the process ran in, from the runner of a job folder.", FREE),
)
