"""``hwcost version``."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata

import typer
from typer.testing import CliRunner

from hwcost import __version__
from hwcost.cli import version
from hwcost.cli.main import invoke
from hwcost.stores.migrations import HEAD
from hwcost.stores.schema import SCHEMA_VERSION


def call(*arguments):
    app = typer.Typer()
    version.register(app)
    return CliRunner().invoke(app, list(arguments))


def test_the_document():
    document = json.loads(call("--json", "-").stdout)
    assert document["schema_version"] == 1
    assert document["record_schema_version"] == SCHEMA_VERSION
    assert document["hwcost_version"] == __version__
    assert document["store_revision"] == HEAD
    assert document["packages"]["numpy"] == metadata.version("numpy")
    assert document["devices"][0]["kind"] == "cpu"


def test_the_version_alone(capsys):
    assert invoke(["--version"]) == 0
    assert capsys.readouterr().out == f"hwcost {__version__}\n"
    assert invoke(["--version", "version"]) == 0
    assert capsys.readouterr().out == f"hwcost {__version__}\n"


def test_the_tables():
    done = call()
    assert done.exit_code == 0
    assert f"hwcost {__version__}" in done.stdout
    assert "SQLAlchemy" in done.stdout


def test_a_package_that_is_not_installed_is_unknown(monkeypatch):
    monkeypatch.setattr(version, "PACKAGES", ("no-such-package",))
    assert version.describe()["packages"] == {"no-such-package": None}


def test_packages_are_not_imported():
    code = "import sys, hwcost.cli.version as v; v.describe(); print(*({'torch', 'sqlalchemy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_commit_of_a_checkout_only(tmp_path):
    assert version.git_sha(tmp_path) is None
    (tmp_path / ".git").mkdir()
    assert version.git_sha(tmp_path) is None
    sha = version.git_sha()
    assert sha is None or re.fullmatch("[0-9a-f]{40,64}", sha)
