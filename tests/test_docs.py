"""Documentation says what the code does: every command and code is described, and the public names are pinned."""

from __future__ import annotations

import inspect
import itertools
import re

import pytest
import typer

import hwcost
from hwcost.auditing.report import CODES as TABLE_CODES
from hwcost.cli import reference
from hwcost.cli.main import application
from hwcost.configuration import OPTIONS
from hwcost.errors import HwcostError
from hwcost.timing.guards.guards import CODES
from tests.conftest import ROOT
from tests.test_layers import PARTS, RANKS, SOURCES, own_layer

CLI = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
AUDIT = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
FLAGS = (ROOT / "docs" / "flags.md").read_text(encoding="utf-8")


def test_every_command_is_described_and_has_help() -> None:
    for name, command in reference.commands().items():
        assert f"`hwcost {name}" in CLI, f"docs/cli.md does not mention hwcost {name}"
        assert command.help, name
    root = typer.main.get_command(application())
    assert all(command.help for command in root.commands.values())  # type: ignore[attr-defined]


def test_every_option_of_every_command_stands_on_the_page_of_options() -> None:
    page = reference.filled((ROOT / "docs" / "options.md").read_text(encoding="utf-8"))
    shared, *sections = page.split("\n## ")[1:]
    by_name = {one.partition("\n")[0].strip("`").removeprefix("hwcost "): one for one in sections}
    for name, command in reference.commands().items():
        for option in command.params:
            assert option.help, f"{name} {option.name}"
            row = option.help.replace("|", "\\|").replace("\n", " ")
            assert row in by_name[name] or row in shared, f"{name} {option.opts}"


@pytest.mark.parametrize(
    ("page", "heading", "command"),
    [
        ("cli", "Options of measuring", "measure"), ("cli", "Options of tables", "evaluate"),
        ("dashboard", "Dashboard", "report build"),
    ],
)  # fmt: skip
def test_pages_say_of_options_what_help_says(page: str, heading: str, command: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    section = re.split(r"^#+ ", text.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    rows = re.findall(r"^\| `(--[\w-]+).*", section, re.MULTILINE)
    assert rows
    options = {name: one for one in reference.commands()[command].params for name in one.opts}
    for name, values in re.findall(r"^\| `(--[\w-]+) (\S+\|[^`]+)`", section, re.MULTILINE):
        choices = options[name].metavar or values.replace("\\|", "|")
        assert values.replace("\\|", "|") == choices, f"docs/{page}.md: {name} takes {choices}"
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|`", r"\1", section).replace("\\|", "|")
    for name in rows:
        assert options[name].help in plain, f"docs/{page}.md says of {name} something else than --help"


def test_help_has_no_brackets_which_a_terminal_takes_for_a_style_and_leaves_out() -> None:
    for name, command in reference.commands().items():
        for option in command.params:
            assert "[" not in option.help, f"{name} {option.opts}: what stands in brackets is not shown; use show_default="


def test_what_can_be_configured_is_described_as_help_does() -> None:
    options = {name: one for one in reference.commands()["measure"].params for name in one.opts}
    for one in OPTIONS.values():
        assert options[one.flag].help.startswith(one.help.rstrip(".")), one.name


def test_every_exit_code_is_described() -> None:
    def codes(kind: type[HwcostError]) -> set[int]:
        return {kind.exit_code}.union(*map(codes, kind.__subclasses__()))

    described = {int(code) for code in re.findall(r"^\| (\d+) \|", CLI, re.MULTILINE)}
    assert codes(HwcostError) <= described == {0, 1, 2, 3, 4, 5, 130}


def test_every_code_that_can_be_raised_is_described() -> None:
    raised = set()
    for path in (ROOT / "hwcost").rglob("*.py"):
        raised |= set(re.findall(r"(?<!os\.)\b([EWI]_[A-Z]{2,}(?:_[A-Z]+)*)\b", path.read_text(encoding="utf-8")))
    assert raised == set(CODES) | set(TABLE_CODES)
    assert set(re.findall(r"^\| `([EWI]_\w+)`", FLAGS, re.MULTILINE)) == set(CODES)
    assert set(re.findall(r"^\| `([EWI]_\w+)`", AUDIT, re.MULTILINE)) == set(TABLE_CODES)


def test_the_public_names() -> None:
    assert hwcost.__all__ == [
        "Constraint", "CostModel", "Maximize", "MeasureOptions", "MeasuredFirst", "Minimize", "Prediction", "TableOptions",
        "audit", "compare", "device", "evaluate", "fit", "load", "lookup_table", "measure", "open_store", "plan", "search",
        "space", "supernet",
    ]  # fmt: skip
    for name in hwcost.__all__:
        assert getattr(hwcost, name).__doc__
    assert callable(hwcost.audit)
    assert callable(hwcost.measure)
    assert callable(hwcost.supernet)


@pytest.mark.parametrize("name", ["audit", "measure", "supernet"])
def test_public_functions_are_functions_with_signatures(name: str) -> None:
    function = getattr(hwcost, name)
    assert inspect.isfunction(function)
    kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
    assert inspect.Parameter.VAR_POSITIONAL not in kinds


def test_the_architecture_page_lists_every_package_in_the_order_of_imports() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    layers = re.findall(r"^\| (`.*?) \|", text.partition("## A measurement")[0], re.MULTILINE)
    rows = [re.findall(r"`(\w+)`", row) for row in layers]
    ranks = [[RANKS[name] for name in row] for row in rows]
    assert all(max(above) <= min(below) for above, below in itertools.pairwise(ranks))
    assert {name for row in rows for name in row} == {own_layer(path) for path in SOURCES} - {"__init__", "__main__"}


def test_the_architecture_page_lists_the_packages_of_cost_models_in_the_order_of_imports() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    part = text.partition("## A fit")[2].partition("\n## ")[0]
    folder = ROOT / "hwcost" / "cost_models"
    packages = [name for names in PARTS["cost_models"] for name in names if (folder / name).is_dir()]
    assert re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) == packages


def test_files_that_the_architecture_page_names_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = {name.removeprefix("hwcost/") for name in re.findall(r"`([\w/]+/\w+\.py)`", text) if "/mine.py" not in name}
    assert len(named) > 15
    places = [(name, ROOT / "hwcost" / name) for name in named if not (ROOT / name).exists()]
    missing = {name for name, path in places if path.parent.is_dir() and not path.exists()}
    assert not missing
