"""The JSON Schema and the page about suites say what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hwcost.configuration import OPTIONS
from hwcost.configuration.files import read_toml
from hwcost.configuration.settings import settings_model
from hwcost.configuration.table import checked
from hwcost.errors import DataError
from hwcost.suites import Suite
from hwcost.suites.document import filled
from hwcost.suites.schema import document_schema
from tests.conftest import ROOT

pytestmark = pytest.mark.once

PAGE = (ROOT / "docs" / "suites.md").read_text(encoding="utf-8")


def test_the_committed_schema_is_that_of_the_code() -> None:
    """Made by: hwcost config schema --json docs/hwcost.schema.json."""
    kept = json.loads((ROOT / "docs" / "hwcost.schema.json").read_text(encoding="utf-8"))
    assert kept.pop("schema_version") == 1
    assert kept == document_schema()


def keys(schema: dict[str, Any]) -> set[str]:
    return {key for one in schema["$defs"].values() for key in one["properties"]} | set(OPTIONS)


def test_the_page_has_a_line_for_every_key() -> None:
    text = filled(PAGE)
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) >= keys(document_schema())


def test_the_configurations_of_the_page_are_right(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert blocks
    for number, block in enumerate(blocks):
        (tmp_path / f"{number}.toml").write_text(block, encoding="utf-8")
        document, _ = read_toml(tmp_path / f"{number}.toml", "the example")
        checked(settings_model(), document, "docs/suites.md")
        for values in document.get("suite", {}).values():
            if values.keys() != {"policy"}:  # what the page adds to a suite
                checked(Suite, values, "docs/suites.md")


def test_a_key_that_is_missing_is_named_with_what_lacks_it() -> None:
    with pytest.raises(DataError, match=r"s.toml: workloads\[1\].name: is needed and missing in {'model': 'm:f'}"):
        checked(Suite, {"name": "s", "devices": ["here"], "workloads": [{"model": "m:f"}]}, "s.toml")
