from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import ArchitectureError, UsageError
from hwcost.exchange.table import read_table
from hwcost.spaces import space

HAT = space("hat")
AVERAGES = st.floats(0.01, 10_000.0)
ROWS = st.tuples(
    st.sampled_from([512, 640]), st.just(6), AVERAGES, AVERAGES,
    st.sampled_from([512, 640]), st.integers(1, 6), AVERAGES, AVERAGES, AVERAGES, AVERAGES,
)  # fmt: skip
ROW = (640, 6, 1877.33, 5.33333, 512, 3, 1536, 4.66667, 4.33333, 2.16667)


@given(ROWS)
def test_json_keys_are_read_back(row):
    arch = HAT.architecture(row)
    assert HAT.parse(str(list(arch.genes))) == arch


def test_printed_keys_are_read_back():
    arch = HAT.architecture(ROW)
    assert HAT.key(arch) == "640_6_1877.33_5.33333_512_3_1536_4.66667_4.33333_2.16667"
    assert HAT.parse(HAT.key(arch)) == arch
    assert space("hat", **HAT.options()).genes == HAT.genes


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        (0, 576, "enc_embed.*Allowed: 512, 640"),
        (1, 7, "enc_layers"),
        (5, 0, "dec_layers"),
        (2, 0, "enc_ffn_avg.*positive"),
        (3, -1.0, "enc_heads_avg"),
        (9, float("inf"), "dec_arb_attn_avg"),
        (9, float("nan"), "dec_arb_attn_avg"),
        (6, "wide", "dec_ffn_avg.*'wide'"),
    ],
)
def test_refuses_what_is_no_feature_of_hat(column, value, said):
    with pytest.raises(ArchitectureError, match=said):
        HAT.architecture([*ROW[:column], value, *ROW[column + 1 :]])


def test_it_describes_data_only():
    assert not HAT.is_buildable
    with pytest.raises(UsageError, match="describes data only"):
        HAT.sample(1)
    with pytest.raises(UsageError, match="parameters and FLOPs are not known"):
        HAT.params(HAT.architecture(ROW))


@given(st.lists(ROWS, min_size=1, max_size=5))
def test_cost_by_layers_is_linear_in_the_terms(rows):
    """A decoder layer added at a fixed description of its layers adds as much as any other one."""
    genes = np.array(rows)
    names, columns = HAT.terms(genes)
    assert columns.shape == (len(rows), len(names))
    assert len(set(names)) == len(names)
    at = [HAT.terms(np.column_stack([genes[:, :5], np.full(len(rows), n), genes[:, 6:]]))[1] for n in (1, 2, 3)]
    np.testing.assert_allclose(at[2] - at[1], at[1] - at[0], rtol=1e-9)
    outside = [i for i, name in enumerate(names) if "dec_layers" not in name]
    np.testing.assert_array_equal(at[1][:, outside], at[0][:, outside])


def test_other_spaces_know_no_terms():
    assert space("supershaper").terms(np.full((2, 12), 360.0)) is None


def least_squares_mape(columns, latency_s, n_train):
    """Error of a plain least-squares fit with a little ridge, on the rows that it has not seen."""
    order = np.random.default_rng(0).permutation(len(columns))
    varying = columns[:, np.ptp(columns, axis=0) > 0]
    scaled = np.column_stack([np.ones(len(columns)), (varying - varying.mean(0)) / varying.std(0)])
    fit, judge = order[:n_train], order[n_train:]
    weighted = scaled[fit] / latency_s[fit, None]
    ridge = 1e-3 * n_train * np.diag((weighted**2).mean(0))
    coefficients = np.linalg.solve(weighted.T @ weighted + ridge, weighted.sum(0))
    return float(np.abs(scaled[judge] @ coefficients / latency_s[judge] - 1).mean())


@pytest.mark.parametrize("name", ["wmt14ende_gpu_titanxp", "wmt14ende_cpu_xeon", "wmt14ende_cpu_raspberrypi"])
def test_the_terms_beat_all_products_from_few_rows(published, name):
    table = read_table(published / "hat" / f"{name}.csv", "hat")
    genes = HAT.encode(table.architectures)
    upper = np.triu_indices(genes.shape[1])
    scaled = genes / genes.max(0)
    products = np.column_stack([scaled, scaled[:, upper[0]] * scaled[:, upper[1]]])
    mine = least_squares_mape(HAT.terms(genes)[1], table.latency_s, 100)
    assert mine < 0.8 * least_squares_mape(products, table.latency_s, 100)


def test_files_of_either_kind_are_read_as_they_stand(published):
    for path in [*published.glob("hat/*.csv"), *published.glob("hat_npu/*.csv")]:
        table = read_table(path, "hat")
        assert len(table) == 2000
        assert all(HAT.parse(HAT.key(arch)) == arch for arch in table.architectures[:50])
