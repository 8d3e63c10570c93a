"""Nothing that is shipped makes code or objects of data, hands text to a shell, or listens to the world."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

import pytest

from tests.conftest import ROOT
from tests.syntax import tree_of

pytestmark = pytest.mark.once

FOLDERS = ("hwcost", "kernels", "benchmarks", "docs")
"""Code that users run; tests may pickle, since that is what some of them test."""

UNSAFE_MODULES = {
    "pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "jsonpickle", "shelve", "marshal",
}  # fmt: skip
"""Modules that make objects or code of bytes or text."""

UNSAFE_CALLS = {
    "eval", "exec", "builtins.eval", "builtins.exec", "os.system", "os.popen", "subprocess.getoutput",
    "subprocess.getstatusoutput", "asyncio.create_subprocess_shell", "torch.load", "torch.jit.load", "torch.hub.load",
    "torch.package.PackageImporter", "pandas.read_pickle", "yaml.load", "yaml.load_all", "yaml.full_load",
    "yaml.unsafe_load",
}  # fmt: skip
SAFE_ONLY_WHERE_FALSE = {"shell", "allow_pickle"}
"""Arguments that nothing but a written ``False`` makes safe."""

LOOKED_AT = (ast.Import, ast.ImportFrom, ast.Call, ast.List, ast.Tuple, ast.Constant)
SHELLS = {"sh", "bash", "dash", "zsh", "/bin/sh", "/bin/bash"}


def names_of_imports(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Returns what every imported name stands for, such as ``numpy`` for ``np`` and ``torch.load`` for ``load``."""
    found: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
    return found


def dotted(node: ast.AST, known: Mapping[str, str]) -> str:
    """Returns the whole name of what is called; empty for a call of something that has none."""
    if isinstance(node, ast.Name):
        return known.get(node.id, node.id)
    owner = dotted(node.value, known) if isinstance(node, ast.Attribute) else ""
    return f"{owner}.{node.attr}" if isinstance(node, ast.Attribute) and owner else ""


def is_unsafe_call(node: ast.Call, known: Mapping[str, str]) -> bool:
    last = getattr(node.func, "attr", "")
    given = [one.value for one in node.keywords if one.arg in SAFE_ONLY_WHERE_FALSE]
    is_false = [isinstance(value, ast.Constant) and value.value is False for value in given]
    is_open = any(one.arg == "host" and getattr(one.value, "value", None) in ("", "::") for one in node.keywords)
    is_named = dotted(node.func, known) in UNSAFE_CALLS or last in ("read_pickle", "to_pickle")
    return is_named or is_open or not all(is_false)


def is_shell_line(node: ast.List | ast.Tuple) -> bool:
    texts = [one.value if isinstance(one, ast.Constant) else None for one in node.elts]
    return any(one in SHELLS and other in ("-c", "-lc") for one, other in pairwise(texts))


def is_unsafe_import(node: ast.Import | ast.ImportFrom) -> bool:
    owner = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    names = {f"{owner}{alias.name}" for alias in node.names}
    return bool(names & UNSAFE_CALLS or {name.split(".")[0] for name in names} & UNSAFE_MODULES)


def is_unsafe(node: ast.AST, known: Mapping[str, str]) -> bool:
    """Whether something makes code or objects of data, hands text to a shell, or listens to the world."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return is_unsafe_import(node)
    if isinstance(node, ast.Call):
        return is_unsafe_call(node, known)
    if isinstance(node, (ast.List, ast.Tuple)):
        return is_shell_line(node)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and "0.0.0.0" in node.value


def runs_what_it_reads(tree: ast.AST) -> Iterator[ast.AST]:
    nodes = [node for node in ast.walk(tree) if isinstance(node, LOOKED_AT)]
    known = names_of_imports(nodes)
    return (node for node in nodes if is_unsafe(node, known))


def test_nothing_runs_what_it_reads() -> None:
    """No pickle, no evaluation of text, no shell, no unsafe loading, no address open to the world."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    wrong = [
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"
        for path in paths
        for node in runs_what_it_reads(tree_of(path))
    ]
    assert len(paths) > 500
    assert wrong == []


UNSAFE = [
    "eval(text)", "exec(text)", "import builtins\nbuiltins.eval(text)", "import torch\ntorch.load(path)",
    "from torch import load\nload(path)", "from torch import load as read", "import torch as t\nt.load(path)",
    "import torch\ntorch.hub.load('a', 'b')", "run(line, shell=True)", "run(line, shell=is_line)", "serve('0.0.0.0')",
    "serve(host='::')", "import os\nos.system(line)", "import os as o\no.popen(line)", "from os import system",
    "import subprocess\nsubprocess.getoutput(line)", "from subprocess import getstatusoutput as run\nrun(line)",
    "import asyncio\nasyncio.create_subprocess_shell(line)", "import pickle", "import dill", "from cloudpickle import loads",
    "from pickle import loads", "import numpy as np\nnp.load(path, allow_pickle=True)", "load(path, allow_pickle=given)",
    "import pandas as pd\npd.read_pickle(path)", "frame.to_pickle(path)", "import yaml\nyaml.load(text)",
    "run(['bash', '-c', line])", "run(('env', 'sh', '-c', line))", "import marshal", "import joblib",
]  # fmt: skip
SAFE = (
    "import numpy as np\nimport json\nimport subprocess\nimport yaml\nrun(line, shell=False)\njson.load(file)\n"
    "np.load(path, allow_pickle=False)\nnp.load(path)\nmodel.eval()\nproblem.evaluator.eval(x)\nyaml.safe_load(text)\n"
    "subprocess.run(['git', '-c', 'a=b'])\nserve('127.0.0.1')\nhwcost.load(path)\ndef __reduce__(self): pass\n"
)


def test_what_runs_what_it_reads_is_found() -> None:
    assert [text for text in UNSAFE if not any(runs_what_it_reads(ast.parse(text)))] == []
    assert [ast.unparse(node) for node in runs_what_it_reads(ast.parse(SAFE))] == []
