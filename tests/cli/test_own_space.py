"""The loop of a space of the user's own on the command line, without measuring."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from hwcost.cli import winners
from hwcost.cli.main import invoke
from hwcost.cost_models import load
from tests.workloads.in_process import probe_in_process

NETS = """
def build(width, kind): raise RuntimeError("whatever fails here is told when it is measured")
def other(width, kind): return build(width, kind)
def quality(arch): return arch.genes[0]
"""
ROWS = [(width, kind, 1e-3 * width * (1.5 if kind == "b" else 1.0)) for width in (1, 2, 3, 4, 6) for kind in ("a", "b")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "own_cli_nets.py").write_text(NETS)
    rows = [f"{width},{kind},{seconds}" for width, kind, seconds in ROWS]
    (tmp_path / "rows.csv").write_text("width,kind,latency_s\n" + "\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    probe_in_process(monkeypatch)
    return tmp_path


def run(*arguments) -> dict:
    assert invoke([*map(str, arguments), "--json", "out.json"]) == 0
    with open("out.json", encoding="utf-8") as file:
        found: dict = json.load(file)
    return found


def measured_in_4_ms(monkeypatch) -> list[tuple[str, tuple]]:
    """Lets every net of a search's campaign take 4 ms; returns the list to which their factories and genes are added."""
    built: list[tuple[str, tuple]] = []

    def measured(plan, place):
        nets = [item.workload for item in plan.items]
        built.extend((net.factory, tuple(net.genes)) for net in nets)
        one = SimpleNamespace(latency_s=4e-3, low_s=3.9e-3, high_s=4.1e-3)
        return SimpleNamespace(measurements=[one for _ in nets], flags=())

    monkeypatch.setattr(winners, "_run", measured)
    return built


@pytest.mark.torch
def test_a_table_declares_a_space_is_fitted_and_searched(folder, capsys, monkeypatch) -> None:
    listed = run("spaces", "from-table", "rows.csv", "--out", "own.toml")
    assert listed["genes"] == [{"name": "width", "choices": [1, 2, 3, 4, 6]}, {"name": "kind", "choices": ["a", "b"]}]
    run("fit", "rows.csv", "--space", "./own.toml", "--model", "lut", "--out", "models/own", "--no-plot")
    built = measured_in_4_ms(monkeypatch)
    found = run(
        "search", "--maximize", "own_cli_nets:quality", "--constraint", "models/own<=4.5ms", "--probability", 0,
        "--measure", "--model", "own_cli_nets:build",
    )  # fmt: skip
    assert found["front"][0]["arch"] == "width=4,kind=a"
    assert found["front"][0]["params"] is None
    assert built[0] == ("own_cli_nets:build", (4, "a"))
    assert built[0][1] in {tuple(genes) for genes in load("models/own").measured_}
    assert found["measured"][0]["measured_s"] == 4e-3


@pytest.mark.torch
def test_winners_are_built_by_the_factory_that_the_model_has_learnt_from(folder, capsys, monkeypatch) -> None:
    run("spaces", "from-table", "rows.csv", "--out", "own.toml")
    run("fit", "rows.csv", "--space", "./own.toml", "--model", "lut", "--out", "models/other", "--no-plot")
    model = load("models/other")
    model.provenance |= {"factory": "own_cli_nets:build", "factory_sha256": "another file"}
    model.save("models/other")
    built = measured_in_4_ms(monkeypatch)
    command = ["search", "--maximize", "own_cli_nets:quality", "--constraint", "models/other<=4.5ms", "--probability", "0"]
    command += ["--measure"]
    assert invoke(command) == 0
    assert {factory for factory, _ in built} == {"own_cli_nets:build"}
    assert "the file of own_cli_nets:build has changed since" in capsys.readouterr().err
    assert invoke([*command, "--model", "own_cli_nets:other"]) == 0
    assert "the winners are built by own_cli_nets:other" in capsys.readouterr().err
    assert built[-1][0] == "own_cli_nets:other"


@pytest.mark.torch
def test_a_plan_of_a_declared_space(folder) -> None:
    run("spaces", "from-table", "rows.csv", "--out", "own.toml")
    command = ["measure", "--space", "./own.toml", "--model", "own_cli_nets:build", "--dry-run"]
    plan = run(*command, "-n", 6, "--test-rows", 2)["plan"]
    assert len(plan["items"]) == 8
    assert {item["workload"]["factory"] for item in plan["items"]} == {"own_cli_nets:build"}
    assert len(run(*command, "-n", 4, "--test-rows", 3, "--uniform", 3)["plan"]["items"]) == 10  # the whole space
    assert len(run(*command)["plan"]["items"]) == 10
    plan = run(*command, "--arch", "width=2,kind=b")["plan"]
    assert plan["items"][0]["workload"]["genes"] == [2, "b"]


@pytest.mark.torch
def test_architectures_are_spread_over_shapes_though_no_size_is_known(folder) -> None:
    command = ["measure", "--space", "./own.toml", "--model", "own_cli_nets:build", "-n", "8", "--batch-size", "1,4"]
    run("spaces", "from-table", "rows.csv", "--out", "own.toml")
    plan = run(*command, "--design", "spread", "--dry-run")["plan"]
    assert sorted(item["workload"]["batch_size"] for item in plan["items"]) == [1] * 4 + [4] * 4


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("search --space table --minimize own_cli_nets:quality", "declare one, for example with 'hwcost spaces from-table"),
        ("measure --space ./own.toml --dry-run", "give the factory that builds its architectures: --model"),
        pytest.param(
            "measure --space ./own.toml --model own_cli_nets:quality --dry-run", "cannot be called with the arguments width",
            marks=pytest.mark.torch,
        ),
        ("measure --space supershaper --components --model own_cli_nets:build --dry-run", "builds whole models only"),
        ("measure --space ./own.toml --model own_cli_nets:build --model own_cli_nets:other --dry-run", "was given 2 times"),
        pytest.param(
            "measure --space ./own.toml --model own_cli_nets:build --on local:///t --dry-run",
            "an hwcost that is installed",
            marks=pytest.mark.torch,
        ),
        ("search --space ./own.toml --minimize params", "params of space 'custom' are not known"),
        ("spaces from-table rows.csv --out own.txt", "which ends in .toml"),
        ("spaces from-table rows.csv --out o.toml --columns height", "columns names 'height', which is not a gene"),
        ("fit rows.csv --operators --unit ms --out m", "give --space"),
    ],
)  # fmt: skip
def test_mistakes_are_told(folder, capsys, command, says) -> None:
    run("spaces", "from-table", "rows.csv", "--out", "own.toml")
    capsys.readouterr()
    assert invoke(command.split()) == 2
    assert says in capsys.readouterr().err
