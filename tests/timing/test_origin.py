"""A process tells when what it measured is not the code of the working tree that it was to measure."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from hwcost.errors import UsageError
from hwcost.timing.processes.origin import check_origin, top_of
from tests.conftest import import_anew


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working tree with a folder that the suite is in; a package of its own is also installed beside it."""
    for name in ("tree/bench", "installed"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "tree" / ".git").write_text("gitdir: elsewhere")
    return tmp_path / "tree"


def module(place: Path, name: str = "origin_pkg") -> None:
    (place / name).mkdir(parents=True, exist_ok=True)
    (place / name / "__init__.py").write_text("")


def imported(monkeypatch: pytest.MonkeyPatch, place: Path, name: str = "origin_pkg") -> None:
    import_anew(monkeypatch, name)
    monkeypatch.syspath_prepend(str(place))
    importlib.import_module(name)


@pytest.mark.parametrize("place", ["", "src", "python", "bench", "packages/one/src"])
def test_a_module_of_the_tree_that_came_from_elsewhere_is_named(
    monkeypatch: pytest.MonkeyPatch, tree: Path, place: str
) -> None:
    installed = tree.parent / "installed"
    module(tree / place), module(installed), module(tree / "bench", "origin_net")
    if place.startswith("packages"):
        (tree / "packages/one/pyproject.toml").write_text("")
    imported(monkeypatch, tree / "bench", "origin_net")
    imported(monkeypatch, installed)
    with pytest.raises(UsageError) as told:
        check_origin(str(tree / "bench"))
    assert f"module 'origin_pkg' was imported from {installed}/origin_pkg/__init__.py" in str(told.value)
    assert f"({Path(place) / 'origin_pkg/__init__.py'})" in str(told.value)


def test_a_module_of_the_tree_passes_whatever_else_is_installed(monkeypatch: pytest.MonkeyPatch, tree: Path) -> None:
    installed = tree.parent / "installed"
    for place in (tree / "src", installed, tree / "third_party" / "copy"):
        module(place)
    (tree / "third_party" / "copy" / "setup.py").write_text("")
    module(installed, "origin_other"), module(tree / "third_party" / "copy", "origin_other")
    imported(monkeypatch, installed, "origin_other")
    imported(monkeypatch, tree / "src")
    check_origin(str(tree / "bench"))


def test_where_nothing_is_of_the_tree_the_place_of_the_factory_is_told(monkeypatch: pytest.MonkeyPatch, tree: Path) -> None:
    installed = tree.parent / "installed"
    module(installed, "origin_nets")
    imported(monkeypatch, installed, "origin_nets")
    with pytest.raises(UsageError, match=rf"no module was imported .*: 'origin_nets' came from {installed}/origin_nets"):
        check_origin(str(tree / "bench"), ["origin_nets:small", "origin_nets:large"])
    with pytest.raises(UsageError, match="all of it is installed"):
        check_origin(str(tree))


def test_the_top_of_a_tree_is_found_from_any_folder_of_it(tree: Path, tmp_path: Path) -> None:
    assert top_of(tree / "bench") == top_of(tree) == tree
