"""What fit says about enlargements, and what is said of a space that describes data only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hwcost.cli.main import invoke

HAT_ARCH = "512_6_1024_4_512_3_1024.5_4_4_1.5"


@pytest.fixture
def table(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    rows = [f"{a},{b},{float(np.exp(rng.normal()))!r}" for a, b in rng.integers(1, 30, (60, 2))]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["a,b,latency_s", *rows]) + "\n")
    return str(path)


def fitted(table: str, tmp_path: Path, capsys, *options: str) -> dict:
    arguments = ["fit", table, "--space", "table", "--model", "lightgbm", "--out", str(tmp_path / "m"), "--no-plot"]
    assert invoke([*arguments, *options, "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


def test_fit_reports_enlargements_where_it_knows_what_they_are(table, tmp_path, capsys):
    assert fitted(table, tmp_path, capsys)["enlargements_faster"] is None
    held = fitted(table, tmp_path, capsys, "--increasing", "a,b")
    assert held["monotone"] == ["a", "b"] == held["provenance"]["monotone"]
    assert held["enlargements_faster"] == {"share_faster": 0.0, "share_notable": 0.0, "worst": 0.0, "n_steps": 500}
    free = fitted(table, tmp_path, capsys, "--increasing", "a,b", "--no-monotone")
    assert free["monotone"] == []
    assert free["enlargements_faster"]["share_notable"] > 0.1


def test_fit_says_it_in_a_line(table, tmp_path, capsys):
    arguments = ["fit", table, "--space", "table", "--model", "lightgbm", "--out", str(tmp_path / "m"), "--no-plot"]
    assert invoke([*arguments, "--increasing", "a"]) == 0
    line = "Single-step enlargements called faster: 0.0 % of 4"
    assert line in capsys.readouterr().out
    assert invoke(arguments) == 0
    assert "enlargements" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--increasing", "c"], "'c' is not a numeric column"),
        (["--model", "ridge", "--no-monotone"], "'ridge' does not take these options"),
    ],
)
def test_fit_refuses_what_makes_no_sense(table, tmp_path, capsys, options, said):
    arguments = ["fit", table, "--space", "table", "--model", "lut", "--out", str(tmp_path / "m"), *options]
    assert invoke(arguments) == 2
    assert said in capsys.readouterr().err


def test_columns_cannot_be_named_for_a_space_that_knows_its_genes(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    path.write_text("l1,latency_s\n120,1\n240,2\n")
    assert invoke(["evaluate", str(path), "--space", "supershaper", "--increasing", "l1"]) == 2
    assert "increasing columns are named for the space 'table' only" in capsys.readouterr().err


def test_a_space_that_describes_data_only_is_not_measured(capsys):
    assert invoke(["measure", "--space", "hat", "-n", "2"]) == 2
    assert "describes data only" in capsys.readouterr().err
    assert invoke(["measure", "--space", "hat", "--arch", HAT_ARCH]) == 2
    assert "cannot be built" in capsys.readouterr().err


def test_what_is_unknown_of_it_is_null(capsys):
    assert invoke(["spaces", "show", "hat", "--arch", HAT_ARCH, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["params"] is None
    assert document["flops"] is None
    assert document["genes"]["dec_ffn_avg"] == 1024.5
    assert invoke(["spaces", "show", "hat"]) == 0
    assert "any number" in capsys.readouterr().out
