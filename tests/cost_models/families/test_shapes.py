"""Cost models over batch sizes and sequence lengths: what they say of shapes and architectures that they have not seen."""

from __future__ import annotations

import math
import pickle
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.cost_models import CostModel, cost_model, load
from hwcost.cost_models.compiled.forest import Forest, read_lightgbm_forest, read_xgboost_forest
from hwcost.cost_models.compiled.models import CompiledForest
from hwcost.cost_models.families.at_shape import AtShape
from hwcost.cost_models.families.boosters import predict_lightgbm, predict_xgboost
from hwcost.cost_models.families.lut import LookupTable
from hwcost.cost_models.features.shape_work import KINDS_OF_WORK, ShapeWork
from hwcost.cost_models.training.intervals import calibrate
from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces import Architecture, Candidates, space
from hwcost.spaces.shaped import Shape, Shaped
from tests.conftest import require_package

BASE = space("supershaper", scale="small")
SPACE = Shaped(BASE)
SHAPES = [Shape(batch, length) for batch in (1, 2, 4) for length in (32, 64, 128, 256)]
NOISE = 0.02


def latency_s(point: Architecture) -> float:
    """A machine with overheads, a rate that small products do not reach, and memory beside arithmetic."""
    arch, (batch, length) = SPACE.architecture_of(point), SPACE.shape_of(point)
    total = 2e-4
    for part in BASE.components(arch):
        work = BASE.component_work(part, batch, length)
        total += 4e-5 + work.flops / (6e10 * (1 - 0.3 * np.exp(-batch * length / 100))) + 4 * work.elements / 1.2e10
    return float(total)


def drawn(n: int, seed: int, shapes: list[Shape]) -> tuple[list[Architecture], np.ndarray]:
    """Architectures spread over shapes, with noisy latencies."""
    rng = np.random.default_rng(seed)
    points = [SPACE.at(arch, shapes[i % len(shapes)]) for i, arch in enumerate(BASE.sample(n, seed=seed))]
    return points, np.array([latency_s(point) for point in points]) * np.exp(NOISE * rng.standard_normal(n))


@cache
def fitted(name: str = "hybrid", left_out: Shape | None = None, seed: int = 0) -> CostModel:
    points, values = drawn(60, seed, [shape for shape in SHAPES if shape != left_out])
    return calibrate(cost_model(name, SPACE).fit(points, values), points, values)


def mape(model: CostModel, points: list[Architecture]) -> float:
    truth = np.array([latency_s(point) for point in points])
    return float(100 * np.abs(model.predict(points).values / truth - 1).mean())


def test_sixty_rows_answer_for_all_shapes() -> None:
    assert mape(fitted(), drawn(60, 9, SHAPES)[0]) < 2.0
    assert fitted().predict(drawn(60, 9, SHAPES)[0]).in_domain.all()


@pytest.mark.parametrize(("shape", "most"), [(Shape(1, 32), 8.0), (Shape(2, 128), 2.0), (Shape(4, 256), 3.0)])
def test_a_shape_that_was_left_out_whole_is_predicted(shape: Shape, most: float) -> None:
    points = drawn(20, 9, [shape])[0]
    assert mape(fitted("shapes", shape), points) < most
    assert fitted("shapes", shape).predict(points).in_domain.all()


def test_beyond_the_largest_shapes_intervals_are_wide_and_out_of_domain() -> None:
    points = drawn(20, 9, [Shape(4, 512), Shape(8, 256)])[0]
    assert mape(fitted(), points) < 8.0
    beyond, inside = fitted().predict(points), fitted().predict(drawn(20, 9, SHAPES)[0])
    assert not beyond.in_domain.any()
    widths = np.log(beyond.high / beyond.values)
    np.testing.assert_allclose(widths, 3 * np.log(inside.high / inside.values)[0])


def test_intervals_cover_what_they_say() -> None:
    covered = []
    for seed in range(6):
        points, values = drawn(50, 100 + seed, SHAPES)
        answer = fitted("shapes", seed=seed).predict(points)
        covered += ((answer.low <= values) & (values <= answer.high)).tolist()
    assert 0.85 <= np.mean(covered) <= 0.96


@settings(max_examples=30, deadline=None)
@given(batch=st.integers(1, 64), length=st.integers(1, 1000), more=st.integers(1, 64), seed=st.integers(0, 99))
def test_a_larger_batch_or_a_longer_sequence_never_costs_less(batch: int, length: int, more: int, seed: int) -> None:
    model, arch = fitted("shapes"), BASE.sample(1, seed=seed)
    here = model.predict(arch, batch_size=batch, seq_len=length).values
    assert (model.predict(arch, batch_size=batch + more, seq_len=length).values >= here).all()
    assert (model.predict(arch, batch_size=batch, seq_len=length + more).values >= here).all()


@cache
def with_trees(monotone: bool = True) -> CostModel:
    """A hybrid whose rows have a structure that makes larger batches and longer sequences seem faster at places."""
    points, values = drawn(240, 0, SHAPES)
    wave = [0.15 * np.sin(4 * np.log2(batch * length)) for batch, length in map(SPACE.shape_of, points)]
    return cost_model("hybrid", SPACE, rounds=100, monotone=monotone).fit(points, values * np.exp(wave))


@settings(max_examples=30, deadline=None)
@given(st.tuples(*[st.integers(1, 4)] * 2), st.tuples(*[st.integers(32, 256)] * 2), st.integers(0, 99))
def test_trees_on_top_keep_to_that_within_the_domain(sizes: tuple[int, int], lengths: tuple[int, int], seed: int) -> None:
    model, archs = with_trees(), BASE.sample(3, seed=seed)
    (small, large), (short, long) = sorted(sizes), sorted(lengths)
    here = model.predict(archs, batch_size=small, seq_len=short)
    assert here.in_domain.all()
    assert (model.predict(archs, batch_size=large, seq_len=short).values >= here.values).all()
    assert (model.predict(archs, batch_size=small, seq_len=long).values >= here.values).all()


def test_trees_over_shapes_are_held_unless_they_are_not_to_be(tmp_path) -> None:
    held, free, arch = with_trees(), with_trees(False), BASE.sample(1, seed=0)
    assert held.monotone_ == load(held.save(tmp_path / "held")).monotone_ == ("batch_size", "seq_len")
    assert free.monotone_ == ()
    lengths = np.arange(32, 257)
    steps = [np.diff(one.predict(arch * 225, batch_size=1, seq_len=lengths).values) for one in (held, free)]
    assert steps[0].min() >= 0
    assert steps[1].min() < 0
    points, values = drawn(60, 0, SHAPES)
    energy = cost_model("hybrid", SPACE, rounds=10, quantity="energy_j").fit(points, values)
    assert energy.monotone_ == () == fitted().monotone_
    assert held.clone_with_hyperparameters().monotone
    assert not free.clone_with_hyperparameters().monotone


# -- asking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shapes", "hybrid", "lightgbm"])
def test_every_way_to_ask_gives_one_answer(name: str) -> None:
    model, archs = fitted(name), BASE.sample(7, seed=3)
    points = [SPACE.at(arch, Shape(2, 64)) for arch in archs]
    wanted = model.predict(points)
    assert model.predict(archs, batch_size=2, seq_len=[64] * 7).values.tolist() == wanted.values.tolist()
    assert [model(arch, batch_size=2, seq_len=64) for arch in archs] == wanted.values.tolist()
    assert [model(point) for point in points] == wanted.values.tolist()
    assert model("_".join(map(str, archs[0].genes)), batch_size=2, seq_len=64) == wanted.values[0]
    assert model(SPACE.key(points[0])) == wanted.values[0]
    alone = model.at(2, 64)
    answer = alone.predict(archs)
    np.testing.assert_allclose(answer.values, wanted.values, rtol=1e-12)
    np.testing.assert_allclose(answer.high, wanted.high, rtol=1e-12)
    assert answer.in_domain.tolist() == wanted.in_domain.tolist()
    assert [alone(arch) for arch in archs] == answer.values.tolist()
    assert isinstance(alone, AtShape if name == "lightgbm" else LookupTable)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "hybrid"])
@pytest.mark.parametrize("shape", [Shape(2, 64), Shape(8, 300)])
def test_trees_are_compiled_at_a_shape_with_the_same_bits(name: str, shape: Shape) -> None:
    if name == "xgboost":
        require_package("xgboost")
    points, values = drawn(120, 0, SHAPES)
    rough = values * np.exp(0.05 * np.random.default_rng(1).standard_normal(120))
    model = cost_model(name, SPACE, rounds=40).fit(points, rough)
    archs, alone = BASE.sample(50, seed=3), model.at(*shape)
    codes = Candidates.of(BASE, archs).codes
    wanted, one = alone.predict(archs).values, alone(archs[0])
    trees = CompiledForest.of(read(model), alone.features, shape=alone.fixed_shape)
    assert trees is not None
    of_library = library_sums(model, [SPACE.at(arch, shape) for arch in archs])
    assert np.array_equal(trees.many(codes), of_library)
    assert [trees.one(arch.genes) for arch in archs] == of_library.tolist()
    assert np.array_equal(alone.predict_codes(codes), wanted)
    assert alone.compile() is alone
    for other in (alone, pickle.loads(pickle.dumps(alone)).compile()):
        assert np.array_equal(other.predict(archs).values, wanted)
        assert np.array_equal(other.predict_codes(codes), wanted)
        assert [other(arch) for arch in archs] == wanted.tolist()
    assert one == wanted[0]
    np.testing.assert_allclose(wanted, model.predict(archs, batch_size=shape[0], seq_len=shape[1]).values, rtol=1e-12)


def read(model: CostModel) -> Forest | None:
    text = model.files()["booster.txt"]
    return read_xgboost_forest(text) if model.name == "xgboost" else read_lightgbm_forest(text)


def library_sums(model: CostModel, points: list[Architecture]) -> np.ndarray:
    """What the library that grew the trees sums to."""
    columns = model.features.learner_columns(model.features.encode(points))
    return (predict_xgboost if model.name == "xgboost" else predict_lightgbm)(model.booster_, columns)


def test_at_a_shape_the_measurements_of_that_shape_answer() -> None:
    points, values = drawn(60, 0, SHAPES)
    measured = fitted("shapes").at(*SHAPES[3]).with_measured()
    for i, point in enumerate(points):
        is_here = SPACE.shape_of(point) == SHAPES[3]
        assert (measured.source(SPACE.architecture_of(point)) == "measured") == is_here
        if is_here:
            assert measured(SPACE.architecture_of(point)) == values[i]


def test_a_saved_model_is_over_the_same_shapes(tmp_path) -> None:
    arch = BASE.sample(1, seed=4)[0]
    for name in ("shapes", "hybrid"):
        again = load(fitted(name).save(tmp_path / name))
        assert again(arch, batch_size=3, seq_len=100) == fitted(name)(arch, batch_size=3, seq_len=100)
        assert "at any batch size" in (tmp_path / name / "README.md").read_text()
    table = load(fitted("shapes").at(3, 100).save(tmp_path / "table"))
    assert (table.batch_size, table.seq_len) == (3, 100)
    assert table(arch) == fitted("shapes").at(3, 100)(arch)
    beyond = fitted("shapes").at(3, 512)
    answer, saved = (one.predict([arch]) for one in (beyond, load(beyond.save(tmp_path / "beyond"))))
    assert not answer.in_domain.any()
    assert not saved.in_domain.any()
    assert (saved.values, saved.low, saved.high) == (answer.values, answer.low, answer.high)


def test_probabilities_are_as_wide_as_intervals(tmp_path) -> None:
    arch = BASE.sample(1, seed=4)
    for name in ("shapes", "hybrid", "lightgbm"):
        model = fitted(name)
        for shape in (Shape(2, 128), Shape(4, 1024)):
            alone, point = model.at(*shape), [SPACE.at(arch[0], shape)]
            answer = model.predict(point)
            widened = math.log(answer.high[0] / answer.values[0]) / (model.log_interval_half_width_ or math.nan)
            assert widened == pytest.approx(1.0 if shape.batch_size == 2 else 5.0)
            for error in (-0.02, 0.01, 0.05):
                share = np.searchsorted(model.errors_, error) / (len(model.errors_) + 1)
                bound = float(answer.values[0]) * math.exp(widened * error)
                assert model.probability(point, bound)[0] == pytest.approx(share)
                assert alone.probability(arch, bound)[0] == pytest.approx(share)


def test_what_cannot_be_asked_is_refused() -> None:
    model, archs = fitted("shapes"), BASE.sample(3, seed=0)
    for sizes in ({"batch_size": 0, "seq_len": 8}, {"batch_size": 1.5, "seq_len": 8}, {"batch_size": 1, "seq_len": "8"}):
        with pytest.raises(UsageError, match="is a whole number from 1"):
            model.predict(archs, **sizes)
        with pytest.raises(UsageError, match="is a whole number from 1"):
            model.at(**sizes)
    for sizes in ({"batch_size": np.nan, "seq_len": 8}, {"batch_size": 1, "seq_len": np.inf}):
        with pytest.raises(UsageError, match="is a whole number from 1"):
            model.predict(archs, **sizes)
        with pytest.raises(UsageError, match="is a whole number from 1"):
            model.at(**sizes)
        with pytest.raises(UsageError, match="is a whole number from 1"):
            model(archs[0], **sizes)
    with pytest.raises(UsageError, match="is a whole number from 1"):
        model.predict(archs, batch_size=[1, 2, np.nan], seq_len=8)
    with pytest.raises(ArchitectureError, match="gene 'batch_size' of space 'shaped' is a finite number, got nan"):
        SPACE.architecture([*archs[0].genes, np.nan, 8])
    encoded = model.features.encode([SPACE.at(arch, SHAPES[0]) for arch in archs])
    for size in (0.0, 1.5, -1.0):
        encoded[1, -1] = size
        with pytest.raises(ArchitectureError, match=f"seq_len is a whole number from 1; got {size:g}"):
            model.predict(encoded)
        with pytest.raises(ArchitectureError, match="seq_len is a whole number from 1"):
            cost_model("shapes", SPACE).fit(encoded, [1.0, 2.0, 3.0])
    with pytest.raises(UsageError, match=r"one for each of 3 architectures; got an array of shape \(2,\)"):
        model.predict(archs, batch_size=[1, 2], seq_len=8)
    with pytest.raises(UsageError, match="several shapes .batch_size 1 to 4; seq_len 32 to 256., and seq_len was not said"):
        model(archs[0], batch_size=1)
    with pytest.raises(UsageError, match="several shapes"):
        model.predict(archs)
    with pytest.raises(ArchitectureError, match="'autodistil'"):
        model.predict(space("autodistil").sample(2, seed=0))
    one = cost_model("lut", BASE, batch_size=2, seq_len=64).fit(archs, [1.0, 2.0, 3.0])
    assert one.at(2, 64) is one is one.at()
    with pytest.raises(UsageError, match=r"of one shape, 2x64 .* and seq_len=128 was asked for"):
        one(archs[0], batch_size=2, seq_len=128)
    with pytest.raises(UsageError, match="has none"):
        cost_model("shapes", BASE)
    with pytest.raises(UsageError, match="describes data only"):
        cost_model("shapes", Shaped(space("hat")))
    with pytest.raises(UsageError, match="save that model itself"):
        fitted("lightgbm").at(1, 32).clone()


def test_where_one_size_was_fitted_it_need_not_be_said() -> None:
    points, values = drawn(20, 0, [Shape(2, 32), Shape(2, 64)])
    model = cost_model("shapes", SPACE).fit(points, values)
    arch = SPACE.architecture_of(points[0])
    assert model(arch, seq_len=32) == model(arch, batch_size=2, seq_len=32)


def test_columns_of_a_table_that_are_named_so_are_a_shape(tmp_path) -> None:
    op = {"name": "op", "categorical": True, "choices": ["a", "b"]}
    columns = [{"name": "batch"}, {"name": "width"}, {"name": "seq_len"}, op]
    table = space("table", columns=columns, increasing=["width", "seq_len"])
    rng = np.random.default_rng(0)
    rows = [[int(b), int(w), int(s), str(o)] for b, w, s, o in zip(
        rng.integers(1, 9, 60), rng.integers(8, 99, 60), rng.integers(8, 128, 60), rng.choice(["a", "b"], 60), strict=True
    )]  # fmt: skip
    points = [table.architecture(row) for row in rows]
    model = cost_model("polynomial", table).fit(points, [1e-3 + 1e-6 * b * w * s for b, w, s, _ in rows])
    alone = load(model.save(tmp_path / "model")).at(batch_size=3, seq_len=50)
    assert [gene.name for gene in alone.space.genes] == ["width", "op"]
    assert alone.space.increasing() == (1, 0)
    assert alone([40, "b"]) == model([3, 40, 50, "b"]) == model([40, "b"], batch_size=3, seq_len=50)
    assert alone.predict([[40, "b"]]).in_domain.all()
    assert not model.at(3, 500).predict([[40, "b"]]).in_domain.any()
    assert model.at() is model
    with pytest.raises(UsageError, match="several shapes .batch_size 1 to 8; .* and seq_len was not said"):
        model.at(batch_size=3)
    for kind in ("lightgbm", "hybrid"):
        ops = space("table", columns=[op, columns[0], {**op, "name": "next"}, columns[2]])
        mixed = [[o, b, "b" if w > 50 else "a", s] for b, w, s, o in rows]
        trees = cost_model(kind, ops, rounds=30).fit(mixed, [1e-3 + 1e-6 * b * w * s for b, w, s, _ in rows])
        for sizes in ({"batch_size": 3, "seq_len": 50}, {"batch_size": 20, "seq_len": 500}):
            at = trees.at(**sizes)
            asked = [[a, b] for a in "ab" for b in "ab"]
            before = at.predict(asked).values.tolist()
            assert before == trees.predict(asked, **sizes).values.tolist()
            assert at.compile().predict(asked).values.tolist() == before == [at(one) for one in asked]
    only = cost_model("constant", space("table", columns=columns[:2])).fit([[1, 9], [2, 9]], [1.0, 2.0])
    with pytest.raises(UsageError, match="without a column for seq_len"):
        only.at(1, 8)
    assert only.at(1)([9]) == only([1, 9])


@pytest.mark.parametrize("names", [("Batch Size", "Sequence Length"), ("batchsize", "seqlen"), ("bsz", "Seq-Len")])
def test_columns_of_shapes_are_known_by_the_names_that_people_give_them(names) -> None:
    table = space("table", columns=[{"name": name} for name in ("width", *names)])
    rows = [[w, b, s] for w in (10, 20) for b in (1, 2) for s in (16, 64)]
    model = cost_model("ridge", table).fit(rows, [1e-3 + 1e-6 * w * b * s for w, b, s in rows])
    assert model([10], batch_size=2, seq_len=32) == model([10, 2, 32])


def test_a_table_without_such_a_column_says_which_it_has() -> None:
    table = space("table", columns=[{"name": "width"}, {"name": "B"}])
    model = cost_model("ridge", table).fit([[8, 1], [16, 2], [8, 4]], [1.0, 2.0, 3.0])
    with pytest.raises(UsageError, match=r"without a column for batch_size, .* Its columns: width, B\. .* such as B=8"):
        model.at(batch_size=4)


def test_rates_follow_from_the_seconds_that_add_up() -> None:
    points, values = drawn(60, 0, SHAPES)
    sizes = np.array([SPACE.shape_of(point) for point in points])
    rates = {"throughput_per_s": sizes[:, 0] / values, "tokens_per_s": sizes.prod(axis=1) / values}
    new = drawn(9, 5, [Shape(3, 100)])[0]
    for quantity, delivered in (("throughput_per_s", 3), ("tokens_per_s", 300)):
        model = cost_model("shapes", SPACE, quantity=quantity).fit(points, rates[quantity])
        np.testing.assert_allclose(model.predict(new).values, delivered / fitted("shapes").predict(new).values, rtol=1e-9)
        archs = [SPACE.architecture_of(point) for point in new]
        assert model.at(3, 100).predict(archs).values.tolist() == model.predict(new).values.tolist()
    with pytest.raises(UsageError, match="'flops_utilisation' does not add up over components"):
        cost_model("shapes", SPACE, quantity="flops_utilisation")


# -- what is counted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [BASE, space("supershaper", merged=True), space("autodistil"), space("transformer")])
def test_the_columns_sum_to_the_work_of_the_space(base) -> None:
    shaped = Shaped(base)
    work, points = ShapeWork(shaped), [shaped.at(arch, Shape(3, 50)) for arch in base.sample(4, seed=1)]
    columns = work(work_genes(shaped, points)).reshape(4, -1, len(KINDS_OF_WORK)).sum(axis=1)
    wanted = [base.work(shaped.architecture_of(point), 3, 50) for point in points]
    np.testing.assert_allclose(columns[:, 1] + columns[:, 3], [one.flops for one in wanted])
    np.testing.assert_allclose(columns[:, 4] + columns[:, 5], [one.elements for one in wanted])
    assert (columns >= 0).all()


def test_tiles_are_whole_where_that_is_asked_and_else_at_least_one() -> None:
    work = ShapeWork(SPACE)

    def summed(shape: Shape, whole_tiles: bool = False) -> dict[str, np.ndarray]:
        columns = work.of_components(shape, whole_tiles).reshape(-1, len(work.kinds), len(KINDS_OF_WORK)).sum(axis=1)
        return dict(zip(KINDS_OF_WORK, columns.T, strict=True))

    def check(found: dict[str, np.ndarray], rows: float, tokens: float) -> None:
        np.testing.assert_allclose(found["tiled_rows"], rows * found["dense"])
        np.testing.assert_allclose(found["tiled_tokens"], tokens * found["dense"] + tokens**2 * found["attention"])

    check(summed(Shape(1, 32)), 4, 4)
    check(summed(Shape(2, 96)), 1, 4 / 3)
    check(summed(Shape(3, 192)), 1, 1)
    check(summed(Shape(3, 192), whole_tiles=True), 10 / 9, 4 / 3)


def work_genes(shaped: Shaped, points: list[Architecture]) -> np.ndarray:
    return cost_model("constant", shaped).features.encode(points)


def test_a_point_has_a_key_that_reads_back() -> None:
    point = SPACE.at(BASE.sample(1, seed=2)[0], Shape(8, 256))
    assert SPACE.key(point).endswith("@8x256")
    assert SPACE.parse(SPACE.key(point)) == point
    assert SPACE.work(point) == BASE.work(SPACE.architecture_of(point), 8, 256)
    with pytest.raises(ArchitectureError, match="batch_size is a whole number from 1; got 0"):
        SPACE.architecture([*point.genes[:-2], 0, 8])
    with pytest.raises(UsageError, match="already"):
        Shaped(SPACE)
