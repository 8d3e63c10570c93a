"""What the library logs: nothing unless asked for, and on stderr with ``-v``."""

from __future__ import annotations

import ast
import logging
import subprocess
import sys

import pytest

from hwcost.cli.main import invoke
from tests.conftest import ROOT

TABLE = "uuid,width,latency_s\n" + "".join(f"run-{width}-x,{width},{width * 1e-3}\n" for width in range(1, 40))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return str(path)


def test_nothing_is_shown_unless_asked_for(table, capsys) -> None:
    assert invoke(["audit", table, "--space", "table"]) == 0
    assert "hwcost.exchange.table" not in capsys.readouterr().err


def test_verbose_shows_the_log_on_stderr_and_only_then(table, capsys) -> None:
    assert invoke(["audit", table, "--space", "table", "-v"]) == 0
    shown = capsys.readouterr()
    assert f"hwcost.exchange.table: {table}: " in shown.err
    assert "hwcost.exchange.table" not in shown.out
    assert invoke(["audit", table, "--space", "table"]) == 0
    assert "hwcost.exchange.table" not in capsys.readouterr().err


def test_the_library_leaves_the_root_logger_alone() -> None:
    code = (
        "import logging, warnings; before = logging.root.handlers[:], logging.root.level, warnings.filters[:]\n"
        "import hwcost, hwcost.api, hwcost.cli.main, hwcost.campaign.run, hwcost.cost_models, hwcost.searchers\n"
        "assert before[:2] == (logging.root.handlers, logging.root.level)\n"
        "assert [type(one).__name__ for one in logging.getLogger('hwcost').handlers] == ['NullHandler']"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_warning_prints_nothing_where_no_logging_is_set_up() -> None:
    code = (
        "from hwcost.registry import Registry; from hwcost.testing.plugins import registered\n"
        "with registered('hwcost.colours', {'grey': 'no_such_module:x'}):\n"
        "    assert Registry('hwcost.colours', 'colour', {}).members() == {}"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_every_module_that_logs_takes_its_logger_from_one_place() -> None:
    for path in (ROOT / "hwcost").rglob("*.py"):
        assert path.name == "_log.py" or "getLogger(__name__)" not in path.read_text(encoding="utf-8"), path


def test_optuna_keeps_the_level_that_the_user_set() -> None:
    optuna = pytest.importorskip("optuna")
    from hwcost.objectives import Minimize
    from hwcost.searchers.optuna_sampler import OptunaSampler
    from hwcost.searchers.problem import Problem
    from hwcost.spaces import space

    before = optuna.logging.get_verbosity()
    try:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        mini = space("supershaper", scale="mini")
        assert OptunaSampler(Problem(mini, [Minimize(mini.params)]), seed=0).ask(1)
        assert optuna.logging.get_verbosity() == optuna.logging.WARNING
    finally:
        optuna.logging.set_verbosity(before)


FORBIDDEN = ("logging.basicConfig", "logging.disable", "warnings.filterwarnings")


def test_no_module_changes_what_others_log_or_warn() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "hwcost").rglob("*.py")}
    wrong = [
        f"{path}:{node.lineno}"
        for path, text in texts.items()
        if any(name in text for name in FORBIDDEN)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in FORBIDDEN
    ]
    assert wrong == []


def test_the_quiet_exporter_restores_the_loggers() -> None:
    from hwcost.backends.quiet import quiet

    logger, other = logging.getLogger("onnxscript.optimizer"), logging.getLogger("mine")
    logger.setLevel(logging.INFO)
    with quiet():
        assert not logger.isEnabledFor(logging.CRITICAL)
        assert other.isEnabledFor(logging.CRITICAL)
    assert logger.level == logging.INFO
