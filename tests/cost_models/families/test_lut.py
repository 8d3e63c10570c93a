from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.cost_models import cost_model
from hwcost.cost_models.families.hybrid import Hybrid
from hwcost.cost_models.families.lut import LookupTable
from hwcost.errors import ArchitectureError, DataError, UsageError
from hwcost.spaces import space
from hwcost.spaces.supershaper import WIDTHS
from tests.cost_models.planted import OVERHEAD_S, PRICES_S, SPACE, additive, noisy


@settings(max_examples=8, deadline=None)
@given(st.lists(st.floats(1e-4, 1e-2), min_size=7, max_size=7), st.floats(1e-3, 1.0), st.integers(0, 20))
def test_a_planted_table_comes_back_from_whole_models(steps, overhead_s, seed):
    prices = dict(zip(WIDTHS, np.cumsum(steps), strict=True))
    archs = SPACE.sample(120, seed=seed)
    latency_s = np.array([overhead_s + sum(prices[gene] for gene in arch.genes) for arch in archs])
    table = LookupTable(SPACE).fit(archs[:60], latency_s[:60])
    np.testing.assert_allclose(table.predict(archs[60:]).latency_s, latency_s[60:], rtol=1e-5)


def test_prices_differ_as_planted():
    archs = SPACE.sample(80, seed=1)
    prices = LookupTable(SPACE, form="linear").fit(archs, additive(archs)).component_s_
    for small, large in pairwise(WIDTHS):
        step = prices[f"layer[hidden={large}]"] - prices[f"layer[hidden={small}]"]
        assert step == pytest.approx(PRICES_S[large] - PRICES_S[small], rel=1e-3)


def test_twenty_noisy_rows_are_enough():
    test = SPACE.sample(500, seed=9)
    errors = []
    for seed in range(5):
        archs = SPACE.sample(20, seed=seed)
        table = LookupTable(SPACE).fit(archs, noisy(archs, 0.005, seed))
        errors.append(np.abs(table.predict(test).latency_s / additive(test) - 1).mean())
    assert np.median(errors) < 0.015


def test_components_make_a_table():
    prices = {f"layer[hidden={width}]": seconds for width, seconds in PRICES_S.items()}
    table = LookupTable.from_components(SPACE, {**prices, "embeddings": 0.01, "head": 0.015}, overhead_s=0.005)
    archs = SPACE.sample(30, seed=0)
    np.testing.assert_allclose(table.predict(archs).latency_s, additive(archs), rtol=1e-12)
    assert table(archs[0]) == pytest.approx(additive(archs[:1])[0], rel=1e-12)
    assert table.predict(archs).in_domain.all()
    assert table.overhead_s_ == pytest.approx(OVERHEAD_S - 0.025)


def test_an_unmeasured_component_is_not_priced_as_zero():
    with pytest.raises(DataError, match=r"missing layer\[hidden=240\].*never priced as zero"):
        LookupTable.from_components(
            SPACE, {part.name: 0.1 for part in SPACE.components() if part.name != "layer[hidden=240]"}
        )
    with pytest.raises(DataError, match="positive"):
        LookupTable.from_components(SPACE, {part.name: -0.1 for part in SPACE.components()})


def test_merged_spaces_price_transitions():
    merged = space("supershaper", merged=True)
    archs = merged.sample(400, seed=0)
    work = np.array([merged.work(arch).flops for arch in archs]) * 1e-12
    table = LookupTable(merged).fit(archs[:200], work[:200])
    np.testing.assert_allclose(table.predict(archs[200:]).latency_s, work[200:], rtol=1e-4)
    assert table(archs[0]) == pytest.approx(table.predict(archs[:1]).latency_s[0], rel=1e-12)


def test_wider_layers_cost_more():
    archs = SPACE.sample(40, seed=2)
    table = LookupTable(SPACE).fit(archs, noisy(archs, 0.005))
    base = SPACE.architecture([360] * 12)
    latencies = [table(SPACE.architecture([*base.genes[:5], width, *base.genes[6:]])) for width in WIDTHS]
    assert latencies == sorted(latencies)


def test_factors_are_found_where_effects_multiply():
    made = space("table", columns=[{"name": n, "categorical": True, "choices": ["a", "b", "c"]} for n in ("x", "y")])
    archs = [made.architecture([x, y]) for x in "abc" for y in "abc"] * 3
    factor = {"a": 1.0, "b": 10.0, "c": 200.0}
    latency_s = np.array([1e-3 * factor[str(x)] * factor[str(y)] for x, y in (arch.genes for arch in archs)])
    table = LookupTable(made).fit(archs, latency_s)
    assert table.form_ == "log"
    np.testing.assert_allclose(table.predict(archs).latency_s, latency_s, rtol=1e-4)
    with pytest.raises(UsageError, match="multiplies factors"):
        _ = table.component_s_


def test_tables_flag_points_outside_the_training_range():
    made = space("table", columns=[{"name": "n"}, {"name": "op", "categorical": True, "choices": ["a", "b", "new"]}])
    archs = [made.architecture([n, op]) for n in range(1, 20) for op in "ab"]
    table = LookupTable(made).fit(archs, [0.01 * arch.genes[0] + 0.01 for arch in archs])
    asked = [made.architecture(genes) for genes in ([5, "a"], [25, "a"], [5, "new"], [0.5, "b"])]
    answer = table.predict(asked)
    assert answer.in_domain.tolist() == [True, False, False, False]
    assert (answer.latency_s > 0).all()


@pytest.mark.filterwarnings("error")
def test_factors_go_on_as_powers_far_beyond_the_rows():
    made = space("table", columns=[{"name": "width"}, {"name": "seq_len"}])
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.choice([64, 128, 256, 512], 80), rng.choice([16, 32, 64, 128], 80)])
    archs = [made.architecture(row) for row in rows.tolist()]
    model = LookupTable(made, form="log").fit(archs, 1e-4 * np.exp(rows[:, 0] / 200 + rows[:, 1] / 60))
    asked = [made.architecture([256, size]) for size in (64, 128, 129, 10**5, 10**6, 10**7)]
    answers = model.predict(asked).latency_s
    assert answers[1] / answers[0] == pytest.approx(np.exp(64 / 60), rel=0.01)
    assert answers[2] / answers[1] == pytest.approx(np.exp(1 / 60), rel=0.01)  # as steep beyond the rows as before
    assert np.isfinite(answers).all()
    assert answers[4] / answers[3] == pytest.approx(answers[5] / answers[4])
    again = LookupTable(made)
    again.restore(model.state(), {})
    assert again.predict(asked).latency_s.tolist() == answers.tolist()


def test_unseen_widths_between_seen_ones_are_inside_and_beyond_are_outside():
    archs = [arch for arch in SPACE.sample(400, seed=0) if 540 not in arch.genes and 768 not in arch.genes]
    table = LookupTable(SPACE).fit(archs, additive(archs))
    inside, outside = SPACE.architecture([540] * 12), SPACE.architecture([768] * 12)
    assert table.predict([inside, outside]).in_domain.tolist() == [True, False]
    assert table(inside) == pytest.approx(additive([inside])[0], rel=0.15)


def test_the_hybrid_is_its_table_when_nothing_is_left():
    archs = SPACE.sample(150, seed=3)
    table, hybrid = (cost_model(name, SPACE).fit(archs, additive(archs)) for name in ("lut", "hybrid"))
    assert isinstance(hybrid, Hybrid)
    assert hybrid.rounds_ == 0
    np.testing.assert_array_equal(hybrid.predict(archs).latency_s, table.predict(archs).latency_s)


def test_the_hybrid_learns_what_a_table_cannot_say():
    archs = SPACE.sample(900, seed=4)
    clash = np.array([1.3 if arch.genes[0] > 400 and arch.genes[1] > 400 else 1.0 for arch in archs])
    latency_s = noisy(archs, 0.003) * clash
    fit, test = slice(0, 600), slice(600, 900)
    table, hybrid = (cost_model(name, SPACE).fit(archs[fit], latency_s[fit]) for name in ("lut", "hybrid"))
    errors = [np.abs(model.predict(archs[test]).latency_s / latency_s[test] - 1).mean() for model in (table, hybrid)]
    assert errors[1] < 0.5 * errors[0]


def test_the_hybrid_fades_to_its_table_far_away():
    made = space("table", columns=[{"name": "n"}, {"name": "m"}])
    rng = np.random.default_rng(0)
    archs = [made.architecture([n, m]) for n, m in rng.uniform(1, 10, (300, 2))]
    latency_s = [0.01 * (5 + np.sin(2 * arch.genes[0]) + arch.genes[1]) for arch in archs]
    hybrid = Hybrid(made).fit(archs, latency_s)
    assert hybrid.rounds_ > 0
    far = [made.architecture([1000.0, 5.0])]
    assert hybrid.predict(far).latency_s[0] == pytest.approx(hybrid.base_.predict(far).latency_s[0], rel=1e-9)
    assert not hybrid.predict(far).in_domain[0]


def test_unknown_forms_and_hand_made_architectures_are_refused():
    with pytest.raises(UsageError, match="form 'cubic'"):
        LookupTable(SPACE, form="cubic")
    archs = SPACE.sample(20, seed=0)
    table = LookupTable(SPACE).fit(archs, additive(archs))
    with pytest.raises(ArchitectureError, match="cannot be 121"):
        table(type(archs[0])("supershaper", (121,) * 12))
    with pytest.raises(ArchitectureError, match="12 genes"):
        table(type(archs[0])("supershaper", (120,) * 11))
