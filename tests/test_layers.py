"""A line of the layout imports only from lines above it, and no modules import each other in a circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.once

LAYERS = [
    ["errors"],
    ["units"],
    ["_types", "_dtypes", "_cached", "_log", "_arguments", "_bounds"],
    ["_io", "_stats"],
    ["_jsonl"],
    ["_resources", "_extras", "_locks", "_imports", "_distributions"],
    ["files", "registry"],
    ["configuration"],
    ["devices"],
    ["facts"],
    ["spaces"],
    ["quantities"],
    ["corpora"],
    ["tasks"],
    ["kernels"],
    ["workloads"],
    ["supernets"],
    ["levels"],
    ["backends"],
    ["timing"],
    ["stores"],
    ["exchange"],
    ["agent"],
    ["campaign"],
    ["elsewhere"],
    ["cost_models"],
    ["auditing"],
    ["objectives", "pareto"],
    ["searchers"],
    ["study"],
    ["suites", "history"],
    ["report"],
    ["api"],
    ["systems"],
    ["cli"],
    ["testing"],
]
RANKS = {name: rank for rank, names in enumerate(LAYERS) for name in names}
SOURCES = sorted((ROOT / "hwcost").rglob("*.py"))
NO_TORCH = ("cost_models", "objectives", "searchers", "study")


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "hwcost")
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def layer(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "hwcost" and len(parts) > 1 and parts[1] in RANKS else None


def own_layer(path: Path) -> str:
    return path.relative_to(ROOT / "hwcost").parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    name = own_layer(path)
    if name in ("__init__", "__main__"):
        return
    assert name in RANKS, f"hwcost/{name} has no place in the layout; give it one in LAYERS"
    for module in imports(ast.parse(path.read_text(encoding="utf-8"))):
        other = layer(module)
        if other is not None and other != name:
            assert RANKS[other] < RANKS[name], f"{name} must not import {module}"


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def run_at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yields the imports that importing a module runs: not those for type checkers, nor those within functions."""
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, ast.If):
            yield from run_at_import(node.orelse if "TYPE_CHECKING" in ast.unparse(node.test) else node.body + node.orelse)
        elif isinstance(node, ast.Try):
            caught = [line for handler in node.handlers for line in handler.body]
            yield from run_at_import(node.body + caught + node.orelse + node.finalbody)
        elif isinstance(node, (ast.With, ast.ClassDef)):
            yield from run_at_import(node.body)


def imported_by(source: str, known: Collection[str]) -> set[str]:
    """Returns the known modules that importing a module imports by name."""
    found: set[str] = set()
    for node in run_at_import(ast.parse(source).body):
        found |= set(imports(node))
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found & set(known)


def circle(graph: Mapping[str, Collection[str]]) -> list[str]:
    """Returns a circle of modules, each of which imports the next; empty where there is none."""
    left = {module: set(others) - {module} for module, others in graph.items()}
    while leaves := {module for module, others in left.items() if not others & set(left)}:
        left = {module: others for module, others in left.items() if module not in leaves}
    if not left:
        return []
    way = [min(left)]
    while way[-1] not in way[:-1]:
        way.append(min(left[way[-1]] & set(left)))
    return way[way.index(way[-1]) :]


def test_modules_import_each_other_in_no_circle() -> None:
    sources = {module_of(path): path.read_text(encoding="utf-8") for path in SOURCES}
    assert circle({module: imported_by(source, sources) for module, source in sources.items()}) == []


def test_a_circle_is_found() -> None:
    sources = {
        "hwcost.a": "from hwcost.b import f\n",
        "hwcost.b": "try:\n    from hwcost import c\nexcept ImportError:\n    pass\n",
        "hwcost.c": "import hwcost.a\n",
        "hwcost.d": "import hwcost.a\nif TYPE_CHECKING:\n    import hwcost.e\n",
        "hwcost.e": "import hwcost.d\n\n\ndef f():\n    import hwcost.e\n",
    }
    graph = {module: imported_by(source, sources) for module, source in sources.items()}
    assert circle(graph) == ["hwcost.a", "hwcost.b", "hwcost.c", "hwcost.a"]
    assert circle({module: graph[module] for module in ("hwcost.d", "hwcost.e")}) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_timer_reads_a_clock(path: Path) -> None:
    if path.relative_to(ROOT / "hwcost").as_posix() in ("timing/timer.py", "agent/timer.py"):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert "time" not in {alias.name for alias in node.names}, "ask hwcost.timing.timer"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            assert {alias.name for alias in node.names} == {"sleep"}, "ask hwcost.timing.timer"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_runs_what_it_reads(path: Path) -> None:
    """No pickle, no evaluation of text, no shell, no unsafe loading, no address open to the world."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not {"pickle", "joblib", "shelve", "marshal"} & {name.split(".")[0] for name in imports(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), f"line {node.lineno}"
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                assert (node.func.value.id, node.func.attr) != ("torch", "load"), f"line {node.lineno}"
            for keyword in node.keywords:
                assert not (keyword.arg == "shell" and getattr(keyword.value, "value", False)), f"line {node.lineno}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert "0.0.0.0" not in node.value, f"line {node.lineno}"


PAGES = sorted(path for end in ("js", "css", "html", "j2", "svg") for path in (ROOT / "hwcost").rglob(f"*.{end}"))
RUN = (
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|\bon\w+=|srcdoc|javascript:|"
    "style="
)
"""What turns text into markup or code."""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_makes_markup_or_code_of_text(path: Path) -> None:
    """Neither does one load anything from elsewhere; the library of charts comes as its authors made it."""
    text = path.read_text(encoding="utf-8")
    if path.parent.name != "vendor":
        assert re.findall(RUN, text) == []
        assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text.replace("http://www.w3.org/", "")) == []
    assert not re.search(r"innerHTML|\beval\(|new Function|import\(|0\.0\.0\.0", text)


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if own_layer(path) in NO_TORCH], ids=lambda path: str(path.relative_to(ROOT))
)
def test_cost_models_know_no_torch(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    for node in top:
        assert "torch" not in {name.split(".")[0] for name in imports(node)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_command_line_prints_or_exits(path: Path) -> None:
    if own_layer(path) == "cli":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("print", "exit", "quit"), f"line {node.lineno}"
