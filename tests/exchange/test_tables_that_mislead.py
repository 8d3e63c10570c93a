"""Tables whose columns are not what they seem: units that are scaled, settings beside genes, names that stand twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwcost.errors import DataError
from hwcost.exchange.column_names import computed_word, is_latency_name, split_unit
from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import LatencyTable, read_table
from hwcost.spaces.reading import as_architecture

N = 12
WIDTH = [64 * (i % 7 + 1) + i for i in range(N)]
MS = [1.5 + 0.3 * i for i in range(N)]


def table(columns: dict[str, list[Any]], **options: Any) -> LatencyTable:
    return read_table({"width": WIDTH, **columns}, "table", TableOptions(**options))


def genes(read: LatencyTable) -> list[str]:
    return [gene.name for gene in read.space.genes]


# -- units ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["latency (10\u207b\u00b3 s)", "latency (10^{-3} s)", "latency / 10^-3 s", "latency 10^-3 (s)", "latency (m s)",
     "latency_m_s", "latency_x1000_s", "latency (tenths of a second)", "latency (s/1000)", "latency (ms)/1000",
     "Latency [u s]", "latency (?s)", "latency (\ufffds)", "latency (&micro;s)"],
)  # fmt: skip
def test_a_scaled_unit_is_asked_for(name: str) -> None:
    """Read as seconds, these latencies would be wrong by a factor of up to a million."""
    with pytest.raises(DataError, match="does not say in which unit"):
        table({name: MS})
    assert is_latency_name(name)


@pytest.mark.parametrize(
    "name", ["latency (\u03bc s)", "latency ($\\mu$s)", "latency [\\mu s]", "Latency, \u00b5 sec", "time_mean ($\\mu$s)"]
)
def test_a_micro_sign_of_its_own_makes_microseconds(name: str) -> None:
    np.testing.assert_allclose(table({name: MS}).latency_s, 1e-6 * np.array(MS), rtol=1e-12)


@pytest.mark.parametrize("unit", ["\u00b5sec", "mseconds", "nsecs", "usec"])
def test_every_spelling_of_a_unit_within_a_name_is_known(unit: str) -> None:
    assert split_unit(f"Latency [{unit}] on T4")[1] == split_unit(f"latency_{unit}")[1] is not None


def test_numbers_and_letters_before_a_unit_are_no_factors() -> None:
    shapes = ("latency_512x1000_ms", "latency_batch_8_ms", "Latency (batch 1) [ms]", "conv1x1 (ms)")
    for name in (*shapes, "latency_{p50} (ms)"):
        assert split_unit(name)[1] == "ms", name
    assert split_unit("latency_seq128_s")[1] == "s"


def test_a_time_with_anything_in_brackets_is_no_feature() -> None:
    assert genes(table({"latency_ms": MS, "time (10^-3 s)": MS, "Duration [cold]": MS})) == ["width"]


def test_the_word_for_a_latency_says_more_than_a_unit() -> None:
    with pytest.raises(DataError, match="the column 'latency' does not say in which unit"):
        table({"elapsed_s": [10.0 * i + 1 for i in range(N)], "latency": MS})
    with pytest.raises(DataError, match="several columns may be the latency: forward_ms, platform_ms"):
        table({"forward_ms": MS, "platform_ms": MS})


@pytest.mark.parametrize(
    ("name", "other"),
    [("e2e_time", "prompt_time"), ("total_latency", "median_decode_latency"), ("mean_e2el_ms", "mean_ttft_ms")],
)
def test_where_several_are_possible_the_whole_call_is_proposed(name: str, other: str) -> None:
    with pytest.raises(DataError, match=f"Say which: --latency {name} "):
        table({other: MS, name: MS})


@pytest.mark.parametrize(
    ("name", "word"),
    [("time_per_1000_images_ms", "per_1000_images"), ("time for 100 runs (s)", "for 100 runs"), ("1/latency_ms", "1/"),
     ("latency_overhead_ms", "overhead"), ("neg_latency_ms", "neg"), ("latency (img/s)", "img/s"), ("latency (fps)", "fps"),
     ("Latency [tokens/sec]", "tokens/sec"), ("latency (%)", "%"), ("latency_kcycles", "kcycles"),
     ("prefill.latency.count", "count")],
)  # fmt: skip
def test_what_many_calls_took_and_what_was_derived_is_no_latency(name: str, word: str) -> None:
    with pytest.raises(DataError, match=f"'{word}' says that it is computed from latencies"):
        table({name: MS})
    for other in ("latency_per_image_ms", "mean_latency_over_100_runs_ms", "upper_95_ms", "super_2_time_ms",
                  "latency 95 % (ms)", "latency_ms/img", "latency (s/it)"):
        assert computed_word(other) is None, other


def test_a_total_beside_the_number_of_its_runs_is_not_the_time_of_one() -> None:
    columns = {"total_time_ms": MS, "num_runs": [100] * N}
    with pytest.raises(DataError, match="'total_time_ms' may be the time of all runs, which the column 'num_runs' counts"):
        table(columns)
    assert len(table(columns, latency="total_time_ms")) == len(table({**columns, "num_runs": [1] * N})) == N
    assert len(table({"latency_ms": MS, "num_runs": [100] * N})) == N


def test_text_of_four_bytes_a_sign(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("width,latency_ms\n1,2.5\n2,3.5\n", encoding="utf-32")
    assert read_table(tmp_path / "t.csv", "table").latency_s.tolist() == [0.0025, 0.0035]


# -- settings ------------------------------------------------------------------------------------------------------------


def shaped(**columns: Any) -> LatencyTable:
    rng = np.random.default_rng(0)
    frame = {f"l{i + 1}": rng.choice([120, 240, 360, 480], N).tolist() for i in range(12)}
    latency = {"latency_s": [1e-3 * one for one in MS]}
    return read_table({**frame, **columns, **latency}, "supershaper", TableOptions(drop="note"))


def test_settings_beside_the_genes_of_a_space_are_said() -> None:
    """Latencies of two devices would be fitted as if they were of one."""
    notes = {"note": ["a", "b"] * 6, "name": [f"net{i}" for i in range(N)], "params": [10_000 + i for i in range(N)]}
    read = shaped(device=["t4", "a100"] * 6, batch_size=[1, 8, 1] * 4, dtype=["fp32"] * N, **notes)
    said = [remark for remark in read.remarks if "are not genes of 'supershaper'" in remark]
    assert len(said) == 1
    assert "'device' (2 values), 'batch_size' (2 values)" in said[0]
    assert "--drop device,batch_size" in said[0]
    assert not shaped(dtype=["fp32"] * N, **notes).remarks


def test_columns_of_other_devices_are_doubted_where_one_is_named() -> None:
    rng = np.random.default_rng(1)
    pixel, k80 = (np.array(MS) * factor * rng.normal(1, 0.02, N) for factor in (1.1, 7.3))
    columns = {"pixel3": pixel.tolist(), "k80": k80.tolist(), "gflops": [0.31 * one for one in WIDTH]}
    read = table(columns, latency="pixel3", unit="ms")
    assert any("'k80' is a feature that looks as 'pixel3' does" in one and "--drop k80" in one for one in read.remarks)
    assert not any("'gflops'" in one for one in read.remarks)
    assert not any("feature that looks" in one for one in table(columns, latency="pixel3", unit="ms", drop="k80").remarks)


def test_numbers_with_marks_among_them_are_said_to_be_names() -> None:
    read = table({"latency_ms": MS, "group": ["-", "N/A", "-", "32", "-", "64"] * 2})
    assert not any("'group' holds numbers" in one for one in read.remarks), "two numbers only"
    read = table({"latency_ms": MS, "x": ["a", *["-"] * 8, "1", "2", "3"]})
    assert any("'x' holds numbers and texts such as '-'" in one for one in read.remarks)


# -- names that stand twice, rows of statistics, CPU times ---------------------------------------------------------------


@pytest.mark.parametrize("lines", [False, True])
def test_a_name_that_stands_twice_in_an_object_is_refused(tmp_path: Path, lines: bool) -> None:
    """JSON readers keep the last value without a word."""
    records = [json.dumps({"width": width, "latency_ms": ms}) for width, ms in zip(WIDTH, MS, strict=True)]
    records[3] = '{"width": 1, "latency_ms": 5.5, "latency_ms": 7.5}'
    path = tmp_path / "t.json"
    path.write_text("\n".join(records) if lines else f"[{','.join(records)}]")
    with pytest.raises(DataError, match="'latency_ms' stands twice in one object, with different values"):
        read_table(path, "table")
    path.write_text(path.read_text().replace("7.5", "5.5"))
    assert len(read_table(path, "table")) == N
    by_name = ", ".join(f'"net{i % 11}": {{"width": {WIDTH[i]}, "latency_ms": {MS[i]}}}' for i in range(N))
    path.write_text(f"{{{by_name}}}")
    with pytest.raises(DataError, match="'net0' stands twice"):
        read_table(path, "table")


def test_a_last_number_that_was_cut_is_doubted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    text = "width,latency_ms\n" + "\n".join(f"{width},{ms:.6f}" for width, ms in zip(WIDTH, MS, strict=True))
    for cut, is_doubted in ((0, False), (1, False), (7, True), (4, True)):
        path.write_text(text[: len(text) - cut])
        said = [one for one in read_table(path, "table").remarks if "may be cut short" in one]
        assert bool(said) == is_doubted
    assert "line 13 is the last one and does not end, and its last cell '4.80'" in said[0]
    path.write_text(text[:-4] + "\n")
    assert not any("cut short" in one for one in read_table(path, "table").remarks)


def test_statistics_among_repetitions_are_refused() -> None:
    names = [f"BM_gemm/{i // 6}{end}" for i in range(N) for end in [("", "", "_mean", "_median", "_stddev", "_cv")[i % 6]]]
    columns = {"name": names, "real_time": MS, "cpu_time": MS, "time_unit": ["ms"] * N}
    with pytest.raises(DataError, match="rows 2 to 5 and 8 to 11 hold statistics of repetitions, such as 'BM_gemm/0_mean'"):
        table(columns, latency="real_time")
    pools = ["global_mean", "global_max", "local_mean"] * 4
    assert genes(table({"latency_ms": MS, "pool": pools})) == ["width", "pool"]


def test_cpu_times_are_no_features() -> None:
    columns = {"mean": MS, "user": [0.9 * one for one in MS], "system": [0.2 * one for one in MS], "times": [[1.5, 1.6]] * N}
    read = table(columns, latency="mean", unit="ms")
    assert genes(read) == ["width"]
    assert genes(table({"latency_ms": MS, "system": ["a", "b"] * 6})) == ["width", "system"]


def test_durations_of_arrays_are_seconds() -> None:
    """NumPy makes plain numbers of nanoseconds, which are no seconds."""
    nanoseconds = np.array([round(1e6 * one) for one in MS], dtype="timedelta64[ns]")
    np.testing.assert_allclose(table({"latency": nanoseconds}).latency_s, 1e-3 * np.array(MS), rtol=1e-12)
    rows = np.zeros(N, dtype=[("width", "i8"), ("latency", "timedelta64[ns]")])
    rows["width"], rows["latency"] = WIDTH, nanoseconds
    np.testing.assert_allclose(read_table(rows, "table").latency_s, 1e-3 * np.array(MS), rtol=1e-12)
    nanoseconds[3] = "NaT"
    with pytest.raises(DataError, match="row 3, column 'latency': the value is missing"):
        table({"latency": nanoseconds})


# -- times that are none of the computation --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["audio_duration_s", "audioDurationMs", "clip_length_s", "utterance_seconds", "audio_sec", "audio_len_ms",
     "video duration [s]", "mean_audio_duration_s", "frame_length_ms", "hop_ms", "lookahead_s", "input_length_s"],
)  # fmt: skip
def test_how_long_an_input_lasts_is_a_feature_and_no_latency(name: str) -> None:
    lasts = [2.0 + (i * 7919 % 101) / 17 for i in range(N)]
    assert genes(table({name: lasts, "latency_ms": MS})) == ["width", name]
    assert genes(table({name: lasts, "total_time_ms": MS})) == ["width", name]
    with pytest.raises(DataError, match="no other is named as latencies are"):
        table({name: lasts, "width": MS})


@pytest.mark.parametrize(
    "name", ["audio_ms", "clip_duration_ms", "segment_time_ms", "duration_s", "frame_ms", "audio_latency_ms"]
)
def test_a_time_that_may_be_that_of_a_part_is_no_feature(name: str) -> None:
    assert is_latency_name(name)


@pytest.mark.parametrize("name", ["start_us", "endInMs", "timestamp_ms", "ts_us", "gpu_start_ms", "start time"])
def test_an_instant_is_no_latency(name: str) -> None:
    with pytest.raises(DataError, match="no other is named as latencies are"):
        table({name: [1000.0 * i + 1 for i in range(N)], "width": MS})
    assert table({"end_to_end_ms": MS, name: MS, "width": MS}).latency_s[0] == pytest.approx(MS[0] / 1e3)


def test_begin_and_end_are_said_to_need_their_difference() -> None:
    with pytest.raises(DataError, match="'start_ns' and 'end_ns' say when a run began and ended: give their difference"):
        table({"start_ns": MS, "end_ns": MS, "width": MS})


def test_clock_readings_are_no_feature_whatever_their_origin() -> None:
    assert genes(table({"ts": [17 * i + i * i for i in range(N)], "latency_ms": MS})) == ["width"]
    assert genes(table({"timestamp": [(31 * i) % 97 for i in range(N)], "latency_ms": MS})) == ["width"]
    tiles = {"width": [64 * i for i in range(N)], "ts": [16 << i for i in range(N)], "latency_ms": MS}
    assert genes(table(tiles)) == ["width", "ts"]


def test_rows_out_of_the_order_of_their_time_stamps_are_said() -> None:
    days = [f"2024-05-{1 + (5 * i) % 28:02d} 12:00" for i in range(N)]
    for stamps in (days, [1.7e9 + (31 * i) % 97 for i in range(N)]):
        said = [" ".join(table({"timestamp": one, "latency_ms": MS}).remarks) for one in (stamps, sorted(stamps))]
        assert ["do not stand in the order of 'timestamp'" in one for one in said] == [True, False]


def test_the_latency_of_a_part_beside_that_of_the_whole_is_asked_about() -> None:
    for whole in ("total latency (s)", "e2e_latency_ms"):
        with pytest.raises(DataError, match="several columns may be the latency: latency per step"):
            table({"latency per step (ms)": MS, whole: MS})
    assert table({"latency_per_token_ms": MS}).latency_s[0] == MS[0] / 1e3


@pytest.mark.parametrize("mark", ["x", "%"])
def test_multiples_and_shares_are_no_latencies(mark: str) -> None:
    with pytest.raises(DataError, match=f"none of its cells is a number, the first one being '1.5{mark}'"):
        table({"latency_ms": [f"{ms}{mark}" for ms in MS]})


def test_a_rate_that_is_taken_as_asked_is_doubted() -> None:
    for name in ("img_per_s", "fps"):
        remarks = table({name: MS}, latency=name, unit="ms").remarks
        assert any("although it is a rate by its name" in remark for remark in remarks)


# -- names of benchmarks with arguments ------------------------------------------------------------------------------------


SIZES = [64 * (1 + 5 * i % 11) for i in range(N)]


@pytest.mark.parametrize(
    ("pattern", "columns"),
    [("BM_Gemm/m:{}/n:{}/real_time", ["m", "n"]), ("BM_Gemm/{}/{}", ["args.0", "args.1"]),
     ("BM_Gemm<float, {}>/{}", ["template.0", "template.1", "args.0"]),
     ("BM_Sort/n:{}/iterations:10/threads:{}", ["n", "threads"]),
     ("tests/test_x.py::test_gemm[{}-{}-float32]", ["args.0", "args.1", "args.2"]),
     ("linear.Suite.time_mm({}, {})", ["args.0", "args.1"]), ("linear.Suite.time_mm(m={}, k={})", ["m", "k"])],
)  # fmt: skip
def test_arguments_in_names_of_benchmarks_are_features(pattern: str, columns: list[str]) -> None:
    read = table({"name": [pattern.format(size, i % 3) for i, size in enumerate(SIZES)], "latency_ms": MS})
    assert genes(read) == ["width", *columns]
    varied = [name for name in columns if len({read.space.named(arch)[name] for arch in read.architectures}) > 1]
    assert [read.space.named(arch)[varied[0]] for arch in read.architectures] == SIZES
    row = {"width": WIDTH[1], "name": pattern.format(SIZES[1], 1)}
    assert as_architecture(read.space, row) == read.architectures[1]
    assert "column 'name' holds dictionaries, which became the columns" in read.remarks[0]


def test_names_of_several_benchmarks_are_a_column_of_their_own() -> None:
    names = [f"BM_{('Gemm', 'Conv')[i % 2]}/{size}" for i, size in enumerate(SIZES)]
    read = table({"name": names, "latency_ms": MS})
    assert genes(read) == ["width", "benchmark", "args.0"]
    assert list(read.space.named(read.architectures[1]).values()) == [WIDTH[1], "BM_Conv", SIZES[1]]


def test_names_whose_numbers_are_theirs_or_stand_beside_them_stay_whole() -> None:
    names = [f"BM_Gemm/{size}/{i % 3}" for i, size in enumerate(WIDTH)]
    assert genes(table({"name": names, "latency_ms": MS})) == ["width"]
    params = [{"m": width, "n": i % 3} for i, width in enumerate(WIDTH)]
    assert genes(table({"name": names, "params": params, "width": [8] * N, "latency_ms": MS})) == ["width", "m", "n"]
    for net in ("resnet/{}", "run/2024/{}", "models/{}/0"):
        assert genes(table({"net": [net.format(50 + i) for i in range(N)], "latency_ms": MS})) == ["width"]
    assert genes(table({"gpu": [f"T4({i % 3})" for i in range(N)], "latency_ms": MS})) == ["width", "gpu"]


def test_relative_spreads_may_share_a_name(tmp_path: Path) -> None:
    rows = [f"{width},{2 * ms},0.5%,{ms},0.1%\n" for width, ms in zip(WIDTH, MS, strict=True)]
    path = tmp_path / "nvbench.csv"
    path.write_text("N,CPU Time (ms),Noise (%),GPU Time (ms),Noise (%)\n" + "".join(rows))
    read = read_table(path, "table", TableOptions(latency="GPU Time (ms)"))
    assert genes(read) == ["N"]
    assert read.latency_s[0] == MS[0] / 1e3


@pytest.mark.parametrize(
    ("one", "other"),
    [("CPU latency (ms)", "Edge TPU latency (ms)"), ("GPU time (ms)", "TensorRT time (ms)"), ("lat (ms)", "lat (ms).1")],
)
def test_the_latency_of_a_processor_is_not_taken_before_that_of_another_one(one: str, other: str) -> None:
    """A word for a processor makes a name no plainer, nor does a number that a spreadsheet put behind the second of two."""
    with pytest.raises(DataError, match="several columns may be the latency") as failed:
        table({other: [2 * ms for ms in MS], one: MS})
    assert f"latency: {one}, {other}." in str(failed.value)
    assert table({other: [2 * ms for ms in MS], one: MS}, latency=other).latency_s[0] == pytest.approx(2e-3 * MS[0])


def test_a_column_that_is_repeated_with_the_same_cells_is_one() -> None:
    assert table({"latency_ms": MS, "latency_ms.1": MS}).latency_s[0] == pytest.approx(1e-3 * MS[0])
    assert table({"gpu_latency_ms": MS, "accuracy": MS}).latency_s[0] == pytest.approx(1e-3 * MS[0])
