"""Commands on other people's tables: what is decided is said, on stderr and in --json, by every one of them alike."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwcost as hc
from hwcost.cli.main import invoke
from hwcost.errors import UsageError

REMARK = "column 'name' left out: it holds names"


def write(path: Path, with_names: bool = True, n: int = 60) -> Path:
    rng = np.random.default_rng(0)
    layers, hidden = rng.integers(1, 13, n), 64 * rng.integers(2, 17, n)
    latency = (1e-3 + 5e-9 * layers * hidden**2) * rng.lognormal(0.0, 0.01, n)
    lines = [f"{a},{b},{1e3 * s:.9g}" for a, b, s in zip(layers, hidden, latency, strict=True)]
    names = [f"net_{i}," if with_names else "" for i in range(n)]
    header = ("name," if with_names else "") + "layers,hidden,latency_ms"
    path.write_text("\n".join([header, *(name + line for name, line in zip(names, lines, strict=True))]) + "\n")
    return path


def document(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[dict[str, Any], str]:
    assert invoke([*map(str, arguments), "--json", "-"]) == 0
    captured = capsys.readouterr()
    return json.loads(captured.out), captured.err


def test_every_command_says_the_same_remarks(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv")
    fitting = ["--model", "ridge"]
    found = [
        document(capsys, "fit", path, "--space", "table", *fitting, "--no-plot", "--out", tmp_path / "m"),
        document(capsys, "evaluate", path, "--space", "table", *fitting, "--seeds", 1),
        document(capsys, "audit", path, "--space", "table"),
        document(capsys, "compare", path, write(tmp_path / "again.csv")),
    ]
    for made, err in found:
        assert any(REMARK in remark for remark in made["remarks"])
        assert any("latency is latency_ms, in ms." in remark for remark in made["remarks"])
        assert REMARK in err


def test_a_column_of_names_changes_no_figure(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with_names, without = write(tmp_path / "a.csv"), write(tmp_path / "b.csv", with_names=False)
    options = ["--space", "table", "--model", "ridge", "--seeds", 1]
    figures = []
    for path in (with_names, without):
        models = document(capsys, "evaluate", path, *options)[0]["models"]
        figures.append([models["ridge"][view] for view in ("as_measured", "reference_state")])
    assert figures[0] == figures[1]


def test_new_nets_can_be_predicted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path, model = write(tmp_path / "t.csv"), tmp_path / "m"
    document(capsys, "fit", path, "--space", "table", "--model", "ridge", "--no-plot", "--out", model)
    nets = tmp_path / "nets.csv"
    nets.write_text('name,hidden,layers\nnew,512,4\nother,"1,024",2\n')
    texts = ["--arch", "4,512", "--arch", "layers=4,hidden=512", "--arch", '{"hidden": 512, "layers": 4}']
    made, err = document(capsys, "predict", model, *texts, "--file", nets)
    assert [one["arch"] for one in made["predictions"]] == ["[4, 512]"] * 4 + ["[2, 1024]"]
    assert len({one["latency_s"] for one in made["predictions"][:4]}) == 1
    assert "commas as thousands separators" in err
    assert "commas as thousands separators" in made["remarks"][0]
    nets.write_text("name,hidden\nnew,512\n")
    assert invoke(["predict", str(model), "--file", str(nets)]) == 2
    assert "nets.csv: line 2: an architecture of space 'table' needs a value for layers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("one.json", '{"layers": 4, "hidden": 256}'),
        ("texts.json", '{"layers": "4", "hidden": "256", "name": "net_1"}'),
        ("list.json", '[{"layers": 4, "hidden": 256}]'),
        ("lines.jsonl", '{"layers": 4, "hidden": 256}'),
        ("table.csv", "hidden,layers\n256,4\n"),
        ("lines.txt", "# a net\n4_256\n"),
        ("-", "hidden;layers\n256;4\n"),
        ("-", '{"layers": 4, "hidden": 256}'),
        ("-", "4,256\n"),
    ],
)
def test_an_architecture_is_read_from_any_kind_of_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str
) -> None:
    model, file = tmp_path / "m", tmp_path / name
    hc.fit(write(tmp_path / "t.csv"), "ridge", space="table").save(model)
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    file.write_text(text)
    made = document(capsys, "predict", model, "--file", "-" if name == "-" else file)[0]
    assert [one["arch"] for one in made["predictions"]] == ["[4, 256]"]


def test_json_in_another_encoding_is_read_as_a_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model, file = tmp_path / "m", tmp_path / "nets.json"
    hc.fit(write(tmp_path / "t.csv"), "ridge", space="table").save(model)
    file.write_bytes('[{"layers": 4, "hidden": 256}]'.encode("utf-16"))
    made = document(capsys, "predict", model, "--file", file)[0]
    assert [one["arch"] for one in made["predictions"]] == ["[4, 256]"]


@pytest.mark.parametrize("name", ["head.csv", "-"])
def test_a_header_without_rows_is_no_architecture(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    model, file = tmp_path / "m", tmp_path / name
    hc.fit(write(tmp_path / "t.csv"), "ridge", space="table").save(model)
    monkeypatch.setattr("sys.stdin", io.StringIO("layers,hidden\n"))
    file.write_text("layers,hidden\n")
    assert invoke(["predict", str(model), "--file", "-" if name == "-" else str(file)]) == 2
    assert "names columns and has no rows" in capsys.readouterr().err


def test_options_reach_the_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv")
    options = ["--space", "table", "--latency", "latency_ms", "--unit", "us", "--drop", "hidden", "--id", "name"]
    made, _ = document(capsys, "fit", path, *options, "--model", "constant", "--no-plot", "--out", tmp_path / "m")
    said, doubt = made["remarks"]
    assert said == "latency is latency_ms in us."
    assert "the same architecture measured twice differs" in doubt, "the width that tells them apart was left out"
    loaded = hc.load(tmp_path / "m")
    assert [gene.name for gene in loaded.space.genes] == ["layers"]
    options = hc.TableOptions(latency="latency_ms", unit="us", drop=["hidden"], id="name")
    same = hc.fit(path, "constant", space="table", table=options)
    assert loaded((4,)) == same((4,))
    assert invoke(["audit", str(path), "--space", "table", "--unit", "hours"]) == 2
    assert "unknown unit of latency 'hours'. Known: s, ms, us, ns, min" in capsys.readouterr().err


def test_python_takes_objects_and_the_same_options(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv")
    rows = [line.split(",") for line in path.read_text().splitlines()]
    columns = {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}
    by_file = hc.evaluate(path, "ridge", space="table", seeds=1)
    by_object = hc.evaluate(columns, "ridge", space="table", seeds=1)
    assert by_file["models"]["ridge"]["as_measured"] == by_object["models"]["ridge"]["as_measured"]
    assert by_file["remarks"] == by_object["remarks"]
    assert hc.audit(columns, "table").von_neumann == hc.audit(path, "table").von_neumann
    assert hc.audit(columns, "table", table=hc.TableOptions(unit="us", latency="latency_ms", drop="hidden")).space == "table"
    with pytest.raises(UsageError, match="a data frame is read as a table, which needs a space"):
        hc.fit(columns)
    with pytest.raises(UsageError, match="'unit' is an option of tables"):
        hc.fit(tmp_path / "runs.db", table=hc.TableOptions(unit="ms"))


def test_records_in_lines_are_no_store(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"a": i % 7, "latency_us": 5.0 + i % 7}) + "\n" for i in range(20)))
    assert hc.fit(path, "ridge", space="table")((3,)) == pytest.approx(8e-6, rel=0.01)


def test_a_fit_doubts_rows_of_two_devices(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Predictions for the mean level of two devices are those of neither."""
    lines = write(tmp_path / "t.csv", with_names=False).read_text().splitlines()
    cells = [line.split(",") for line in lines[1:]]
    slower = [f"{a},{b},{float(ms) * (1 if i < 30 else 2.6)}" for i, (a, b, ms) in enumerate(cells)]
    (tmp_path / "t.csv").write_text("\n".join([*lines[:1], *slower[:30], lines[0], *slower[30:]]) + "\n")
    fitting = ["--space", "table", "--model", "polynomial", "--no-plot", "--out", str(tmp_path / "m")]
    assert invoke(["fit", str(tmp_path / "t.csv"), *fitting]) == 0
    captured = capsys.readouterr()
    assert "may be of two devices or settings that no column names" in " ".join((captured.out + captured.err).split())


@pytest.mark.parametrize(("slow", "is_said"), [(slice(40, 120), True), (slice(40, 60), False)])
def test_a_fit_says_how_many_rows_a_quicker_machine_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, slow: slice, is_said: bool
) -> None:
    path = write(tmp_path / "t.csv", with_names=False, n=120)
    header, *lines = path.read_text().splitlines()
    cells = [line.split(",") for line in lines]
    for row in cells[slow]:
        row[-1] = str(1.25 * float(row[-1]))
    path.write_text("\n".join([header, *(",".join(row) for row in cells)]) + "\n")
    options = ["--space", "table", "--model", "polynomial", "--no-plot", "--out", str(tmp_path / "m")]
    assert invoke(["fit", str(path), *options]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "predictions are for its median level." in said
    line = "33 % of the rows are at one 20 % quicker, the machine's own where something slowed the others."
    assert (line in said) == is_said
