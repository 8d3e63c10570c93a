"""Genes that change only together: off their line an architecture is out of domain, on it nothing changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwcost as hc
from hwcost.cost_models import cost_model
from hwcost.cost_models.data import from_table
from hwcost.cost_models.features.extractor import Features
from hwcost.cost_models.features.relations import relations
from hwcost.cost_models.training.train import train
from hwcost.exchange.table import read_table
from hwcost.spaces.table import Table

HEADS = np.array([4, 6, 8, 12, 16])


def rows_of(n: int = 80, seed: int = 0) -> dict[str, list]:
    """Rows in which hidden = 64 * heads."""
    rng = np.random.default_rng(seed)
    heads, layers = rng.choice(HEADS, n), rng.integers(2, 13, n)
    seconds = (0.3 + layers * (heads * 64.0) ** 2 * 12e-7) * np.exp(rng.normal(0, 0.01, n)) / 1000
    return {
        "layers": layers.tolist(), "heads": heads.tolist(), "hidden": (heads * 64).tolist(), "latency_s": seconds.tolist(),
    }  # fmt: skip


def trained(rows: dict[str, list], model: str = "polynomial"):
    """Fits a model on a table."""
    return train(from_table(read_table(rows, "table")), model)


@pytest.mark.parametrize("name", ["polynomial", "ridge", "lut", "hybrid", "lightgbm", "constant"])
def test_off_the_line_is_out_of_domain_and_bounded(name: str) -> None:
    model = trained(rows_of(), name).model
    on, off = [6, 8, 512], [6, 8, 768]
    answer = model.predict([on, off])
    assert answer.in_domain.tolist() == [True, False]
    assert model(off) == answer.values[1]
    assert np.isfinite(model.predict([[6, 8, 0], [6, 0, 512]]).values).all()
    ends = model.predict([on, [6, 12, 768]]).values
    assert ends.min() / 1.5 < answer.values[1] < ends.max() * 1.5
    inside, outside = model.half_widths(np.array([on, off], dtype=float))
    assert outside > inside


def test_the_remark_is_said_once_and_kept(tmp_path) -> None:
    found = trained(rows_of())
    said = [one for one in found.model.provenance["doubts"] if "change only together" in one]
    assert len(said) == 1
    assert said[0].startswith("heads and hidden change only together")
    asked = [[6, 8, 512], [6, 8, 768]]
    again = hc.load(found.model.save(tmp_path / "m"))
    np.testing.assert_array_equal(again.predict(asked).values, found.model.predict(asked).values)
    np.testing.assert_array_equal(again.predict(asked).in_domain, [True, False])
    assert again(asked[1]) == again.predict(asked).values[1]


def test_a_category_and_a_number_that_move_together() -> None:
    rng = np.random.default_rng(1)
    rows = rows_of()
    gpu = rng.integers(0, 2, len(rows["layers"]))
    del rows["heads"]
    rows["device"], rows["batch"] = [["cpu", "gpu"][i] for i in gpu], [[1, 8][i] for i in gpu]
    rows["latency_s"] = [s * (1 if i else 10) for s, i in zip(rows["latency_s"], gpu, strict=True)]
    order = {name: rows[name] for name in ("layers", "hidden", "device", "batch", "latency_s")}
    found = trained(order)
    assert found.model.predict([[6, 512, "gpu", 8], [6, 512, "gpu", 1]]).in_domain.tolist() == [True, False]
    assert any(one.startswith("device and batch change only together") for one in found.model.provenance["doubts"])


def test_two_categories_that_move_together() -> None:
    rows = rows_of()
    gpu = np.random.default_rng(3).integers(0, 2, len(rows["layers"]))
    table = {"layers": rows["layers"], "width": rows["hidden"], "device": [["cpu", "gpu"][i] for i in gpu]}
    table |= {"system": [["windows", "linux"][i] for i in gpu], "latency_s": rows["latency_s"]}
    model = trained(table).model
    assert model.predict([[6, 512, "gpu", "linux"], [6, 512, "gpu", "windows"]]).in_domain.tolist() == [True, False]
    assert any(one.startswith("device and system change only together") for one in model.provenance["doubts"])


def test_products_of_columns_count_too() -> None:
    rows = rows_of()
    del rows["heads"]
    sizes = zip(rows["layers"], rows["hidden"], strict=True)
    table = {"layers": rows["layers"], "hidden": rows["hidden"], "params": [12 * a * b * b for a, b in sizes]}
    model = trained(table | {"latency_s": rows["latency_s"]}).model
    answer = model.predict([[6, 512, 12 * 6 * 512**2], [6, 512, 12 * 6 * 1024**2]])
    assert answer.in_domain.tolist() == [True, False]
    assert 0.1 < answer.values[1] / answer.values[0] < 10
    assert any("layers, hidden and params are bound by one equation" in one for one in model.provenance["doubts"])


def test_choices_in_columns_of_zeros_and_ones_cause_no_remark() -> None:
    rng = np.random.default_rng(2)
    op, width = rng.integers(0, 3, 90), rng.integers(1, 9, 90)
    rows = {f"op{i}": (op == i).astype(int).tolist() for i in range(3)}
    rows |= {"width": width.tolist(), "batch": [4] * 90}
    rows["latency_s"] = ((1 + op + width) * np.exp(rng.normal(0, 0.01, 90)) / 1000).tolist()
    model = trained(rows).model
    assert not any("together" in one or "equation" in one for one in model.provenance.get("doubts", ()))
    assert model.predict([[0, 0, 1, 3, 4]]).in_domain.all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(2, 60))
def test_independent_columns_have_no_relation(seed: int, genes: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    table = Table([{"name": f"g{i}"} for i in range(genes)])
    drawn = np.unique(rng.choice([1.0, 2.0, 3.0, 5.0, 8.0], (n, genes)), axis=0)
    assert n > 30 or not relations(Features(table), drawn[:5])
    if len(drawn) > 30:
        assert relations(Features(table), drawn) == ()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1000), st.floats(-100, 100))
def test_rows_obey_what_was_found_in_them(seed: int, slope: float, start: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.choice(HEADS, 60).astype(float), rng.integers(1, 9, 60).astype(float)
    genes = np.column_stack([a, b, start + slope * a])
    features = Features(Table([{"name": name} for name in "abc"]))
    (found, *_) = relations(features, np.unique(genes, axis=0))
    assert found.hold(genes).all()
    assert found.together == [(0, 2)]
    np.testing.assert_array_equal(found.nearest(genes), genes)
    moved = genes + np.array([1.0, 0.0, 0.0])
    assert not found.hold(moved).any()
    assert found.hold(found.nearest(moved)).all()


def test_few_rows_determine_no_relation() -> None:
    rows = rows_of()
    few = {name: values[:5] for name, values in rows.items()}
    space = Table([{"name": name} for name in ("layers", "heads", "hidden")])
    genes = np.column_stack([few["layers"], few["heads"], few["hidden"]]).astype(float)
    model = cost_model("ridge", space).fit(genes, np.array(few["latency_s"]))
    assert model.domain_.relations == ()
