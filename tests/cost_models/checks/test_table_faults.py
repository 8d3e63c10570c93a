"""Faults for which a table is refused: mixed units, leaked answers, rates, levels that no machine has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwcost
from benchmarks.studies.sim_tables import sim_table, with_drift, with_leak, with_unit_fault
from hwcost.auditing.table import audit_table
from hwcost.cost_models.checks.direction import is_size
from hwcost.cost_models.checks.table_faults import refuse_faults, table_faults
from hwcost.cost_models.data import Data, from_table
from hwcost.cost_models.evaluation.evaluate import evaluate
from hwcost.cost_models.training.train import train
from hwcost.errors import DataError, UsageError
from hwcost.exchange.table import LatencyTable
from hwcost.spaces import space

N = 120
RNG = np.random.default_rng(0)
LAYERS, HIDDEN, BATCH = RNG.integers(1, 13, N), 64 * RNG.integers(2, 17, N), RNG.choice([1, 2, 4, 8], N)
PARAMS = LAYERS * 12 * HIDDEN**2
SECONDS = (3e-4 + BATCH * PARAMS * 1e-11) * np.exp(RNG.normal(0, 0.02, N))


def table(seconds: np.ndarray = SECONDS, increasing=(), **extra: np.ndarray) -> Data:
    given = {"layers": LAYERS, "hidden": HIDDEN, "batch": BATCH, **extra}
    made = space("table", columns=[{"name": name} for name in given], increasing=increasing)
    archs = [made.architecture(row) for row in zip(*(one.tolist() for one in given.values()), strict=True)]
    return from_table(LatencyTable(made, archs, seconds, None, "planted.csv"))


def codes(data: Data) -> list[str]:
    return [fault.flag.code for fault in table_faults(data)]


# -- units --


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (1e3, "look like milliseconds among seconds"),
        (1e-3, "look like seconds among milliseconds"),
        (1e6, "look like microseconds among seconds"),
        (60.0, "look like seconds among minutes"),
        (1 / 3600, "look like hours among seconds"),
    ],
)
def test_a_block_in_another_unit_is_refused_with_rows_lines_and_units(factor, said):
    seconds = SECONDS.copy()
    seconds[60:100] *= factor
    data = replace(table(seconds), lines=tuple(range(2, N + 2)), place="line")
    (fault,) = table_faults(data)
    assert (fault.flag.code, fault.rows) == ("E_UNIT", tuple(range(60, 100)))
    assert fault.factor == pytest.approx(factor)
    for use in (train, evaluate, refuse_faults):
        with pytest.raises(DataError, match=said) as caught:
            use(data)
        assert "rows 60 to 99 (lines 62 to 101)" in str(caught.value)
        assert caught.value.exit_code == 2


def test_two_other_units_are_both_named():
    seconds = SECONDS.copy()
    seconds[10:30] *= 1e3
    seconds[[40, 50, 60, 70, 80, 90]] *= 1e6
    faults = table_faults(table(seconds))
    assert [(round(one.factor), len(one.rows)) for one in faults] == [(1000, 20), (1_000_000, 6)]


def test_two_kinds_of_rows_that_a_column_tells_apart_are_no_fault():
    kind = np.arange(N) % 2
    seconds = SECONDS * np.where(kind == 1, 1000.0, 1.0)
    assert codes(table(seconds)) == ["E_UNIT"]
    assert codes(table(seconds, on_disk=kind)) == []


@pytest.mark.parametrize("seed", range(0, 21))
def test_unit_faults_are_found_in_tables_of_all_kinds_and_nothing_else(seed):
    clean, rng = sim_table(seed, n=150)
    wrong, rows = with_unit_fault(clean, rng)
    faults = [one for one in table_faults(wrong.data()) if one.flag.code == "E_UNIT"]
    named = {row for one in faults for row in one.rows}
    assert named in (rows, set(range(150)) - rows)
    assert codes(clean.data()) == []
    assert codes(with_drift(clean, rng).data()) == []


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([1e3, 1e-6, 60.0]), st.floats(0.06, 0.45))
def test_what_unit_the_table_is_in_does_not_matter(seed, scale, share):
    rows = np.sort(np.random.default_rng(seed).choice(N, round(share * N), replace=False))
    seconds = SECONDS.copy()
    seconds[rows] *= 1e3
    assert table_faults(table(scale * seconds))[0].rows == tuple(rows.tolist())


def test_a_level_that_no_machine_has_is_refused_unless_rows_are_taken_as_they_stand():
    seconds = SECONDS.copy()
    seconds[40:80] *= 9.0
    with pytest.raises(DataError, match=r"factor of .*rows 4\d to 79.*--drift none"):
        train(table(seconds), "ridge")
    assert train(table(seconds), "ridge", drift="none").model.n_rows_ == N


# -- leaked answers --


@pytest.mark.parametrize(
    "leak",
    {
        "inverse": 1.0 / SECONDS,
        "rounded rate": np.round(1.0 / SECONDS, 1),
        "rate by batch": BATCH / SECONDS,
        "work per second": PARAMS * BATCH * 2.0 / SECONDS / 1e9,
        "milliseconds": 1e3 * SECONDS,
        "logarithm": np.log(SECONDS),
        "square": SECONDS**2,
        "normalised": (SECONDS - SECONDS.min()) / np.ptp(SECONDS),
        "time per layer": SECONDS / LAYERS,
        "rate by another clock": BATCH / SECONDS * np.exp(RNG.normal(0, 1e-3, N)),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_a_column_that_was_computed_from_the_latency_is_refused_unless_it_is_kept(leak):
    data = table(extra=leak[1])
    (fault,) = table_faults(data)
    assert (fault.flag.code, fault.column) == ("E_LEAK", "extra")
    with pytest.raises(DataError, match="'extra' gives the answer away.*--drop extra.*--keep extra"):
        train(data, "ridge")
    assert codes(replace(data, kept=frozenset({"extra"}))) == []


def test_several_leaks_do_not_hide_each_other():
    data = table(samples_per_s=BATCH / SECONDS, tokens_per_s=128 * BATCH * LAYERS / SECONDS, ms=1e3 * SECONDS)
    assert [fault.column for fault in table_faults(data)] == ["samples_per_s", "tokens_per_s", "ms"]


def test_a_column_that_follows_repeats_is_found_whatever_its_law():
    rows = np.arange(N) // 2
    seconds = SECONDS[rows] * np.exp(RNG.normal(0, 0.02, N))
    energy = seconds * (40.0 + LAYERS[rows] ** 1.7)
    given = {"layers": LAYERS[rows], "hidden": HIDDEN[rows], "batch": BATCH[rows], "energy_j": energy}
    made = space("table", columns=[{"name": name} for name in given])
    archs = [made.architecture(row) for row in zip(*(one.tolist() for one in given.values()), strict=True)]
    data = from_table(LatencyTable(made, archs, seconds, None, "planted.csv"))
    assert [fault.column for fault in table_faults(data)] == ["energy_j"]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_noisy_copy_under_any_name_is_found_by_the_noise_that_it_shares(sign):
    copy = 1e3 * SECONDS**sign * np.exp(np.random.default_rng(1).normal(0, 0.008, N))
    (fault,) = table_faults(table(extra=copy))
    assert (fault.flag.code, fault.column) == ("E_LEAK", "extra")
    assert codes(table(params_g=copy)) == [], "a column that is named as sizes are"


def test_columns_that_add_up_to_the_latency_are_its_parts():
    """Whole microseconds of the stages of a request, none of which alone follows the latency closely."""
    rng = np.random.default_rng(6)
    queue = np.round(1e6 * np.median(SECONDS) * rng.uniform(0.2, 2.0, N))
    compute, send = np.round(1e6 * SECONDS), np.round(rng.uniform(1, 4, N))
    together = 1e-6 * (queue + compute + send) * np.exp(rng.normal(0, 0.005, N))
    faults = table_faults(table(together, queue=queue, compute=compute, send=send))
    assert [(fault.flag.code, fault.column) for fault in faults] == [("E_LEAK", "queue"), ("E_LEAK", "compute")]
    assert "one of the columns that add up to the latency (queue, compute)" in faults[0].flag.text
    assert codes(table(together, queue=queue)) == []
    assert codes(table(together, queue=queue, compute=np.round(compute * rng.uniform(0.5, 1, N)))) == []


def test_work_in_a_unit_is_a_size():
    """It was counted apart from the other columns, and follows the latency as closely as work does."""
    work = BATCH * PARAMS * 2e-9 * np.exp(np.random.default_rng(8).normal(0, 0.05, N))
    seconds = work * 1e-3 * np.exp(np.random.default_rng(9).normal(0, 0.01, N))
    assert codes(table(seconds, **{"FLOPs (G)": work})) == []
    assert codes(table(seconds, extra=work)) == ["E_LEAK"]
    sized = ("FLOPs (G)", "Params(M)", "#params", "MACs [M]")
    assert [name for name in (*sized, "FLOPS (G/s)", "hidden act (x)") if is_size(name)] == list(sized)


def test_a_rate_that_is_named_as_work_does_not_reverse_the_sizes():
    """``TFLOPs`` may be operations, and what was reached in a second."""
    assert codes(table(BATCH * SECONDS, TFLOPs=1e-12 * PARAMS / SECONDS)) == ["E_LEAK"]


def test_what_another_device_or_a_simulator_says_is_no_copy():
    other = SECONDS**0.9 * (1.0 + HIDDEN / 4096) * np.exp(np.random.default_rng(2).normal(0, 0.02, N))
    assert codes(table(extra=other)) == []


def test_hundreds_of_columns_are_looked_through():
    """Laws of the most telling columns stand for those of all."""
    rng = np.random.default_rng(5)
    wide = {f"x{i}": rng.normal(10, 1, N) for i in range(100)}
    assert codes(table(**wide)) == []
    assert codes(table(**wide, rate=BATCH / SECONDS)) == ["E_LEAK"]


@pytest.mark.parametrize(
    "feature",
    {
        "parameters": PARAMS.astype(float),
        "operations in G": BATCH * PARAMS * 2 / 1e9,
        "peak": np.array([1e12, 2e12, 5e12])[np.arange(N) % 3],
        "noise": RNG.normal(70, 1, N),
        "index": np.arange(N, dtype=float),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_features_however_good_are_no_leaks(feature):
    assert codes(table(extra=feature[1])) == []


def test_a_simulated_latency_in_proportion_to_parameters_is_no_leak():
    assert codes(table(PARAMS * 1e-11, params=PARAMS)) == []
    assert codes(table(PARAMS * 1e-11, **{"MACs (G)": PARAMS * 1e-9})) == []
    assert codes(table(1e-3 * (LAYERS + BATCH), encoder_layers=LAYERS, batches=BATCH)) == [], "counts that add up"


@pytest.mark.parametrize("seed", [0, 3, 4, 5, 6, 7, 10, 11, 12, 13])
def test_leaks_are_found_in_tables_of_all_kinds(seed):
    clean, rng = sim_table(seed, n=150)
    assert "E_LEAK" in codes(with_leak(clean, rng).data())


# -- rates --


@pytest.mark.parametrize("seed", [1, 2, 8, 9])
def test_rates_are_refused_where_the_space_knows_what_is_larger(seed):
    clean, _ = sim_table(seed, n=80)
    with pytest.raises(DataError, match="have shorter latencies.*rates \\(per second\\) rather than seconds"):
        train(replace(clean, latency_s=1.0 / clean.latency_s).data(), "ridge")


def test_columns_that_are_named_increasing_tell_rates():
    assert codes(table(1.0 / SECONDS, increasing=["layers", "hidden"])) == ["E_REVERSED"]
    assert codes(table(SECONDS, increasing=["layers", "hidden"])) == []
    assert codes(replace(table(1.0 / SECONDS), kept=frozenset({"layers", "hidden"}))) == []


def test_columns_that_are_named_as_sizes_are_tell_rates():
    assert codes(table(1.0 / SECONDS)) == ["E_REVERSED"]
    with pytest.raises(DataError, match="rates .*where larger ones truly are faster, name these columns with --keep"):
        train(table(1.0 / SECONDS), "ridge")
    names = ["params", "GFLOPs", "num_layers", "n_layers", "encoder_layer_num", "hidden_size", "d_model", "seq_len"]
    assert [name for name in names if not is_size(name)] == []
    assert [name for name in ("batch", "threads", "player", "bandwidth", "l1", "hidden_act", "heads") if is_size(name)] == []


def test_latency_without_any_relation_is_not_reversed():
    noise = np.exp(np.random.default_rng(3).normal(0, 0.3, N))
    assert codes(table(noise, increasing=["layers", "hidden"])) == []


def anonymous(power: float, signs: tuple[int, ...] = (1, 1, 1, 1), kept=frozenset()) -> Data:
    """Columns a, b, c and d, whose numbers make latency longer, or shorter where the sign is negative."""
    rng = np.random.default_rng(6)
    rows = rng.integers(1, 9, (N, len(signs)))
    made = space("table", columns=[{"name": name} for name in "abcd"])
    archs = [made.architecture(tuple(row)) for row in rows.tolist()]
    work = np.exp(0.15 * rows @ np.array(signs) + rng.normal(0, 0.02, N))
    return replace(from_table(LatencyTable(made, archs, work**power, None, "planted.csv")), kept=kept)


def test_latency_that_falls_along_columns_that_nothing_names_is_doubted_and_not_refused():
    rates = anonymous(-1.0)
    assert codes(rates) == []
    assert [flag.code for flag in audit_table(rates).flags] == ["W_REVERSED"]
    question = "Are these rates (per second) rather than seconds?"
    assert question in train(rates, "ridge").model.provenance["doubts"][0]
    for clean in (anonymous(1.0), anonymous(1.0, (1, -1, -1, -1)), anonymous(-1.0, kept=frozenset("ab"))):
        assert audit_table(clean).codes == ()
        assert question not in " ".join(train(clean, "ridge").model.provenance.get("doubts", []))


# -- elsewhere --


def test_published_files_have_none_of_these_faults(published):
    spaces = {"supershaper": "supershaper", "hat": "hat", "hat_npu": "hat"}
    for path in [*published.glob("supershaper/*.csv"), *published.glob("hat*/*.csv"), *published.glob("neusight/*.csv")]:
        name = spaces.get(path.parent.name, "table")
        refuse_faults(hwcost.cost_models.data.read(path, name))


@pytest.mark.parametrize("factor", [1e3, 1e-6])
def test_architectures_whose_repeats_are_all_in_another_unit(factor):
    """They agree with themselves, so that only other architectures tell."""
    rng = np.random.default_rng(3)
    net = np.repeat(np.arange(24), 6)
    seconds = SECONDS[net] * np.exp(rng.normal(0, 0.01, len(net)))
    wrong = np.isin(net, [3, 9, 14, 20])
    made = space("table", columns=[{"name": name} for name in ("layers", "hidden", "batch")])
    archs = [made.architecture((int(LAYERS[i]), int(HIDDEN[i]), int(BATCH[i]))) for i in net]
    clean, mixed = (
        from_table(LatencyTable(made, archs, one, None, "planted.csv"))
        for one in (seconds, np.where(wrong, seconds * factor, seconds))
    )
    assert table_faults(clean) == []
    (fault,) = table_faults(mixed)
    assert (fault.flag.code, fault.rows) == ("E_UNIT", tuple(np.flatnonzero(wrong).tolist()))
    assert fault.factor == pytest.approx(factor)


@pytest.mark.parametrize("name", ["qps", "samples_per_second", "tokens/s", "energy_mj"])
def test_a_rate_or_energy_by_name_needs_no_agreement_to_the_last_digit(name):
    rng = np.random.default_rng(4)
    column = (2.0 / SECONDS if "energy" not in name else 40.0 * SECONDS) * np.exp(rng.normal(0, 0.02, N))
    (fault,) = table_faults(table(**{name: np.array([float(f"{one:.2g}") for one in column])}))
    assert (fault.flag.code, fault.column) == ("E_LEAK", name)
    assert codes(table(qps=RNG.choice([0.5, 1.0, 2.0, 4.0, 8.0], N))) == [], "an offered load"
    assert codes(table(energy_budget=RNG.uniform(1, 100, N))) == []


# -- doubts about what can be fitted --


def doubts(seconds: np.ndarray, rows: np.ndarray | None = None, model: str = "lut") -> list[str]:
    data = table(seconds)
    if rows is not None:
        data = replace(data, architectures=[data.architectures[i] for i in rows])
    found: list[str] = train(data, model).model.provenance.get("doubts", [])
    return found


def test_a_fit_without_faults_has_no_doubts():
    assert doubts(SECONDS) == []


def test_rows_in_the_order_of_size_are_said_to_be_so():
    order = np.argsort(SECONDS)
    (doubt,) = doubts(SECONDS[order], order)
    assert doubt.startswith("the order of the rows follows the size of the architectures")


def test_latencies_that_follow_nothing_are_said_to():
    (doubt,) = doubts(0.01 * np.exp(np.random.default_rng(0).normal(0, 0.02, N)))
    assert "hardly agrees with what was measured: Kendall tau" in doubt


def test_rows_that_were_joined_in_another_order_are_said_to():
    last = np.arange(2 * N // 3, N)
    mixed = np.concatenate([np.arange(2 * N // 3), np.random.default_rng(1).permutation(last)])
    (doubt,) = doubts(SECONDS[mixed])
    assert f"to {N - 1}, or most of them, and holds elsewhere" in doubt
    assert "joined in the same order" in doubt


def test_a_setting_without_a_column_is_asked_for():
    rows = np.arange(N) // 3
    (doubt,) = doubts(SECONDS[rows] * np.tile([1.0, 4.0, 16.0], N // 3)[:N], rows)
    assert "differs by" in doubt
    assert "batch size" in doubt


def test_rows_far_off_are_named():
    seconds = SECONDS.copy()
    seconds[[17, 90]] *= 9.0
    (doubt,) = doubts(seconds, model="polynomial")
    assert "rows 17 and 90, counted from 0, are far from what the other rows predict" in doubt


def test_one_latency_for_all_is_refused():
    for use in (train, evaluate):
        with pytest.raises(DataError, match="all 120 rows have the same latency, 0.02 s"):
            use(table(np.full(N, 0.02)), "ridge")


def test_what_is_no_space_and_no_number_of_seeds_is_refused():
    frame = {"layers": LAYERS.tolist(), "latency_s": SECONDS.tolist()}
    with pytest.raises(UsageError, match=r"space= is a name such as 'table'.*got 3 \(int\)"):
        hwcost.fit(frame, "ridge", space=3)
    with pytest.raises(UsageError, match="number of seeds must be positive, got 0"):
        hwcost.evaluate(frame, "ridge", space="table", seeds=0)


def test_a_class_of_latencies_is_a_leak():
    """Where its ranges are cut at latencies; not where they belong to sizes, or lie apart as those of two devices do."""

    def named(seconds, classes):
        columns = [{"name": "layers"}, {"name": "hidden"}, {"name": "batch"}]
        columns.append({"name": "speed", "categorical": True, "choices": sorted(set(classes))})
        made = space("table", columns=columns)
        rows = zip(LAYERS.tolist(), HIDDEN.tolist(), BATCH.tolist(), classes, strict=True)
        return codes(from_table(LatencyTable(made, list(map(made.architecture, rows)), seconds, None, "planted.csv")))

    def cut(values):
        return [("a", "b", "c")[one] for one in np.digitize(values, np.quantile(values, [0.3, 0.6])).tolist()]

    assert named(SECONDS, cut(SECONDS)) == ["E_LEAK"]
    assert named(SECONDS, cut(PARAMS)) == []
    devices = RNG.choice([0, 1], N)
    assert named(SECONDS * 1e4**devices, [("cpu", "gpu")[one] for one in devices.tolist()]) == []


@pytest.mark.parametrize(("step", "is_said"), [(0.015625, True), (0.001, False)])
def test_latencies_in_coarse_steps_are_said_to_be(step, is_said):
    seconds = 0.02 + 40 * SECONDS / SECONDS.max() * 1e-3
    found = doubts(step * np.maximum(1, np.round(seconds / step)))
    assert [("steps of 15.6 ms" in doubt) for doubt in found] == ([True] if is_said else [])
