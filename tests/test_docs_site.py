"""The documentation site: it builds without a warning and shows every public name and every page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hwcost
from hwcost.facts import FACTS
from tests.conftest import ROOT

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    for module in ("mkdocs", "material", "mkdocstrings_handlers.python"):
        pytest.importorskip(module, reason="the site needs the extra docs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]  # strict needs its warnings
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    return folder


def test_every_page_is_in_the_site(site: Path) -> None:
    for page in (ROOT / "docs").glob("*.md"):
        name = "index.html" if page.stem == "index" else f"{page.stem}/index.html"
        assert (site / name).exists(), f"mkdocs.yml's nav lacks {page.name}"


def test_the_site_shows_every_fact(site: Path) -> None:
    page = (site / "facts" / "index.html").read_text(encoding="utf-8")
    for fact in FACTS:
        assert f"<code>{fact.name}</code>" in page, fact.name


def test_the_reference_shows_every_public_name(site: Path) -> None:
    page = (site / "reference" / "index.html").read_text(encoding="utf-8")
    for name in hwcost.__all__:
        assert f'id="hwcost.{name}"' in page, name
    assert ":func:" not in page


def test_nothing_is_loaded_from_other_sites(site: Path) -> None:
    for page in site.rglob("index.html"):
        text = page.read_text(encoding="utf-8")
        assert "fonts.googleapis" not in text
        assert 'src="http' not in text
