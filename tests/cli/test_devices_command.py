"""``hwcost devices``: tables for people, documents for programs, errors with exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hwcost.cli.devices import app
from hwcost.devices import present
from hwcost.errors import DeviceError, UnknownNameError
from hwcost.timing import probe as probe_module
from hwcost.timing.probe import ProbeReport, ProbeResult, save_probe


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWCOST_HOME", str(tmp_path))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def document(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json", "-")
    assert result.exit_code == 0, result.output
    parsed: dict[str, Any] = json.loads(result.stdout)
    assert parsed["schema_version"] == 1
    return parsed


def report() -> ProbeReport:
    cpu = present()[0]
    result = ProbeResult("matmul", "float32", 1, "torch", "FLOP/s", 1.23e11, 1.2e11, 1.3e11, 10, "2026-01-01T00:00:00Z")
    return ProbeReport(cpu.key, cpu.product, (result,))


def test_list_shows_every_profile_and_what_is_here() -> None:
    devices = {device["name"]: device for device in document("list")["devices"]}
    assert devices["cpu"]["here"] is True
    assert devices["tpu-v4i"]["here"] is False
    assert devices["cpu"]["flops_per_s"] == {}
    text = run("list").stdout
    assert "4.37 TFLOP/s" in text
    assert "240 GB/s" in text


def test_show_prints_numbers_with_their_sources() -> None:
    text = run("show", "k80").stdout
    assert "4.37 TFLOP/s" in text
    assert "BD-07317-001" in text
    assert "not here" in text
    shown = document("show", "k80")
    assert shown["here"] is False
    assert shown["device_key"] is None
    assert shown["probes"] == []


def test_show_puts_probed_figures_beside() -> None:
    assert "123 GFLOP/s" not in run("show", "cpu").stdout
    save_probe(report())
    assert "123 GFLOP/s with 1 thread" in run("show", "cpu").stdout
    assert document("show", "cpu")["probes"][0]["value"] == 1.23e11


def test_detect_gives_keys_and_profiles() -> None:
    (cpu, *_) = document("detect")["devices"]
    assert cpu["kind"] == "cpu"
    assert "cpu" in cpu["profiles"]
    assert cpu["device_key"] == present()[0].key
    assert cpu["product"] in run("detect").stdout


def test_probe_keeps_and_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def fake(device: object, *, progress: Any, **options: Any) -> ProbeReport:
        asked.update(options)
        progress("matmul float32")
        return report()

    monkeypatch.setattr(probe_module, "run_probes", fake)
    result = run("probe", "--dtype", "float32", "--dtype", "bfloat16", "--threads", "2")
    assert result.exit_code == 0
    assert "123 GFLOP/s" in result.stdout
    assert "probing matmul float32" in result.stderr
    assert asked == {"dtypes": ["float32", "bfloat16"], "threads": 2}
    assert "123 GFLOP/s" in run("show", "cpu").stdout


def test_dry_run_probes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_module, "run_probes", None)
    assert run("probe", "--dry-run").exit_code == 0
    found = document("probe", "--dry-run", "--dtype", "bfloat16")
    assert (found["dtypes"], found["dry_run"]) == (["bfloat16"], True)


def test_unknown_and_absent_devices_are_typed_errors() -> None:
    assert isinstance(run("show", "k8").exception, UnknownNameError)
    assert isinstance(run("probe", "--device", "tpu-v4i").exception, DeviceError)


PROFILE = """
name = "mydevice"
title = "A CPU of my own"
kind = "cpu"

[match]
cpu = ["*"]

[protocol]
batch_size = 2
seq_len = 32
dtype = "float32"
threads = 1

[sources]
protocol = "My choice"
"""


@pytest.fixture
def own_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mydevice.toml").write_text(PROFILE)
    return tmp_path / "mydevice.toml"


def test_a_profile_of_ones_own_is_shown_and_probed_by_its_path(own_profile: Path) -> None:
    assert document("show", "./mydevice.toml")["here"] is True
    assert run("probe", "--device", "./mydevice.toml", "--dry-run").exit_code == 0


@pytest.mark.usefixtures("laws_here")
def test_a_profile_of_ones_own_is_measured_by_its_path(own_profile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The campaign is resumed, audited, fitted and compared without the file."""
    import hwcost as hc
    from hwcost.cli.main import invoke

    small = ["--backend", "null", "--space", "supershaper:scale=mini", "-n", "5", "--rounds", "2", "--store", "s.db", "-q"]
    assert invoke(["measure", "--device", "./mydevice.toml", *small, "--json", "-"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["device"] == "mydevice"
    assert "@2x32" in shown["measurements"][0]["name"]
    profile = hc.device("./mydevice.toml")
    archs = hc.space("supershaper", scale="mini").sample(2)
    result = hc.measure(archs, profile, backend="null", rounds=1, store="p.db")
    assert (result.plan.device, result.measurements[0].workload.batch_size) == ("mydevice", 2)
    own_profile.unlink()
    assert invoke(["measure", "--resume", "--store", "s.db", "-q"]) == 0
    assert invoke(["audit", "s.db", "-q"]) == 0
    assert invoke(["fit", "s.db", "--model", "constant", "--out", "m", "--no-plot", "-q"]) == 0


def test_a_profile_of_ones_own_prices_a_roofline(own_profile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from hwcost.cli.main import invoke

    own_profile.write_text(PROFILE.replace("[protocol]", "[flops_per_s]\nfloat32 = 1e11\n\n[protocol]").replace(
        'kind = "cpu"\n', 'kind = "cpu"\nmemory_bytes_per_s = 1e10\n').replace(
        "[sources]\n", '[sources]\nflops_per_s = "A guess"\nmemory_bytes_per_s = "A guess"\n'))  # fmt: skip
    arguments = ["--device", "./mydevice.toml", "--space", "supershaper", "--arch", "_".join(["360"] * 12), "--json", "-"]
    assert invoke(["predict", "--roofline", *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["predictions"][0]["latency_s"] > 0
