from __future__ import annotations

from pathlib import Path

from hwcost.measure import conditions, environment


def tree(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_steal_is_a_share_of_all_cpu_time(tmp_path: Path) -> None:
    root = tree(tmp_path, proc__stat="cpu  100 0 100 800 0 0 0 0 0 0\n")
    before = conditions.read(root)
    tree(tmp_path, proc__stat="cpu  150 0 100 840 0 0 0 10 0 0\n")
    seen = conditions.between(before, conditions.read(root))
    assert seen["cpu_steal_fraction"] == 0.1


def test_what_a_machine_does_not_offer_is_none(tmp_path: Path) -> None:
    seen = conditions.between(conditions.read(tmp_path), conditions.read(tmp_path))
    assert seen["cpu_steal_fraction"] is None
    assert seen["cgroup_throttled_s"] is None
    assert seen["thermal_throttle_events"] is None
    assert set(conditions.state(tmp_path).values()) == {None}
    assert environment.host(tmp_path)["cpu_sockets"] is None
    assert environment.settings(tmp_path)["governor"] is None


def test_settings_are_read(tmp_path: Path) -> None:
    root = tree(tmp_path)
    for name, text in {
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
        "sys/devices/system/cpu/smt/active": "1\n",
        "proc/sys/kernel/randomize_va_space": "2\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    seen = environment.settings(root)
    assert (seen["governor"], seen["smt"], seen["aslr"]) == ("powersave", True, True)


def test_only_variables_that_change_latency_are_kept(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("SECRET_TOKEN", "x")
    assert environment.software({"torch": "2"})["env"]["OMP_NUM_THREADS"] == "3"
    assert "SECRET_TOKEN" not in environment.software({})["env"]
