"""Two tables that others measured, compared architecture by architecture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwcost as hc
from hwcost.campaign.comparisons.differences import Comparison
from hwcost.campaign.comparisons.spread import spread_of
from hwcost.errors import DataError, UsageError

LAYERS = np.arange(24) % 7 + 1
HIDDEN = 64 * (np.arange(24) * 5 % 11 + 1)
TRUE_S = 1e-3 + 1e-9 * LAYERS * HIDDEN**2


def table(factor: Any, noise: float, repeats: int, seed: int, **more: Any) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(LAYERS)) for _ in range(repeats)])
    latency = (TRUE_S * factor)[order] * rng.lognormal(0.0, noise, len(order))
    extra = {name: np.asarray(values)[order] for name, values in more.items()}
    return {"layers": LAYERS[order], "hidden": HIDDEN[order], **extra, "latency_s": latency}


def compared(factor: Any, noise: float, repeats: int, seed: int = 0) -> Comparison:
    return hc.compare(table(1.0, noise, repeats, seed), table(factor, noise, repeats, seed + 1))


@pytest.mark.parametrize("repeats", [1, 4])
def test_a_clear_difference_is_found_and_none_is_not(repeats: int) -> None:
    faster = compared(0.8, 0.005, repeats)
    assert {one.verdict for one in (faster.overall, *faster.workloads)} == {"FASTER"}
    assert faster.overall.ratio == pytest.approx(0.8, rel=0.01)
    same = compared(1.0, 0.005, repeats)
    assert same.overall.verdict == "SAME"
    assert not {one.verdict for one in same.workloads} & {"FASTER", "SLOWER"}
    assert [flag.code for flag in same.flags] == ["W_ONE_PASS"]


@pytest.mark.parametrize("repeats", [1, 2, 5])
def test_intervals_hold_the_true_ratio(repeats: int) -> None:
    hits = [
        one.low <= 0.9 <= one.high
        for seed in range(40)
        for one in compared(0.9, 0.02, repeats, 2 * seed).workloads
        if one.low is not None and one.high is not None
    ]
    assert len(hits) == 40 * 24
    assert 0.92 <= np.mean(hits) <= 0.99


def held(repeats: int, n: int, trials: int, noise: float = 0.02, quieter: float = 1.0, seed: int = 0) -> float:
    """Share of intervals that hold a ratio of 1, of tables with noise in which some architectures are measured twice."""
    rng, hits = np.random.default_rng(seed), []
    gene = np.r_[np.arange(n), np.arange(repeats)]
    for _ in range(trials):
        a, b = ({"x": gene, "latency_s": rng.lognormal(0.0, sd, len(gene))} for sd in (noise, quieter * noise))
        found = hc.compare(a, b)
        hits += [one.low <= 1.0 <= one.high for one in found.workloads if one.low is not None and one.high is not None]
    return float(np.mean(hits))


@pytest.mark.parametrize("repeats", [3, 12])
def test_intervals_from_few_repeats_hold_the_true_ratio(repeats: int) -> None:
    assert held(repeats, 12, 60) >= 0.93
    assert held(repeats, 12, 60, quieter=0.1) >= 0.93


def test_intervals_from_few_ratios_hold_the_true_ratio() -> None:
    assert held(0, 5, 120) >= 0.93


def test_a_single_outlier_hardly_widens_what_many_repeats_tell() -> None:
    groups = np.random.default_rng(5).normal(0.0, 0.02, (30, 2)).tolist()
    plain = spread_of(groups)
    groups[0][0] += 1.0
    spoilt = spread_of(groups)
    assert plain is not None
    assert spoilt is not None
    assert plain.sd == pytest.approx(0.02, rel=0.15)
    assert spoilt.sd == pytest.approx(plain.sd, rel=0.1)
    assert spread_of(groups[:2]) is None
    three = spread_of(groups[1:4])
    assert three is not None
    assert three.sd == pytest.approx(np.sqrt(np.var(groups[1:4], axis=1, ddof=1).mean()))
    same = spread_of([[1.0, 1.0]] * 20 + [[1.0, 1.2]])
    assert same is not None
    assert same.sd > 0


@pytest.mark.parametrize("values", [2, 5, 20])
def test_a_clipped_spread_is_right_for_normal_noise(values: int) -> None:
    found = spread_of(np.random.default_rng(1).normal(0.0, 1.0, (4000 // values, values)).tolist())
    assert found is not None
    assert found.sd == pytest.approx(1.0, rel=0.04)


def test_repeats_tell_what_differs_by_architecture_and_single_passes_do_not() -> None:
    factor = np.where(LAYERS > 3, 1.1, 0.9)
    found = {one.name: one.verdict for one in compared(factor, 0.002, 5).workloads}
    wanted = {f"layers={a}, hidden={b}": "SLOWER" if a > 3 else "FASTER" for a, b in zip(LAYERS, HIDDEN, strict=True)}
    assert found == wanted
    assert {one.verdict for one in compared(factor, 0.002, 1).workloads} == {"AMBIGUOUS"}


def test_rows_are_matched_by_genes_in_any_order_and_unit(tmp_path: Path) -> None:
    a, b = tmp_path / "a.csv", tmp_path / "b.csv"
    a.write_text("name,layers,hidden,latency_s\n" + "".join(f"n{i},{i},64,{i}\n" for i in range(1, 8)))
    b.write_text("hidden;layers;latency (ms)\n" + "".join(f"64;{i};{2000 * i},0\n" for i in range(9, 2, -1)))
    found = hc.compare(a, b)
    assert [one.name for one in found.workloads] == [f"layers={i}, hidden=64" for i in range(3, 8)]
    assert [one.ratio for one in found.workloads] == pytest.approx([2.0] * 5)
    assert found.only_a == ("layers=1, hidden=64", "layers=2, hidden=64")
    assert len(found.only_b) == 2


def test_columns_of_one_table_only_must_follow_from_the_others() -> None:
    sizes = TRUE_S * 1e6
    plain = table(1.0, 0.001, 1, 0)
    assert hc.compare(plain, table(1.0, 0.001, 1, 1, params=sizes)).overall.verdict == "SAME"
    twice = table(1.0, 0.001, 2, 1)
    twice["batch"] = np.repeat([1, 8], len(LAYERS))
    with pytest.raises(DataError, match="columns batch, which the other table does not have.*--drop batch"):
        hc.compare(plain, twice)
    assert hc.compare(plain, twice, table=hc.TableOptions(drop="batch")).overall.verdict == "SAME"


def test_names_match_where_they_are_said_to() -> None:
    names = [f"net-{i}" for i in range(24)]
    a, b = (table(1.0, 0.001, 1, seed, who=names) for seed in (0, 1))
    b["hidden"] = b["hidden"] + 1
    assert [one.name for one in hc.compare(a, b, table=hc.TableOptions(id="who")).workloads] == list(a["who"])


def test_too_little_to_tell_an_interval_is_ambiguous() -> None:
    few = {"a": [1, 2], "latency_s": [1.0, 2.0]}
    found = hc.compare(few, {"a": [1, 2], "latency_s": [1.5, 3.0]})
    assert found.overall.verdict == "AMBIGUOUS"
    assert found.workloads[0].log_ratio == pytest.approx(math.log(1.5))
    assert found.workloads[0].half_width is None


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    one = table(1.0, 0.001, 1, 0)
    with pytest.raises(DataError, match="have no architecture in common"):
        hc.compare(one, {**one, "layers": one["layers"] + 100})
    with pytest.raises(UsageError, match="is not a table and dict is one"):
        hc.compare(one, tmp_path / "runs.db")
    with pytest.raises(UsageError, match="'unit' is an option of tables"):
        hc.compare(tmp_path / "a.db", tmp_path / "b.db", table=hc.TableOptions(unit="ms"))
    with pytest.raises(UsageError, match="no table has a column 'who'"):
        hc.compare(one, one, table=hc.TableOptions(drop="who"))


def test_a_table_is_not_compared_with_itself(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.csv", tmp_path / "b.csv"
    for one in (path, copy):
        one.write_text("k,latency_s\n1,1.0\n2,2.0\n")
    with pytest.raises(DataError, match="both arms are the table '.*a.csv'. Name two"):
        hc.compare(str(path), tmp_path / "." / "a.csv")
    assert len(hc.compare(path, copy).workloads) == 2
