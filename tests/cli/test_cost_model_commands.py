"""fit, predict and evaluate at the command line."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from hwcost.cli.main import invoke
from hwcost.spaces import space

SPACE = space("supershaper")
ARCHS = SPACE.sample(40, seed=0)


@pytest.fixture
def table(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    lines = [",".join([*(f"l{i}" for i in range(1, 13)), "latency_s"])]
    for arch in ARCHS:
        seconds = 1e-12 * SPACE.flops(arch) * float(np.exp(rng.normal(0, 0.005)))
        lines.append(",".join([*map(str, arch.genes), repr(seconds)]))
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def document(capsys, *arguments: str) -> dict:
    assert invoke([*arguments, "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


def test_evaluate_prints_the_document(table, capsys):
    found = document(capsys, "evaluate", table, "--space", "supershaper", "--model", "lut", "--train", "20", "--seeds", "2")
    assert found["schema_version"] == 1
    assert found["n_rows"] == 40
    assert {"lut", "ridge", "constant"} <= set(found["models"])
    assert found["models"]["lut"]["as_measured"]["r2"] > 0.95
    assert found["models"]["constant"]["as_measured"]["kendall_tau"] is None


def test_evaluate_judges_a_prior_from_few_rows(table, capsys, tmp_path):
    out = str(tmp_path / "other")
    document(capsys, "fit", table, "--space", "supershaper", "--model", "lut", "--out", out, "--no-plot")
    few = ("--model", "ridge", "--train", "5", "--seeds", "1", "--prior", out)
    models = document(capsys, "evaluate", table, "--space", "supershaper", *few)["models"]
    assert list(models)[:2] == ["prior", "ridge"]
    assert models["prior"]["as_measured"]["mape"] < models["ridge"]["as_measured"]["mape"]


def test_evaluate_prints_a_table_and_draws(table, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    plot = tmp_path / "figures" / "fit.png"
    arguments = ["evaluate", table, "--space", "supershaper", "--model", "lut", "--split", "ordered", "--plot", str(plot)]
    assert invoke(arguments) == 0
    captured = capsys.readouterr()
    assert "lut, rolling" in captured.out
    assert "Fitted on 32 rows, tested on 8." in captured.out
    assert plot.is_file()
    assert plot.with_suffix(".svg").is_file()


def test_fit_writes_a_model_that_predict_reads(table, capsys, tmp_path):
    out = str(tmp_path / "model")
    found = document(capsys, "fit", table, "--space", "supershaper", "--model", "lut", "--out", out, "--no-plot")
    assert found["metrics"]["r2"] > 0.95
    assert found["interval_90"]["half_width"] < 0.05
    assert set(found["importance"]) == {f"l{i}" for i in range(1, 13)}
    new = "_".join(["360"] * 12)
    (tmp_path / "archs.txt").write_text(f"# comment\n{SPACE.key(ARCHS[0])}\n")
    answers = document(capsys, "predict", out, "--arch", new, "--file", str(tmp_path / "archs.txt"))["predictions"]
    assert [answer["source"] for answer in answers] == ["lut", "measured"]
    assert answers[0]["low_s"] < answers[0]["latency_s"] < answers[0]["high_s"]
    assert answers[0]["latency_s"] == pytest.approx(1e-12 * SPACE.flops(SPACE.parse(new)), rel=0.03)
    assert invoke(["predict", out, "--arch", new]) == 0
    assert "90 % interval" in capsys.readouterr().out


def test_repeats_that_disagree_are_no_answer_and_it_is_said_why(table, capsys, tmp_path):
    text = Path(table).read_text()
    genes, _, seconds = text.splitlines()[5].rpartition(",")
    Path(table).write_text(f"{text}{genes},{23 * float(seconds)!r}\n")
    out, key = str(tmp_path / "model"), genes.replace(",", "_")
    found = document(capsys, "fit", table, "--space", "supershaper", "--model", "lut", "--out", out, "--no-plot")
    assert (found["n_rows"], found["n_architectures"]) == (41, 40)
    assert [one["arch"] for one in found["doubts"]] == [key]
    answer = document(capsys, "predict", out, "--arch", key)["predictions"][0]
    assert answer["latency_s"] == pytest.approx(float(seconds), rel=0.03)
    assert answer["low_s"] < float(seconds) < answer["high_s"]
    assert answer["source"] == "lut"
    assert "2 measurements lie a factor of 23 apart" in answer["doubt"]
    assert invoke(["predict", out, "--arch", key]) == 0
    assert "is answered by the model" in capsys.readouterr().out
    assert invoke(["fit", table, "--space", "supershaper", "--model", "lut", "--out", out, "--no-plot"]) == 0
    shown = capsys.readouterr().out
    assert "41 rows (40 architectures) of space supershaper" in shown
    assert f"The model answers for {key}" in shown


def test_evaluate_counts_architectures_beside_rows(table, capsys):
    lines = Path(table).read_text().splitlines()
    Path(table).write_text("\n".join([lines[0], *lines[1:21] * 2]) + "\n")
    assert invoke(["evaluate", table, "--space", "supershaper", "--model", "lut", "--seeds", "1"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Fitted on 32 rows, tested on 8. These are 16 and 4 different architectures; none is on both sides." in shown


def test_fit_draws_figure_9(table, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    assert invoke(["fit", table, "--space", "supershaper", "--model", "lut", "--out", str(tmp_path / "m")]) == 0
    captured = capsys.readouterr()
    assert "Cross-validated on 40 rows" in captured.out
    for name in ("fitness.png", "fitness.svg", "importance.png", "importance.svg", "config.json", "README.md"):
        assert (tmp_path / "m" / name).is_file()


def test_roofline_is_labelled(capsys):
    arch = "_".join(["360"] * 12)
    found = document(capsys, "predict", "--roofline", "--device", "a100", "--space", "supershaper", "--arch", arch)
    assert found["estimate"] == "estimate from data sheets, not a measurement"
    assert found["predictions"][0]["low_s"] is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["evaluate", "TABLE", "--space", "supershaper", "--drift", "some"], ["--drift 'some'", "auto, none"]),
        (["evaluate", "TABLE", "--space", "supershaper", "--split", "sorted"], ["'sorted'", "ordered, random"]),
        (["evaluate", "TABLE", "--space", "supershaper", "--train", "39"], ["--train 39 of 40 rows", "at least 2"]),
        (["evaluate", "TABLE", "--space", "supershaper", "--model", "lutt"], ["unknown cost model 'lutt'", "'lut'"]),
        (["evaluate", "TABLE"], ["needs a space"]),
        (["evaluate", "TABLE", "--space", "table", "--categorical", "zz"], ["no feature column 'zz'"]),
        (["fit", "TABLE", "--space", "hatt", "--out", "OUT"], ["unknown space 'hatt'"]),
        (["fit", "none.csv", "--space", "table", "--out", "OUT"], ["none.csv", "No such file"]),
        (["fit", "none.db", "--out", "OUT"], ["none.db"]),
        (["predict", "OUT", "--arch", "1"], ["holds no cost model"]),
        (["predict", "--arch", "1"], ["--roofline"]),
        (["predict", "--roofline", "--arch", "1"], ["--device NAME"]),
        (["predict", "--roofline", "--device", "k80", "--space", "supershaper"], ["no architecture was given"]),
        (["predict", "--roofline", "--device", "k80", "--space", "supershaper", "--arch", "1_2"], ["12 genes"]),
    ],
)
def test_bad_input_is_usage(table, tmp_path, capsys, arguments, says):
    given = [table if one == "TABLE" else str(tmp_path / "nothing") if one == "OUT" else one for one in arguments]
    assert invoke(given) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    for text in says:
        assert text in captured.err


def test_a_predictor_of_perplexity_says_so(capsys, tmp_path):
    from hwcost.cost_models.training.quality import fit_quality

    fit_quality(SPACE, ARCHS, [9.0 - 0.001 * sum(arch.genes) / 12 for arch in ARCHS], "ridge").model.save(tmp_path / "model")
    arguments = ["predict", str(tmp_path / "model"), "--model-only", "--arch", "_".join(["360"] * 12)]
    found = document(capsys, *arguments)
    assert (found["quantity"], found["unit"]) == ("perplexity", "1")
    (one,) = found["predictions"]
    assert one["low"] < one["perplexity"] < one["high"]
    assert "latency_s" not in one
    assert invoke(arguments) == 0
    shown = capsys.readouterr().out
    assert "perplexity" in shown
    assert "latency" not in shown


def test_a_fit_that_takes_long_says_what_it_does_without_a_terminal(table, tmp_path, monkeypatch, capsys):
    from hwcost.cli import progress

    fit = ["fit", table, "--space", "supershaper", "--model", "ridge", "--out", str(tmp_path / "model"), "--no-plot"]
    assert invoke(fit) == 0
    assert "left out in turn" not in capsys.readouterr().err
    monkeypatch.setattr(progress, "patient", partial(progress.patient, patience_s=0.0))
    assert invoke(fit) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "left out in turn" in line]
    assert "ridge: rows left out in turn, 1 of 10 parts done" in lines
    assert len(lines) < 6  # one for each model whose rows are left out, not one for each part
