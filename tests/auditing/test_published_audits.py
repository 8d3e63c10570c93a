"""Verdicts on published latency tables whose faults are known; skips where they are absent."""

from __future__ import annotations

import pytest

import hwcost


@pytest.fixture
def audit(published):
    def audit(name: str):
        space = {"supershaper": "supershaper", "hat": "hat", "hat_npu": "hat"}.get(name.split("/")[0], "table")
        return hwcost.audit(published / name, space)

    return audit


@pytest.mark.parametrize("name", ["supershaper/i7_bs1.csv", "hat_npu/iwslt14deen_npu.csv"])
def test_latencies_that_depend_on_nothing(audit, name):
    report = audit(name)
    assert report.verdict == "invalid"
    assert "E_NULL_EFFECT" in report.codes
    assert abs(report.signal_tau) < 0.1


@pytest.mark.parametrize("name", ["supershaper/1080ti_bs128.csv", "supershaper/ryzen.csv"])
def test_quiet_machines(audit, name):
    report = audit(name)
    assert (report.verdict, report.codes) == ("clean", ())
    assert report.level_range < 0.01


@pytest.mark.parametrize(
    ("name", "boundary"),
    [
        ("hat/wmt14ende_gpu_titanxp.csv", 1263),
        ("hat/wmt14ende_cpu_raspberrypi.csv", 120),
        ("supershaper/gcp_xeon_bs1_seed543_2k.csv", 1296),
        ("supershaper/gcp_xeon_bs1_3k.csv", 1000),
        ("supershaper/corei7_9th_8_9.csv", 309),
    ],
)
def test_machines_whose_level_moved(audit, name, boundary):
    report = audit(name)
    assert (report.verdict, report.codes) == ("drifting", ("W_DRIFT",))
    assert min(abs(one.first - boundary) for one in report.segments) <= 25
    assert len(report.segments) <= 40
    assert report.von_neumann_after > report.von_neumann + 0.25


@pytest.mark.parametrize("name", ["hat/wmt14ende_cpu_xeon.csv", "supershaper/xeon_bs128_set3.csv"])
def test_noisy_is_not_invalid(audit, name):
    assert audit(name).verdict in ("mild", "drifting")


def test_a_short_start_that_stands_off_is_seen(audit):
    first = audit("hat/wmt14ende_gpu_titanxp.csv").segments[0]
    assert first.last < 25
    assert first.level == pytest.approx(1.19, abs=0.06)


@pytest.mark.parametrize("name", ["neusight/linear_train_v100.csv", "vidur/gemm_a100.csv"])
def test_sorted_grids_are_not_judged(audit, name):
    report = audit(name)
    assert (report.verdict, report.codes) == ("mild", ("W_CONFOUNDED",))
    assert len(report.segments) == 1
