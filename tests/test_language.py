"""The prose of code and docs: arguments are described by noun phrases, and retired words stay retired."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.language import fragments, retired

CODE = sorted([*(ROOT / "hwcost").rglob("*.py"), *(ROOT / "kernels").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")])
PROSE = sorted([*CODE, *(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CODE, ids=label)
def test_descriptions_of_arguments_have_a_subject(path: Path) -> None:
    assert fragments(path) == []


@pytest.mark.parametrize("path", PROSE, ids=label)
def test_no_retired_words(path: Path) -> None:
    assert retired(path) == []
