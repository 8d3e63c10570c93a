"""The prose of code and docs: arguments are described by noun phrases, and retired words stay retired."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.language import fragments, headless, retired

pytestmark = pytest.mark.once

CODE = sorted([*(ROOT / "hwcost").rglob("*.py"), *(ROOT / "kernels").glob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])
PROSE = sorted([*CODE, *(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])


def test_descriptions_of_arguments_have_a_subject() -> None:
    assert [line for path in CODE for line in fragments(path)] == []


def test_other_descriptions_have_a_subject_too() -> None:
    assert [line for path in CODE for line in headless(path)] == []


def test_what_has_no_subject_is_found(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        'A = 1\n"""Of the weights."""\n\n\ndef f(x):\n    """Through what.\n\n    Args:\n        x: How many.\n\n    '
        'Returns:\n        Likewise.\n    """\n    typer.Option("--x", help=f"With {x}.")\n'
    )
    assert [text.partition(" ")[2] for text in fragments(path)] == ["x: How many.", "help: With "]
    assert sorted(text.partition(" ")[2] for text in headless(path)) == ["Likewise.", "Of the weights.", "Through what."]


def test_retired_words_are_found_with_the_term_to_write(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("The youngest store is no SQLite file.\nThere is no store, and it is no longer there.\n")
    found = retired(path)
    assert [line.partition(" ")[0] for line in found] == ["page.md:1", "page.md:1"]
    assert "latest" in found[0]


def test_no_retired_words() -> None:
    assert [line for path in PROSE for line in retired(path)] == []
