"""Functions of the user's in ``hwcost search``: what they print, and why they fail."""

from __future__ import annotations

import json

import pytest

from hwcost.cli.main import invoke

NAME = "supershaper:scale=mini"


def talking(arch):
    print("scoring", arch)
    return float(sum(arch.genes))


def missing(arch):
    return {}[arch.genes] if arch.genes[0] > 30 else float(sum(arch.genes))


def searched(function: str, *more: str) -> int:
    what = f"tests.cli.test_search_own_functions:{function}"
    return invoke(["search", "--space", NAME, "--maximize", what, "-n", "30", *more])


def test_what_a_function_prints_is_no_part_of_the_json(capsys) -> None:
    assert searched("talking", "--json", "-") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["evaluations"] == 30
    assert captured.err.count("scoring") == 30


def test_the_summary_says_why_evaluations_failed(capsys) -> None:
    assert searched("missing") == 0
    assert "of them failed; the last that failed: missing: KeyError: (" in capsys.readouterr().out


CODE = """
value = 3
def says(arch): return "good"
def fails(arch): raise ValueError("no such layer")
def none(): return 1.0
"""


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("odd_quality:value", "'odd_quality:value' is not a function of an architecture: it is 3. Functions there: says"),
        ("odd_quality:absent", "module 'odd_quality' has no function of an architecture 'absent'. Functions there: says"),
        ("odd_quality:says", "all of the first 12 evaluations failed; the last one: says: TypeError: returned 'good'"),
        ("odd_quality:fails", "all of the first 12 evaluations failed; the last one: fails: ValueError: no such layer"),
        ("odd_quality:none", "none() takes 0 positional arguments but 1 was given"),
        ("odd_quality.py:says", "names a file. Give its module instead, as in 'odd_quality:says'\n"),
        ("./odd_quality.py:says", "as in 'odd_quality:says'\n"),
        ("below/own.py:says", "as in 'own:says' in the folder 'below', or with it in PYTHONPATH"),
        ("nowhere.py:says", "names the file 'nowhere.py', which is not there. Expected package.module:name"),
    ],
)
def test_functions_that_cannot_be_used_are_named(what, says, tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "own.py").write_text(CODE)
    (tmp_path / "odd_quality.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    assert invoke(["search", "--space", NAME, "--maximize", what, "-n", "12"]) == 2
    assert says in capsys.readouterr().err


def test_a_log_is_not_resumed_with_other_scores(tmp_path, monkeypatch, capsys) -> None:
    command = ["search", "--space", NAME, "--maximize", "own_score:score", "-n", "12", "--log", "study.jsonl"]
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "own_score.py"
    path.write_text("def score(arch): return float(sum(arch.genes))\n")
    assert invoke(command) == 0
    assert invoke(command) == 0
    path.write_text("def score(arch): return -float(sum(arch.genes))\n")
    assert invoke(command) == 2
    assert "'study.jsonl' cannot be resumed: the code of the objective 'score' has changed" in capsys.readouterr().err
