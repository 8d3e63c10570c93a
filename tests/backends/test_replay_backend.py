"""Recorded latencies come back in the order of their rows."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from hwcost.backends import backend
from hwcost.errors import DataError, UsageError
from hwcost.spaces import space
from hwcost.workloads import SyntheticWorkload, models

CPU = SimpleNamespace(kind="cpu", name="cpu")
SPACE = space("supershaper")
SMALL, LARGE, OTHER = ([width] * 12 for width in (120, 768, 360))
HEADER = ",".join([gene.name for gene in SPACE.genes] + ["latency_s"])


def recording(folder, *rows, header=HEADER):
    path = folder / "recorded.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return {"file": str(path), "space": "supershaper"}


def row(genes, latency_s):
    return ",".join(map(str, [*genes, latency_s]))


def workload(genes):
    return models(SPACE, [SPACE.architecture(genes)])[0]


def test_repeats_come_in_the_order_of_their_rows_and_then_again(tmp_path) -> None:
    made = backend("replay", options=recording(tmp_path, row(SMALL, 0.1), row(LARGE, 0.7), row(SMALL, 0.2)))
    runner = made.prepare(workload(SMALL), CPU)
    times = [runner.clock()]
    for _ in range(5):
        runner.run(1)
        times.append(runner.clock())
    steps = [round((b - a) / 1e9, 6) for a, b in itertools.pairwise(times)]
    assert steps == [0.1, 0.2, 0.1, 0.2, 0.1]
    assert runner.outputs()[0].tolist() == pytest.approx([0.1, 0.2])
    large = made.prepare(workload(LARGE), CPU)
    start = large.clock()
    large.run(3)
    assert (large.clock() - start) / 1e9 == pytest.approx(2.1)


def test_what_was_not_recorded_is_refused(tmp_path) -> None:
    made = backend("replay", options=recording(tmp_path, row(SMALL, 0.1)))
    with pytest.raises(UsageError, match=r"'360_.*' is not among the 1 architectures of"):
        made.prepare(workload(OTHER), CPU)
    with pytest.raises(UsageError, match="plays whole models of space 'supershaper', not 'some'"):
        made.prepare(SyntheticWorkload("some", 1), CPU)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row(SMALL, 0.1), row(LARGE, "fast")], "row 1 of .* cannot be used"),
        ([row(SMALL, 0)], "row 0 of .* has the latency '0'. Expected a positive number"),
        ([row(SMALL, "nan")], "row 0 .* has the latency 'nan'"),
        ([row(SMALL, "")], "row 0 .* has the latency ''"),
        ([row([7] * 12, 1)], "row 0 .* cannot be used: gene 'l1'"),
        (["1,2"], "row 0 .* cannot be used"),
    ],
)
def test_bad_rows_are_named(tmp_path, rows, message) -> None:
    with pytest.raises(DataError, match=message):
        backend("replay", options=recording(tmp_path, *rows))


def test_bad_files_are_named(tmp_path) -> None:
    with pytest.raises(DataError, match="has no column 'l1'. Expected l1..l12 and latency_s"):
        backend("replay", options=recording(tmp_path, header="a,b"))
    with pytest.raises(DataError, match="cannot read"):
        backend("replay", options={"file": str(tmp_path / "none.csv")})
    with pytest.raises(DataError, match="is not a CSV: field larger than field limit"):
        backend("replay", options=recording(tmp_path, "x" * 200_000))
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not UTF-8"):
        backend("replay", options={"file": str(tmp_path / "binary.csv")})


def test_published_latencies_can_be_played(published) -> None:
    made = backend("replay", options={"file": str(published / "supershaper" / "1080ti_bs128.csv")})
    runner = made.prepare(workload(SMALL), CPU)
    runner.run(1)
    assert runner.clock() == 215_257_000
