"""A line of the layout imports only from lines above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

LAYERS = [
    ["errors"],
    ["units"],
    ["_types", "_dtypes", "_cached"],
    ["_io", "_stats"],
    ["_jsonl"],
    ["_resources", "_extras", "_locks", "_imports"],
    ["files", "registry"],
    ["devices"],
    ["facts"],
    ["spaces"],
    ["corpora"],
    ["kernels"],
    ["workloads"],
    ["supernets"],
    ["levels"],
    ["backends"],
    ["timing"],
    ["stores"],
    ["exchange"],
    ["campaign"],
    ["agent"],
    ["cost_models"],
    ["auditing"],
    ["objectives", "pareto"],
    ["searchers"],
    ["study"],
    ["suites", "history"],
    ["report"],
    ["api"],
    ["systems"],
    ["testing"],
    ["cli"],
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


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_timer_reads_a_clock(path: Path) -> None:
    if path.relative_to(ROOT / "hwcost").as_posix() == "timing/timer.py":
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
