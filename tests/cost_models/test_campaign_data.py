from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import hwcost
from hwcost.cost_models import load
from hwcost.cost_models.data import from_measurements, from_store, is_store, read
from hwcost.cost_models.training.train import train
from hwcost.cost_models.unconfirmed_level import UnconfirmedLevel
from hwcost.errors import DataError, UsageError
from hwcost.objectives import Constraint, Minimize
from hwcost.searchers.problem import Problem
from hwcost.spaces import space
from hwcost.spaces.shaped import Shaped
from hwcost.stores.schema import Campaign
from hwcost.study.remarks import remarks
from hwcost.timing.measurement import Flag, Measurement
from hwcost.workloads.factory_model import FactoryModelWorkload
from hwcost.workloads.model import ModelWorkload
from tests.cost_models.planted import SPACE, noisy

ARCHS = SPACE.sample(6, seed=0)
LATENCY_S = noisy(ARCHS)


def measured(
    index: int, half_width: float | None = 0.01, role: str = "fit", made=SPACE, batch_size: int = 4, dtype: str = "float32",
    **changes,
) -> Measurement:
    workload = ModelWorkload.of(made, ARCHS[index], batch_size=batch_size, seq_len=64, dtype=dtype)
    values = {"latency_s": float(LATENCY_S[index]), "n_rounds": 4, "visits": (), **changes}
    return Measurement(workload=workload, role=role, half_width=half_width, **values)


def test_usable_measurements_become_rows():
    flag = Flag("W_STEAL", "others ran")
    found = [measured(0), measured(1, 0.02, "judge", flags=(flag,)), measured(2, None), measured(3, latency_s=None)]
    data = from_measurements(found)
    assert data.architectures == ARCHS[:3]
    np.testing.assert_array_equal(data.values, LATENCY_S[:3])
    assert data.roles == ("fit", "test", "fit")
    assert data.flags[1] == ("W_STEAL",)
    assert data.shape == {"batch_size": 4, "seq_len": 64}
    assert data.weights.mean() == pytest.approx(1)
    assert data.weights[0] > data.weights[1] == data.weights[2]
    assert data.rows("test").tolist() == [1]


def test_rows_keep_their_number_format():
    data = from_measurements([measured(i, dtype="bfloat16") for i in range(2)])
    assert data.provenance["dtype"] == "bfloat16"
    with pytest.raises(DataError, match=r"2 number formats \(bfloat16, float32\)"):
        from_measurements([measured(0, dtype="bfloat16"), measured(1)])


def test_the_noise_of_a_row_of_mean_weight_is_that_of_its_visits():
    alike = from_measurements([measured(0, 0.02), measured(1, 0.02), measured(2, None)])
    assert alike.row_noise == pytest.approx(0.02 / 1.96)
    assert 0.01 / 1.96 < from_measurements([measured(0, 0.01), measured(1, 0.04)]).row_noise < 0.04 / 1.96
    assert from_measurements([measured(0, None), measured(1, None)]).row_noise == 0.0


def test_a_cost_model_of_unconfirmed_measurements_says_so(tmp_path, caplog):
    contended = [measured(i, 0.4 + 0.02 * i, is_confirmed=False) for i in range(6)]
    data = from_measurements(contended)
    (remark,) = data.remarks
    assert remark.startswith("6 of 6 measurements of this cost model are unconfirmed")
    assert "(-36 % to +57 %)" in remark
    with caplog.at_level("WARNING", logger="hwcost"):
        fitted = train(data, "lut").model
    assert remark in caplog.text
    fitted.save(tmp_path / "model")
    assert str(UnconfirmedLevel.in_provenance(load(tmp_path / "model").provenance)) == remark
    problem = Problem(SPACE, [Minimize(fitted)], [Constraint(fitted.with_measured(), most=1.0, probability=0)])
    assert [one for one in remarks(problem) if "unconfirmed" in one] == [f"lut: {remark}"]
    assert from_measurements(contended, quantity="tokens_per_s").remarks == data.remarks


def test_confirmed_measurements_hold_the_level_for_a_few_others():
    data = from_measurements([measured(i, 0.4, is_confirmed=i > 1) for i in range(6)])
    assert (data.remarks, UnconfirmedLevel.in_provenance(data.provenance)) == ((), None)


def test_the_space_keeps_its_options():
    merged = space("supershaper", merged=True)
    assert from_measurements([measured(0, made=merged)]).space.options() == {"merged": True}


def test_rows_of_a_space_with_other_options_are_neither_merged_nor_dropped():
    merged, plain = space("supershaper", merged=True), space("supershaper")
    both = [measured(0, made=merged), measured(0, made=plain), measured(1, made=merged)]
    for wanted in (None, "supershaper"):
        with pytest.raises(DataError, match=r"of space 'supershaper' .merged=True. and .*merged=False.*Say which are meant"):
            from_measurements(both, wanted)
    for wanted in (merged, "supershaper:merged=true", Shaped(merged)):
        data = from_measurements(both, wanted)
        assert (len(data), data.space.options()) == (2, {"merged": True})
        assert {arch.space_options for arch in data.architectures} == {merged.options_text}
    with pytest.raises(DataError, match=r"holds no usable measurement of .*merged=False.*Found: .*merged=True"):
        from_measurements([measured(0, made=merged)], plain)


def test_latencies_at_several_shapes_are_never_fitted_as_if_of_one():
    both = [measured(i, batch_size=size) for size in (1, 8) for i in range(3)]
    assert [point.genes[-2:] for point in from_measurements(both).architectures] == [(1, 64)] * 3 + [(8, 64)] * 3
    data = from_measurements(both, shape={"batch_size": 8})
    assert (len(data), data.shape) == (3, {"batch_size": 8, "seq_len": 64})
    with pytest.raises(DataError, match="no usable measurement at batch_size=2. Found: batch_size=1"):
        from_measurements(both, shape={"batch_size": 2})


def test_rows_of_a_shape_that_nobody_says_are_fitted_alone_and_not_among_others(tmp_path, monkeypatch):
    (tmp_path / "own_nets.py").write_text("def build(**genes):\n    raise NotImplementedError\n")
    monkeypatch.chdir(tmp_path)

    def row(index: int, **sizes: int) -> Measurement:
        workload = FactoryModelWorkload.of(SPACE, ARCHS[index], factory="own_nets:build", **sizes)
        return Measurement(
            workload=workload, role="fit", half_width=0.01, latency_s=float(LATENCY_S[index]), n_rounds=4, visits=()
        )

    alone = from_measurements([row(0), row(1)])
    assert (alone.shape, alone.architectures) == ({}, ARCHS[:2])
    with pytest.raises(DataError, match="does not say its batch size and sequence length, and other rows have others"):
        from_measurements([row(0), row(1, batch_size=2, seq_len=8)])
    with pytest.raises(DataError, match="does not say its batch size and sequence length"):
        from_measurements([row(0, batch_size=2), row(1, batch_size=2, seq_len=8)])
    with pytest.raises(DataError, match="Found: the factory's own shape"):
        from_measurements([row(0)], shape={"batch_size": 2})


def test_the_hash_knows_every_bit():
    one, same = (from_measurements([measured(0), measured(1)]) for _ in range(2))
    other = from_measurements([measured(0), measured(1, latency_s=float(np.nextafter(LATENCY_S[1], 1)))])
    assert one.sha256 == same.sha256 != other.sha256


def test_a_latest_campaign_that_measured_nothing_is_named_with_the_others(tmp_path):
    path = str(tmp_path / "s.db")
    done = hwcost.measure(SPACE.sample(2, seed=0), backend="null", tier="quick", rounds=1, store=path)
    with hwcost.open_store(path) as store:
        (campaign,) = store.campaigns()
        late = Campaign(campaign_id="ffffffff-0000-7000-8000-000000000000", status="stopped", plan=campaign.plan)
        store.add_campaign(late)
    with pytest.raises(DataError, match=f"campaign ffffffff-.* .stopped.*--resume.*: {done.campaign_id}"):
        from_store(path)


def test_nothing_usable_is_said():
    with pytest.raises(DataError, match="no usable measurement of an architecture"):
        from_measurements([measured(0, latency_s=None)])
    with pytest.raises(DataError, match="no usable measurement of space 'table'.*supershaper"):
        from_measurements([measured(0)], "table")


def test_stores_are_told_from_tables():
    assert [is_store(name) for name in ("a.db", "b.jsonl", "postgresql+psycopg://h/d", "c.csv", "d")] == [
        True, True, True, False, False,
    ]
    with pytest.raises(UsageError, match="needs a space"):
        read("rows.csv")


@pytest.mark.parametrize(("value", "said"), [(0.0, "latency_s is 0; a cost model learns"), (-2.0, "latency_s is below 0;")])
def test_a_quantity_that_is_not_positive_is_told_from_zero(monkeypatch, value, said):
    monkeypatch.setattr(Measurement, "quantity", lambda one, name: SimpleNamespace(value=value, reason="", half_width=None))
    with pytest.raises(DataError, match=said):
        from_measurements([measured(0)])


def test_a_table_without_a_shape_is_not_said_to_be_of_one(tmp_path):
    path = tmp_path / "nets.csv"
    rows = [",".join(map(str, [*arch.genes, value])) for arch, value in zip(ARCHS, LATENCY_S, strict=True)]
    path.write_text("\n".join([",".join([*(gene.name for gene in SPACE.genes), "latency_s"]), *rows]))
    cost = hwcost.fit(path, "lut", space=SPACE)
    with pytest.raises(UsageError, match="fitted on a table that names no shape .* and batch_size=8 was asked for"):
        cost.predict(ARCHS, batch_size=8)


def test_winners_of_a_search_leave_the_campaign_to_fit_on_where_it_is(tmp_path):
    path = str(tmp_path / "s.db")
    first = hwcost.measure(SPACE.sample(8, seed=0), backend="null", tier="quick", rounds=1, store=path)
    winners = hwcost.measure(SPACE.sample(2, seed=1), backend="null", tier="quick", rounds=1, store=path, role="winner")
    data = from_store(path)
    assert (data.provenance["campaign_id"], set(data.roles)) == (first.campaign_id, {"fit"})
    assert f"campaign {first.campaign_id}" in data.remarks[0]
    assert f"{winners.campaign_id} (" in data.remarks[0]
    assert "2 winner" in data.remarks[0]
    assert hwcost.fit(path, "lut").n_rows_ == 8
    assert from_store(path, winners.campaign_id).roles == ("winner", "winner")
    assert from_store(path, first.campaign_id).remarks == ()


def test_a_store_with_nothing_to_fit_on_says_what_it_holds(tmp_path):
    path = str(tmp_path / "s.db")
    winners = hwcost.measure(SPACE.sample(2, seed=1), backend="null", tier="quick", rounds=1, store=path, role="winner")
    (remark,) = from_store(path).remarks
    assert f"no campaign of {path} has workloads of role fit" in remark
    assert winners.campaign_id in remark
    with pytest.raises(DataError, match=r"0 rows to fit on \(it holds 2 rows of role winner\); at least 5 are needed"):
        hwcost.fit(path)
