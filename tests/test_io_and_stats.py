"""Foundations: files are written whole or not at all, and robust statistics are what they are called."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hwcost._io import write_atomically, write_text
from hwcost._stats import (
    kendall_tau,
    median,
    median_deviation,
    quantile,
    ranks,
    robust_sd,
    rounded,
    spearman,
    student_tails,
)
from hwcost.errors import UsageError
from hwcost.files import check_writable


def test_text_keeps_its_line_ends(tmp_path) -> None:
    write_text(tmp_path / "a.txt", "µ\r\nb\n")
    assert (tmp_path / "a.txt").read_bytes() == "µ\r\nb\n".encode()


def test_a_place_that_may_not_be_written_is_known_beforehand(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("old")
    for fine in (tmp_path / "new" / "a.json", tmp_path / "file", Path(os.devnull)):
        check_writable(fine, "another file")
    check_writable(tmp_path / "new" / "folder", "another folder", is_folder=True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    for place, is_folder, why in ((tmp_path, False, "Is a directory"), (tmp_path / "file", True, "Not a directory")):
        with pytest.raises(UsageError, match=f"{why}. Give another place."):
            check_writable(place, "another place", is_folder=is_folder)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match="Permission denied"):
        check_writable(tmp_path / "a.json", "another file")


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail(part) -> None:
        part.write_text("half of the n")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_readers_see_whole_files_while_threads_write(tmp_path) -> None:
    path = tmp_path / "a.txt"
    texts = [letter * 50_000 for letter in "abcdefgh"]
    write_text(path, texts[0])
    threads = [threading.Thread(target=lambda text=text: [write_text(path, text) for _ in range(20)]) for text in texts]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        seen.add(path.read_text())
    assert seen <= set(texts)
    assert list(tmp_path.iterdir()) == [path]


def test_values_that_differ_by_rounding_errors_are_equal() -> None:
    values = np.array([1e-300, 3.7e-9, 0.1, 1.0, 12345.678, 1e300])
    again = rounded(values * 3.0 * np.exp(np.log(1 / 3.0)))
    np.testing.assert_array_equal(again, rounded(values))
    np.testing.assert_allclose(again, values, rtol=1e-12)
    assert rounded(np.array([1.0 + 1e-11])) != 1.0


def test_nothing_has_a_rank_beside_what_is_no_number() -> None:
    assert np.isnan(ranks(np.array([3.0, np.nan, 1.0]))).all()


@pytest.mark.parametrize("n", [1, 2, 3, 10, 101])
def test_medians_are_those_of_numpy(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    assert median(values) == float(np.median(values))
    assert quantile(values, 0.9) == pytest.approx(float(np.quantile(values, 0.9)), rel=1e-12)
    assert np.isnan(median(np.append(values, np.nan)))


def test_nothing_has_no_median() -> None:
    assert np.isnan(median(np.zeros(0)))


def test_robust_deviations_are_those_of_scipy() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 501)
    assert robust_sd(values) == pytest.approx(stats.median_abs_deviation(values, scale=1 / 1.4826), rel=1e-12)
    assert median_deviation(values - 3.0) == pytest.approx(2.0, rel=0.15)
    assert robust_sd(np.array([7.0])) == 0.0


def test_rank_correlations_of_a_constant_are_unknown() -> None:
    rising, constant = np.arange(5.0), np.ones(5)
    for correlation in (kendall_tau, spearman):
        assert correlation(rising, constant) is None
        assert correlation(constant, rising) is None
        assert correlation(rising, rising**3) == pytest.approx(1.0)


@pytest.mark.parametrize("n", [2, 3, 50, 999])
@pytest.mark.parametrize("values", [2, 7, 10**6])
def test_rank_correlations_are_those_of_scipy(n: int, values: int) -> None:
    """Also where many values are equal."""
    rng = np.random.default_rng(n + values)
    first = rng.integers(0, values, n) * 1.0
    second = 0.3 * first - rng.integers(0, values, n)
    np.testing.assert_array_equal(ranks(first), stats.rankdata(first))
    if np.ptp(first) > 0 and np.ptp(second) > 0:
        assert kendall_tau(first, second) == pytest.approx(stats.kendalltau(first, second).statistic, rel=1e-12, abs=1e-15)
        assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic, rel=1e-12, abs=1e-15)


@given(st.floats(-60.0, 60.0), st.floats(0.2, 1e5))
def test_tails_of_student_are_those_of_scipy(t: float, freedom: float) -> None:
    assert student_tails(t, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), rel=1e-8, abs=1e-14)


def test_tails_of_student_at_the_ends() -> None:
    assert student_tails(0.0, 3.0) == 1.0
    assert student_tails(1e200, 3.0) == student_tails(1e30, 1e4) == 0.0
    assert student_tails(-2.0, 7.5) == student_tails(2.0, 7.5)
    assert student_tails(1.0, 1.0) == pytest.approx(0.5, rel=1e-12)  # Cauchy's quartile
