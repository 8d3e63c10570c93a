"""The systems are built on names that a user can import too: those that a module lists in ``__all__``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from inspect import isclass, isfunction
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT
from tests.syntax import tree_of

pytestmark = pytest.mark.once

SYSTEMS = ROOT / "hwcost" / "systems"
PAPERS = sorted(path.name for path in SYSTEMS.iterdir() if (path / "pipeline.py").exists())
SOURCES = sorted(SYSTEMS.rglob("*.py"))


class Import(NamedTuple):
    module: str
    name: str


def label(path: Path) -> str:
    return str(path.relative_to(SYSTEMS))


def imports(path: Path) -> Iterator[Import]:
    """Yields what a file imports of hwcost; a module that is imported whole has the name ``*``."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "hwcost":
            yield from (Import(node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (Import(alias.name, "*") for alias in node.names if alias.name.split(".")[0] == "hwcost")


def source_of(module: str) -> Path | None:
    """Returns the file of a module, which is not imported; None where there is no such module."""
    path = ROOT.joinpath(*module.split("."))
    return next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.exists()), None)


def public_names(module: str) -> set[str]:
    """Returns what a module lists in ``__all__``; nothing where it has none: such a module is not public."""
    source = source_of(module)
    assert source is not None, f"there is no module {module}"
    for node in tree_of(source).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["__all__"]:
            return set(ast.literal_eval(node.value))
    return set()


def is_public(one: Import) -> bool:
    if any(part.startswith("_") for part in (*one.module.split("."), one.name)):
        return False
    if one.name in public_names(one.module):
        return True
    return bool(source_of(f"{one.module}.{one.name}")) and bool(public_names(f"{one.module}.{one.name}"))


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_systems_import_public_names_only(path: Path) -> None:
    foreign = [one for one in imports(path) if not one.module.startswith("hwcost.systems")]
    assert [one for one in foreign if not is_public(one)] == []


@pytest.mark.parametrize("paper", PAPERS)
def test_systems_do_not_import_each_other(paper: str) -> None:
    others = tuple(f"hwcost.systems.{other}" for other in PAPERS if other != paper)
    for path in (SYSTEMS / paper).rglob("*.py"):
        for one in imports(path):
            module = f"{one.module}.{one.name}"
            assert not any(f"{module}.".startswith(f"{other}.") for other in others), f"{label(path)} imports {module}"


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parent == SYSTEMS], ids=label)
def test_what_systems_share_knows_none_of_them(path: Path) -> None:
    assert not [one for one in imports(path) if one.module.split(".")[2:3] and one.module.split(".")[2] in PAPERS]


def test_there_are_four() -> None:
    assert PAPERS == ["autodistil", "autodistill", "components", "supershaper"]


@pytest.mark.parametrize("module", sorted({one.module for path in SOURCES for one in imports(path)}))
def test_public_names_exist_and_are_described(module: str) -> None:
    try:
        loaded = import_module(module)
    except ModuleNotFoundError as error:
        pytest.skip(f"needs {error.name}")
    for name in public_names(module):
        value = getattr(loaded, name)
        assert value.__doc__ or not (isclass(value) or isfunction(value)), name
