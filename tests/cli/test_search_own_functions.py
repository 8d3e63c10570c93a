"""Functions of the user's in ``hwcost search``: what they print, and why they fail."""

from __future__ import annotations

import json

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
