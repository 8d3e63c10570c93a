"""The audit at the command line: the document, the gate, the figure, and every kind of bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hwcost.cli.main import invoke
from tests.conftest import ROOT

ROWS = 120
LAW_S = 1e-3 + 1e-5 * np.random.default_rng(0).permutation(ROWS)


def write(path: Path, latency_s: np.ndarray) -> str:
    rows = "\n".join(f"{1e5 * (law - 1e-3):.0f},{seconds!r}" for law, seconds in zip(LAW_S, latency_s.tolist(), strict=True))
    path.write_text("x,latency_s\n" + rows + "\n")
    return str(path)


@pytest.fixture
def clean(tmp_path: Path) -> str:
    return write(tmp_path / "clean.csv", LAW_S * np.exp(np.random.default_rng(1).normal(0, 0.005, ROWS)))


@pytest.fixture
def drifting(tmp_path: Path) -> str:
    noise = np.exp(np.random.default_rng(2).normal(0, 0.005, ROWS))
    return write(tmp_path / "drifting.csv", LAW_S * noise * np.where(np.arange(ROWS) < 70, 1.0, 1.2))


def document(capsys, *arguments: str) -> dict:
    assert invoke(["audit", *arguments, "--space", "table", "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_page_names_every_field_of_the_document(clean, capsys):
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8").partition("## The document")[2]
    assert [name for name in document(capsys, clean) if f"`{name}`" not in page] == ["schema_version"]


def test_the_document(drifting, capsys):
    found = document(capsys, drifting)
    assert next(iter(found)) == "schema_version"
    assert (found["schema_version"], found["verdict"], found["flags"]) == (1, "drifting", ["W_DRIFT"])
    assert found["level_range"] == pytest.approx(20, abs=2)
    assert found["von_neumann"] < found["von_neumann_critical"]
    assert [set(one) for one in found["segments"]] == [{"first_row", "last_row", "level"}] * 2
    assert found["segments"][1]["first_row"] == pytest.approx(70, abs=3)
    assert found["segments"][1]["last_row"] == ROWS - 1
    assert (found["duplicates"], found["n_rows"]) == (0, ROWS)
    assert found["signal_tau"] > 0.5


@pytest.mark.parametrize(("limit", "code"), [("mild", 1), ("drifting", 1), ("invalid", 0)])
def test_the_gate(drifting, clean, limit, code):
    assert invoke(["audit", drifting, "--space", "table", "--fail-on", limit, "-q"]) == code
    assert invoke(["audit", clean, "--space", "table", "--fail-on", limit, "-q"]) == 0


def test_several_tables_are_compared(clean, drifting, tmp_path, capsys):
    copy = tmp_path / "copy.csv"
    copy.write_text(Path(clean).read_text())
    found = document(capsys, clean, str(copy))
    assert (found["verdict"], found["flags"]) == ("invalid", ["E_DUPLICATE"])
    assert [one["verdict"] for one in found["sources"]] == ["invalid", "invalid"]
    found = document(capsys, clean, drifting)
    assert (found["verdict"], [one["verdict"] for one in found["sources"]]) == ("drifting", ["clean", "drifting"])


def test_what_a_terminal_shows(drifting, capsys):
    assert invoke(["audit", drifting, "--space", "table"]) == 0
    captured = capsys.readouterr()
    assert "drifting (W_DRIFT)" in captured.out
    assert "Level of the machine" in captured.out
    assert "The machine's own speed moved" in captured.out
    assert "W_DRIFT:" in captured.err


def test_the_figure_is_written(drifting, tmp_path):
    pytest.importorskip("matplotlib")
    assert invoke(["audit", drifting, "--space", "table", "--plot", str(tmp_path / "f" / "audit.png"), "-q"]) == 0
    assert (tmp_path / "f" / "audit.png").is_file()
    assert (tmp_path / "f" / "audit.svg").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{clean}"], "needs a space"),
        (["{clean}", "--space", "nowhere"], "unknown"),
        (["{clean}", "--space", "table", "--fail-on", "clean"], "Known: mild, drifting, invalid"),
        (["{clean}", "{clean}", "--space", "table", "--plot", "x.png"], "one by one"),
        (["absent.csv", "--space", "table"], "absent.csv"),
        (["{clean}", "--space", "table", "--run-column", "day"], "day"),
        (["{clean}", "--space", "table", "--categorical", "y"], "no feature column 'y'"),
        ([], "Missing argument"),
    ],
)
def test_bad_input_is_refused_in_words(arguments, message, clean, capsys):
    assert invoke(["audit", *(one.format(clean=clean) for one in arguments)]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
