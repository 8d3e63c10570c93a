"""A line of the layout imports only from lines above it, and no modules import each other in a circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.syntax import tree_of

pytestmark = pytest.mark.once

LAYERS = [
    ["agent"],
    ["errors"],
    ["units"],
    ["_types", "_dtypes", "_cached", "_log", "_arguments", "_bounds"],
    ["_io", "_left_out", "_patterns", "_stats"],
    ["_jsonl"],
    ["_resources", "_extras", "_imports", "_distributions"],
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
PARTS = {
    "campaign": [
        ["plans"],
        ["components", "estimates", "goals", "processes"],
        ["rounds"],
        ["series"],
        ["result"],
        ["comparisons"],
        ["run"],
        ["planning"],
        ["options"],
        ["targets"],
    ],
    "cost_models": [
        ["arguments", "campaigns", "plugin_methods", "registry", "rowwise", "unconfirmed_level", "workers"],
        ["prediction"],
        ["features"],
        ["data", "learned"],
        ["base"],
        ["checks", "compiled"],
        ["training"],
        ["families"],
        ["card", "upgrade"],
        ["persistence"],
        ["priors"],
        ["evaluation"],
    ],
    "timing": [
        ["arrival", "conditions", "quantity_estimate", "steady", "timer"],
        ["measurement", "stopping"],
        ["protocol"],
        ["telemetry"],
        ["setting"],
        ["guards"],
        ["probe", "visits"],
        ["peaks"],
        ["execution"],
        ["processes"],
    ],
}
"""The order within packages that have packages of their own."""

ON_DEMAND = {
    "hwcost.cost_models.base imports hwcost.cost_models.families.at_shape",
    "hwcost.cost_models.base imports hwcost.cost_models.priors.fit",
    "hwcost.cost_models.base imports hwcost.cost_models.training.measured",
    "hwcost.cost_models.learned imports hwcost.cost_models.persistence",
    "hwcost.cost_models.training.train imports hwcost.cost_models.families.lut",
}
"""What functions import against that order when they are called: all of them but one are methods of the contract.

They alone close circles: what a model answers, and how it is kept, is made of the models themselves.
"""

RANKS = {name: rank for rank, names in enumerate(LAYERS) for name in names}
SOURCES = sorted((ROOT / "hwcost").rglob("*.py"))
"""Every module of the package; each rule is one test, which lists whatever breaks it."""

NO_TORCH = ("cost_models", "objectives", "searchers", "study")


def trees() -> dict[Path, ast.Module]:
    """Returns the syntax tree of every module."""
    return {path: tree_of(path) for path in SOURCES}


def trees_by_name() -> dict[str, ast.Module]:
    return {module_of(path): tree for path, tree in trees().items()}


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


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def test_every_module_has_its_line_in_the_layout() -> None:
    assert {own_layer(path) for path in SOURCES} - {"__init__", "__main__"} <= set(RANKS), "add what is new to LAYERS"


def test_imports_go_one_way() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} must not import {module}"
        for path, tree in trees().items()
        if (name := own_layer(path)) in RANKS
        for module in imports(tree)
        if (other := layer(module)) not in (None, name) and RANKS[str(other)] >= RANKS[name]
    ]
    assert wrong == []


def used(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yields the imports of a module and of its functions, but for those for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        elif isinstance(node, (ast.stmt, ast.excepthandler, ast.match_case)):
            yield from used(node)


def against(package: str, order: list[list[str]], trees: Mapping[str, ast.AST]) -> set[str]:
    """Returns the imports within a package that go against the order of its parts."""
    ranks = {f"hwcost.{package}.{name}": rank for rank, names in enumerate(order) for name in names}
    found = set()
    for module, tree in trees.items():
        own = part_of(module)
        for node in used(tree) if own in ranks else ():
            names = [f"{module_name(node)}.{alias.name}".lstrip(".") for alias in node.names]
            others = {other for name in names if (other := part_of(name)) in ranks and other != own}
            if any(ranks[other] >= ranks[own] for other in others):
                found.add(f"{module} imports {module_name(node) or names[0]}")
    return found


def part_of(module: str) -> str:
    return ".".join(module.split(".")[:3])


def module_name(node: ast.Import | ast.ImportFrom) -> str:
    return (node.module or "") if isinstance(node, ast.ImportFrom) else ""


def modules_in(package: str) -> dict[str, ast.AST]:
    return {module: tree for module, tree in trees_by_name().items() if module.startswith(f"hwcost.{package}.")}


@pytest.mark.parametrize("package", PARTS)
def test_every_part_of_a_package_has_its_line(package: str) -> None:
    assert {module.split(".")[2] for module in modules_in(package)} == {name for names in PARTS[package] for name in names}


def test_parts_of_a_package_import_one_way() -> None:
    found = [against(package, order, modules_in(package)) for package, order in PARTS.items()]
    assert set().union(*found) == ON_DEMAND


def test_an_import_against_the_order_is_found() -> None:
    trees = {
        "hwcost.p.low.one": "from hwcost.p.low import two\n\n\ndef f():\n    from hwcost.p.high.one import g\n",
        "hwcost.p.low.two": "from hwcost.p import name\nif TYPE_CHECKING:\n    from hwcost.p.high import one\n",
        "hwcost.p.beside": "from hwcost.p import low\nimport hwcost.p.high.one\n",
        "hwcost.p.high.one": "from hwcost.p import low\nfrom hwcost.p.beside import g\n",
    }
    parsed = {module: ast.parse(source) for module, source in trees.items()}
    assert against("p", [["low", "beside"], ["high"]], parsed) == {
        "hwcost.p.low.one imports hwcost.p.high.one",
        "hwcost.p.beside imports hwcost.p",
        "hwcost.p.beside imports hwcost.p.high.one",
    }


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


def imported_by(tree: ast.Module, known: Collection[str]) -> set[str]:
    """Returns the known modules that importing a module imports by name."""
    found: set[str] = set()
    for node in run_at_import(tree.body):
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
    known = trees_by_name()
    assert circle({module: imported_by(tree, known) for module, tree in known.items()}) == []


def test_a_circle_is_found() -> None:
    sources = {
        "hwcost.a": "from hwcost.b import f\n",
        "hwcost.b": "try:\n    from hwcost import c\nexcept ImportError:\n    pass\n",
        "hwcost.c": "import hwcost.a\n",
        "hwcost.d": "import hwcost.a\nif TYPE_CHECKING:\n    import hwcost.e\n",
        "hwcost.e": "import hwcost.d\n\n\ndef f():\n    import hwcost.e\n",
    }
    graph = {module: imported_by(ast.parse(source), sources) for module, source in sources.items()}
    assert circle(graph) == ["hwcost.a", "hwcost.b", "hwcost.c", "hwcost.a"]
    assert circle({module: graph[module] for module in ("hwcost.d", "hwcost.e")}) == []


def public(tree: ast.AST) -> set[str]:
    """Returns the names that a module lists in ``__all__``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def imported_on_call(tree: ast.AST, trees: Mapping[str, ast.AST]) -> set[str]:
    """Returns the known modules that a module or one of its functions imports.

    From a package that is what is named: a module within it, or the package itself for a name of its own.
    """
    found: set[str] = set()
    for node in used(tree):
        if isinstance(node, ast.Import):
            found |= set(imports(node))
            continue
        package = module_name(node)
        within = {alias.name for alias in node.names if f"{package}.{alias.name}" in trees}
        within -= public(trees[package]) if within else set()
        found |= {f"{package}.{name}" for name in within}
        if len(within) < len(node.names):
            found.add(package)
    return found & set(trees)


def test_functions_import_in_no_circle_either() -> None:
    known = trees_by_name()
    graph = {
        module: {other for other in imported_on_call(tree, known) if f"{module} imports {other}" not in ON_DEMAND}
        for module, tree in known.items()
    }
    assert circle(graph) == []


def test_a_circle_through_functions_is_found() -> None:
    sources = {
        "hwcost.p": "from hwcost.p.one import make\n__all__ = ['load', 'make']\n\n\ndef load():\n    import hwcost.p.two\n",
        "hwcost.p.load": "",
        "hwcost.p.one": "if TYPE_CHECKING:\n    from hwcost.p.two import Two\n",
        "hwcost.p.two": "def f(): pass\n",
    }
    trees = {module: ast.parse(source) for module, source in sources.items()}

    def found(of_two: str) -> list[str]:
        changed = {**trees, "hwcost.p.two": ast.parse(of_two)}
        return circle({module: imported_on_call(tree, changed) for module, tree in changed.items()})

    assert found("from hwcost.p import one\n") == []
    assert found("def f():\n    from hwcost.p import load\n") == ["hwcost.p", "hwcost.p.two", "hwcost.p"]
    assert found("try:\n    pass\nexcept ValueError:\n    import hwcost.p\n") == ["hwcost.p", "hwcost.p.two", "hwcost.p"]


def reads_a_clock(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return "time" in {alias.name for alias in node.names}
    return isinstance(node, ast.ImportFrom) and node.module == "time" and {alias.name for alias in node.names} != {"sleep"}


def test_only_the_timer_reads_a_clock() -> None:
    timers = {ROOT / "hwcost" / name for name in ("timing/timer.py", "agent/timer.py")}
    others = {path: tree for path, tree in trees().items() if path not in timers}
    wrong = [place(path, node) for path, tree in others.items() for node in ast.walk(tree) if reads_a_clock(node)]
    assert wrong == [], "ask hwcost.timing.timer"


def test_clocks_are_found() -> None:
    for line in ("import time", "from time import time"):
        assert any(map(reads_a_clock, ast.walk(ast.parse(line))))
    assert not any(map(reads_a_clock, ast.walk(ast.parse("from time import sleep"))))


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


def test_cost_models_know_no_torch() -> None:
    wrong = [
        place(path, node)
        for path, tree in trees().items()
        if own_layer(path) in NO_TORCH
        for node in tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "torch" in {name.split(".")[0] for name in imports(node)}
    ]
    assert wrong == []


def test_only_the_command_line_prints_or_exits() -> None:
    wrong = [
        place(path, node)
        for path, tree in trees().items()
        if own_layer(path) != "cli"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "exit", "quit")
    ]
    assert wrong == []
