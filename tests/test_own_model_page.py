"""docs/own-model.md does what it says: from a module with knobs to a verified winner."""

from __future__ import annotations

import json
import re
import shlex
import sys

import pytest

from hwcost.cli.main import invoke
from hwcost.errors import MeasurementError
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "own-model.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
INVALID = MeasurementError.exit_code
SHORT = {"-n 30": "-n 5 --rounds 1 --budget 1s", "--probability 0.9 --measure": "--probability 0", "<=1ms": "<=10s"}


def block(kind: str, begin: str) -> str:
    return next(text for one, text in BLOCKS if one == kind and text.startswith(begin))


def changed(text: str, changes: dict[str, str]) -> str:
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    return text


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mynets.py").write_text(block("python", "# mynets.py"))
    (tmp_path / "myspace.toml").write_text(block("toml", "# myspace.toml"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("mynets", None)


def run_commands(capsys, changes: dict[str, str]) -> dict:
    """Runs the page's commands; returns the last one's document."""
    lines = [line.removeprefix("$ ") for line in changed(block("console", "$"), changes).splitlines()]
    for line in lines:
        command = [*shlex.split(line)[1:], "--json", "document.json"]
        code = invoke(command)
        if code == INVALID and command[0] == "measure":
            pytest.skip("other processes kept the CPUs busy, and hwcost refuses such measurements")
        assert code == 0, capsys.readouterr().err
    with open("document.json", encoding="utf-8") as file:
        document: dict = json.load(file)
    return document


def run_python(changes: dict[str, str]) -> dict:
    names: dict = {}
    exec(compile(changed(block("python", "import hwcost"), changes), "own-model.md", "exec"), names)
    return names


@pytest.mark.torch
def test_the_commands_of_the_page_lead_to_a_winner(folder, capsys) -> None:
    found = run_commands(capsys, SHORT)
    (winner,) = found["front"]
    assert winner["arch"] == "layers=8,hidden=128,activation=gelu"
    assert winner["values"] == {"quality": pytest.approx(8 * 128 * 1.02)}
    assert any("It excludes nothing" in text for text in found["remarks"])


@pytest.mark.slow
@pytest.mark.torch
def test_the_page_as_it_stands(folder, capsys) -> None:
    found = run_commands(capsys, {})
    row = found["measured"][0]
    assert row["predicted_s"] <= 1e-3
    assert row["measured_s"] > 0
    assert row["error"] is not None
    assert run_python({})["check"].latency_s > 0


@pytest.mark.parametrize("n", [30, 5])
def test_the_search_of_the_page_keeps_the_limit(folder, n) -> None:
    """Five nets give no interval: then nothing keeps the limit for sure, and the search follows the score alone."""
    import hwcost as hc

    space = hc.space("./myspace.toml")
    archs = space.sample(n, seed=0, design="spread")
    rows = [{**space.named(arch), "latency_s": 1e-5 * arch.genes[0] * arch.genes[1]} for arch in archs]
    hc.fit(rows, "ridge", space=space).save("models/mine")
    (folder / "mysearch.py").write_text(block("python", "# mysearch.py"))
    names: dict = {}
    exec(compile((folder / "mysearch.py").read_text(), "mysearch.py", "exec"), names)
    best, seconds = names["evolve"](lambda arch: arch["layers"] * arch["hidden"], 5e-3)
    assert space.architecture(best)
    assert 0 < seconds <= (5e-3 if n == 30 else 1.0)


def test_the_operators_of_the_page_add_up(tmp_path) -> None:
    import hwcost as hc

    (tmp_path / "blocks.toml").write_text(block("toml", "# blocks.toml"))
    space = hc.space(str(tmp_path / "blocks.toml"))
    names = [part.name for part in space.components()]
    prices = {name: 1.0 + index / 8 for index, name in enumerate(names)}
    (tmp_path / "operators.csv").write_text("".join(f"{name},{price}\n" for name, price in prices.items()))
    cost = hc.lookup_table(space, tmp_path / "operators.csv", unit="ms")
    arch = space.architecture({"width": 24, "blocks": 3, "expand": 6, "kernel": 5, "pooled": 1})
    wanted = prices["stem"] + 3 * prices["block-24-expand:6-kernel:5"] + prices["head-24"]
    assert cost(arch) == pytest.approx(wanted / 1e3)
