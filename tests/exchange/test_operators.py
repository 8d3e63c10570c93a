"""Finished tables of operators, and lookup tables of them."""

from __future__ import annotations

import json

import pytest

import hwcost as hc
from hwcost.errors import DataError, UsageError
from hwcost.exchange.operators import read_operators
from hwcost.objectives import Constraint

BLOCKS = {
    "genes": {"depth": [1, 2], "e": [3, 6], "k": [3, 5], "size": [14, 28]},
    "operators": [
        "stem",
        "{size}x{size}-expand:{e}-kernel:{k}-stride:1",
        {"name": "{size}x{size}-expand:{e}-kernel:3-stride:2", "when": {"depth": [2]}},
    ],
}
NAMES = ["stem"]
NAMES += [f"{size}x{size}-expand:{e}-kernel:{k}-stride:1" for size in (14, 28) for e in (3, 6) for k in (3, 5)]
NAMES += [f"{size}x{size}-expand:{e}-kernel:3-stride:2" for size in (14, 28) for e in (3, 6)]
MS = {name: 1.5 + index / 4 for index, name in enumerate(NAMES)}


@pytest.fixture
def table(tmp_path):
    def write(text: str, name: str = "ops.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


LINES = "".join(f"{name},{ms}\n" for name, ms in MS.items())
COMMA = "".join(f"{name};{str(ms).replace('.', ',')}\n" for name, ms in MS.items())
ENTRIES = json.dumps({name: {"mean": ms, "count": 10} for name, ms in MS.items()})


@pytest.mark.parametrize(
    ("name", "text", "unit"),
    [
        ("ops.csv", LINES, "ms"),
        ("ops.csv", "\ufeff" + LINES.replace("\n", "\r\n\r\n"), "ms"),
        ("ops.csv", "operator,latency_ms\n" + LINES, None),
        ("ops.csv", "name,latency (ms)\n" + LINES, None),
        ("ops.csv", "block,latency\n" + LINES, "ms"),
        ("ops.csv", "count,op,mean\n" + "".join(f"10,{line}\n" for line in LINES.splitlines()), "ms"),
        ("ops.csv", COMMA, "ms"),
        ("ops.tsv", LINES.replace(",", "\t"), "ms"),
        ("ops.txt", LINES.replace(",", "  "), "ms"),
        ("ops.json", json.dumps(MS), "ms"),
        ("ops.json", ENTRIES, "ms"),
        ("ops.csv", "".join(f'"{name}",{ms * 1e3}\n' for name, ms in MS.items()), "us"),
    ],
)
def test_every_layout_gives_the_same_seconds(table, name, text, unit) -> None:
    found = read_operators(table(text, name), unit)
    assert found.latency_s == pytest.approx({name: ms / 1e3 for name, ms in MS.items()})
    assert found.remarks == ()


@pytest.mark.parametrize(
    "header",
    [
        "op,latency_std_ms,latency_mean_ms", "op,timestamp,latency_ms", "op,runtime,latency (ms)",
        "op,warmup_time_ms,latency_ms", "op,mean_input_size,time_ms", "op,min_time_ms,mean_time_ms",
    ],
)  # fmt: skip
def test_the_latency_is_not_a_column_with_a_similar_name(table, header) -> None:
    assert read_operators(table(f"{header}\na,170,1.5\nb,180,2\n")).latency_s == pytest.approx({"a": 1.5e-3, "b": 2e-3})


def test_latencies_of_several_devices_are_asked_about(table) -> None:
    with pytest.raises(DataError, match="several columns may be the latency. Found: gpu_ms, cpu_ms. Keep one"):
        read_operators(table("op,gpu_ms,cpu_ms\na,1.5,2\n"))
    with pytest.raises(DataError, match="no column is named as a latency"):
        read_operators(table("op,flops,size\na,1.5,2\n"), "ms")


def test_commas_of_latencies_are_read_as_those_of_tables(table) -> None:
    assert read_operators(table("a;1.234,5\nb;2,25\n"), "us").latency_s == pytest.approx({"a": 1234.5e-6, "b": 2.25e-6})
    with pytest.raises(DataError, match=r"'38,202' may be 38\.202 or 38202"):
        read_operators(table("a;38,202\nb;41,500\n"), "us")


def test_names_may_hold_bars(table) -> None:
    found = read_operators(table("|conv_3x3~0|,1.5\n|skip|none~1|,2\n"), "ms")
    assert found.latency_s == pytest.approx({"|conv_3x3~0|": 1.5e-3, "|skip|none~1|": 2e-3})


def test_yaml_is_read_where_it_can_be(table) -> None:
    pytest.importorskip("yaml")
    path = table("stem: {mean: 1.5, count: 3}\n'14x14': 2\n", "ops.yaml")
    assert read_operators(path, "ms").latency_s == pytest.approx({"stem": 1.5e-3, "14x14": 2e-3})


def test_tables_within_a_table_are_named_in_few_words(table) -> None:
    nested = {size: {f"block-{i}": {"mean": 1.5 + i} for i in range(300)} for size in (160, 224)}
    says = r"'160' holds 300 entries \('block-0', 'block-1', ...\) and no mean, latency, value. .*save that of each so"
    with pytest.raises(DataError, match=says):
        read_operators(table(json.dumps(nested), "ops.json"), "ms")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,1.5\nb,6.03oops04\n", "line 2: the latency of operator 'b' is '6.03oops04'"),
        ("a,1.5\nb,-2\n", "line 2: the latency of operator 'b' is '-2'"),
        ("a,1.5\nb,nan\n", "line 2"),
        ("a,1.5\nb\n", "line 2: expected the name of an operator and its latency"),
        ("a,1.5\n,2\n", "line 2: expected the name"),
        ("", "it lists no operator"),
        ("name,latency\n", "it lists no operator"),
        ("a,1.5\nb,1\na,7\n", "line 1 and line 3 give operator 'a' latencies a factor of 4.67 apart"),
    ],
)
def test_damage_is_named_by_its_line(table, text, says) -> None:
    with pytest.raises(DataError, match=says):
        read_operators(table(text), "ms")


def test_units_are_never_guessed(table) -> None:
    with pytest.raises(UsageError, match="does not say in which unit.*--unit ms"):
        read_operators(table(LINES))
    with pytest.raises(UsageError, match="unknown unit 'h' of latencies. Known: s, ms"):
        read_operators(table(LINES), "h")
    with pytest.raises(DataError, match="No such file"):
        read_operators("nowhere.csv", "ms")
    with pytest.raises(DataError, match="is not JSON"):
        read_operators(table("{", "ops.json"), "ms")
    with pytest.raises(DataError, match="expected a mapping"):
        read_operators(table("[1]", "ops.json"), "ms")


def test_repeats_are_joined_by_their_median(table) -> None:
    found = read_operators(table("a,1\na,1.04\nb,2\nb,2.1\nb,50\n"), "s")
    assert found.latency_s == pytest.approx({"a": 1.02, "b": 2.1})
    (remark,) = found.remarks
    assert "1 of the operators" in remark
    assert "'b', a factor of 25" in remark


def test_an_architecture_costs_the_sum_of_its_operators(table, tmp_path) -> None:
    space = hc.space("custom", **BLOCKS)
    more = LINES + "another,9\n"
    cost = hc.lookup_table(space, table(more), unit="ms", overhead_s=1e-3)
    loaded = hc.load(cost.save(tmp_path / "model"))
    archs = list(space.architectures())
    wanted = [1e-3 + sum(MS[part.name] for part in space.components(arch)) / 1e3 for arch in archs]
    for model in (cost, loaded):
        assert [model(arch) for arch in archs] == pytest.approx(wanted)
        assert model.predict(archs).latency_s.tolist() == pytest.approx(wanted)
        assert model.predict(archs).in_domain.all()
    study = hc.search(space, [hc.Maximize(sum_of_genes)], [Constraint(loaded, most=0.010, probability=0)], evaluations=32)
    best = max((sum_of_genes(arch) for arch, s in zip(archs, wanted, strict=True) if s <= 0.010))
    assert study.best.values == (best,)


def sum_of_genes(arch) -> float:
    return float(sum(arch.genes))


def test_missing_operators_are_named(table) -> None:
    space = hc.space("custom", **BLOCKS)
    short = "\n".join(line for line in LINES.splitlines() if "kernel:5" not in line)
    with pytest.raises(DataError, match="lacks 4 of the 13 operators.*14x14-expand:3-kernel:5-stride:1.*never priced"):
        hc.lookup_table(space, table(short), unit="ms")
    with pytest.raises(UsageError, match="declares no operators"):
        hc.lookup_table(hc.space("custom", genes={"a": [1]}), table(LINES), unit="ms")
    with pytest.raises(UsageError, match="declares no operators"):
        hc.lookup_table(hc.space("supershaper"), table(LINES), unit="ms")
