"""Two tables that others measured, compared architecture by architecture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwcost as hc
from hwcost.campaign.comparisons.differences import Comparison
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
