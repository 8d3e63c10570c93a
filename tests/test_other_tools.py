"""A tool that is not there: the test that needs it is skipped, but fails where the full test run was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.other_tools import FOLDER, python_with, tool

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("required", "outcome"), [("system", pytest.fail.Exception), ("", pytest.skip.Exception)], ids=["system", "none"]
)
def test_a_tool_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("HWCOST_REQUIRE", required)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv(FOLDER, str(tmp_path))
    with pytest.raises(outcome, match="the program 'otava' is missing; .*make test-tools"):
        tool("otava")
    with pytest.raises(outcome, match="make test-tools"):
        python_with("otava")
    monkeypatch.delenv(FOLDER)
    with pytest.raises(outcome, match="the package 'no_such_package'"):
        python_with("no_such_package")
    (tmp_path / "otava").write_text("#!/bin/true\n")
    (tmp_path / "otava").chmod(0o755)
    assert tool("otava") == str(tmp_path / "otava")
