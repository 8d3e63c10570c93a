"""Verdicts on tables whose faults are planted, and on tables that nothing can be said about."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import hwcost
from hwcost.auditing.report import is_at_least, verdict_of
from hwcost.auditing.table import audit_table, segments
from hwcost.cost_models.training.doubts import without_effect
from hwcost.cost_models.training.train import train
from hwcost.errors import DataError, UsageError
from tests.auditing.planted_tables import ARCHS, LAW_S, SPACE, N, noise, table, write

STEP = np.where(np.arange(N) < 350, 1.0, 1.12)
RAMP = np.linspace(1.0, 1.1, N)


def test_noise_is_clean():
    report = audit_table(table(LAW_S * noise()))
    assert (report.verdict, report.codes, report.level_range) == ("clean", (), 0.0)
    assert [(one.first, one.last, one.level) for one in report.segments] == [(0, N - 1, 1.0)]
    assert report.signal_tau > 0.8
    assert "no sign" in report.explanation


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_hardly_ever_called_drift(seed):
    assert audit_table(table(LAW_S * noise(sd=0.03, seed=seed))).verdict == "clean"


def test_a_step_is_found_with_its_row_and_height():
    report = audit_table(table(LAW_S * noise() * STEP))
    assert (report.verdict, report.codes) == ("drifting", ("W_DRIFT",))
    before, after = report.segments
    assert abs(after.first - 350) <= 5
    assert before.last + 1 == after.first
    assert after.level / before.level == pytest.approx(1.12, rel=0.01)
    assert 100 * report.level_range == pytest.approx(12, abs=1.5)
    assert report.von_neumann < report.critical < report.von_neumann_after + 0.1
    assert "12 % slower" in report.explanation


def test_a_ramp_is_found():
    report = audit_table(table(LAW_S * noise() * RAMP))
    assert report.verdict == "drifting"
    assert 100 * report.level_range == pytest.approx(10, abs=3)


@pytest.mark.parametrize("seed", range(6))
def test_a_fit_takes_no_level_out_that_an_audit_does_not_say(seed):
    """A short stretch stands off, too short for neighbours to resemble each other as a rule."""
    rng = np.random.default_rng(seed)
    latency_s = LAW_S[:60] * noise(60, 0.02, seed)
    start = int(rng.integers(0, 54))
    latency_s[start : start + 6] *= 3.0
    report, fitted = audit_table(table(latency_s)), train(table(latency_s), "lut")
    assert ("W_DRIFT" in report.codes) or fitted.drift is None
    assert report.verdict != "clean"
    if report.verdict == "drifting":
        assert "% slower from row" in report.explanation


def test_a_short_stretch_is_drift_where_neighbours_do_not_show_it():
    assert verdict_of(("W_DRIFT",), 0.95, 0.9, 0.5, has_level=True) == "drifting"
    assert verdict_of((), 0.95, 0.9, 0.005, has_level=True) == "clean"


def test_a_small_step_is_mild():
    assert audit_table(table(LAW_S * noise() * np.where(np.arange(N) < 300, 1.0, 1.025))).verdict == "mild"


def test_a_step_of_no_importance_is_clean():
    report = audit_table(table(LAW_S * noise(sd=0.001) * np.where(np.arange(N) < 300, 1.0, 1.005)))
    assert report.verdict == "clean"
    assert 0 < report.level_range < 0.01
    assert "too little to matter" in report.explanation


@pytest.mark.parametrize("level", [np.ones(N), STEP, np.exp(0.3 * np.sin(np.arange(N) / 40))])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_configuration_that_was_never_applied_is_invalid(level, seed):
    report = audit_table(table(0.03 * level * noise(seed=seed)))
    assert report.verdict == "invalid"
    assert "E_NULL_EFFECT" in report.codes
    assert "never applied" in report.explanation
    assert "do depend" not in report.explanation


@pytest.mark.parametrize("seed", range(8))
def test_thirty_rows_without_signal_are_never_called_clean(seed):
    start = 30 * seed
    data = table(0.03 * noise(30, seed=seed), ARCHS[start : start + 30])
    assert audit_table(data).verdict == "invalid"


def test_a_level_that_moves_more_than_architectures_differ_hides_no_signal():
    wild = np.exp(0.3 * np.sin(np.arange(N) / 40))
    report = audit_table(table(0.03 * (LAW_S / LAW_S.mean()) ** 0.03 * wild * noise(sd=0.001)))
    assert abs(report.signal_tau) < 0.1
    assert report.verdict == "drifting"


@pytest.mark.parametrize(("rise", "verdict"), [(0.0, "mild"), (0.12, "drifting")])
def test_architectures_that_return_in_the_order_of_size_tell_of_a_creep(rise, verdict):
    """As the same models every night, for months: what changed between the rows of one is not its size."""
    rows = np.tile(np.argsort(LAW_S)[:: N // 16][:16], 10)
    creep = 1.0 + rise * np.arange(len(rows)) / len(rows)
    report = audit_table(table(LAW_S[rows] * creep * noise(len(rows), 0.02), [ARCHS[i] for i in rows]))
    assert report.verdict == verdict
    assert report.codes == (("W_CONFOUNDED", "W_DRIFT") if rise else ("W_CONFOUNDED",))
    assert report.level_range == pytest.approx(rise, abs=0.03)
    assert ("from pass to pass" if not rise else "own speed moved clearly") in report.explanation
    assert "Nothing can be said" not in report.explanation


@pytest.mark.parametrize("level", [np.ones(N), RAMP])
def test_rows_in_the_order_of_size_are_not_judged(level):
    order = np.argsort(LAW_S)
    report = audit_table(table(LAW_S[order] * level * noise(), [ARCHS[i] for i in order]))
    assert (report.verdict, report.codes, report.level_range) == ("mild", ("W_CONFOUNDED",), 0.0)
    assert report.size_order < 0.1
    assert "Nothing can be said" in report.explanation
    assert "do depend" not in report.explanation


def device_after_device(path: Path, column: str, level: str, interacts: bool = False) -> Path:
    """Writes a table of nets in random order on one device, or at one batch size, and then on the next."""
    rng, each = np.random.default_rng(4), 80
    kinds = {"device": ("a100", "v100", "t4", "k80"), "batch_size": (1, 2, 4, 8)}[column]
    factors, n = np.repeat([1.0, 2.0, 5.0, 13.0], each), 4 * each
    layers, hidden = rng.integers(2, 13, n), 64 * rng.integers(2, 13, n)
    latency_s = 1e-3 * (1.0 + 1e-6 * layers * hidden**2) * factors
    latency_s += 2e-3 * layers * (factors > 2) if interacts else 0.0
    place = np.tile(np.linspace(0.0, 1.0, each), 4)
    levels = {"still": np.ones(n), "rising": 1.0 + 0.4 * place, "jumping": np.where(place < 0.5, 1.0, 1.35)}
    latency_s *= levels[level] * rng.lognormal(0.0, 0.01, n)
    rows = zip(np.repeat(kinds, each), layers, hidden, latency_s, strict=True)
    path.write_text("\n".join([f"{column},layers,hidden,latency_s", *(",".join(map(str, row)) for row in rows)]))
    return path


@pytest.mark.parametrize("column", ["device", "batch_size"])
@pytest.mark.parametrize(("level", "verdict"), [("still", "clean"), ("rising", "drifting"), ("jumping", "drifting")])
def test_a_level_within_blocks_of_a_column_is_told(tmp_path, column, level, verdict):
    report = hwcost.audit(device_after_device(tmp_path / "t.csv", column, level), space="table")
    assert report.verdict == verdict
    assert report.codes == (() if verdict == "clean" else ("W_DRIFT",))
    assert report.level_range == pytest.approx(0.0 if verdict == "clean" else 0.38, abs=0.06)


@pytest.mark.parametrize("column", ["device", "batch_size"])
def test_what_a_column_does_to_nets_is_no_level_within_its_blocks(tmp_path, column):
    report = hwcost.audit(device_after_device(tmp_path / "t.csv", column, "still", interacts=True), space="table")
    assert "W_DRIFT" not in report.codes
    assert report.level_range == 0.0


def test_a_constant_latency_is_invalid():
    report = audit_table(table(np.full(N, 0.03)))
    assert (report.verdict, report.codes, report.signal_tau) == ("invalid", ("E_NULL_EFFECT",), None)
    assert report.to_dict()["segments"] == [{"first_row": 0, "last_row": N - 1, "level": 1.0}]
    with_copies = audit_table(table(np.full(120, 0.03), [*ARCHS[:100], *ARCHS[:20]]))
    assert (with_copies.copies, len(with_copies.residuals), with_copies.to_dict()["n_rows"]) == (20, 100, 120)


@pytest.mark.parametrize("factor", [1e8, 20.0, 1e-4])
def test_absurd_outliers_are_named_and_hide_nothing_else(factor):
    latency_s = LAW_S * noise()
    latency_s[[7, 100, 401]] *= factor
    report = audit_table(table(latency_s))
    assert (report.verdict, report.codes) == ("mild", ("W_OUTLIERS",))
    assert report.level_range < 0.01
    assert report.to_dict()["outlier_rows"] == [7, 100, 401]
    assert "rows 7, 100 and 401" in report.explanation


@pytest.mark.parametrize("factor", [1e6, 1e-3, 60.0])
def test_rows_in_another_unit_are_named_and_judged_in_that_of_the_others(factor):
    latency_s = LAW_S * noise()
    latency_s[120:180] *= factor
    report = audit_table(table(latency_s))
    assert (report.verdict, report.codes) == ("invalid", ("E_UNIT",))
    assert report.to_dict()["unit_rows"] == list(range(120, 180))
    assert report.to_dict()["faults"][0]["factor"] == pytest.approx(factor)
    assert (report.level_range < 0.01, report.outliers) == (True, 0)
    assert "120 to 179" in report.explanation


def test_a_level_that_no_machine_has_is_named():
    latency_s = LAW_S * noise()
    latency_s[200:350] *= 8.0
    report = audit_table(table(latency_s))
    assert report.verdict == "invalid"
    assert report.codes[0] == "E_LEVEL"
    fault = report.to_dict()["faults"][0]
    assert (fault["rows"][0], fault["rows"][-1], len(fault["rows"])) == pytest.approx((200, 349, 150), abs=3)


def test_a_level_of_sixty_percent_either_way_is_the_machine():
    latency_s = LAW_S * noise() * (1.0 + 0.6 * np.sin(np.arange(N) / 60.0))
    report = audit_table(table(latency_s))
    assert (report.verdict, report.codes) == ("drifting", ("W_DRIFT",))
    assert report.level_range > 2.0
    assert "two devices or settings" not in report.explanation


@pytest.mark.parametrize(("factor", "is_said"), [(2.5, True), (1.4, False)])
def test_a_jump_that_hardly_a_machine_makes_is_doubted(factor, is_said):
    """Rows of two devices, joined to one file, would be fitted for the mean of both."""
    latency_s = LAW_S * noise()
    latency_s[:300] *= factor
    report = audit_table(table(latency_s))
    assert report.codes == ("W_DRIFT",)
    assert ("may be of two devices or settings that no column names" in report.explanation) == is_said


def test_rates_in_place_of_latencies_are_invalid():
    report = audit_table(table(1.0 / (LAW_S * noise())))
    assert (report.verdict, report.codes) == ("invalid", ("E_REVERSED",))
    assert "per second" in report.explanation


def test_repeats_that_disagree_are_named():
    latency_s = LAW_S[np.arange(N) % 590] * noise(sd=0.005)
    latency_s[595] *= 23.0
    report = audit_table(table(latency_s, [ARCHS[i % 590] for i in range(N)]))
    assert (report.verdict, report.codes) == ("mild", ("W_OUTLIERS", "W_REPEATS"))
    (pair,) = report.to_dict()["disagreeing"]
    assert pair["rows"] == [5, 595]
    assert pair["ratio"] == pytest.approx(23.0, rel=0.03)
    assert "5 and 595" in report.explanation


@pytest.mark.parametrize(("sd", "verdict", "code"), [(0.15, "mild", "W_REPEATS"), (0.8, "invalid", "E_REPEATS")])
def test_repeats_that_differ_as_a_rule_are_a_doubt(sd, verdict, code):
    rows = np.arange(N) % 200
    report = audit_table(table(LAW_S[rows] * noise(sd=sd), [ARCHS[i] for i in rows]))
    assert report.verdict == verdict
    assert code in report.codes


def test_repeats_say_how_well_they_agree():
    rows = np.arange(N) % 200
    report = audit_table(table(LAW_S[rows] * noise(sd=0.02), [ARCHS[i] for i in rows]))
    assert (report.duplicates, report.copies) == (400, 0)
    assert report.repeatability == pytest.approx(0.02 * np.sqrt(2), rel=0.2)


def test_a_level_explains_repeats_that_disagree():
    rows = np.arange(N) % 200
    report = audit_table(table(LAW_S[rows] * noise(sd=0.005) * RAMP, [ARCHS[i] for i in rows]))
    assert report.repeatability_after < 0.5 * report.repeatability


def test_copies_count_once():
    rows = np.arange(N) % 100
    latency_s = (LAW_S[:100] * noise(100))[rows]
    report = audit_table(table(latency_s, [ARCHS[i] for i in rows]))
    assert (report.duplicates, report.copies, len(report.residuals)) == (500, 500, 100)
    assert report.repeatability is None
    assert report.to_dict()["n_rows"] == N


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (range(3), "3 rows; .* at least 30"),
        ([i % 5 for i in range(200)], "5 rows once 195 exact copies are left out"),
    ],
)
def test_too_little_is_refused(rows, message):
    rows = list(rows)
    with pytest.raises(DataError, match=message):
        audit_table(table(LAW_S[rows], [ARCHS[i] for i in rows]))


def test_a_single_architecture_is_refused():
    with pytest.raises(DataError, match="1 different architecture"):
        audit_table(table(LAW_S[0] * noise(100), [ARCHS[0]] * 100))


def test_one_numeric_column_and_one_of_names(tmp_path):
    rng = np.random.default_rng(0)
    numbers = "\n".join(f"{x},{(1e-3 + 1e-5 * x) * np.exp(rng.normal(0, 0.01)):.6g}" for x in rng.permutation(200))
    (tmp_path / "one.csv").write_text("x,latency_s\n" + numbers + "\n")
    assert hwcost.audit(tmp_path / "one.csv", "table").verdict == "clean"
    cost = dict(zip("abcdefgh", range(8), strict=True))
    drawn = rng.choice(list(cost), 300)
    names = "\n".join(
        f"{m},{i // 100},{(1e-3 + 3e-4 * cost[m]) * np.exp(rng.normal(0, 0.01) + 0.1 * (i // 100)):.6g}"
        for i, m in enumerate(drawn)
    )
    (tmp_path / "names.csv").write_text("model,run,latency_s\n" + names + "\n")
    report = hwcost.audit(tmp_path / "names.csv", "table", table=hwcost.TableOptions(run_column="run"))
    assert report.verdict == "drifting"
    assert [one.first for one in report.segments] == pytest.approx([0, 100, 200], abs=10)


def test_the_same_latencies_under_two_labels_are_invalid(tmp_path):
    one = write(table(LAW_S * noise()), tmp_path / "batch1.csv")
    same = write(table(LAW_S * noise(), ARCHS[::-1]), tmp_path / "batch128.csv")
    other = write(table(LAW_S * noise(seed=3)), tmp_path / "other.csv")
    report = hwcost.audit(one, SPACE, others=[same])
    assert (report.verdict, report.codes) == ("invalid", ("E_DUPLICATE",))
    assert "batch128.csv" in str(report.flags[0])
    assert hwcost.audit(one, SPACE, others=[other, one]).verdict == "clean"


def test_a_store_takes_no_columns(tmp_path):
    with pytest.raises(UsageError, match="is a store"):
        hwcost.audit(tmp_path / "s.db", table=hwcost.TableOptions(run_column="run"))


def test_verdicts_follow_the_thresholds():
    assert verdict_of((), 0.5, 0.9, 0.05) == "drifting"
    assert verdict_of((), 0.5, 0.9, 0.02) == "mild"
    assert verdict_of((), 0.5, 0.9, 0.009) == "clean"
    assert verdict_of((), 0.95, 0.9, 0.5) == "clean"
    assert verdict_of(("W_CONFOUNDED",), 0.5, 0.9, 0.0) == "mild"
    assert verdict_of(("W_DRIFT", "E_DUPLICATE"), 0.5, 0.9, 0.5) == "invalid"
    assert is_at_least("invalid", "drifting")
    assert not is_at_least("mild", "drifting")


def test_segments_of_a_wandering_level_are_few_and_cover_all_rows():
    rng = np.random.default_rng(2)
    rows = np.sort(rng.choice(4000, 2000, replace=False))
    level = np.cumsum(rng.normal(0, 0.003, 2000))
    found = segments(rows, level + rng.normal(0, 0.01, 2000), level - np.median(level))
    assert 2 <= len(found) <= 30
    assert (found[0].first, found[-1].last) == (rows[0], rows[-1])
    assert all(one.last + 1 == after.first for one, after in pairwise(found))


@pytest.mark.parametrize("wrong", [np.roll, lambda rows, _: np.random.default_rng(0).permutation(rows)])
def test_rows_that_were_joined_in_another_order_from_some_row_on_are_told(wrong):
    rows = np.arange(300)
    mixed = np.concatenate([rows[:180], wrong(rows[180:], 1)])
    right = audit_table(table(LAW_S[rows] * noise(300)))
    assert right.codes == ()
    report = audit_table(table(LAW_S[mixed] * noise(300)))
    assert report.verdict == "invalid"
    assert "E_NULL_STRETCH" in report.codes
    assert "among rows 180 to 299" in report.explanation
    assert "do depend on what was measured" not in report.explanation


@pytest.mark.parametrize("n", [60, 120, 360])
def test_noise_makes_no_stretch_without_effect(n):
    rng = np.random.default_rng(n)
    for spread in np.repeat([0.5, 1.0, 1.3, 1.8], 25):
        size = rng.standard_normal(n)
        assert without_effect(np.exp(size), np.exp(size + spread * rng.standard_normal(n))) is None
