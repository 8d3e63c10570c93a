from __future__ import annotations

from pathlib import Path

import pytest

from hwcost.agent import cgroups, counters, processors
from hwcost.agent.processors import Core, cpu_list
from hwcost.facts import Process, read_process
from hwcost.timing import conditions
from tests.timing.trees import tree


def test_steal_is_a_share_of_all_cpu_time(tmp_path: Path) -> None:
    root = tree(tmp_path, {"proc/stat": "cpu  100 0 100 800 0 0 0 0 0 0\n"})
    before = conditions.read(root)
    tree(tmp_path, {"proc/stat": "cpu  150 0 100 840 0 0 0 10 0 0\n"})
    seen = conditions.between(before, conditions.read(root))
    assert seen["cpu_steal_fraction"] == 0.1


def stat(*lines: str) -> dict[str, str]:
    return {"proc/stat": "cpu  9 9 9 9 9 9 9 9 9 9\n" + "".join(f"cpu{line}\n" for line in lines) + "intr 5\n"}


def test_steal_is_that_of_the_own_cpus_and_their_siblings_are_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processors, "allowed", lambda: [1])
    siblings = {f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list": "1,3\n" for cpu in (1, 3)}
    idle = "0 0 0 1000 0 0 0 0 0 0"
    root = tree(tmp_path, siblings | stat(f"0 {idle}", f"1 {idle}", f"3 {idle}"))
    before = conditions.read(root)
    tree(root, stat("0 500 0 0 1000 0 0 0 500 0 0", "1 60 0 0 1020 0 0 0 20 0 0", "3 10 0 10 1070 10 0 0 0 0 0"))
    seen = conditions.between(before, conditions.read(root))
    assert seen["cpu_steal_fraction"] == pytest.approx(0.2)
    assert seen["sibling_busy_fraction"] == pytest.approx(0.2)
    assert processors.cores([0, 1, 2, 3], root) == [Core((0,), (0,)), Core((1, 3), (1, 3)), Core((2,), (2,))]
    assert processors.busy_shares({}, processors.times(root)) == {}


@pytest.mark.parametrize(
    ("flags", "siblings", "cores"),
    [
        ("fpu hypervisor", "", [Core((0, 1), (0, 1)), Core((2,), (2,))]),  # hidden: CPUs 2k and 2k + 1 may share a core
        ("fpu ht", "", [Core((0,), (0,)), Core((1,), (1,)), Core((2,), (2,))]),
        ("fpu hypervisor", "0,2", [Core((0, 2), (0, 2)), Core((1,), (0, 1))]),
    ],
)
def test_a_virtual_machine_may_hide_which_threads_share_a_core(tmp_path, flags, siblings, cores) -> None:
    shown = {cpu: siblings if siblings and str(cpu) in siblings else str(cpu) for cpu in range(3)}
    files = {f"sys/devices/system/cpu/cpu{cpu}/topology/core_cpus_list": text for cpu, text in shown.items()}
    root = tree(tmp_path, {**files, "proc/cpuinfo": f"processor : 0\nflags\t\t: {flags}\n"})
    assert processors.cores([0, 1, 2], root) == cores


INTEL = {"sys/devices/cpu_core/cpus": "0-3\n", "sys/devices/cpu_atom/cpus": "4-5\n"}
ARM = {f"sys/devices/system/cpu/cpu{cpu}/cpu_capacity": f"{430 if cpu < 4 else 1024}\n" for cpu in range(6)}
ALIKE = {f"sys/devices/system/cpu/cpu{cpu}/cpu_capacity": "1024\n" for cpu in range(6)}


@pytest.mark.parametrize(
    ("files", "kinds", "three"),
    [
        (INTEL, [0, 0, 0, 0, 1, 1], [3, 2, 1, 0]), (ARM, [1, 1, 1, 1, 0, 0], [5, 4, 3, 2, 1, 0]),
        (ALIKE, [0] * 6, [5, 4, 3, 2, 1, 0]), ({}, [0] * 6, [5, 4, 3, 2, 1, 0]),
    ],
    ids=["Intel", "ARM", "alike", "nothing is said"],
)  # fmt: skip
def test_kinds_of_core_are_told_apart(
    tmp_path: Path, files: dict[str, str], kinds: list[int], three: list[int]
) -> None:
    root = tree(tmp_path, files)
    found = processors.cores(range(6), root)
    assert [core.quicker_kinds for core in found] == kinds
    assert {core.usable[0] for core in processors.quickest(found, 3)} == set(three)
    assert {core.usable[0] for core in processors.quickest(found, 1)} == {cpu for cpu in range(6) if not kinds[cpu]}
    assert processors.quickest([], 1) == []


def test_waits_for_a_cpu_are_those_of_all_threads(tmp_path: Path) -> None:
    root = tree(tmp_path, {f"proc/self/task/{thread}/schedstat": f"{thread}000000000 250000000 7\n" for thread in (1, 2)})
    assert counters.HostCounters(str(root))._wait_s() == pytest.approx(0.5)
    before = conditions.read(root)
    tree(root, {"proc/self/task/2/schedstat": "9 1250000000 9\n"})
    assert conditions.between(before, conditions.read(root))["run_queue_wait_s"] == pytest.approx(1.0)
    assert counters.HostCounters(str(tmp_path / "elsewhere"))._wait_s() is None


def test_a_kernel_that_counts_no_waits_says_nothing_about_them(tmp_path: Path) -> None:
    root = tree(tmp_path, {f"proc/self/task/{thread}/schedstat": "0 0 0\n" for thread in (1, 2)})
    host = counters.HostCounters(str(root))
    assert host._wait_s() is None
    assert conditions.between(conditions.read(root), conditions.read(root))["run_queue_wait_s"] is None
    tree(root, {"proc/self/task/1/schedstat": "52000 0 1\n"})  # one that ran once, and never waited
    assert host._wait_s() == 0.0


@pytest.mark.parametrize(
    ("flags", "computes", "shares"),
    [("fpu hypervisor lm", True, True), ("fpu hypervisor lm", False, False), ("fpu lm", True, False)],
)
def test_a_virtual_machine_shares_its_processor_and_no_other_device(
    tmp_path: Path, flags: str, computes: bool, shares: bool
) -> None:
    root = tree(tmp_path, {"proc/cpuinfo": f"processor\t: 0\nflags\t\t: {flags}\n"})
    host = counters.HostCounters(str(root), computes=computes)
    host.begin()
    assert host.end()["shares_host"] is shares
    assert counters.HostCounters(str(tmp_path / "elsewhere")).host() == {"shares_host": False}


@pytest.mark.parametrize(("text", "cpus"), [("0", (0,)), ("0-2,8\n", (0, 1, 2, 8)), ("3,1", (1, 3))])
def test_lists_of_cpus_are_read(text: str, cpus: tuple[int, ...]) -> None:
    assert cpu_list(text) == cpus
    with pytest.raises(ValueError, match="invalid literal"):
        cpu_list("")


V2 = {
    "proc/self/cgroup": "0::/kube/pod/box\n",
    "sys/fs/cgroup/cgroup.procs": "",
    "sys/fs/cgroup/cpu.stat": "usage_usec 5\n",
    "sys/fs/cgroup/kube/cpu.max": "max 100000\n",
    "sys/fs/cgroup/kube/pod/cpu.max": "150000 100000\n",
    "sys/fs/cgroup/kube/pod/cpu.stat": "nr_throttled 1\nthrottled_usec 250000\n",
    "sys/fs/cgroup/kube/pod/box/cpu.max": "400000 100000\n",
    "sys/fs/cgroup/kube/pod/box/cpu.stat": "throttled_usec 500000\n",
    "sys/fs/cgroup/kube/pod/box/cpu.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=3000000\n",
    "proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=9000000\n",
}
V1 = {
    "proc/self/cgroup": "9:name=systemd:/a\n4:cpu,cpuacct:/docker/box\n3:cpuset:/\n0::/\n",
    "sys/fs/cgroup/cpu,cpuacct/cgroup.procs": "",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/cpu,cpuacct/docker/box/cpu.cfs_quota_us": "200000\n",
    "sys/fs/cgroup/cpu,cpuacct/docker/box/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/cpu,cpuacct/docker/box/cpu.stat": "nr_periods 9\nnr_throttled 1\nthrottled_time 750000000\n",
}
INSIDE = {
    "proc/self/cgroup": "4:cpu,cpuacct:/docker/box\n0::/docker/box\n",
    "sys/fs/cgroup/cpu/cgroup.procs": "",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/cpu/cpu.stat": "throttled_time 750000000\n",
    "sys/fs/cgroup/unified/cgroup.procs": "",
}
OUTSIDE = {"proc/self/cgroup": "0::/../../x\n", "sys/fs/cgroup/cgroup.procs": "", "sys/fs/cgroup/cpu.max": "300000 100000"}


@pytest.mark.parametrize(
    ("files", "quota", "throttled_s"),
    [
        (V2, 1.5, 0.75), (V1, 2.0, 0.75), (INSIDE, 0.5, 0.75), (OUTSIDE, 3.0, None),
        ({"proc/self/cgroup": "0::/\n"}, None, None),
    ],
    ids=["nested v2", "v1", "v1 within a container", "v2 outside of the mount", "nothing mounted"],
)  # fmt: skip
def test_limits_of_control_groups_are_found(
    tmp_path: Path, files: dict[str, str], quota: float | None, throttled_s: float | None
) -> None:
    root = tree(tmp_path, files)
    assert cgroups.quota_cpus(root) == quota
    assert cgroups.throttled_s(root) == throttled_s
    assert conditions.read(root)["cgroup_throttled_s"] == throttled_s


MIB = 1024**2
LARGEST = "9223372036854771712\n"
MEMORY_V2 = {
    "proc/self/cgroup": "0::/kube/box\n",
    "sys/fs/cgroup/cgroup.procs": "",
    "sys/fs/cgroup/kube/memory.max": "max\n",
    "sys/fs/cgroup/kube/memory.high": f"{900 * MIB}\n",
    "sys/fs/cgroup/kube/memory.current": f"{500 * MIB}\n",
    "sys/fs/cgroup/kube/memory.stat": f"anon 1\ninactive_file {100 * MIB}\n",
    "sys/fs/cgroup/kube/box/memory.max": f"{700 * MIB}\n",
    "sys/fs/cgroup/kube/box/memory.high": "max\n",
    "sys/fs/cgroup/kube/box/memory.current": f"{400 * MIB}\n",
    "sys/fs/cgroup/kube/box/memory.stat": "anon 1\ninactive_file 0\n",
}
MEMORY_V1 = {
    "proc/self/cgroup": "5:memory:/docker/box\n4:cpu,cpuacct:/docker/box\n0::/\n",
    "sys/fs/cgroup/memory/cgroup.procs": "",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": LARGEST,
    "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{3000 * MIB}\n",
    "sys/fs/cgroup/memory/memory.stat": "cache 1\ntotal_inactive_file 0\n",
    "sys/fs/cgroup/memory/docker/box/memory.limit_in_bytes": f"{2048 * MIB}\n",
    "sys/fs/cgroup/memory/docker/box/memory.usage_in_bytes": f"{1024 * MIB}\n",
    "sys/fs/cgroup/memory/docker/box/memory.stat": f"inactive_file 7\ntotal_inactive_file {24 * MIB}\n",
}
MEMORY_INSIDE = {
    "proc/self/cgroup": "5:memory:/docker/box\n",
    **{name.replace("/docker/box", ""): text for name, text in MEMORY_V1.items() if "docker" in name},
    "sys/fs/cgroup/memory/cgroup.procs": "",
}


@pytest.mark.parametrize(
    ("files", "left"),
    [
        (MEMORY_V2, [300 * MIB, 500 * MIB]), (MEMORY_V1, [1048 * MIB]), (MEMORY_INSIDE, [1048 * MIB]), (V1, []), ({}, []),
    ],
    ids=["v2", "v1", "v1 within a container", "no limit of memory", "no control groups"],
)  # fmt: skip
def test_the_memory_that_control_groups_leave_is_found(tmp_path: Path, files: dict[str, str], left: list[int]) -> None:
    root = tree(tmp_path, files)
    assert cgroups.memory_left(root) == left


def test_pressure_is_that_of_the_nearest_group(tmp_path: Path) -> None:
    root = tree(tmp_path, V2)
    assert conditions.read(root)["cpu_pressure_s"] == pytest.approx(3.0)
    (root / "sys/fs/cgroup/kube/pod/box/cpu.pressure").unlink()
    assert conditions.read(root)["cpu_pressure_s"] == pytest.approx(9.0)


def test_what_a_machine_does_not_offer_is_none(tmp_path: Path) -> None:
    seen = conditions.between(conditions.read(tmp_path), conditions.read(tmp_path))
    assert seen["cpu_steal_fraction"] is None
    assert seen["cgroup_throttled_s"] is None
    assert seen["thermal_throttle_events"] is None
    assert set(conditions.state(tmp_path).values()) == {None}
    assert "cpu_sockets" not in read_process(Process(tmp_path))["host"]
    assert "governor" not in read_process(Process(tmp_path))["settings"]


def test_settings_are_read(tmp_path: Path) -> None:
    files = {
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
        "sys/devices/system/cpu/smt/active": "1\n",
        "proc/sys/kernel/randomize_va_space": "2\n",
    }
    root = tree(tmp_path, files)
    seen = read_process(Process(root))["settings"]
    assert (seen["governor"], seen["smt"], seen["aslr"]) == ("powersave", True, True)


def test_only_variables_that_change_latency_are_kept(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("SECRET_TOKEN", "x")
    software = read_process(Process(versions={"torch": "2"}))["software"]
    assert (software["framework"], software["env"]["OMP_NUM_THREADS"]) == ({"torch": "2"}, "3")
    assert "SECRET_TOKEN" not in software["env"]


def test_the_driver_of_a_device_is_software_which_is_compared() -> None:
    found = read_process(Process(device={"kind": "cuda", "index": 1, "driver_version": "550.54.15"}))
    assert found["software"]["driver_version"] == "550.54.15"
    assert found["device"] == {"kind": "cuda", "index": 1}


def test_a_counter_that_ran_backwards_is_unknown() -> None:
    assert conditions.between({"major_faults": 5.0}, {"major_faults": 3.0})["major_faults"] is None
    seen = conditions.between({"cpu_steal_fraction": (1.0, 9.0)}, {"cpu_steal_fraction": (3.0, 10.0)})
    assert set(seen.values()) == {None}
