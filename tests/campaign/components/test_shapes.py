"""Measurements at several shapes are kept apart: given out by shape or refused, never mixed."""

from __future__ import annotations

import pytest

from hwcost.campaign.components.costs import component_report
from hwcost.campaign.components.shapes import by_shape, of_one_shape
from hwcost.cost_models.data import from_measurements
from hwcost.errors import DataError
from hwcost.spaces import space
from hwcost.spaces.shaped import Shaped
from hwcost.timing.measurement import Measurement
from hwcost.workloads import component_stacks, models

SPACE = space("supershaper")


def priced(batch_size: int, dtype: str = "float32") -> list[Measurement]:
    stacks = component_stacks(SPACE, batch_size=batch_size, seq_len=8, dtype=dtype, components=SPACE.components())
    return [Measurement(work, "component", 1e-5 + batch_size * work.depth * 1e-3, 0.01, 4, ()) for work in stacks]


def test_components_of_several_shapes_are_priced_apart_or_refused() -> None:
    one, eight = priced(1), priced(8)
    alone = component_report(one)
    assert alone is not None
    assert component_report(one + eight, {"batch_size": 1}) == alone
    with pytest.raises(DataError, match=r"2 shapes, .*batch_size=1, seq_len=8, dtype=float32; batch_size=8"):
        component_report(one + eight)
    assert component_report(one + eight, {"batch_size": 4}) is None
    with pytest.raises(DataError, match="dtype=float32; .*dtype=bfloat16"):
        component_report(one + priced(1, "bfloat16"))


def test_whole_models_at_another_shape_are_not_held_against_the_sum() -> None:
    architectures = SPACE.sample(2, seed=0)
    wholes = [
        Measurement(work, "check", 1.0, 0.01, 4, ())
        for size in (1, 8)
        for work in models(SPACE, architectures, batch_size=size, seq_len=8)
    ]
    report = component_report(priced(1) + wholes)
    assert report is not None
    assert len(report.gaps) == 2


def test_a_fit_takes_models_and_components_of_one_shape() -> None:
    wholes = [
        Measurement(work, "fit", float(size), 0.01, 4, ())
        for size in (1, 8)
        for work in models(SPACE, SPACE.sample(3, seed=0), batch_size=size, seq_len=8)
    ]
    eight = component_report(priced(8))
    data = from_measurements([*priced(1), *wholes, *priced(8)], shape={"batch_size": 8})
    assert data.values.tolist() == [8.0] * 3
    assert eight is not None
    assert data.components is not None
    assert data.components.costs_s == eight.table.costs_s
    alone = from_measurements([*priced(1), *wholes], shape={"batch_size": 8})
    assert alone.components is None


def test_a_fit_of_several_shapes_has_them_in_its_rows() -> None:
    rows = [
        Measurement(work, "fit", 1e-3 * size * length, 0.01, 4, ())
        for size, length in ((1, 8), (1, 16), (8, 16))
        for work in models(SPACE, SPACE.sample(2, seed=0), batch_size=size, seq_len=length)
    ]
    data = from_measurements([*rows, *priced(1)])
    assert isinstance(data.space, Shaped)
    assert [data.space.shape_of(point) for point in data.architectures[::2]] == [(1, 8), (1, 16), (8, 16)]
    assert [data.space.architecture_of(point) for point in data.architectures[:2]] == SPACE.sample(2, seed=0)
    assert (data.shape, data.components) == ({}, None)
    assert from_measurements(rows, shape={"batch_size": 8}).shape == {"batch_size": 8, "seq_len": 16}
    halves = models(SPACE, SPACE.sample(2, seed=0), batch_size=1, seq_len=8, dtype="bfloat16")
    with pytest.raises(DataError, match=r"2 number formats \(bfloat16, float32\), and a cost model is of one"):
        from_measurements([*rows, *(Measurement(work, "fit", 1e-3, 0.01, 4, ()) for work in halves)])


def test_measurements_are_given_out_by_shape() -> None:
    one, eight = priced(1), priced(8)
    assert [(shape["batch_size"], group) for shape, group in by_shape(eight + one)] == [(8, eight), (1, one)]
    assert of_one_shape([]) == []
    assert of_one_shape(one + eight, {"batch_size": 8, "seq_len": 8}) == eight
